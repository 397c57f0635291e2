"""The run of record, which comes with the project: results/README.md."""

import os

RESULTS = os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), 'results')
RUNS = os.path.join(RESULTS, 'runs')  # <system>/<runtime>-seed-NN/
RECORD = os.path.join(RUNS, 'deep_cnn', '1.15-seed-01')  # run.json, metrics.csv
CHECKPOINT = os.path.join(RESULTS, 'checkpoint')         # its last


def find_checkpoint():
    """The checkpoint of record.

    Returns:
      str, a prefix that reads completely; None where it is not there.
    Raises:
      UserError: where it is damaged.
    """
    from cifar10_tf1 import checkpoints
    newest = checkpoints.find_newest(CHECKPOINT)
    return newest and newest.prefix


def shorten(path):
    """For a message: from the current folder where it is below that."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative
