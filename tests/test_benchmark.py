"""The benchmark: its figures, and one quick run of all of it."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from cifar10_tf1.benchmark import __main__ as benchmark
from cifar10_tf1.benchmark import data
from cifar10_tf1.benchmark import medians
from cifar10_tf1.benchmark import workers
from cifar10_tf1.common.errors import UserError

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def test_median_and_interval():
    """Of ten, the second smallest and largest: 97.9 %; of twenty, the sixth."""
    assert medians.summarize([5, 1, 9, 3, 7, 2, 8, 4, 6, 10]) == (5.5, 2, 9)
    assert medians.summarize(range(1, 21)) == (10.5, 6, 15)
    assert medians.summarize([3.0]) == (3.0, 3.0, 3.0)
    assert medians.summarize([1.0, 2.0, 9.0]) == (2.0, 1.0, 9.0)


def test_the_interval_covers_the_median():
    """Of 2,000 samples of ten, whatever the distribution: here a skewed one."""
    samples = np.random.RandomState(1).exponential(size=[2000, 10])
    median = np.log(2.0)
    hits = [low <= median <= high for unused_median, low, high
            in map(medians.summarize, samples)]
    assert 0.96 < np.mean(hits) < 0.99


def test_ratios_are_of_neighbours():
    """A machine that slows down meanwhile does not change them."""
    base = [100.0, 50.0, 25.0, 12.5]
    ratio = medians.summarize_ratio([2 * rate for rate in base], base)
    assert ratio == (2.0, 2.0, 2.0)


def measured():
    """A result in which every block has the same rates."""
    blocks = {('plain', 'train'): 100.0, ('stock', 'train'): 110.0,
              ('fast', 'train'): 300.0, ('stock', 'fixed'): 112.0,
              ('fast', 'fixed'): 306.0, ('fast', 'pipeline'): 5000.0,
              ('plain', 'test'): 400.0, ('stock', 'test'): 500.0,
              ('fast', 'test'): 1000.0}
    formulations = {
        name: {'start_up_seconds': 3.0, 'peak_memory_kb': 500000, 'blocks': {
            kind: [rate] * 10 for (its, kind), rate in blocks.items()
            if its == name}} for name in ('plain', 'stock', 'fast')}
    return {'system': 'deep_cnn', 'cores': 2, 'block_seconds': 2.0, 'runtimes': [
        {'wheel': 'tensorflow 0', 'cpu': {'name': 'A processor'},
         'formulations': formulations, 'matmul_gflops': [100.0] * 10}]}


def test_table():
    text = '\n'.join(benchmark.describe(measured()))
    assert '| training, fast kernels | 300 (300 to 300) | 3 (3 to 3) |' in text
    assert '| testing, fast kernels | 1000 (1000 to 1000) | 2.5 (2.5' in text
    # 3 steps a second of 10.53 GFLOP, of 100 GFLOP/s.
    assert 'reaches 0.316 (0.316 to 0.316) times' in text
    assert 'pipeline takes 1.02 (1.02 to 1.02) times' in text


@pytest.mark.slow
def test_as_many_images_as_cifar10(tmp_path):
    data.generate(str(tmp_path), 'deep_cnn')
    data_set = data.load_data_set(str(tmp_path), 'deep_cnn')
    assert data_set.num_train_examples == 50000
    assert data_set.num_test_examples == 10000
    assert data_set.name == 'synthetic'
    for split, period in (('train', 10000), ('test', 2000)):
        records = data_set.raw_records(split)
        assert np.array_equal(records[:1000], records[period:period + 1000])
        assert not np.array_equal(records[:1000], records[1000:2000])


def test_bad_options(capsys):
    assert benchmark.main(['--python', '/no/such/python', '--quick']) == 1
    assert capsys.readouterr().err.count('\n') == 1
    for cores in ('0', '99999', 'two'):
        with pytest.raises(SystemExit) as caught:
            benchmark.main(['--threads', cores])
        assert caught.value.code == 2


def test_a_worker_that_dies_is_named(tmp_path):
    with pytest.raises(UserError, match='sh, fast: .*not'):
        script = tmp_path / 'sh'
        script.write_text('#!/bin/sh\necho "not today" >&2\nexit 3\n')
        script.chmod(0o755)
        workers.Worker(str(script), 'deep_cnn', 'fast', str(tmp_path))


@pytest.mark.slow
def test_a_quick_run():
    result = subprocess.run(
        [sys.executable, '-m', 'cifar10_tf1.benchmark', '--quick', '--json',
         '--blocks', '2', '--threads', '1'], cwd=ROOT, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True)
    assert result.returncode == 0, result.stderr
    (content,) = json.loads(result.stdout)
    assert content['cores'] == 1
    (runtime,) = content['runtimes']
    blocks = {name: formulation['blocks'] for name, formulation
              in runtime['formulations'].items()}
    assert {name: sorted(kinds) for name, kinds in blocks.items()} == {
        'plain': ['test', 'train'], 'stock': ['fixed', 'test', 'train'],
        'fast': ['fixed', 'pipeline', 'test', 'train']}
    for kinds in blocks.values():
        for rates in kinds.values():
            assert len(rates) == 2 and min(rates) > 0
    assert len(benchmark.describe(content)) > sum(map(len, blocks.values()))
