"""laptop_cnn and udacity_cnn beside their documents and plain ports."""

import csv
import glob
import json
import os

import page_tables
from cifar10_tf1.records import reference_run
from cifar10_tf1.report import comparison
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1 import systems
from cifar10_tf1.report import words
from page_tables import results

NOTEBOOKS = 'laptop_cnn', 'udacity_cnn'
# A notebook's sessions, and what it prints or draws of them.
SESSIONS = (('all files', ''), ('the first file alone', 'one-file'))
FIGURES = {'loss': 'loss of the last mini-batch',
           'training_accuracy': 'accuracy on the last mini-batch',
           'validation_accuracy': 'validation accuracy'}


@page_tables.table
def build_notebook_runs():
    """Each whole run beside the documented test."""
    lines = ['| system | runtime | seed | mean over mini-batches | right, of 10,000 | '
             'validation, of 5,000 | weights, SHA-256 |', '|---' * 7 + '|']
    for name in NOTEBOOKS:
        lines.append(f'| `{name}` | documented |  | '
                     f'{systems.find(name).documented.mean_over_batches} |  |  |  |')
        for record in [record for runtime in ('1.15', '2.21')
                       for record in results.load_runs(name, runtime)]:
            test = next(test for test in record.content['tests']
                        if test['crop'] == 'whole')
            lines.append(
                f'| | {record.kind["wheel"]} | {record.settings.seed} | '
                f'{test["mean_over_batches"]} | {test["num_correct"]:,} | '
                f'{record.epochs[-1]["validation_correct"]:,} | '
                f'`{record.content["weights"]["sha256"][:16]}...` |')
    return lines


@page_tables.table
def build_notebook_ports():
    """Ours and plain ports' runs side by side: what a test said, and what that says."""
    lines = ['| system | training data | ours, by seed | plain port, not seeded | ours '
             'less the port\'s, on average (Welch\'s t test) |', '|---' * 5 + '|']
    sentences = []
    for name in NOTEBOOKS:
        for title, folder in SESSIONS:
            ours = [test['mean_over_batches'] for record in results.load_runs(
                os.path.join(name, folder), '1.15') for test
                in record.content['tests'] if test['crop'] == 'whole']
            theirs = results.load_ports(name, folder)
            found = statistics_of_runs.compare_means(ours, theirs)
            lines.append(f'| `{name}` | {title} | ' + ' | '.join(', '.join(
                f'{value:.4f}' for value in values) for values in (ours, theirs))
                + f' | {found["difference"]:+.4f} ({words.format_p(found["p"])}) |')
            if not folder:  # the document has no test of the other session
                sentences.append(f'- `{name}`: ' + describe_documented(
                    systems.find(name).documented.mean_over_batches, ours, theirs))
    return lines + [''] + sentences


def describe_documented(value, ours, theirs):
    """Where the documented test lies beside our runs and the port's."""
    def place(numbers):
        return ('below all' if value < min(numbers) else 'above all'
                if value > max(numbers) else 'within the range of')

    p = [words.format_p(statistics_of_runs.compare_one(numbers, value)["p"])
         for numbers in (ours, ours + theirs)]
    return (f'the documented {value:.4f} lies {place(ours)} {len(ours)} of our runs and '
            f'{place(theirs)} {len(theirs)} of the port. As one more run of ours: '
            f'{p[0]} (t test); as one more of all {len(ours + theirs)}: {p[1]}.')


@page_tables.table
def build_notebook_levels():
    """How far the documented curves lie from ours, over all of their places."""
    lines = []
    for name in NOTEBOOKS:
        for title, folder in SESSIONS:
            for curve in load_summarized_curves(name, folder):
                spread, one = curve['spread'], curve['documented_as_one_more']
                place = ('above all' if spread['greatest'] < 0 else 'below all'
                         if spread['least'] > 0 else 'within the range of')
                lines.append(
                    f'- `{name}`, {title}, {curve["title"][0].lower()}'
                    f'{curve["title"][1:]}: ours minus the document\'s: '
                    f'{spread["mean"]:+.2f} {curve["unit"]} ({spread["least"]:+.2f} to '
                    f'{spread["greatest"]:+.2f}), the document lies {place} '
                    f'{spread["n"]} seeds; as one more run: {words.format_p(one["p"])} '
                    '(t test).')
    return lines


def load_summarized_curves(name, folder):
    """The documented curves of a session's runs in its statistics.json."""
    with open(os.path.join(reference_run.RUNS, name, folder,
                           'statistics.json')) as file:
        group, = json.load(file)['groups']
    return group['curves']


def load_port_curves(name, folder, figure):
    """Of each plain port's run on that session: {(epoch, part): value}."""
    curves = []
    for path in sorted(glob.glob(os.path.join(
            reference_run.RUNS, name, folder, 'plain-port-*.csv'))):
        with open(path, newline='') as file:
            curves.append({(int(row['epoch']), int(row['part'])):
                           float(row[figure]) for row in csv.DictReader(file)})
    return curves


@page_tables.table
def build_notebook_deviations():
    """From the documented curves: the ports' deviations, ours, the limits."""
    lines = ['| system | training data | figure | plain ports | ours, by seed | limits '
             'by the ports | by all: the band |', '|---' * 7 + '|']
    for name in NOTEBOOKS:
        for curve in systems.find(name).documented.curves:
            title, folder = SESSIONS[curve.num_files == 1]
            documented = comparison.load_curve(name, curve.name, curve.figure)
            records = results.load_runs(os.path.join(name, folder), '1.15')
            curves = (load_port_curves(name, folder, curve.figure),
                      [comparison.list_figures(record.epochs, curve.figure)
                       for record in records])
            groups = [[comparison.compare(figures, documented, curve)
                       for figures in group] for group in curves]
            deviations = [[(compared.mean_absolute, abs(compared.largest))
                           for compared in group] for group in groups]
            cells = [', '.join(f'{mean:.1f} / {largest:.1f}' for mean, largest in group)
                     for group in deviations]
            limits = ' / '.join(
                f'{statistics_of_runs.find_prediction_interval(numbers, 0.95)[1]:.1f}'
                for numbers in zip(*deviations[0]))
            lines.append('| ' + ' | '.join([
                f'`{name}`', title, FIGURES[curve.figure], *cells, limits,
                f'{curve.mean_absolute} / {curve.largest} {curve.unit}']) + ' |')
    return lines
