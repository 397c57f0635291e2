"""What only whole processes show: kills at any moment, signals, threads, start-up.

KILLS says how many kills of each kind a run survives, and KILLS_SEED when they come.
"""

import csv
import os
import random
import re
import signal
import time

import pytest

import runs
from cifar10_tf1.checkpoints import model_dir, reading
from cifar10_tf1.records import run_record

pytestmark = pytest.mark.slow

HOOK = os.path.join(runs.ROOT, 'tests', 'runs', 'killing')
NUM_KILLS = int(os.environ.get('KILLS', 5))
SEED = int(os.environ.get('KILLS_SEED', 1))
# Of the generated data an epoch of lenet5 has 43 steps, one of deep_cnn 100, of
# laptop_cnn 40 and of udacity_cnn 10.
OPTIONS = {'lenet5': ['--epochs', 6, '--save-steps', 4],
           'deep_cnn': ['--epochs', 1, '--save-steps', 2],
           'laptop_cnn': ['--epochs', 3, '--save-steps', 7],
           'udacity_cnn': ['--epochs', 2, '--save-steps', 3]}


@pytest.fixture(scope='session')
def data_dir(tmp_path_factory):
    return tmp_path_factory.mktemp('data')


def finish(process, folder):
    """Waits for the end; returns what the run leaves except for its times."""
    output, error = process.communicate()
    assert process.returncode == 0, output + error
    newest = reading.find_newest(str(folder))
    record = run_record.load_folder(str(folder))
    with open(str(folder / 'metrics.csv'), newline='') as file:
        metrics = list(csv.DictReader(file))
    for entry in [*metrics, *record.epochs]:
        del entry['seconds']
    return {
        'weights': reading.fingerprint(newest.prefix), 'recorded': record.content['weights'],
        'epochs': record.epochs, 'metrics': metrics,
        'losses': model_dir.load_settings(newest.prefix)['losses'],
        'checkpoints': sorted(path.name for path in folder.glob('model.ckpt-*')),
        'published': {path.name: reading.fingerprint(str(path)[:-len('.index')])
                      for path in folder.glob('published/*.index')}}


def check_folder(folder):
    """After a kill: what is there reads, and the leftovers don't pile up."""
    run_record.load_folder(str(folder))
    for path in folder.glob('*.index'):
        reading.load(str(path)[:-len('.index')])
    # Five checkpoints of four files, a save in progress, ten others.
    assert len(list(folder.iterdir())) <= 6 * 4 + 10


def kill_later(process, folder, seconds):
    """Kills a training so long after its first step, or after its end."""
    def count_processes():
        record = run_record.load_folder(str(folder))
        return len(record.content['processes']) if record else 0

    before = count_processes()
    while process.poll() is None and count_processes() == before:
        time.sleep(0.01)
    time.sleep(seconds)
    process.kill()


@pytest.mark.parametrize('system', sorted(OPTIONS))
def test_a_run_that_is_killed_often_is_the_same_run(system, data_dir, tmp_path):
    """By the clock; and at a rename, removal, sync or opening, before it or behind it."""
    def start(folder, **variables):
        return runs.start('train.py', data_dir, '--model-dir', folder, '--system', system,
                          *OPTIONS[system], **variables)

    whole, folder, count = (tmp_path / name for name in ('whole', 'killed', 'count'))
    expected = finish(start(whole, PYTHONPATH=HOOK, KILL_FOLDER=whole, KILL_COUNT=count), whole)
    num_changes = len(count.read_text())
    moments, killed = random.Random(SEED), []
    for number in range(2 * NUM_KILLS):
        if number % 2:
            process = start(folder)
            kill_later(process, folder, moments.uniform(0, 0.6))
        else:
            # Mostly soon after a start, so that not all of them end the run.
            variables = {'KILL_AFTER': 1} if moments.random() < 0.5 else {}
            process = start(folder, PYTHONPATH=HOOK, KILL_FOLDER=folder,
                            KILL_AT=moments.randint(1, num_changes // 4), **variables)
        output, error = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), output + error
        killed.append(process.returncode != 0)
        check_folder(folder)
    assert killed[0] and sum(killed) > NUM_KILLS // 2 and num_changes > 100
    assert finish(start(folder), folder) == expected
    content = run_record.load_folder(str(folder)).content
    assert content['not_bit_exact'] == []
    ends = [process['end'] for process in content['processes']]
    assert set(ends[:-1]) <= {'killed', 'finished'} and ends[-1] == 'finished'


@pytest.mark.parametrize('kernels, intra', [('fast', 1), ('stock', 2)])
def test_how_many_ops_run_at_once_does_not_matter(kernels, intra, data_dir, tmp_path):
    """With the fast kernels no number of threads or cores does: each op has one."""
    cases = [(['--inter-op-threads', inter, '--intra-op-threads', intra], None)
             for inter in (1, 5)]
    if kernels == 'fast':
        cores = sorted(os.sched_getaffinity(0))[:1]
        cases.append(([], lambda: os.sched_setaffinity(0, cores)))
    results = set()
    for number, (threads, start_on) in enumerate(cases):
        folder = tmp_path / str(number)
        process = runs.start('train.py', data_dir, '--model-dir', folder, '--max-steps', 10,
                             '--kernels', kernels, *threads, preexec_fn=start_on)
        output, error = process.communicate()
        # TensorFlow's chatter stays off the terminal.
        assert (process.returncode, error) == (0, '')
        digest = re.search('SHA-256 ([0-9a-f]{64})', output).group(1)
        results.add((digest, runs.step_losses(folder).tobytes()))
    assert len(results) == 1


def wait_for(name, folder, process):
    while process.poll() is None and not list(folder.glob(name)):
        time.sleep(0.01)


@pytest.mark.parametrize('awaited', ['.lock', 'model.ckpt-*.index'])
def test_sigterm(awaited, data_dir, tmp_path):
    """While TensorFlow loads it ends a training; later it saves and says where to go on."""
    process = runs.start('train.py', data_dir, '--model-dir', tmp_path, '--save-steps', 2)
    wait_for(awaited, tmp_path, process)
    process.send_signal(signal.SIGTERM)
    output, error = process.communicate(timeout=30)
    assert process.returncode == 143
    newest = reading.find_newest(str(tmp_path))
    assert re.findall(r'Stopped at step (\d+); start again', error) == (
        [] if awaited == '.lock' else [str(newest.step)])
    assert error.count('\n') == (newest is not None)


def test_beside_a_running_training(data_dir, tmp_path):
    """Checkpoints come and go while test.py reads; a second train.py is turned away."""
    tested = ('test.py', 0, '\n[synthetic, not CIFAR-10] Test : ')
    refused = ('train.py', 1, 'train.py: error: another training run uses')
    process = runs.start('train.py', data_dir, '--model-dir', tmp_path, '--save-steps', 1)
    try:
        wait_for('model.ckpt-[1-9][0-9].index', tmp_path, process)
        for script, status, text in (tested, tested, tested, refused):
            other = runs.start(script, data_dir, '--model-dir', tmp_path)
            output, error = other.communicate()
            assert other.returncode == status and text in output + error
            assert error.count('\n') == status
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
