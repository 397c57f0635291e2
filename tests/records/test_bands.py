"""The bands come from the spread of recorded runs."""

import csv
import glob
import os
import statistics

import pytest

from cifar10_tf1.records import reference_run
from cifar10_tf1.report import comparison
from cifar10_tf1 import systems

# Student's t of 97.5 %, by the number of runs less one.
QUANTILES = {5: 2.5706, 7: 2.3646}
CURVES = [(name, curve) for name in ('laptop_cnn', 'udacity_cnn')
          for curve in systems.find(name).documented.curves]


def list_deviations(name, curve):
    """[(mean absolute, largest)] of each run, in percent or points."""
    documented = comparison.load_curve(name, curve.name, curve.figure)
    folder = os.path.join(reference_run.RUNS, name,
                          'one-file' if curve.num_files else '')
    deviations = []
    for path in sorted(
            glob.glob(os.path.join(folder, 'plain-port-*.csv'))
            + glob.glob(os.path.join(folder, '1.15-seed-*', 'metrics.csv'))):
        with open(path, newline='') as file:
            values = {(int(row['epoch']), int(row['part'])):
                      float(row[curve.figure]) for row in csv.DictReader(file)}
        assert set(values) >= set(documented)
        off = [100 * abs(values[place] - value) / (1 if curve.is_share else value)
               for place, value in documented.items()]
        deviations.append((statistics.mean(off), max(off)))
    return deviations


@pytest.mark.parametrize('name, curve', CURVES, ids=lambda value: (
    f'{value.name}-{value.figure}' if isinstance(value, systems.Curve) else value))
def test_a_band(name, curve):
    """The 97.5 % prediction limit for one more run."""
    deviations = list_deviations(name, curve)
    factor = QUANTILES[len(deviations) - 1] * (1 + 1 / len(deviations)) ** 0.5
    for limit, numbers in zip((curve.mean_absolute, curve.largest),
                              zip(*deviations)):
        expected = statistics.mean(numbers) + factor * statistics.stdev(numbers)
        assert limit == pytest.approx(expected, abs=0.051), numbers


def write_seeds(path, means):
    """A seeds.csv with a run that failed behind the others."""
    path.write_text('seed,state,mean_correct,central_correct\n' + ''.join(
        f'{i},complete,{mean},8480.0\n' for i, mean in enumerate(means))
        + '99,FAILED,,\n')
    return str(path)


def test_a_band_comes_from_the_spread_of_enough_runs(tmp_path):
    """t of 0.995 and 4 degrees of freedom is 4.604095, of a table."""
    path = tmp_path / 'seeds.csv'
    pytest.importorskip('scipy')
    few = write_seeds(path, [8220.0, 8230.0, 8240.0, 8235.0])
    assert reference_run.find_band('mean_correct', few) == (8110, 8330, 0)
    numbers = [8220.0, 8230.0, 8240.0, 8235.0, 8225.0]  # mean 8,230, variance 62.5
    low, high, n = reference_run.find_band('mean_correct',
                                           write_seeds(path, numbers))
    assert n == 5
    assert (high + low) / 2 == pytest.approx(8230)
    assert (high - low) / 2 == pytest.approx(4.604095 * (62.5 * 1.2) ** 0.5)


def test_no_band_is_wider_than_what_was_stated_beforehand(tmp_path):
    pytest.importorskip('scipy')
    path = write_seeds(tmp_path / 'seeds.csv', [8000.0, 8100, 8200, 8300, 8400])
    assert reference_run.find_band('mean_correct', path) == (8110, 8330, 5)
