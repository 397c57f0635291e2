"""The run of record, which comes with the project: results/README.md."""

import os

from cifar10_tf1 import model_dir
from cifar10_tf1 import systems

RESULTS = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'results')
RUNS = os.path.join(RESULTS, 'runs')  # <system>/<runtime>-seed-NN/
# run.json, metrics.csv; and its last checkpoint.
RECORD = os.path.join(RUNS, systems.DEFAULT, '1.15-seed-01')
CHECKPOINT = os.path.join(RESULTS, 'checkpoint')


def find_checkpoint():
    """The checkpoint of record.

    Returns:
      str, a prefix; None where it is not there.
    """
    return next((checkpoint.prefix
                 for checkpoint in model_dir.list_checkpoints(CHECKPOINT)
                 if checkpoint.holds_tensors), None)


def shorten(path):
    """For a message: from the current folder where it is below that."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative
