"""How many runs an hour: one on all cores, or one on each, in turn.

    CIFAR10_DATA_DIR=... MNIST_DATA_DIR=... python tools/measure_processes.py \
        --rounds 5 results/bench/processes.csv

In each round and for each system, a run on all cores, then one on each core side
by side: so what else the machine does slows both. The steps are timed between two
checkpoints of the same run, which leaves the start out: whole runs take hours.

On a busy machine the processor time of a step says more than the clock: a run on
one core keeps it busy, and one on several can't do better than keep them all busy.
"""

import argparse
import csv
import os
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from cifar10_tf1 import scripts  # noqa: E402

# Steps of the two checkpoints.
STEPS = {'deep_cnn': (30, 150), 'lenet5': (300, 1500)}
COLUMNS = ('system', 'cores', 'round', 'processes', 'steps_a_second',
           'cpu_seconds_a_step')


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
                    rate, cpu_seconds = measure(system, groups)
                    writer.writerow([system, len(cores), number, len(groups),
                                     f'{rate:.3f}', f'{cpu_seconds:.6f}'])
                    file.flush()


def measure(system, groups):
    """Runs side by side.

    Args:
      system: str, one of STEPS.
      groups: list of lists of int, the cores of each run.
    Returns:
      (float, float): steps a second of all together; seconds of processor time
      that a step takes, in the mean.
    """
    steps = STEPS[system]
    number = steps[1] - steps[0]
    with tempfile.TemporaryDirectory() as parent:
        folders = [os.path.join(parent, str(i)) for i in range(len(groups))]
        processes = [start(system, folder, cores, *steps)
                     for folder, cores in zip(folders, groups)]
        times = {}
        while len(times) < 2 * len(groups):
            for folder, process in zip(folders, processes):
                for step in steps:
                    # The last file of a checkpoint.
                    if (folder, step) not in times and os.path.exists(
                            os.path.join(folder, f'model.ckpt-{step}.json')):
                        times[folder, step] = (time.perf_counter(),
                                               find_cpu_seconds(process.pid))
                # Not waited for yet, so that its times can still be read.
                ended = os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG
                                  | os.WNOWAIT)
                if ended and ended.si_status:
                    sys.exit(f'{" ".join(process.args)} ended with status '
                             f'{ended.si_status}')
            time.sleep(0.005)
        for process in processes:
            process.wait()
    spent = [[b - a for a, b in zip(*(times[folder, step] for step in steps))]
             for folder in folders]
    return (sum(number / seconds for seconds, unused in spent),
            sum(cpu for unused, cpu in spent) / number / len(groups))


def start(system, folder, cores, save_steps, max_steps):
    return subprocess.Popen(
        [sys.executable, scripts.path('train'), '--system', system,
         '--model-dir', folder, '--save-steps', str(save_steps), '--max-steps',
         str(max_steps), '--no-summaries', '--device', 'cpu'],
        stdout=subprocess.DEVNULL,
        preexec_fn=lambda: os.sched_setaffinity(0, cores))


def find_cpu_seconds(pid):
    """Processor time of a process so far; also of one that is not waited for."""
    with open(f'/proc/{pid}/stat') as file:
        fields = file.read().rpartition(')')[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf('SC_CLK_TCK')


if __name__ == '__main__':
    main()
