"""The statistics of the runs in results/, recomputed from their records."""

import csv
import glob
import json
import math
import os

import pytest

from cifar10_tf1 import systems
from cifar10_tf1.records import reference_run
from cifar10_tf1.report import building, gathering, summary as summaries, words
from cifar10_tf1.sweep import __main__ as sweep

pytest.importorskip('scipy', reason='make setup EXTRAS=pictures')

FOLDERS = sorted(os.path.relpath(os.path.dirname(path), reference_run.RUNS)
                 for path in glob.glob(os.path.join(
                     reference_run.RUNS, '**', sweep.STATISTICS), recursive=True))
assert {'deep_cnn', 'lenet5', 'laptop_cnn', 'udacity_cnn'} <= set(FOLDERS)


def find_difference(a, b, name=''):
    """Where two contents of JSON differ, but for the last digits; or None."""
    if isinstance(a, float) and isinstance(b, float):
        return None if math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-6) else name
    if isinstance(a, dict) and isinstance(b, dict) and sorted(a) == sorted(b):
        a, b = ([each[key] for key in sorted(a)] for each in (a, b))
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return next(filter(None, (find_difference(*pair, f'{name}/{i}')
                                  for i, pair in enumerate(zip(a, b)))), None)
    return None if a == b else name or '/'


@pytest.mark.parametrize('name', FOLDERS)
def test_the_files_in_results_are_of_the_records(name):
    """`sweep --merge --system SYSTEM --folder results/runs/SYSTEM` renews them."""
    folder = os.path.join(reference_run.RUNS, name)
    entry = systems.find(name.split(os.sep)[0])
    runs = gathering.load_folder(folder, entry)
    summary = summaries.summarize(runs, entry)
    with open(os.path.join(folder, sweep.STATISTICS)) as file:
        assert find_difference(json.load(file), json.loads(json.dumps(summary))) is None
    with open(os.path.join(folder, sweep.SEEDS), newline='') as file:
        assert list(csv.reader(file)) == [
            list(map(str, row)) for row in building.list_rows(runs, entry)]
    with open(os.path.join(folder, sweep.TEXT)) as file:
        assert file.read().splitlines() == words.format_summary(summary)
