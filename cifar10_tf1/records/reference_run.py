"""The recorded runs that come with the project, in results/: README.md there."""

import glob
import os

from cifar10_tf1 import systems
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.machine import description
from cifar10_tf1.records import run_record

RESULTS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), 'results')
RUNS = os.path.join(RESULTS, 'runs')  # <system>/<runtime>-seed-NN/
# The run of record: its run.json and metrics.csv, and its last checkpoint.
RECORD = os.path.join(RUNS, systems.DEFAULT, '1.15-seed-01')
CHECKPOINT = os.path.join(RESULTS, 'checkpoint')


def find_checkpoint():
    """The prefix of the checkpoint of record, or None if it is missing."""
    newest = model_dir.find_newest(CHECKPOINT)
    return newest and newest.prefix


def compare(record, folder=RUNS):
    """A line that compares a run with the recorded one with the same seed and data.

    None if there is no such recorded run, or no finished epoch.
    """
    paths = sorted(glob.glob(os.path.join(
        glob.escape(folder), record.content['system'], '*', run_record.FILE)))
    recorded = next((other for other in map(run_record.load, paths)
                     if _identify(other) == _identify(record)), None)
    losses = {entry['step']: entry['summed_loss']
              for entry in (recorded.epochs if recorded else ())}
    pairs = [(entry['summed_loss'], losses[entry['step']]) for entry in record.epochs
             if entry['step'] in losses]
    if not pairs:
        return None
    num_equal = sum(ours == theirs for ours, theirs in pairs)
    line = (f'Recorded run {shorten(recorded.folder)}: {num_equal} of {len(pairs)} summed '
            'losses equal to the bit')
    if num_equal == len(pairs):
        return line
    largest = max(abs(ours / theirs - 1) for ours, theirs in pairs)
    differences = description.list_differences(recorded.kind, record.kind)
    ours, theirs = (description.name_machine(run.kind) for run in (record, recorded))
    if ours != theirs:  # says more than its caches, the first difference
        differences = [f'{ours}, not {theirs}']
    return line + (
        f', the others differ by at most {100 * largest:.4f} %, on '
        + (f'another kind of machine ({differences[0]})' if differences else
           'the SAME kind of machine: something changed the numbers'))


def _identify(record):
    return (record.settings.seed,
            record.settings.train_files or record.entry.source.num_train_files,
            record.content['data']['sha256'], record.kind['kernels'],
            record.kind['wheel'], record.kind['device'])


def shorten(path):
    """A path for messages, relative to the working folder if it is inside."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative
