"""A run that is killed, at any moment and often, is the same run.

KILLS says how many kills there are in each test, and KILLS_SEED when they come.
"""

import csv
import os
import random
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


@pytest.fixture(scope='module', params=sorted(OPTIONS))
def start(request, tmp_path_factory):
    """A function: starts a training in a folder, with some environment variables."""
    data_dir = tmp_path_factory.mktemp('data')

    def start_in(folder, **variables):
        return runs.start('train.py', data_dir, '--model-dir', folder, '--system',
                          request.param, *OPTIONS[request.param], **variables)
    return start_in


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
        'step': newest.step, 'weights': reading.fingerprint(newest.prefix),
        'recorded': record.content['weights'], 'epochs': record.epochs,
        'metrics': metrics, 'losses': model_dir.load_settings(newest.prefix)['losses'],
        'checkpoints': sorted(path.name for path in folder.glob('model.ckpt-*')),
        'published': {path.name: reading.fingerprint(str(path)[:-len('.index')])
                      for path in folder.glob('published/*.index')}}


@pytest.fixture(scope='module')
def whole(start, tmp_path_factory):
    """What a run leaves that is never interrupted, and its number of changes."""
    folder = tmp_path_factory.mktemp('whole')
    count = folder.parent / 'count'
    left = finish(start(folder, PYTHONPATH=HOOK, KILL_FOLDER=folder, KILL_COUNT=count),
                  folder)
    return left, int(count.read_text())


def check_folder(folder):
    """After a kill: what is there reads, and the leftovers don't pile up."""
    run_record.load_folder(str(folder))
    for path in folder.glob('*.index'):
        reading.load(str(path)[:-len('.index')])
    # Five checkpoints of four files, a save in progress, ten others.
    assert len(list(folder.iterdir())) <= 6 * 4 + 10


def count_processes(folder):
    record = run_record.load_folder(str(folder))
    return len(record.content['processes']) if record else 0


def test_killed_at_random_moments(start, whole, tmp_path):
    moments, num_killed = random.Random(SEED), 0
    for unused_kill in range(NUM_KILLS):
        num_processes = count_processes(tmp_path)
        process = start(tmp_path)
        while process.poll() is None and count_processes(tmp_path) == num_processes:
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.6))
        process.kill()
        process.communicate()
        num_killed += process.returncode == -signal.SIGKILL
        check_folder(tmp_path)
    assert num_killed > NUM_KILLS // 2
    assert finish(start(tmp_path), tmp_path) == whole[0]
    content = run_record.load_folder(str(tmp_path)).content
    assert content['not_bit_exact'] == []
    ends = [process['end'] for process in content['processes']]
    assert set(ends[:-1]) <= {'killed', 'finished'} and ends[-1] == 'finished'


def test_killed_where_files_change(start, whole, tmp_path):
    """At a rename, removal, sync or opening, before it or behind it."""
    left, num_changes = whole
    moments, killed = random.Random(SEED), []
    for unused_kill in range(NUM_KILLS):
        # Mostly soon after a start, so that not all of them end the run.
        at = moments.randint(1, max(2, num_changes // 4))
        variables = {'KILL_AFTER': 1} if moments.random() < 0.5 else {}
        process = start(tmp_path, PYTHONPATH=HOOK, KILL_FOLDER=tmp_path, KILL_AT=at,
                        **variables)
        output, error = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), output + error
        killed.append(process.returncode != 0)
        check_folder(tmp_path)
    assert killed[0] and num_changes > 100
    assert finish(start(tmp_path), tmp_path) == left
