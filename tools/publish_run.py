"""Publishes a complete and tested run in results/ and sums up the runs there.

    python -m cifar10_tf1.sweep --seeds 2 --folder runs
    python tools/publish_run.py runs/seed-02 1.15-seed-02

What the run wrote is copied to results/runs/SYSTEM/NAME. With --for-accuracy, the
first losses are too, for `make accuracy`; CIFAR10_DATA_DIR names the data.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from cifar10_tf1 import systems  # noqa: E402
from cifar10_tf1.checkpoints import model_dir  # noqa: E402
from cifar10_tf1.records import reference_run, run_record  # noqa: E402
from cifar10_tf1.report import gathering  # noqa: E402
from cifar10_tf1.sweep import __main__ as sweep  # noqa: E402

FIRST_STAGES = 40, 80, 100  # steps; the shortest epoch has nine


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('folder', help='folder of the run')
    parser.add_argument('name', help='name in results/runs/, such as 1.15-seed-02')
    parser.add_argument('--for-accuracy', action='store_true')
    options = parser.parse_args()
    record = run_record.load_folder(options.folder)
    state = gathering.build_run(record).state if record else 'there is no run'
    if state != gathering.COMPLETE:
        sys.exit(f'{options.folder} contains no complete and tested run ({state}); '
                 'python -m cifar10_tf1.sweep makes it')
    entry = systems.find(record.content['system'])
    target = os.path.join(reference_run.RUNS, entry.name, options.name)
    os.makedirs(target)
    for file in (run_record.FILE, run_record.METRICS_FILE):
        shutil.copy(os.path.join(options.folder, file), target)
    if options.for_accuracy:
        publish_first_losses(record, target)
    sweep.main(['--merge', '--system', entry.name, '--folder', os.path.dirname(target)])


def publish_first_losses(record, target):
    """Trains the first steps again; the .json of a checkpoint has its epoch's losses.

    In stages, because only the last five checkpoints are kept.
    """
    losses = {}
    with tempfile.TemporaryDirectory() as folder:
        for last_step in FIRST_STAGES:
            subprocess.run(
                [sys.executable, os.path.join(ROOT, 'train.py'), '--model-dir', folder,
                 '--system', record.content['system'], '--seed',
                 str(record.settings.seed), '--train-files',
                 str(record.settings.train_files), '--kernels', record.kind['kernels'],
                 '--max-steps', str(last_step)], check=True)
            for checkpoint in model_dir.list_checkpoints(folder):
                found = model_dir.load_settings(checkpoint.prefix)['losses']
                losses.update(enumerate(found, start=checkpoint.step - len(found) + 1))
    with open(os.path.join(target, 'first_losses.csv'), 'w', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(['step', 'loss'])
        writer.writerows((step, repr(loss)) for step, loss in sorted(losses.items()))


if __name__ == '__main__':
    main()
