"""How many runs an hour: one on all cores, or one on each, in turn.

    CIFAR10_DATA_DIR=... MNIST_DATA_DIR=... python tools/measure_processes.py \
        --rounds 5 results/bench/processes.csv

In each round and for each system, a run on all cores, then one on each core side
by side: so what else the machine does slows both. The steps are timed between two
checkpoints of the same run, which leaves the start out: whole runs take hours.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from cifar10_tf1 import programs  # noqa: E402
from cifar10_tf1 import run_record  # noqa: E402

# Steps of the two checkpoints.
STEPS = {'deep_cnn': (30, 150), 'lenet5': (300, 1500)}
COLUMNS = ('system', 'cores', 'round', 'processes', 'steps_a_second')


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('output', help='the CSV file to append to')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--system', choices=sorted(STEPS), action='append')
    options = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    is_new = not os.path.exists(options.output)
    with open(options.output, 'a', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        if is_new:
            writer.writerow(COLUMNS)
        for number in range(1, options.rounds + 1):
            for system in options.system or sorted(STEPS):
                # The order changes, so that neither is always the later one.
                for groups in ([cores], [[core] for core in cores])[
                        ::-1 if number % 2 else 1]:
                    rate = measure(system, groups)
                    writer.writerow([system, len(cores), number, len(groups),
                                     f'{rate:.3f}'])
                    file.flush()


def measure(system, groups):
    """Steps a second of runs side by side, together.

    Args:
      system: str, one of STEPS.
      groups: list of lists of int, the cores of each run.
    """
    first, last = STEPS[system]
    with tempfile.TemporaryDirectory() as parent:
        folders = [os.path.join(parent, str(i)) for i in range(len(groups))]
        processes = [start(system, folder, cores, first, last)
                     for folder, cores in zip(folders, groups)]
        for process in processes:
            if process.wait():
                sys.exit(f'{" ".join(process.args)} ended with status '
                         f'{process.returncode}')
        return sum((last - first) / (find_time(folder, last)
                                     - find_time(folder, first))
                   for folder in folders)


def start(system, folder, cores, save_steps, max_steps):
    return subprocess.Popen(
        [sys.executable, programs.path('train'), '--system', system,
         '--model-dir', folder, '--save-steps', str(save_steps), '--max-steps',
         str(max_steps), '--no-summaries', '--device', 'cpu'],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, cores))


def find_time(folder, step):
    """When a checkpoint was complete, seconds."""
    assert run_record.load_folder(folder)
    return os.stat(os.path.join(folder, f'model.ckpt-{step}.json')).st_mtime


if __name__ == '__main__':
    main()
