"""The two runtimes beside each other, each in an environment of its own.

Needs `make setup` and `make setup RUNTIME=tf2`; CI has both.
"""

import os
import re
import subprocess

import numpy as np
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHONS = {runtime: os.path.join(
    ROOT, os.environ.get(variable, folder), 'bin', 'python')
    for runtime, variable, folder in (('tf1', 'TF1_VENV', '.venv'),
                                      ('tf2', 'TF2_VENV', '.venv-tf2'))}
NUM_STEPS = 20

pytestmark = [pytest.mark.slow, pytest.mark.skipif(
    not all(map(os.path.exists, PYTHONS.values())),
    reason='needs make setup and make setup RUNTIME=tf2')]


def run(runtime, *command):
    return subprocess.run(
        [PYTHONS[runtime]] + list(map(str, command)), cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('data')


@pytest.fixture(scope='module')
def folders(data_dir, tmp_path_factory):
    """{runtime: a run of one seed}."""
    folders = {}
    for runtime in PYTHONS:
        folders[runtime] = tmp_path_factory.mktemp(runtime) / 'model'
        result = run(runtime, 'train.py', '--synthetic', '--data-dir', data_dir,
                     '--model-dir', folders[runtime], '--max-steps', NUM_STEPS,
                     '--kernels', 'stock')
        assert result.returncode == 0, result.stderr
    return folders


def test_first_losses(folders):
    """The last bits differ and grow by a third with each step, here as between
    any two machines; test_real_data.py looks at 50 steps of the real data."""
    ours, theirs = (np.fromfile(str(folder / 'step_losses.f32'), '<f4')
                    for folder in folders.values())
    assert len(ours) == len(theirs) == NUM_STEPS
    assert np.abs(ours / theirs - 1)[:10].max() < 2e-6


@pytest.mark.parametrize('trained, tested', [('tf1', 'tf2'), ('tf2', 'tf1')])
def test_checkpoints_go_both_ways(folders, data_dir, trained, tested):
    counts = []
    for runtime in (trained, tested):
        result = run(runtime, 'test.py', '--synthetic', '--data-dir', data_dir,
                     '--model-dir', folders[trained])
        assert result.returncode == 0, result.stderr
        counts.append(int(re.search(r'= (\d+)/2000', result.stdout).group(1)))
    # Images whose two largest logits all but tie may turn.
    assert abs(counts[0] - counts[1]) <= 2


def test_fingerprints_agree(folders):
    for folder in folders.values():
        lines = {run(runtime, '-m', 'cifar10_tf1.fingerprint', '--model-dir',
                     folder).stdout for runtime in PYTHONS}
        assert len(lines) == 1 and re.match('^[0-9a-f]{64} ', lines.pop())


def test_another_runtime_is_refused_on_resumption(folders, data_dir):
    result = run('tf2', 'train.py', '--synthetic', '--data-dir', data_dir,
                 '--model-dir', folders['tf1'])
    assert result.returncode == 1
    assert 'holds a run with wheel tensorflow-gpu 1.15.0' in result.stderr
    assert '--model-dir' in result.stderr and result.stderr.count('\n') == 1


def test_verify_across_runtimes(folders, data_dir):
    result = run('tf2', '-m', 'cifar10_tf1.verify', folders['tf1'] / 'run.json',
                 '--data-dir', data_dir)
    assert result.returncode == 3, result.stderr
    assert 'Another kind of machine: wheel: tensorflow 2.' in result.stdout
