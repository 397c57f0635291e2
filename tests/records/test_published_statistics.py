"""The statistics of the runs in results/, recomputed from their records by NumPy.

test_statistics_of_runs.py holds the tests that they use against golden numbers.
"""

import csv
import glob
import json
import math
import os

import numpy as np
import pytest

from cifar10_tf1 import systems
from cifar10_tf1.records import reference_run
from cifar10_tf1.report import building, gathering, summary as summaries, words
from cifar10_tf1.sweep import __main__ as sweep

pytest.importorskip('scipy', reason='make setup EXTRAS=pictures')

FOLDERS = sorted(os.path.relpath(os.path.dirname(path), reference_run.RUNS)
                 for path in glob.glob(os.path.join(
                     reference_run.RUNS, '**', sweep.STATISTICS), recursive=True))
assert {'deep_cnn', 'lenet5', 'laptop_cnn', 'udacity_cnn'} <= set(FOLDERS)


@pytest.fixture(scope='module', params=FOLDERS)
def case(request):
    """(folder, systems.Entry, runs, summary)."""
    folder = os.path.join(reference_run.RUNS, request.param)
    entry = systems.find(request.param.split(os.sep)[0])
    runs = gathering.load_folder(folder, entry)
    return folder, entry, runs, summaries.summarize(runs, entry)


def load_contents(folder, group):
    """The records of a group's runs, as they lie there, by seed."""
    contents = []
    for path in glob.glob(os.path.join(folder, '*', 'run.json')):
        with open(path) as file:
            content = json.load(file)
        kind = content['processes'][-1]['kind']
        if (kind['wheel'], kind['kernels']) == (group['runtime'], group['kernels']):
            contents.append(content)
    assert len(contents) == len(group['seeds'])  # no seed twice
    return sorted(contents, key=lambda content: content['settings']['seed'])


def find_difference(a, b, name=''):
    """Where two contents of JSON differ, but for the last digits; or None."""
    if isinstance(a, float) and isinstance(b, float):
        return None if math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6) else name
    if isinstance(a, dict) and isinstance(b, dict) and sorted(a) == sorted(b):
        a, b = ([each[key] for key in sorted(a)] for each in (a, b))
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return next(filter(None, (find_difference(*pair, f'{name}/{i}')
                                  for i, pair in enumerate(zip(a, b)))), None)
    return None if a == b else name or '/'


def test_the_files_in_results_are_of_the_records(case):
    """`sweep --merge --system SYSTEM --folder results/runs/SYSTEM` renews them."""
    folder, entry, runs, summary = case
    with open(os.path.join(folder, sweep.STATISTICS)) as file:
        assert find_difference(json.load(file), json.loads(json.dumps(summary))) is None
    with open(os.path.join(folder, sweep.SEEDS), newline='') as file:
        assert list(csv.reader(file)) == [
            list(map(str, row)) for row in building.list_rows(runs, entry)]
    with open(os.path.join(folder, sweep.TEXT)) as file:
        assert file.read().splitlines() == words.format_summary(summary)


def test_means_and_spread(case):
    folder, entry, unused_runs, summary = case
    key = 'mean_over_batches' if entry.name == 'laptop_cnn' else 'num_correct'
    assert summary['measure'] == key
    for group in summary['groups']:
        means = {}
        for content in load_contents(folder, group):
            for variant in entry.variants:
                tests = [test for test in content['tests'] if test['crop'] == variant
                         and test['step'] == content['epochs'][-1]['step']]
                for measure in {'num_correct', key}:
                    means.setdefault((variant, measure), []).append(
                        np.mean([test.get(measure, 0) for test in tests]))
        for variant in entry.variants:
            found, numbers = group['tests'][variant], means[variant, 'num_correct']
            assert [found[name] for name in ('n', 'mean', 'sd', 'least', 'greatest')] == (
                pytest.approx([len(numbers), np.mean(numbers), np.std(numbers, ddof=1),
                               min(numbers), max(numbers)]))
        assert group['means'] == pytest.approx(
            np.multiply(means[entry.variants[0], key], 100 ** (key != 'num_correct')))


def test_curves(case):
    folder, entry, unused_runs, summary = case
    for group in summary['groups']:
        curves = [curve for curve in entry.documented.curves
                  if curve.num_files == group['train_files']]
        assert len(curves) == len(group['curves'])
        for curve, found in zip(curves, group['curves']):
            check_curve(entry, curve, found, load_contents(folder, group))


def check_curve(entry, curve, found, contents):
    path = os.path.join(os.path.dirname(systems.__file__),
                        f'{entry.name}_{curve.name}_curve.csv')
    with open(path, newline='') as file:
        documented = {(int(row['epoch']), int(row.get('part') or row.get('batch') or 1)):
                      float(row[curve.figure]) for row in csv.DictReader(file)}
    wanted = np.array(list(documented.values()))
    ours = np.array([[epoch[curve.figure] for epoch in content['epochs']
                      if (epoch['epoch'], epoch.get('part', 1)) in documented]
                     for content in contents])
    scale = 100 / (1 if curve.is_share else wanted)
    off = scale * (ours - wanted)
    mean = off.mean(axis=0)
    assert found['by_seed'] == pytest.approx(off.mean(axis=1), abs=1e-9)
    assert found['num_in_band'] == ((np.abs(off).mean(axis=1) <= curve.mean_absolute) & (
        np.abs(off).max(axis=1) <= curve.largest)).sum()
    assert [found['places'], found['mean'], found['mean_absolute'],
            abs(found['largest'])] == pytest.approx(
        [len(documented), mean.mean(), np.abs(mean).mean(), np.abs(mean).max()])
    # Two shares may be equal but for rounding.
    assert (mean > 1e-9).sum() <= found['num_over'] <= (mean > -1e-9).sum()
    assert found['num_within'] == ((ours.min(axis=0) <= wanted) & (
        wanted <= ours.max(axis=0))).sum()
