"""What only whole processes show: kills, signals, full disks, start-up."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

import runs

pytestmark = pytest.mark.slow

ROOT = runs.ROOT


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    from cifar10_tf1.data import synthetic
    folder = tmp_path_factory.mktemp('data')
    synthetic.load_data_set(str(folder))
    return folder


def command(script, data_dir, *options):
    return [sys.executable, os.path.join(ROOT, script), '--synthetic',
            '--data-dir', str(data_dir), *map(str, options)]


def run(script, data_dir, *options, **kwargs):
    return subprocess.run(command(script, data_dir, *options),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, **kwargs)


def weights_and_losses(result, folder):
    """The hash that a training printed, and the bits of its losses."""
    digest = re.search('SHA-256 ([0-9a-f]{64})', result.stdout).group(1)
    return digest, runs.step_losses(folder).tobytes()


def start_training(data_dir, model_dir, *options):
    return subprocess.Popen(
        command('train.py', data_dir, '--model-dir', model_dir, *options),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)


def steps_of(model_dir):
    return sorted(int(re.search(r'-(\d+)\.index$', str(path)).group(1))
                  for path in model_dir.glob('model.ckpt-*.index'))


def wait_for_a_step(model_dir, process, above=0):
    while process.poll() is None and max(steps_of(model_dir) or [0]) <= above:
        time.sleep(0.02)


@pytest.mark.parametrize('kernels, intra', [('fast', 1), ('stock', 2)])
def test_how_many_ops_run_at_once_does_not_matter(kernels, intra, data_dir, tmp_path):
    """With the fast kernels no number of threads or cores does: each op has one."""
    options = ['--max-steps', '10', '--kernels', kernels]
    results = set()
    for inter in (1, 5):
        folder = tmp_path / str(inter)
        result = run('train.py', data_dir, '--model-dir', folder, *options,
                     '--inter-op-threads', inter, '--intra-op-threads', intra)
        # TensorFlow's chatter stays off the terminal.
        assert (result.returncode, result.stderr) == (0, '')
        results.add(weights_and_losses(result, folder))
    if kernels == 'fast':
        folder, cores = tmp_path / 'one core', sorted(os.sched_getaffinity(0))[:1]
        result = run('train.py', data_dir, '--model-dir', folder, *options,
                     preexec_fn=lambda: os.sched_setaffinity(0, cores))
        results.add(weights_and_losses(result, folder))
    assert len(results) == 1


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signals_save_and_say_where_to_go_on(data_dir, tmp_path, number):
    process = start_training(data_dir, tmp_path, '--save-steps', 2)
    wait_for_a_step(tmp_path, process)
    process.send_signal(number)
    output, error = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    step = int(re.search(r'Stopped at step (\d+); start again', error).group(1))
    assert max(steps_of(tmp_path)) == step
    assert 'Traceback' not in error


def test_a_signal_while_tensorflow_loads(data_dir, tmp_path):
    process = start_training(data_dir, tmp_path)
    while process.poll() is None and not (tmp_path / '.lock').exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    output, error = process.communicate(timeout=10)
    assert process.returncode == 143 and 'Traceback' not in error


def test_beside_a_running_training(data_dir, tmp_path):
    """Checkpoints come and go while test.py reads; a second train.py is turned away."""
    process = start_training(data_dir, tmp_path, '--save-steps', 1)
    try:
        wait_for_a_step(tmp_path, process, above=6)
        for unused in range(3):
            result = run('test.py', data_dir, '--model-dir', tmp_path)
            assert (result.returncode, result.stderr) == (0, '')
            device, line = result.stdout.splitlines()
            assert device.startswith('Device: CPU (')
            assert line.startswith('[synthetic, not CIFAR-10] Test : ')
        result = run('train.py', data_dir, '--model-dir', tmp_path)
        assert result.returncode == 1 and result.stderr.count('\n') == 1
        assert 'another training run uses' in result.stderr
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_a_closed_pipe(data_dir, tmp_path):
    process = start_training(data_dir, tmp_path, '--max-steps', '1')
    process.stdout.close()
    error = process.stderr.read()
    assert process.wait() == 1
    assert error.count('\n') == 1 and 'cannot print to standard output' in error


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 30 MB: three checkpoints fit, a fourth does not."""
    folder = tmp_path / 'small'
    folder.mkdir()
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=30m', 'tmpfs',
                              str(folder)], stderr=subprocess.PIPE)
    if mounted.returncode:
        pytest.skip('cannot mount a tmpfs here: ' + mounted.stderr.decode())
    yield folder
    subprocess.run(['umount', str(folder)], check=True)


def test_a_full_disk_while_saving(data_dir, small_disk):
    options = ('--model-dir', small_disk, '--max-steps', 8, '--save-steps', 1)
    result = run('train.py', data_dir, *options)
    assert result.returncode == 1
    assert result.stderr.count('\n') == 1 and 'cannot save step' in result.stderr
    assert 'free some space' in result.stderr
    newest = max(steps_of(small_disk))
    assert not (small_disk / '.saving').exists()
    # What was saved before is whole.
    assert run('test.py', data_dir, '--model-dir', small_disk).returncode == 0
    assert run('train.py', data_dir, '--model-dir', small_disk, '--max-steps',
               newest).returncode == 0
