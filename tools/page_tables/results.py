"""What the tables read, runs and measured rows, and how they are written."""

import csv
import functools
import json
import os

from cifar10_tf1 import systems
from cifar10_tf1.records import reference_run, run_record
from cifar10_tf1.report import gathering, summary as summaries, words


def format_table(header, rows):
    """The lines of a table in Markdown."""
    lines = ['| ' + ' | '.join(map(str, row)) + ' |' for row in [header, *rows]]
    return [lines[0], '|---' * len(header) + '|', *lines[1:]]


def load_runs(system, *versions):
    """RunRecords of a system's whole runs on `1.15` or `2.21`, by version and seed."""
    folder = os.path.join(reference_run.RUNS, system)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [run_record.load_folder(os.path.join(folder, name)) for version in versions
            for name in names if name.startswith(f'{version}-seed-')]


@functools.lru_cache(maxsize=None)
def summarize(system):
    """(summary, measures.Measure) of a system's whole runs."""
    folder, entry = os.path.join(reference_run.RUNS, system), systems.find(system)
    summary = summaries.summarize(gathering.load_folder(folder, entry), entry)
    return summary, words.find_measure(summary)


def find_group(summary, version):
    """The group of a summary on TensorFlow '1.15' or '2.21', or None."""
    return next((group for group in summary['groups'] if group['is_comparable']
                 and group['runtime'].split()[1].startswith(version)), None)


def find_test(record, variant):
    """A record's test of a variant that has one."""
    return gathering.build_run(record).tests[variant][0]


def load_rows(*path):
    """The rows of a CSV file in results/, each a dict."""
    with open(os.path.join(reference_run.RESULTS, *path), newline='') as file:
        return list(csv.DictReader(file))


def load_ports(system, folder=''):
    """Tests of the plain ports on a session: their means over mini-batches."""
    if not os.path.exists(os.path.join(reference_run.RUNS, system, 'plain-ports.csv')):
        return []
    return [float(port['mean_over_batches'])
            for port in load_rows('runs', system, 'plain-ports.csv')
            if os.path.dirname(port['file']) == folder]


def load_json(*path):
    with open(os.path.join(reference_run.RESULTS, *path)) as file:
        return json.load(file)
