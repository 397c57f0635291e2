"""What the tables read: runs, their sums and measured rows."""

import csv
import functools
import json
import os

from cifar10_tf1 import systems
from cifar10_tf1.records import reference_run
from cifar10_tf1.records import run_record
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import gathering
from cifar10_tf1.report import summary as summaries
from cifar10_tf1.report import words


def load_runs(system, runtime):
    """RunRecords of a system's whole runs on `1.15` or `2.21`, by seed."""
    folder = os.path.join(reference_run.RUNS, system)
    prefix = f'{runtime}-seed-'
    if not os.path.isdir(folder):
        return []
    return [run_record.load_folder(os.path.join(folder, name))
            for name in sorted(os.listdir(folder)) if name.startswith(prefix)]


@functools.lru_cache(maxsize=None)
def summarize(system):
    """(summary, counting.Measure) of a system's whole runs."""
    folder = os.path.join(reference_run.RUNS, system)
    entry = systems.find(system)
    summary = summaries.summarize(gathering.load_folder(folder, entry), entry)
    return summary, words.find_measure(summary)


def find_group(summary, version):
    """The group of a summary on TensorFlow '1.15' or '2.21', or None."""
    return next((group for group in summary['groups'] if group['is_comparable']
                 and group['runtime'].split()[1].startswith(version)), None)


def list_counts(record, variant):
    """Right images of a record's tests of a variant, by test seed."""
    return gathering.build_run(record).list_counts(variant)


def describe_means(group, measure, what='seed'):
    """'8,227.8 (n = 6 seeds of 20 tests each, sd 11.1, 8,215.8 to 8,243.2)'."""
    numbers, sizes = group['means'], group['num_tests']
    each = f' of {max(sizes)} tests each' if max(sizes) > 1 else ''
    return describe_numbers(numbers, measure, f'{len(numbers)} {what}'
                            + 's' * (len(numbers) > 1) + each)


def describe_numbers(numbers, measure, what):
    """'9,858.5 (n = 10 seeds, sd 17.8, 9,826 to 9,885)'."""
    unused_n, mean, sd, least, greatest = statistics_of_runs.summarize(numbers)
    spread = '' if sd is None else (
        f', sd {sd:.{measure.digits}f}, {measure.format(least)} to '
        f'{measure.format(greatest)}')
    return f'{measure.format(float(mean))} (n = {what}{spread})'


def load_rows(*path):
    """The rows of a CSV file in results/, each a dict."""
    with open(os.path.join(reference_run.RESULTS, *path), newline='') as file:
        return list(csv.DictReader(file))


def load_ports(system, folder=''):
    """Tests of the plain ports on a session: their means over mini-batches."""
    path = os.path.join(reference_run.RUNS, system, 'plain-ports.csv')
    if not os.path.exists(path):
        return []
    return [float(port['mean_over_batches'])
            for port in load_rows('runs', system, 'plain-ports.csv')
            if os.path.dirname(port['file']) == folder]


def load_benchmark(name):
    with open(os.path.join(reference_run.RESULTS, 'bench', name)) as file:
        return json.load(file)
