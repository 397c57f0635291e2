"""The statistics of the runs in results/, recomputed from their records.

In another way than the program's: by NumPy, the integrated density of Student's t,
and for the power simulated samples.
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
from cifar10_tf1.report import gathering
from cifar10_tf1.report import summary as summaries
from cifar10_tf1.report import words
from cifar10_tf1.sweep import files

pytest.importorskip('scipy', reason='make setup EXTRAS=pictures')

FOLDERS = sorted(os.path.relpath(os.path.dirname(path), reference_run.RUNS)
                 for path in glob.glob(os.path.join(
                     reference_run.RUNS, '**', files.STATISTICS), recursive=True))


@pytest.fixture(scope='module', params=FOLDERS)
def folder(request):
    return os.path.join(reference_run.RUNS, request.param)


@pytest.fixture(scope='module')
def entry(folder):
    return systems.find(os.path.relpath(folder, reference_run.RUNS).split(os.sep)[0])


@pytest.fixture(scope='module')
def runs(entry, folder):
    return gathering.load_folder(folder, entry)


@pytest.fixture(scope='module')
def summary(entry, runs):
    return summaries.summarize(runs, entry)


def test_the_folders_are_found():
    assert {'deep_cnn', 'lenet5', 'laptop_cnn', 'udacity_cnn'} <= set(FOLDERS)


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


def list_numbers(content, variant, key='num_correct'):
    last = content['epochs'][-1]['step']
    return [test[key] * (100 if key == 'mean_over_batches' else 1)
            for test in sorted(content['tests'], key=lambda test: test['seed'])
            if test['crop'] == variant and test['step'] == last]


def integrate_t(t, degrees):
    """How probable a value of t or more is, for t from 0 on."""
    x = np.linspace(0, t, 200001)
    density = np.exp(
        math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2)
        - 0.5 * math.log(degrees * math.pi)
        - (degrees + 1) / 2 * np.log1p(x * x / degrees))
    return 0.5 - np.sum((density[1:] + density[:-1]) / 2 * np.diff(x))


def test_the_files_in_results_are_of_the_records(entry, folder, runs, summary):
    """`sweep --merge --system SYSTEM --folder results/runs/SYSTEM` renews them."""
    with open(os.path.join(folder, files.STATISTICS)) as file:
        assert compare_numbers(json.load(file),
                               json.loads(json.dumps(summary))) is None
    with open(os.path.join(folder, files.SEEDS), newline='') as file:
        rows = list(csv.reader(file))
    assert rows == list(csv.reader(io.StringIO(
        files.format_csv(runs, entry), newline='')))
    with open(os.path.join(folder, files.TEXT)) as file:
        assert file.read().splitlines() == words.format_summary(summary)


def compare_numbers(a, b, name=''):
    """Where two contents of JSON differ, but for the last digits; or None."""
    if isinstance(a, float) and isinstance(b, float):
        return None if math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6) else name
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
        key = summary['measure']
        assert key == ('mean_over_batches' if entry.name == 'laptop_cnn'
                       else 'num_correct')
        assert group['means'] == pytest.approx([np.mean(list_numbers(
            content, entry.variants[0], key)) for content in contents])


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
        half = (found['high'] - found['low']) / 2 / math.sqrt(sum(shares))
        assert integrate_t(half, degrees) == pytest.approx(0.025, abs=1e-6)


def test_the_documented_figure_as_one_more(entry, summary, folder):
    for group in summary['groups']:
        found, contents = group['documented_as_one_more'], load_contents(folder, group)
        if found is None or len(contents) != len(group['seeds']):
            continue
        firsts = [list_numbers(content, entry.variants[0], summary['measure'])[0]
                  for content in contents]
        documented = (entry.documented.num_correct
                      or 100 * entry.documented.mean_over_batches)
        t = (documented - np.mean(firsts)) / (
            np.std(firsts, ddof=1) * math.sqrt(1 + 1 / len(firsts)))
        assert found['difference'] == pytest.approx(documented - np.mean(firsts))
        assert found['p'] == pytest.approx(
            2 * integrate_t(abs(t), len(firsts) - 1), abs=1e-6)


def test_curves_by_another_way(entry, summary, folder):
    for group in summary['groups']:
        contents = load_contents(folder, group)
        if len(contents) != len(group['seeds']):
            continue
        curves = [curve for curve in entry.documented.curves
                  if curve.num_files == group['train_files']]
        assert len(curves) == len(group['curves'])
        for curve, found in zip(curves, group['curves']):
            check_curve(entry, curve, found, contents)


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
    assert found['places'] == len(documented)
    assert found['by_seed'] == pytest.approx(off.mean(axis=1), abs=1e-9)
    assert found['num_in_band'] == ((np.abs(off).mean(axis=1) <= curve.mean_absolute) & (
        np.abs(off).max(axis=1) <= curve.largest)).sum()
    mean = scale * (ours.mean(axis=0) - wanted)
    assert found['mean'] == pytest.approx(mean.mean(), abs=1e-9)
    assert found['mean_absolute'] == pytest.approx(np.abs(mean).mean())
    assert abs(found['largest']) == pytest.approx(np.abs(mean).max())
    # Two shares may be equal but for rounding.
    assert (mean > 1e-9).sum() <= found['num_over'] <= (mean > -1e-9).sum()
    assert found['num_within'] == ((ours.min(axis=0) <= wanted) & (
        wanted <= ours.max(axis=0))).sum()
    if len(contents) > 1:
        low, high = found['interval']
        error = np.std(found['by_seed'], ddof=1) / math.sqrt(len(contents))
        assert integrate_t((high - low) / 2 / error, len(contents) - 1
                           ) == pytest.approx(0.025, abs=1e-6)
        t = np.mean(found['by_seed']) / error / math.sqrt(len(contents) + 1)
        assert found['documented_as_one_more']['p'] == pytest.approx(
            2 * integrate_t(abs(t), len(contents) - 1), abs=1e-6)


def test_a_seed_counts_once(runs, entry, summary):
    twice = summaries.summarize(runs + [runs[0]._replace(name='again')], entry)
    assert [run['run'] for run in twice['repeated']] == ['again']
    assert twice['groups'] == summary['groups']
