"""Golden numbers, from SciPy 1.17.1 by other functions than the program's."""

import numpy as np
import pytest

from cifar10_tf1.records import statistics_of_runs as statistics

pytest.importorskip('scipy', reason='make setup EXTRAS=pictures')

RUNS = [8239.6, 8220.0, 8251.3, 8207.9, 8243.1, 8262.4]
CROPS = [[8206, 8263, 8240, 8221], [8190, 8215, 8209], [8262, 8240, 8251, 8239, 8270]]


def close(value):
    return pytest.approx(value, rel=1e-7, abs=1e-12)


def test_equivalence():
    """Two of scipy.stats.ttest_1samp; t.interval; an integral for the power."""
    result = statistics.assess_equivalence(RUNS, 8246, 30)
    assert [result[key] for key in ('difference', 'p', 'low', 'high', 'power')] == close([
        -8.616666666666788, 0.02411250130806122, -25.186476679519192, 7.953143346185605,
        0.8571681458357213])
    assert result['is_shown'] and result['margin'] == 30
    # The p of the end that is nearer.
    above = statistics.assess_equivalence(RUNS, 8246 - 2 * 8.616666666666788, 30)
    assert above['p'] == close(0.02411250130806122)
    assert not statistics.assess_equivalence(RUNS, 8246, margin=20)['is_shown']


def test_power():
    """scipy.integrate.quad over the variance; 500,000 simulated samples agree within 0.001."""
    assert [statistics.compute_power(n, sd, 30) for n, sd in ((2, 10), (10, 36))] == close([
        0.41302958044245447, 0.5718418737406517])


def test_intervals_and_limits():
    """t of 0.975 and 0.995 with 5 degrees of freedom, from a table."""
    mean, sd, n = np.mean(RUNS), np.std(RUNS, ddof=1), 6
    half = 2.5705818 * sd / n ** 0.5
    assert statistics.find_interval(RUNS, 0.95) == pytest.approx([mean - half, mean + half])
    half = 4.0321430 * sd * (1 + 1 / n) ** 0.5
    assert statistics.find_interval(RUNS, 0.99, of_one_more=True) == pytest.approx(
        [mean - half, mean + half])


def test_two_groups_and_one_more():
    """scipy.stats.ttest_ind, of unequal variances; f_oneway of both."""
    found = statistics.compare_means(CROPS[0], CROPS[2])
    assert [found[key] for key in ('p', 'degrees', 'difference')] == close([
        0.21410901557641665, 4.438014822869887, -19.9])
    assert found['low'] < 0 < found['high']
    assert statistics.compare_one(CROPS[0], 8260)['p'] == close(0.3916845568526574)


def test_too_few_numbers_or_no_spread():
    assert not any([
        statistics.assess_equivalence([5, 5], 6, margin=2), statistics.compare_one([5], 6),
        statistics.compare_means([1, 2], [3]), statistics.compare_means([1, 1], [2, 2]),
        statistics.find_interval([5.0], 0.95), statistics.split_variance([[1], [2]]),
        statistics.split_variance([[1, 2]])])


def test_crops_and_seeds():
    """Unequally many crops; by projections on the means, with NumPy."""
    found = statistics.split_variance(CROPS)
    within, between = 322.09629629174987, 464.50307330293856
    assert found['sd_within'] ** 2 == close(within)
    assert found['sd_between'] ** 2 == close(between)
    assert found['share_between'] == close(between / (within + between))
    assert statistics.split_variance([[1, 9], [2, 8], [0, 10]])['sd_between'] == 0
