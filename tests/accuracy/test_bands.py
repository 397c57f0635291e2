"""The bands of laptop_cnn and udacity_cnn are from the spread of recorded runs."""

import csv
import glob
import os
import statistics

import pytest

from cifar10_tf1.records import reference_run
from cifar10_tf1 import report
from cifar10_tf1 import systems

# Student's t of 97.5 %, by the number of runs less one.
QUANTILES = {5: 2.5706, 7: 2.3646}
CURVES = [(name, curve) for name in ('laptop_cnn', 'udacity_cnn')
          for curve in systems.find(name).documented.curves]


def list_deviations(name, curve):
    """[(mean absolute, largest)] of each run, in percent or points."""
    documented = report.load_curve(name, curve.name, curve.figure)
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
    """What one more run is under with 97.5 %, were all recorded ones alike."""
    deviations = list_deviations(name, curve)
    factor = QUANTILES[len(deviations) - 1] * (1 + 1 / len(deviations)) ** 0.5
    for limit, numbers in zip((curve.mean_absolute, curve.largest),
                              zip(*deviations)):
        expected = statistics.mean(numbers) + factor * statistics.stdev(numbers)
        assert limit == pytest.approx(expected, abs=0.051), numbers
