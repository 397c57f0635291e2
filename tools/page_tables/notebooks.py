"""laptop_cnn and udacity_cnn beside their documents and plain ports."""

import csv
import glob
import os

import page_tables
from cifar10_tf1.records import reference_run
from cifar10_tf1 import report
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
# What is compared place by place. Of the 40 images of laptop_cnn's last mini-batch
# all may be right in every run.
PLACED = {'laptop_cnn': ['loss', 'validation_accuracy'],
          'udacity_cnn': list(FIGURES)}


@page_tables.table_of(*NOTEBOOKS)
def build_runs(name):
    """Each whole run of a notebook's system beside the documented test."""
    records = [record for runtime in ('1.15', '2.21')
               for record in results.load_runs(name, runtime)]
    if not records:
        return ['No whole run is recorded yet.']
    lines = ['| runtime | seed | mean over mini-batches | right, of 10,000 | '
             'validation, of 5,000 | weights, SHA-256 |', '|---' * 6 + '|',
             f'| documented |  | {systems.find(name).documented.mean_over_batches}'
             ' |  |  |  |']
    for record in records:
        test = next(test for test in record.content['tests']
                    if test['crop'] == 'whole')
        lines.append(
            f'| {record.kind["wheel"]} | {record.settings.seed} | '
            f'{test["mean_over_batches"]} | {test["num_correct"]:,} | '
            f'{record.epochs[-1]["validation_correct"]:,} | '
            f'`{record.content["weights"]["sha256"][:16]}...` |')
    return lines


@page_tables.table_of(*NOTEBOOKS)
def build_ports(name):
    """Ours and plain ports' runs side by side: what a test said, and what that says."""
    lines = ['| | ours, by seed | plain port, not seeded |', '|---|---|---|']
    documented = systems.find(name).documented.mean_over_batches
    sentences = []
    for title, folder in SESSIONS:
        ours = [test['mean_over_batches'] for record in results.load_runs(
            os.path.join(name, folder), '1.15') for test
            in record.content['tests'] if test['crop'] == 'whole']
        theirs = results.load_ports(name, folder)
        if not theirs:
            return ['No run of a plain port is recorded yet.']
        lines.append(f'| {title} | ' + ' | '.join(', '.join(
            f'{value:.4f}' for value in values) for values in (ours, theirs)) + ' |')
        if not folder:  # of the other session no test is documented
            sentences.append(describe_documented(documented, ours, theirs))
        found = statistics_of_runs.compare_means(ours, theirs)
        sentences.append(
            f'On {title}, ours less the port: {found.difference:+.4f} on average '
            f'(Welch\'s t test, {words.format_p(found.p)}).')
    return lines + [''] + sentences


def describe_documented(value, ours, theirs):
    """Where the documented test lies beside our runs and the port's."""
    def place(numbers):
        return ('below' if value < min(numbers) else 'above' if value > max(numbers)
                else 'within the range of')

    p = [words.format_p(statistics_of_runs.compare_one(numbers, value).p)
         for numbers in (ours, ours + theirs)]
    return (f'The documented {value:.4f} lies {place(ours)} our {len(ours)} runs and '
            f'{place(theirs)} the {len(theirs)} of the port. As one more run of ours: '
            f'{p[0]} (t test); as one more of all {len(ours + theirs)}: {p[1]}.')


def load_port_curves(name, folder, figure):
    """Of each plain port's run on that session: {(epoch, part): value}."""
    curves = []
    for path in sorted(glob.glob(os.path.join(
            reference_run.RUNS, name, folder, 'plain-port-*.csv'))):
        with open(path, newline='') as file:
            curves.append({(int(row['epoch']), int(row['part'])):
                           float(row[figure]) for row in csv.DictReader(file)})
    return curves


def describe_places(curve, others):
    """'2 (3.5)': places over three sd off the others; the farthest, in sd."""
    distances = [abs(value - mean) / sd for value, (mean, sd) in zip(
        curve, statistics_of_runs.find_expected(others))]
    return f'{sum(distance > 3 for distance in distances)} ({max(distances):.1f})'


@page_tables.table_of(*NOTEBOOKS)
def build_places(name):
    """Ours, place by place, in the spread of the plain ports; and theirs."""
    lines = ['| | figure | places | each port beside the other two | ours beside '
             'the three ports, by seed |', '|---' * 5 + '|']
    for title, folder in SESSIONS:
        records = results.load_runs(os.path.join(name, folder), '1.15')
        for figure in PLACED[name]:
            ports = load_port_curves(name, folder, figure)
            ours = [{(entry['epoch'], entry['part']): entry[figure]
                     for entry in record.epochs} for record in records]
            places = sorted(set.intersection(*map(set, ports + ours)))
            ports, ours = ([[curve[place] for place in places] for curve in curves]
                           for curves in (ports, ours))
            cells = [title, FIGURES[figure], str(len(places)), ', '.join(
                describe_places(port, ports[:i] + ports[i + 1:])
                for i, port in enumerate(ports)), ', '.join(
                    describe_places(curve, ports) for curve in ours)]
            lines.append('| ' + ' | '.join(cells) + ' |')
    return lines


@page_tables.table_of(*NOTEBOOKS)
def build_deviations(name):
    """From the documented curves: the ports' deviations, ours, the limits."""
    lines = ['| | figure | plain ports | ours, by seed | limits by the ports | by '
             'all: the band |', '|---' * 6 + '|']
    for curve in systems.find(name).documented.curves:
        title, folder = SESSIONS[curve.num_files == 1]
        documented = report.load_curve(name, curve.name, curve.figure)
        records = results.load_runs(os.path.join(name, folder), '1.15')
        curves = (load_port_curves(name, folder, curve.figure),
                  [report.list_figures(record.epochs, curve.figure)
                   for record in records])
        groups = [[report.compare(figures, documented, (1, 1), curve.is_share)
                   for figures in group] for group in curves]
        deviations = [[(comparison.mean_absolute, abs(comparison.largest.percent))
                       for comparison in group] for group in groups]
        cells = [', '.join(f'{mean:.1f} / {largest:.1f}' for mean, largest in group)
                 for group in deviations]
        limits = ' / '.join(f'{statistics_of_runs.find_limit(numbers):.1f}'
                            for numbers in zip(*deviations[0]))
        lines.append('| ' + ' | '.join([
            title, FIGURES[curve.figure], *cells, limits,
            f'{curve.mean_absolute} / {curve.largest} {curve.unit}']) + ' |')
    return lines
