"""The benchmark: its figures, its options and one quick run."""

import json
import os

import numpy as np
import pytest

import runs
from cifar10_tf1 import data
from cifar10_tf1.benchmark import __main__ as benchmark, medians


@pytest.mark.parametrize('values, text', [
    # Of ten, the second smallest and largest; of twenty, the sixth.
    ([5, 1, 9, 3, 7, 2, 8, 4, 6, 10], '5.5 (2 to 9)'),
    (range(1, 21), '10.5 (6 to 15)'),
    (range(6), '2.5 (0 to 5)'),
    ([1.0, 9.0, 2.0], '2 (1 to 9, 75 %)'),
    ([123.4], '123')])
def test_a_median_and_its_interval(values, text):
    assert str(medians.summarize(values)) == text


def test_table():
    """Ratios are of neighbours: a machine that slows down does not change them."""
    slowing = 0.5 ** np.arange(10)
    rates = {'plain': {'train': 100, 'test': 400}, 'fast': {'train': 300, 'test': 1000}}
    lines = benchmark.describe({
        'system': 'deep_cnn', 'cores': 2, 'block_seconds': 2.0, 'runtimes': [{
            'wheel': 'tensorflow 0', 'cpu': {'name': 'A processor'}, 'formulations': {
                name: {'start_up_seconds': 3.0, 'peak_memory_kb': 500000,
                       # Earlier records have more kinds of blocks.
                       'blocks': {'pipeline': [1], **{kind: slowing * rate for kind, rate
                                                      in by_kind.items()}}}
                for name, by_kind in rates.items()}}]})
    assert '| training, fast kernels | 14.1 (1.17 to 150) | 3 (3 to 3) |' in lines
    assert '| testing, fast kernels | 46.9 (3.91 to 500) | 2.5 (2.5 to 2.5) |' in lines
    assert sum(line.startswith('| t') for line in lines) == 4


@pytest.mark.parametrize('text, reason', [
    (None, '--python'),
    ('#!/bin/sh\necho "not today" >&2\nexit 3\n', 'not today'),
    ('#!/bin/sh\nexit 3\n', 'status 3'),
    ('#!/bin/sh\necho hello\n', 'hello'),
    ('#!/no/such/interpreter\n', '--python'),
    ('#!/bin/sh\necho \'{"cores": 1}\'\nexec 0<&-\nsleep 0.2\n'  # answers once
     'echo "out of memory" >&2\nexit 1\n', 'out of memory')])
def test_a_program_that_is_no_python_is_one_line(text, reason, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(data.Source, 'load', lambda *unused, **also_unused: None)
    path = tmp_path / 'program'
    if text:
        path.write_text(text)
        path.chmod(0o755)
    assert benchmark.main(['--python', str(path), '--quick']) == 1
    line = capsys.readouterr().err.replace('\r', '')
    assert str(path) in line and reason in line and line.count('\n') == 1


@pytest.mark.parametrize('options', [
    ['--threads', '0'], ['--threads', '99999'], ['--threads='], ['--python='], ['--blocks', '0']])
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
    (content,) = json.loads(runs.run_program(
        os.environ, '-m', 'cifar10_tf1.benchmark', '--quick', '--json', '--blocks', '2',
        '--threads', '1'))
    assert content['cores'] == 1
    (runtime,) = content['runtimes']
    assert sorted(runtime['formulations']) == ['fast', 'plain', 'stock']
    for formulation in runtime['formulations'].values():
        assert sorted(formulation['blocks']) == ['test', 'train']
        for rates in formulation['blocks'].values():
            assert len(rates) == 2 and min(rates) > 0
