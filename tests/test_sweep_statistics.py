"""The statistics of the runs in results/, computed again from their records.

By other ways than the program's: NumPy, the density of Student's t summed up,
and for the power drawn numbers.
"""

import csv
import glob
import io
import json
import math
import os

import numpy as np
import pytest

from cifar10_tf1.records import reference_run
from cifar10_tf1 import systems
from cifar10_tf1.sweep import files
from cifar10_tf1.sweep import runs as sweep_runs
from cifar10_tf1.sweep import summary as summaries
from cifar10_tf1.sweep import text

SYSTEMS = ('deep_cnn', 'lenet5')


@pytest.fixture(scope='module', params=SYSTEMS)
def entry(request):
    return systems.find(request.param)


@pytest.fixture(scope='module')
def folder(entry):
    return os.path.join(reference_run.RUNS, entry.name)


@pytest.fixture(scope='module')
def summary(entry, folder):
    return summaries.summarize(sweep_runs.load_runs(folder, entry), entry)


def load_contents(folder, group):
    """The records of a group's runs, as they lie there."""
    contents = []
    for path in glob.glob(os.path.join(folder, '*', 'run.json')):
        with open(path) as file:
            content = json.load(file)
        kind = content['processes'][-1]['kind']
        if (kind['wheel'], kind['kernels']) == (group['runtime'],
                                                group['kernels']):
            contents.append(content)
    return sorted(contents, key=lambda content: content['settings']['seed'])


def list_numbers(content, variant):
    last = content['epochs'][-1]['step']
    return [test['num_correct'] for test in content['tests']
            if test['crop'] == variant and test['step'] == last]


def integrate_t(t, degrees):
    """How probable a value of t or more is, for t from 0 on."""
    x = np.linspace(0, t, 200001)
    density = np.exp(
        math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)
        - 0.5 * math.log(degrees * math.pi)
        - (degrees + 1) / 2 * np.log1p(x * x / degrees))
    return 0.5 - np.trapz(density, x)


def test_the_files_in_results_are_of_the_records(entry, folder, summary):
    """`python -m cifar10_tf1.sweep --merge --folder results/runs/...` renews them."""
    with open(os.path.join(folder, files.STATISTICS)) as file:
        assert compare_numbers(json.load(file),
                               json.loads(json.dumps(summary))) is None
    with open(os.path.join(folder, files.SEEDS), newline='') as file:
        rows = list(csv.reader(file))
    assert rows == list(csv.reader(io.StringIO(sweep_runs.format_csv(
        sweep_runs.load_runs(folder, entry), entry), newline='')))
    with open(os.path.join(folder, files.TEXT)) as file:
        assert file.read().splitlines() == text.format_summary(summary)


def compare_numbers(a, b, name=''):
    """Where two contents of JSON differ, but for the last digits; or None."""
    if isinstance(a, float) and isinstance(b, float):
        return None if math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9) else name
    if isinstance(a, dict) and isinstance(b, dict) and sorted(a) == sorted(b):
        a, b = ([each[key] for key in sorted(a)] for each in (a, b))
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return next(filter(None, (compare_numbers(*pair, f'{name}/{i}')
                                  for i, pair in enumerate(zip(a, b)))), None)
    return None if a == b else name or '/'


def test_every_run_is_counted(summary, folder):
    numbers = sum(len(group['seeds']) for group in summary['groups'])
    assert numbers + len(summary['repeated']) + len(summary['incomplete']) == len(
        glob.glob(os.path.join(folder, '*', 'run.json')))


def test_means_and_spread(entry, summary, folder):
    for group in summary['groups']:
        contents = load_contents(folder, group)
        if len(contents) != len(group['seeds']):
            continue  # a seed twice
        for variant in entry.variants:
            means = [np.mean(list_numbers(content, variant))
                     for content in contents]
            found = group['tests'][variant]
            assert found['n'] == len(means)
            assert found['mean'] == pytest.approx(np.mean(means))
            assert (found['least'], found['greatest']) == pytest.approx(
                (min(means), max(means)))
            if len(means) > 1:
                assert found['sd'] == pytest.approx(np.std(means, ddof=1))


def test_equivalence_by_another_way(entry, summary):
    for group in summary['groups']:
        found, means = group['equivalence'], group['means']
        if found is None:
            assert entry.documented.margin is None or len(means) < 2
            continue
        n, error = len(means), np.std(means, ddof=1) / math.sqrt(len(means))
        difference = np.mean(means) - entry.documented.num_correct
        ends = [(difference + 30) / error, (30 - difference) / error]
        p = max(integrate_t(abs(t), n - 1) if t > 0
                else 1 - integrate_t(abs(t), n - 1) for t in ends)
        assert found['p'] == pytest.approx(p, abs=1e-6)
        assert found['is_shown'] == (p <= 0.05)
        half = (found['high'] - found['low']) / 2
        assert (found['high'] + found['low']) / 2 == pytest.approx(difference)
        assert integrate_t(half / error, n - 1) == pytest.approx(0.05, abs=1e-6)
        assert found['is_shown'] == (-30 < found['low'] <= found['high'] < 30)
        # A sample of many such experiments, of no true difference.
        draws = np.random.RandomState(0).normal(
            0, np.std(means, ddof=1), [40000, n])
        errors = draws.std(axis=1, ddof=1) / math.sqrt(n)
        shown = np.abs(draws.mean(axis=1)) + half / error * errors < 30
        assert found['power'] == pytest.approx(shown.mean(), abs=0.01)


def test_variance_by_another_way(summary, folder, entry):
    for group in summary['groups']:
        contents = load_contents(folder, group)
        if group['variance'] is None or len(contents) != len(group['seeds']):
            continue
        numbers = np.array([list_numbers(content, entry.variants[0])
                            for content in contents], float)
        within = numbers.var(axis=1, ddof=1).mean()
        between = numbers.mean(axis=1).var(ddof=1) - within / numbers.shape[1]
        assert group['variance']['sd_within'] == pytest.approx(
            math.sqrt(within))
        assert group['variance']['sd_between'] == pytest.approx(
            math.sqrt(max(0, between)))


def test_difference_of_runtimes_by_another_way(summary):
    groups = {(group['runtime'], group['kernels']): group['means']
              for group in summary['groups']}
    for found in summary['differences']:
        a, b = (groups[tuple(key)] for key in found['groups'])
        shares = [np.var(group, ddof=1) / len(group) for group in (a, b)]
        t = (np.mean(a) - np.mean(b)) / math.sqrt(sum(shares))
        degrees = sum(shares) ** 2 / sum(
            share ** 2 / (len(group) - 1)
            for share, group in zip(shares, (a, b)))
        assert found['t'] == pytest.approx(t)
        assert found['p'] == pytest.approx(2 * integrate_t(abs(t), degrees),
                                           abs=1e-6)


def test_curve_of_the_mean_by_another_way(entry, summary, folder):
    (curve,) = entry.documented.curves
    path = os.path.join(os.path.dirname(systems.__file__),
                        f'{entry.name}_documented_curve.csv')
    with open(path, newline='') as file:
        documented = {int(row['epoch']): float(row[curve.figure])
                      for row in csv.DictReader(file)}
    wanted = np.array(list(documented.values()))
    for group in summary['groups']:
        contents = load_contents(folder, group)
        if len(contents) != len(group['seeds']):
            continue
        ours = np.array([[entry_[curve.figure] for entry_ in content['epochs']
                          if entry_['epoch'] in documented]
                         for content in contents])
        percent = 100 * (ours - wanted) / (1 if curve.is_share else wanted)
        (found,) = group['curves']
        assert found['places'] == len(documented)
        assert found['by_seed'] == pytest.approx(percent.mean(axis=1))
        mean = 100 * (ours.mean(axis=0) - wanted) / (
            1 if curve.is_share else wanted)
        assert found['mean'] == pytest.approx(mean.mean())
        assert found['mean_absolute'] == pytest.approx(np.abs(mean).mean())
        assert abs(found['largest']) == pytest.approx(np.abs(mean).max())
        assert found['num_over'] == (mean > 0).sum()
        assert found['num_within'] == ((ours.min(axis=0) <= wanted) & (
            wanted <= ours.max(axis=0))).sum()
        if len(contents) > 1:
            low, high = found['interval']
            error = np.std(found['by_seed'], ddof=1) / math.sqrt(len(contents))
            assert integrate_t((high - low) / 2 / error, len(contents) - 1
                               ) == pytest.approx(0.025, abs=1e-6)


def test_runs_that_are_not_complete_are_listed(tmp_path):
    """Not begun, failed, damaged: none is left out."""
    entry = systems.find('lenet5')
    (tmp_path / 'logs').mkdir()
    (tmp_path / 'logs' / 'seed-02.failure').write_text('the disk is full\n')
    (tmp_path / 'seed-03').mkdir()
    (tmp_path / 'seed-03' / 'run.json').write_text('{')
    runs = sweep_runs.load_runs(str(tmp_path), entry, seeds=[1])
    states = {run.name: run.state for run in runs}
    assert states['seed-01'] == 'not begun'
    assert states['seed-02'] == 'failed: the disk is full'
    assert states['seed-03'].startswith('damaged: ')
    summary = summaries.summarize(runs, entry)
    assert [run['run'] for run in summary['incomplete']] == sorted(states)
    assert 'the disk is full' in sweep_runs.format_csv(runs, entry)
    assert '  seed-02: failed: the disk is full' in text.format_summary(summary)


def test_a_seed_counts_once(folder, entry):
    runs = sweep_runs.load_runs(folder, entry)
    twice = summaries.summarize(runs + [runs[0]._replace(name='again')], entry)
    assert [run['run'] for run in twice['repeated']] == ['again']
    assert twice['groups'] == summaries.summarize(runs, entry)['groups']


def test_how_many_runs_the_power_takes():
    """Of sd 20: fewer than with sd 40, and the one before is not enough."""
    number = summaries.find_num_runs(20.0, 30)
    draws = np.random.RandomState(1).normal(0, 20.0, [40000, number])
    quantile = {6: 2.015, 7: 1.943, 8: 1.895, 9: 1.860}[number]
    half = quantile * draws.std(axis=1, ddof=1) / math.sqrt(number)
    assert (np.abs(draws.mean(axis=1)) + half < 30).mean() > 0.89
    assert number < summaries.find_num_runs(40.0, 30)
