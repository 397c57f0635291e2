"""What only whole processes show: kills, signals, full disks, start-up."""

import os
import re
import signal
import subprocess
import time

import pytest

import runs
from cifar10_tf1.data import synthetic

pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def data_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp('data')
    synthetic.load_data_set(str(folder))
    return folder


def run(*arguments, **options):
    """(exit status, standard output, standard error) of a script."""
    process = runs.start(*arguments, **options)
    output, error = process.communicate()
    return process.returncode, output, error


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
    cases = [(['--inter-op-threads', inter, '--intra-op-threads', intra], None)
             for inter in (1, 5)]
    if kernels == 'fast':
        cores = sorted(os.sched_getaffinity(0))[:1]
        cases.append(([], lambda: os.sched_setaffinity(0, cores)))
    results = set()
    for number, (threads, start_on) in enumerate(cases):
        folder = tmp_path / str(number)
        status, output, error = run('train.py', data_dir, '--model-dir', folder, *options,
                                    *threads, preexec_fn=start_on)
        # TensorFlow's chatter stays off the terminal.
        assert (status, error) == (0, '')
        digest = re.search('SHA-256 ([0-9a-f]{64})', output).group(1)
        results.add((digest, runs.step_losses(folder).tobytes()))
    assert len(results) == 1


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_signals_save_and_say_where_to_go_on(data_dir, tmp_path, number):
    process = runs.start('train.py', data_dir, '--model-dir', tmp_path, '--save-steps', 2)
    wait_for_a_step(tmp_path, process)
    process.send_signal(number)
    output, error = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    step = int(re.search(r'Stopped at step (\d+); start again', error).group(1))
    assert max(steps_of(tmp_path)) == step
    assert 'Traceback' not in error


def test_a_signal_while_tensorflow_loads(data_dir, tmp_path):
    process = runs.start('train.py', data_dir, '--model-dir', tmp_path)
    while process.poll() is None and not (tmp_path / '.lock').exists():
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    output, error = process.communicate(timeout=10)
    assert process.returncode == 143 and 'Traceback' not in error


def test_beside_a_running_training(data_dir, tmp_path):
    """Checkpoints come and go while test.py reads; a second train.py is turned away."""
    process = runs.start('train.py', data_dir, '--model-dir', tmp_path, '--save-steps', 1)
    try:
        wait_for_a_step(tmp_path, process, above=6)
        for unused in range(3):
            status, output, error = run('test.py', data_dir, '--model-dir', tmp_path)
            assert (status, error) == (0, '')
            device, line = output.splitlines()
            assert device.startswith('Device: CPU (')
            assert line.startswith('[synthetic, not CIFAR-10] Test : ')
        status, output, error = run('train.py', data_dir, '--model-dir', tmp_path)
        assert status == 1 and error.count('\n') == 1
        assert 'another training run uses' in error
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()


def test_a_closed_pipe(data_dir, tmp_path):
    process = runs.start('train.py', data_dir, '--model-dir', tmp_path, '--max-steps', 1)
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
    status, output, error = run('train.py', data_dir, '--model-dir', small_disk,
                                '--max-steps', 8, '--save-steps', 1)
    assert status == 1 and error.count('\n') == 1
    assert 'cannot save step' in error and 'No space left' in error
    assert not (small_disk / '.saving').exists()
    # What was saved before is whole.
    assert run('test.py', data_dir, '--model-dir', small_disk)[0] == 0
    assert run('train.py', data_dir, '--model-dir', small_disk, '--max-steps',
               max(steps_of(small_disk)))[0] == 0
