"""The run of record, which comes with the project: results/README.md."""

import csv
import os

from cifar10_tf1 import systems
from cifar10_tf1.checkpoints import model_dir

RESULTS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), 'results')
RUNS = os.path.join(RESULTS, 'runs')  # <system>/<runtime>-seed-NN/
# The run's run.json and metrics.csv, and its last checkpoint.
RECORD = os.path.join(RUNS, systems.DEFAULT, '1.15-seed-01')
CHECKPOINT = os.path.join(RESULTS, 'checkpoint')
# The widest band allowed for a column of seeds.csv, in correct images of 10,000. The
# documented 8,246 is one draw from the first: nine tests of the plain port gave 8,152
# to 8,262, its central crop 8,470.
WIDEST_BANDS = {'mean_correct': (8110, 8330), 'central_correct': (8380, 8580)}
ENOUGH_RUNS = 5
PROBABILITY = 0.99  # that one more such run is in its band


def find_checkpoint():
    """The prefix of the checkpoint of record, or None if it is missing."""
    newest = model_dir.find_newest(CHECKPOINT)
    return newest and newest.prefix


def find_band(column, path=os.path.join(RUNS, systems.DEFAULT, 'seeds.csv')):
    """The band for one more run's count: (low, high, n), of 10,000, from n runs.

    n is 0 if there are too few. The column is a key of WIDEST_BANDS. Needs SciPy.
    """
    from cifar10_tf1.records import statistics_of_runs
    low, high = WIDEST_BANDS[column]
    with open(path, newline='') as file:
        numbers = [float(row[column]) for row in csv.DictReader(file)
                   if row['state'] == 'complete']
    if len(numbers) < ENOUGH_RUNS:
        return low, high, 0
    interval = statistics_of_runs.find_interval(numbers, PROBABILITY, of_one_more=True)
    return max(low, interval[0]), min(high, interval[1]), len(numbers)


def shorten(path):
    """A path for messages, relative to the working folder if it is inside."""
    relative = os.path.relpath(path)
    return path if relative.startswith(os.pardir) else relative
