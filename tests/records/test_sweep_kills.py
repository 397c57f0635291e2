"""A sweep that is killed, at any moment and often, gives the same weights.

KILLS says how many kills there are of the sweep and how many of its processes,
and KILLS_SEED when they come.
"""

import contextlib
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.records import run_record
from cifar10_tf1.report import gathering
from cifar10_tf1.sweep import jobs

pytestmark = pytest.mark.slow

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NUM_KILLS = int(os.environ.get('KILLS', 5))
SEED = int(os.environ.get('KILLS_SEED', 1))
# Of the generated data an epoch of lenet5 has 43 steps, one of deep_cnn 100.
OPTIONS = {'lenet5': ['--epochs', '8', '--save-steps', '4'],
           'deep_cnn': ['--epochs', '1', '--save-steps', '2']}


def find_trainings(number):
    """Process numbers of the children that train a run which has saved something."""
    children = []
    for name in filter(str.isdigit, os.listdir('/proc')):
        with contextlib.suppress(OSError):
            with open(f'/proc/{name}/stat') as file:
                parent = file.read().rpartition(')')[2].split()[1]
            with open(f'/proc/{name}/cmdline') as file:
                words = file.read().split('\0')
            if int(parent) == number and '--model-dir' in words and (
                    model_dir.list_checkpoints(words[words.index('--model-dir') + 1])):
                children.append(int(name))
    return children


def count_steps(folder):
    """Saved by all runs so far: another number after each save."""
    return sum(max([checkpoint.step for checkpoint
                    in model_dir.list_checkpoints(str(path))] or [0])
               for path in folder.glob('seed-*'))


@pytest.mark.parametrize('system', sorted(OPTIONS))
def test_a_sweep_trains_as_train_py_and_so_it_does_where_it_is_killed(system, tmp_path):
    options = ['--system', system, '--synthetic', '--data-dir', str(tmp_path / 'data'),
               *OPTIONS[system]]
    for seed in (1, 2):
        subprocess.run([sys.executable, os.path.join(ROOT, 'train.py'), '--seed',
                        str(seed), '--model-dir', str(tmp_path / f'seed-{seed:02}'),
                        *options], stdout=subprocess.DEVNULL, check=True)
    folder = tmp_path / 'sweep'
    command = [sys.executable, '-m', 'cifar10_tf1.sweep', '--seeds', '1-2', '--folder',
               str(folder), *options]
    moments, killed = random.Random(SEED), []
    for unused_kill in range(NUM_KILLS):
        num_steps, end = count_steps(folder), time.monotonic() + 300
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.STDOUT)
        while (process.poll() is None and time.monotonic() < end
               and count_steps(folder) == num_steps):
            time.sleep(0.02)
        time.sleep(moments.uniform(0, 1))
        children = find_trainings(process.pid)
        if children and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(moments.choice(children), signal.SIGKILL)
                killed.append('a run')
            time.sleep(moments.uniform(0, 0.5))
        process.kill()  # its processes live on, and the next one awaits them
        if process.wait() == -signal.SIGKILL:
            killed.append('the sweep')
    assert killed.count('the sweep') > NUM_KILLS // 2 and 'a run' in killed
    subprocess.run(command, cwd=ROOT, check=True)
    ends = set()
    for name in ('seed-01', 'seed-02'):
        alone, ours = (run_record.load_folder(str(parent / name))
                       for parent in (tmp_path, folder))
        assert ours.content['weights'] == alone.content['weights']
        assert gathering.build_run(ours).is_complete
        ends.update(process['end'] for process in ours.content['processes'])
    assert 'killed' in ends  # and not only before it had begun
    # Once more: nothing is done again.
    logs = [(path, path.read_text()) for path in (folder / jobs.LOGS).iterdir()]
    subprocess.run(command, cwd=ROOT, check=True)
    assert len(logs) == 2 and logs == [(path, path.read_text()) for path, unused in logs]
