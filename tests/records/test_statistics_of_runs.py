"""Golden numbers, from SciPy 1.17.1 by other functions than the program's.

test_published_statistics.py computes the same by plain NumPy.
"""

import math

import numpy as np
import pytest

from cifar10_tf1.records import statistics_of_runs as statistics

pytest.importorskip('scipy', reason='make setup EXTRAS=pictures')

RUNS = [8239.6, 8220.0, 8251.3, 8207.9, 8243.1, 8262.4]


def close(value):
    return pytest.approx(value, rel=1e-7, abs=1e-12)


def test_summary():
    assert statistics.summarize([2, 4, 4, 6]) == (
        4, 4, close(math.sqrt(8 / 3)), 2, 6)
    assert statistics.summarize([7.5]) == (1, 7.5, None, 7.5, 7.5)


def test_equivalence():
    """Two of scipy.stats.ttest_1samp; t.interval; an integral for the power."""
    result = statistics.assess_equivalence(RUNS, 8246, 30)
    assert result['difference'] == close(-8.616666666666788)
    assert result['margin'] == 30
    assert result['p'] == close(0.02411250130806122)
    assert (result['low'], result['high']) == (close(-25.186476679519192),
                                         close(7.953143346185605))
    assert result['power'] == close(0.8571681458357213)
    assert result['is_shown']


def test_equivalence_is_of_both_sides():
    """The p of the end that is nearer; over one half beyond it."""
    above = statistics.assess_equivalence(RUNS, 8246 - 2 * 8.616666666666788, 30)
    assert above['p'] == close(0.02411250130806122)
    for reference in (8200, 8280):
        outside = statistics.assess_equivalence(RUNS, reference, 30)
        assert outside['p'] > 0.5 and not outside['is_shown']
    assert not statistics.assess_equivalence(RUNS, 8246, margin=20)['is_shown']


def test_runs_without_any_spread():
    assert statistics.assess_equivalence([5, 5, 5], 6, margin=2)['is_shown']
    assert not statistics.assess_equivalence([5, 5, 5], 9, margin=2)['is_shown']


@pytest.mark.parametrize('n, sd, power', [
    # scipy.integrate.quad over the sample's variance; half a million simulated
    # samples agree within 0.001.
    (2, 10, 0.41302958044245447),
    (3, 36, 0.07910570377510846),
    (6, 20, 0.8628663064270735),
    (10, 36, 0.5718418737406517)])
def test_power(n, sd, power):
    assert statistics.compute_power(n, sd, 30) == pytest.approx(power, abs=1e-9)


def test_intervals_and_limits():
    """t of 0.975 and 0.995 with 5 degrees of freedom, from a table."""
    mean, sd, n = np.mean(RUNS), np.std(RUNS, ddof=1), 6
    low, high = statistics.find_mean_interval(statistics.summarize(RUNS))
    assert (low, high) == (pytest.approx(mean - 2.5705818 * sd / n ** 0.5),
                           pytest.approx(mean + 2.5705818 * sd / n ** 0.5))
    assert statistics.find_mean_interval(statistics.summarize([5.0])) is None
    assert statistics.find_prediction_interval(RUNS, 0.99)[0] == pytest.approx(
        mean - 4.0321430 * sd * (1 + 1 / n) ** 0.5)
    assert statistics.find_prediction_interval(RUNS, 0.95)[1] == pytest.approx(
        mean + 2.5705818 * sd * (1 + 1 / n) ** 0.5)


def test_how_many_runs_the_power_takes():
    """More with more spread; one fewer is not enough."""
    number = statistics.find_num_runs(20.0, 30)
    assert statistics.compute_power(number, 20.0, 30) >= 0.9
    assert statistics.compute_power(number - 1, 20.0, 30) < 0.9
    assert number < statistics.find_num_runs(40.0, 30)
    assert statistics.find_num_runs(1000.0, 30) is None


def test_crops_and_seeds():
    """Unequally many crops; by projections on the means, with NumPy."""
    components = statistics.split_variance([
        [8206, 8263, 8240, 8221], [8190, 8215, 8209],
        [8262, 8240, 8251, 8239, 8270]])
    assert components['sd_within'] ** 2 == close(322.09629629174987)
    assert components['sd_between'] ** 2 == close(464.50307330293856)
    assert components['share_between'] == close(464.50307330293856 / 786.5993695946861)


def test_seeds_that_add_no_spread():
    assert statistics.split_variance([[1, 9], [2, 8], [0, 10]])['sd_between'] == 0
    assert statistics.split_variance([[1, 1], [3, 3]]) == {
        'sd_within': 0, 'sd_between': close(2 ** 0.5), 'share_between': 1}
