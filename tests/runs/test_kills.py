"""A run that is killed, at any moment and often, is the same run.

KILLS says how many kills there are in each test, and KILLS_SEED when they come.
"""

import csv
import os
import random
import signal
import subprocess
import sys
import time

import pytest

import runs
from cifar10_tf1.checkpoints import model_dir, reading
from cifar10_tf1.records import run_record

pytestmark = pytest.mark.slow

ROOT = runs.ROOT
HOOK = os.path.join(ROOT, 'tests', 'runs', 'killing')
NUM_KILLS = int(os.environ.get('KILLS', 5))
SEED = int(os.environ.get('KILLS_SEED', 1))
# Of the generated data an epoch of lenet5 has 43 steps, one of deep_cnn 100, of
# laptop_cnn 40 and of udacity_cnn 10.
OPTIONS = {'lenet5': ['--epochs', '6', '--save-steps', '4'],
           'deep_cnn': ['--epochs', '1', '--save-steps', '2'],
           'laptop_cnn': ['--epochs', '3', '--save-steps', '7'],
           'udacity_cnn': ['--epochs', '2', '--save-steps', '3']}
AN_AGE = 120  # seconds


class Runs:
    """Runs of one system on one data set."""

    def __init__(self, system, data_dir):
        self.system = system
        self._data_dir = data_dir

    def start(self, folder, **variables):
        return subprocess.Popen(
            [sys.executable, os.path.join(ROOT, 'train.py'), '--system',
             self.system, '--synthetic', '--data-dir', str(self._data_dir),
             '--model-dir', str(folder)] + OPTIONS[self.system],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            env=dict(os.environ, **{name: str(value) for name, value
                                    in variables.items()}),
            universal_newlines=True)

    def finish(self, folder, **variables):
        """Trains to the end; returns what the run leaves except for its times."""
        process = self.start(folder, **variables)
        output = process.communicate()[0]
        assert process.returncode == 0, output
        newest = reading.find_newest(str(folder))
        record = run_record.load_folder(str(folder))
        with open(str(folder / 'metrics.csv'), newline='') as file:
            metrics = list(csv.DictReader(file))
        for entry in [*metrics, *record.epochs]:
            del entry['seconds']
        return {
            'step': newest.step, 'weights': reading.fingerprint(newest.prefix),
            'recorded': record.content['weights'], 'epochs': record.epochs,
            'metrics': metrics, 'losses': model_dir.load_settings(
                newest.prefix)['losses'],
            'checkpoints': sorted(path.name for path in folder.glob('model.ckpt-*')),
            'published': {path.name: reading.fingerprint(str(path)[:-len('.index')])
                          for path in folder.glob('published/*.index')}}


@pytest.fixture(scope='module', params=sorted(OPTIONS))
def runs_of(request, tmp_path_factory):
    return Runs(request.param, tmp_path_factory.mktemp('data'))


@pytest.fixture(scope='module')
def whole(runs_of, tmp_path_factory):
    """What a run leaves that is never interrupted, and its number of changes."""
    folder = tmp_path_factory.mktemp('whole')
    count = folder.parent / 'count'
    left = runs_of.finish(folder, PYTHONPATH=HOOK, KILL_FOLDER=folder,
                          KILL_COUNT=count)
    return left, int(count.read_text())


def check_folder(folder):
    """After a kill: what is there reads, and the leftovers don't pile up."""
    if (folder / run_record.FILE).exists():
        run_record.load_folder(str(folder))
    for path in folder.glob('*.index'):
        reading.load(str(path)[:-len('.index')])
    # Five checkpoints of four files, a save in progress, ten others.
    assert len(list(folder.iterdir())) <= 6 * 4 + 10


def wait_for_training(process, folder, num_processes):
    """Until the record says that another process trains."""
    end = time.monotonic() + AN_AGE
    while process.poll() is None and time.monotonic() < end:
        path = folder / run_record.FILE
        if path.exists() and len(run_record.load(str(path)).content[
                'processes']) > num_processes:
            return
        time.sleep(0.01)


def test_killed_at_random_moments(runs_of, whole, tmp_path):
    moments, num_killed = random.Random(SEED), 0
    for unused_kill in range(NUM_KILLS):
        path = tmp_path / run_record.FILE
        num_processes = len(run_record.load(str(path)).content[
            'processes']) if path.exists() else 0
        process = runs_of.start(tmp_path)
        wait_for_training(process, tmp_path, num_processes)
        time.sleep(moments.uniform(0, 0.6))
        process.kill()
        process.communicate()
        num_killed += process.returncode == -signal.SIGKILL
        check_folder(tmp_path)
    assert num_killed > NUM_KILLS // 2
    assert runs_of.finish(tmp_path) == whole[0]
    content = run_record.load_folder(str(tmp_path)).content
    assert content['not_bit_exact'] == []
    assert {process['end'] for process in content['processes'][:-1]} <= {
        'killed', 'finished'}
    assert content['processes'][-1]['end'] == 'finished'


def test_killed_where_files_change(runs_of, whole, tmp_path):
    """At a rename, removal, sync or opening, before it or behind it."""
    left, num_changes = whole
    moments, killed = random.Random(SEED), []
    for unused_kill in range(NUM_KILLS):
        # Mostly soon after a start, so that not all of them end the run.
        at = moments.randint(1, max(2, num_changes // 4))
        variables = {'KILL_AFTER': 1} if moments.random() < 0.5 else {}
        process = runs_of.start(tmp_path, PYTHONPATH=HOOK, KILL_FOLDER=tmp_path,
                                KILL_AT=at, **variables)
        output = process.communicate()[0]
        assert process.returncode in (0, -signal.SIGKILL), output
        killed.append(process.returncode != 0)
        check_folder(tmp_path)
    assert killed[0] and num_changes > 100
    assert runs_of.finish(tmp_path) == left
