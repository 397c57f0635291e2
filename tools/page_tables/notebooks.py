"""laptop_cnn and udacity_cnn beside their documents and plain ports."""

import os

import page_tables
from cifar10_tf1 import systems
from cifar10_tf1.records import reference_run, statistics_of_runs
from cifar10_tf1.report import comparison, words
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
    rows = []
    for name in NOTEBOOKS:
        rows.append([f'`{name}`', 'documented', '',
                     systems.find(name).documented.mean_over_batches, '', '', ''])
        for record in results.load_runs(name, '1.15', '2.21'):
            test = results.find_test(record, 'whole')
            rows.append([
                '', record.kind['wheel'], record.settings.seed, test['mean_over_batches'],
                f'{test["num_correct"]:,}',
                f'{record.epochs[-1]["validation_correct"]:,}',
                f'`{record.content["weights"]["sha256"][:16]}...`'])
    return results.format_table(
        ['system', 'runtime', 'seed', 'mean over mini-batches', 'correct, of 10,000',
         'validation, of 5,000', 'weights, SHA-256'], rows)


@page_tables.table
def build_notebook_ports():
    """Ours and plain ports' runs side by side: what a test said, and what that says."""
    rows, sentences = [], []
    for name in NOTEBOOKS:
        for title, folder in SESSIONS:
            ours = [results.find_test(record, 'whole')['mean_over_batches'] for record
                    in results.load_runs(os.path.join(name, folder), '1.15')]
            theirs = results.load_ports(name, folder)
            found = statistics_of_runs.compare_means(ours, theirs)
            rows.append([f'`{name}`', title, *(
                ', '.join(f'{value:.4f}' for value in values)
                for values in (ours, theirs)),
                f'{found["difference"]:+.4f} ({words.format_p(found["p"])})'])
            if not folder:  # the document has no test of the other session
                sentences += page_tables.wrap(f'- `{name}`: ' + describe_documented(
                    systems.find(name).documented.mean_over_batches, ours, theirs), '  ')
    return results.format_table(
        ['system', 'training data', 'ours, by seed', 'plain port, not seeded',
         'ours minus the port\'s, on average (Welch\'s t test)'], rows) + [''] + sentences


def describe_documented(value, ours, theirs):
    """Where the documented test lies beside our runs and the port's."""
    places = [place(value, min(numbers), max(numbers)) for numbers in (ours, theirs)]
    p = [words.format_p(statistics_of_runs.compare_one(numbers, value)['p'])
         for numbers in (ours, ours + theirs)]
    return (f'the documented {value:.4f} lies {places[0]} our {len(ours)} runs and '
            f'{places[1]} {len(theirs)} runs of the port. A t test of it as one more '
            f'run: {p[0]} beside ours, {p[1]} beside all {len(ours + theirs)}.')


def place(value, least, greatest):
    return ('below all' if value < least else 'above all' if value > greatest
            else 'among')


def load_port_curves(name, folder, figure):
    """The curve of each plain port's run on a session."""
    names = sorted(os.listdir(os.path.join(reference_run.RUNS, name, folder)))
    return [{(int(row['epoch']), int(row['part'])): float(row[figure])
             for row in results.load_rows('runs', name, folder, file)}
            for file in names if file.startswith('plain-port-')]


@page_tables.table
def build_notebook_curves():
    """Ours beside the documented curves, and the deviations of each from them."""
    rows = []
    for name in NOTEBOOKS:
        for curve in systems.find(name).documented.curves:
            title, folder = SESSIONS[curve.num_files == 1]
            documented = comparison.load_curve(name, curve.name, curve.figure)
            ports, ours = ([comparison.compare(figures, documented, curve)
                            for figures in curves] for curves in (
                load_port_curves(name, folder, curve.figure),
                [comparison.list_figures(record.epochs, curve.figure) for record
                 in results.load_runs(os.path.join(name, folder), '1.15')]))
            rows.append([
                f'`{name}`, {title}', FIGURES[curve.figure],
                *describe_level(name, folder, curve),
                *(format_range(find(one) for one in group)
                  for find in (lambda one: one.mean_absolute,
                               lambda one: abs(one.largest))
                  for group in (ports, ours)),
                f'{curve.mean_absolute} / {curve.largest} {curve.unit}'])
    return results.format_table(
        ['system, training data', 'figure',
         'ours minus the document\'s, mean (range over seeds)',
         'the document lies (t test as one more run)', 'mean deviation: plain ports',
         'ours', 'largest deviation: plain ports', 'ours', 'limits of both'], rows)


def format_range(numbers):
    numbers = list(numbers)
    return f'{min(numbers):.1f} to {max(numbers):.1f}'


def describe_level(name, folder, curve):
    """Cells: our deviation over all places of a curve; where the document lies."""
    group, = results.load_json('runs', name, folder, 'statistics.json')['groups']
    found, = (found for found in group['curves'] if found['title'] == curve.title)
    spread, p = found['spread'], found['documented_as_one_more']['p']
    least, greatest = spread['least'], spread['greatest']
    return [f'{spread["mean"]:+.2f} {found["unit"]} ({least:+.2f} to {greatest:+.2f})',
            f'{place(0, least, greatest)} {spread["n"]} seeds ({words.format_p(p)})']
