"""What the tables read: paths, records, and numbers in words."""

import csv
import json
import os
import statistics

from cifar10_tf1.records import reference_run
from cifar10_tf1.records import run_record
from cifar10_tf1.sweep import counts


def load_runs(system, runtime):
    """RunRecords of a system's whole runs on `1.15` or `2.21`, by seed."""
    folder = os.path.join(reference_run.RUNS, system)
    prefix = f'{runtime}-seed-'
    if not os.path.isdir(folder):
        return []
    return [run_record.load_folder(os.path.join(folder, name))
            for name in sorted(os.listdir(folder)) if name.startswith(prefix)]


def list_by_seed(record, variant):
    """The number of right images by test seed."""
    return list(counts.list_counts(record, variant).values())


def list_correct(records, variant):
    """The number of right images of each run, by its test."""
    return [next(test['num_correct'] for test in record.content['tests']
                 if test['crop'] == variant) for record in records]


def describe_numbers(numbers, what, form=','):
    """'9,858.5 (n = 10 seeds, sd 17.8, 9,826 to 9,885)'."""
    spread = (f', sd {statistics.stdev(numbers):.1f}, {min(numbers):{form}} to '
              f'{max(numbers):{form}}' if len(numbers) > 1 else '')
    return f'{statistics.mean(numbers):,.1f} (n = {what}{spread})'


def load_rows(*path):
    """The rows of a CSV file in results/, each a dict."""
    with open(os.path.join(reference_run.RESULTS, *path), newline='') as file:
        return list(csv.DictReader(file))


def load_benchmark(name):
    with open(os.path.join(reference_run.RESULTS, 'bench', name)) as file:
        return json.load(file)
