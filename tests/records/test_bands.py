"""The bands come from the spread of recorded runs."""

import csv
import glob
import os
import statistics

import pytest

import pages  # noqa: F401  # tools/ becomes importable
from page_tables import runs
from cifar10_tf1 import systems
from cifar10_tf1.records import reference_run
from cifar10_tf1.report import comparison

# Student's t of 97.5 %, by the number of runs less one.
QUANTILES = {5: 2.5706, 7: 2.3646}


@pytest.mark.parametrize('name, curve', [
    (name, curve) for name in ('laptop_cnn', 'udacity_cnn')
    for curve in systems.find(name).documented.curves])
def test_a_band_is_the_limit_for_one_more_run(name, curve):
    """Upper 97.5 % prediction limit, of all recorded runs and those of the plain port."""
    documented, deviations = comparison.load_curve(name, curve.name, curve.figure), []
    folder = os.path.join(reference_run.RUNS, name, 'one-file' if curve.num_files else '')
    for path in (glob.glob(os.path.join(folder, 'plain-port-*.csv'))
                 + glob.glob(os.path.join(folder, '1.15-seed-*', 'metrics.csv'))):
        with open(path, newline='') as file:
            values = {(int(row['epoch']), int(row['part'])): float(row[curve.figure])
                      for row in csv.DictReader(file)}
        off = [100 * abs(values[place] - value) / (1 if curve.is_share else value)
               for place, value in documented.items()]
        deviations.append((statistics.mean(off), max(off)))
    factor = QUANTILES[len(deviations) - 1] * (1 + 1 / len(deviations)) ** 0.5
    for limit, numbers in zip((curve.mean_absolute, curve.largest), zip(*deviations)):
        expected = statistics.mean(numbers) + factor * statistics.stdev(numbers)
        assert limit == pytest.approx(expected, abs=0.051), numbers


@pytest.mark.parametrize('means, expected', [
    ([8220.0, 8230, 8240, 8235], (8110, 8330, 0)),  # too few
    # Mean 8,230, variance 62.5; t of 0.995 and 4 degrees of freedom from a table.
    ([8220.0, 8230, 8240, 8235, 8225], (8230 - 4.604095 * 75 ** 0.5,
                                        8230 + 4.604095 * 75 ** 0.5, 5)),
    ([8000.0, 8100, 8200, 8300, 8400], (8110, 8330, 5))])  # never wider than this
def test_the_band_of_make_accuracy(tmp_path, means, expected):
    pytest.importorskip('scipy')
    path = tmp_path / 'seeds.csv'
    path.write_text('seed,state,mean_correct,central_correct\n' + ''.join(
        f'{i},complete,{mean},8480.0\n' for i, mean in enumerate(means))
        + '99,FAILED,,\n')
    assert runs.find_band('mean_correct', str(path)) == pytest.approx(expected)
