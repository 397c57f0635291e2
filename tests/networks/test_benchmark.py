"""The benchmark: its figures, its options and one quick run."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import runs
from cifar10_tf1 import data
from cifar10_tf1.benchmark import __main__ as benchmark, medians, worker


@pytest.mark.parametrize('values, text', [
    # Of ten, the second smallest and largest; of twenty, the sixth.
    ([5, 1, 9, 3, 7, 2, 8, 4, 6, 10], '5.5 (2 to 9)'),
    (range(1, 21), '10.5 (6 to 15)'),
    (range(6), '2.5 (0 to 5)'),
    (range(5), '2 (0 to 4, 94 %)'),
    ([1.0, 9.0, 2.0], '2 (1 to 9, 75 %)'),
    ([123.4], '123')])
def test_a_median_and_its_interval(values, text):
    assert str(medians.summarize(values)) == text


def test_ratios_are_of_neighbours():
    """A machine that slows down does not change them."""
    bases = [100.0, 50.0, 25.0, 12.5]
    assert medians.summarize_ratio([2 * rate for rate in bases], bases)[:3] == (2, 2, 2)


def test_table():
    """The table also prints earlier records, which have more kinds of blocks."""
    rates = {'plain': {'train': 100.0, 'test': 400.0},
             'stock': {'train': 110.0, 'test': 500.0, 'fixed': 112.0},
             'fast': {'train': 300.0, 'test': 1000.0, 'pipeline': 5000.0}}
    formulations = {name: {
        'start_up_seconds': 3.0, 'peak_memory_kb': 500000,
        'blocks': {kind: [rate] * 10 for kind, rate in by_kind.items()}}
        for name, by_kind in rates.items()}
    lines = benchmark.describe({
        'system': 'deep_cnn', 'cores': 2, 'block_seconds': 2.0, 'runtimes': [
            {'wheel': 'tensorflow 0', 'cpu': {'name': 'A processor'},
             'formulations': formulations, 'matmul_gflops': [100.0] * 10}]})
    assert '| training, fast kernels | 300 (300 to 300) | 3 (3 to 3) |' in lines
    assert '| testing, fast kernels | 1000 (1000 to 1000) | 2.5 (2.5 to 2.5) |' in lines
    assert sum(line.startswith('| t') for line in lines) == 6


@pytest.mark.slow
def test_as_many_images_as_cifar10(tmp_path):
    data_set = worker.load_data_set(str(tmp_path), 'deep_cnn')
    for split, number, period in (('train', 50000, 10000), ('test', 10000, 2000)):
        records = data_set.raw_records(split)
        assert len(records) == number == getattr(data_set, f'num_{split}_examples')
        assert sum(map(os.path.getsize, getattr(data_set, f'{split}_paths'))) == (
            records.nbytes)
        assert np.array_equal(records[:1000], records[period:period + 1000])
        assert not np.array_equal(records[:1000], records[1000:2000])


@pytest.mark.parametrize('text, reason', [
    (None, '--python'),
    ('text', '--python'),
    ('#!/bin/sh\necho "not today" >&2\nexit 3\n', 'not today'),
    ('#!/bin/sh\nexit 3\n', 'status 3'),
    ('#!/bin/sh\necho hello\n', 'hello'),
    ('#!/no/such/interpreter\n', '--python'),
    ('#!/bin/sh\necho \'{"cores": 1}\'\nexec 0<&-\nsleep 0.2\n'  # answers once
     'echo "out of memory" >&2\nexit 1\n', 'out of memory')])
def test_a_program_that_is_no_python_is_one_line(text, reason, tmp_path, monkeypatch,
                                                 capsys):
    monkeypatch.setattr(data.Source, 'load', lambda *unused, **also_unused: None)
    path = tmp_path / 'program'
    if text:
        path.write_text(text)
        path.chmod(0o755 if '\n' in text else 0o644)
    assert benchmark.main(['--python', str(path), '--quick']) == 1
    line = capsys.readouterr().err.replace('\r', '')
    assert str(path) in line and reason in line and line.count('\n') == 1


@pytest.mark.parametrize('options', [
    ['--threads', '0'], ['--threads', '99999'], ['--threads', 'two'], ['--threads='],
    ['--python='], ['--blocks', '0']])
def test_a_bad_option_is_one_line(options, capsys):
    with pytest.raises(SystemExit) as caught:
        benchmark.main(options)
    assert caught.value.code == 2
    assert capsys.readouterr().err.count('\n') == 1


def test_no_room_for_the_data(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr('tempfile.tempdir', str(tmp_path / 'none'))
    assert benchmark.main(['--quick']) == 1
    error = capsys.readouterr().err
    assert 'TMPDIR' in error and error.count('\n') == 1


@pytest.mark.slow
def test_a_quick_run():
    environment = {name: value for name, value in os.environ.items()
                   if not name.startswith('TF_')}
    (content,) = json.loads(subprocess.run(
        [sys.executable, '-m', 'cifar10_tf1.benchmark', '--quick', '--json',
         '--blocks', '2', '--threads', '1'], cwd=runs.ROOT, env=environment,
        stdout=subprocess.PIPE, check=True).stdout.decode())
    assert content['cores'] == 1
    (runtime,) = content['runtimes']
    for name in ('plain', 'stock', 'fast'):
        blocks = runtime['formulations'][name]['blocks']
        assert sorted(blocks) == ['test', 'train']
        for rates in blocks.values():
            assert len(rates) == 2 and min(rates) > 0
    assert len(benchmark.describe(content)) > 6
