"""A sweep that is killed, at any moment and often, gives the same weights.

KILLS says how many kills there are of the sweep and how many of its processes,
and KILLS_SEED when they come.
"""

import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import time

import pytest

import runs
from cifar10_tf1.records import run_record
from cifar10_tf1.report import gathering

NUM_KILLS = int(os.environ.get('KILLS', 5))
SEED = int(os.environ.get('KILLS_SEED', 1))
# Of the generated data an epoch of lenet5 has 43 steps, one of deep_cnn 100.
OPTIONS = {'lenet5': ['--epochs', '8', '--save-steps', '4'],
           'deep_cnn': ['--epochs', '1', '--save-steps', '2']}


def find_trainings(folder):
    """Process numbers of the trainings that have saved something in a sweep's folder."""
    saved, numbers = {str(path.parent) for path in folder.glob('seed-*/*.index')}, []
    for path in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
        with contextlib.suppress(OSError):
            if saved.intersection(path.read_text(errors='replace').split('\0')):
                numbers.append(int(path.parent.name))
    return numbers


def wait_for_a_save(folder, process):
    before, end = set(folder.glob('seed-*/*.index')), time.monotonic() + 300
    while (process.poll() is None and time.monotonic() < end
           and before.issuperset(folder.glob('seed-*/*.index'))):
        time.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize('system', sorted(OPTIONS))
def test_a_sweep_trains_as_train_py_and_so_it_does_where_it_is_killed(system, tmp_path):
    options = ['--system', system, '--synthetic', '--data-dir', str(tmp_path / 'data'),
               *OPTIONS[system]]
    for seed in (1, 2):
        runs.run_program(os.environ, 'train.py', '--seed', seed,
                         '--model-dir', tmp_path / f'seed-{seed:02}', *options)
    folder = tmp_path / 'sweep'
    command = ['-m', 'cifar10_tf1.sweep', '--seeds', '1-2', '--folder', str(folder), *options]
    moments, killed = random.Random(SEED), []
    for unused_kill in range(NUM_KILLS):
        process = subprocess.Popen([sys.executable, *command], cwd=runs.ROOT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT)
        wait_for_a_save(folder, process)
        time.sleep(moments.uniform(0, 1))
        trainings = find_trainings(folder)
        if trainings and process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(moments.choice(trainings), signal.SIGKILL)
                killed.append('a run')
            time.sleep(moments.uniform(0, 0.5))
        process.kill()  # its processes live on, and the next one awaits them
        if process.wait() == -signal.SIGKILL:
            killed.append('the sweep')
    assert killed.count('the sweep') > NUM_KILLS // 2 and 'a run' in killed
    runs.run_program(os.environ, *command)
    ends = set()
    for name in ('seed-01', 'seed-02'):
        alone, ours = (run_record.load_folder(str(parent / name)) for parent in (tmp_path, folder))
        assert ours.content['weights'] == alone.content['weights']
        assert gathering.build_run(ours).is_complete
        ends.update(process['end'] for process in ours.content['processes'])
    assert 'killed' in ends  # and not only before it had begun
