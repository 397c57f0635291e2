"""A sweep that is killed, at any moment and often, gives the same weights.

KILLS says how many kills there are of the sweep and how many of its processes,
and KILLS_SEED when they come.
"""

import os
import random
import signal
import subprocess
import sys
import time

import pytest

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.records import run_record
from cifar10_tf1.report import counting
from cifar10_tf1.report import gathering

pytestmark = pytest.mark.slow

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NUM_KILLS = int(os.environ.get('KILLS', 5))
SEED = int(os.environ.get('KILLS_SEED', 1))
# Of the generated data an epoch of lenet5 has 43 steps, one of deep_cnn 100.
OPTIONS = {'lenet5': ['--epochs', '8', '--save-steps', '4'],
           'deep_cnn': ['--epochs', '1', '--save-steps', '2']}
AN_AGE = 300  # seconds


class Sweeps:
    """Of one system, seeds 1 and 2, on one data set."""

    def __init__(self, system, data_dir):
        self.options = ['--system', system, '--synthetic', '--data-dir',
                        str(data_dir)] + OPTIONS[system]

    def train(self, seed, folder):
        """As a user trains one run. Returns the hash of its weights."""
        subprocess.run([sys.executable, os.path.join(ROOT, 'train.py'), '--seed',
                        str(seed), '--model-dir', str(folder)] + self.options,
                       stdout=subprocess.DEVNULL, check=True)
        return find_hash(folder)

    def start(self, folder):
        return subprocess.Popen(
            [sys.executable, '-m', 'cifar10_tf1.sweep', '--seeds', '1-2',
             '--folder', str(folder)] + self.options, cwd=ROOT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            universal_newlines=True)

    def finish(self, folder):
        """Returns what it printed."""
        process = self.start(folder)
        output = process.communicate()[0]
        assert process.returncode == 0, output
        return output


def find_hash(folder):
    return run_record.load_folder(str(folder)).content['weights']['sha256']


def find_trainings(number):
    """Process numbers of the children that train a run which has saved something."""
    children = []
    for name in filter(str.isdigit, os.listdir('/proc')):
        try:
            with open(f'/proc/{name}/stat') as file:
                parent = file.read().rpartition(')')[2].split()[1]
            with open(f'/proc/{name}/cmdline') as file:
                words = file.read().split('\0')
        except OSError:
            continue
        if int(parent) == number and '--model-dir' in words:
            run = words[words.index('--model-dir') + 1]
            if model_dir.list_checkpoints(run):
                children.append(int(name))
    return children


def count_steps(folder):
    """Saved by all runs so far: another number after each save."""
    return sum(max([checkpoint.step for checkpoint
                    in model_dir.list_checkpoints(str(path))] or [0])
               for path in folder.glob('seed-*'))


def wait_for_training(process, folder, num_steps):
    """Until a run has saved something more."""
    end = time.monotonic() + AN_AGE
    while (process.poll() is None and time.monotonic() < end
           and count_steps(folder) == num_steps):
        time.sleep(0.02)


@pytest.fixture(scope='module', params=sorted(OPTIONS))
def sweeps(request, tmp_path_factory):
    return Sweeps(request.param, tmp_path_factory.mktemp('data'))


def test_a_sweep_trains_as_train_py_and_so_it_does_where_it_is_killed(
        sweeps, tmp_path):
    expected = [sweeps.train(seed, tmp_path / f'alone-{seed}')
                for seed in (1, 2)]
    folder = tmp_path / 'sweep'
    moments, killed = random.Random(SEED), []
    for unused_kill in range(NUM_KILLS):
        num_steps = count_steps(folder)
        process = sweeps.start(folder)
        wait_for_training(process, folder, num_steps)
        time.sleep(moments.uniform(0, 1))
        children = find_trainings(process.pid)
        if children and process.poll() is None:
            victim = moments.choice(children)
            try:
                os.kill(victim, signal.SIGKILL)
                killed.append('a run')
            except ProcessLookupError:
                pass
            time.sleep(moments.uniform(0, 0.5))
        process.kill()  # its processes live on, and the next one awaits them
        process.communicate()
        if process.returncode == -signal.SIGKILL:
            killed.append('the sweep')
    assert killed.count('the sweep') > NUM_KILLS // 2 and 'a run' in killed
    sweeps.finish(folder)
    assert [find_hash(folder / f'seed-{seed:02}')
            for seed in (1, 2)] == expected
    ends = set()
    for seed in (1, 2):
        record = run_record.load_folder(str(folder / f'seed-{seed:02}'))
        ends.update(process['end'] for process in record.content['processes'])
        assert not counting.list_missing(record)
    assert 'killed' in ends  # and not only before it had begun
    # Once more: nothing is done again.
    logs = {path: path.read_text() for path in (folder / gathering.LOGS).iterdir()}
    assert len(logs) == 2
    output = sweeps.finish(folder)
    assert 'seed-02: complete' in output and 'training on' not in output
    assert logs == {path: path.read_text()
                    for path in (folder / gathering.LOGS).iterdir()}
