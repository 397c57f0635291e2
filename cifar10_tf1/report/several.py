"""The report on several runs: the answer, a section for each group, all runs."""

import statistics

from cifar10_tf1.machine import description
from cifar10_tf1 import systems
from cifar10_tf1.report import charts
from cifar10_tf1.report import comparison
from cifar10_tf1.report import curve_charts
from cifar10_tf1.report import gathering
from cifar10_tf1.report import words
from cifar10_tf1.report.document import count
from cifar10_tf1.report.document import Document
from cifar10_tf1.report.document import Figure
from cifar10_tf1.report.document import Section
from cifar10_tf1.report.document import Sentence
from cifar10_tf1.report.document import Table


def build(runs, summary):
    """The Document on a list of gathering.Run, one or more with a record.

    Args:
      summary: dict, of these runs, from summary.summarize.
    """
    entry, measure = systems.find(summary['system']), words.find_measure(summary)
    groups, repeated = gathering.gather(runs)
    sections = words.list_sections(summary)
    for i, (group, part) in enumerate(zip(groups, summary['groups'])):
        curves = comparison.choose_curves(entry.documented, part['train_files'])
        sections[i] = sections[i]._replace(figures=[
            _draw_band(entry, curve, group, part) for curve in curves])
    sections.append(Section('All runs', [Sentence(
        None, 'How to read this:', 'a run\'s number is the mean of its tests. The spread '
        'of one test is split into its own draws\' (within a run) and the seeds\' '
        '(between runs; one-way random effects). The documented figure is a single draw, '
        'but is taken as exact here.')], tables=[Table(
            ['run', 'state', 'kernels and machine', 'mean', 'sd', 'other tests',
             'mean deviation', 'weights'],
            [_describe_run(run, run in repeated, measure) for run in runs], (3, 4, 6))]))
    rows = [(words.name_run(run.record), run.values) for group in groups for run in group
            if run.values]
    is_comparable = any(group['is_comparable'] for group in summary['groups'])
    counts = words.describe_documented(entry.documented) if is_comparable else []
    data_name = next(run for run in runs if run.record).kind.data
    sentences = words.list_warnings(entry, data_name)
    for group in summary['groups']:
        name = words.name_group(group, summary['groups'])
        if group['means']:
            counts.append((name, *words.describe_means(group, measure)))
        sentences += [
            sentence._replace(word=f'{name}. {sentence.word}')
            for sentence in words.list_claims(group, measure)[:1] + [
                words.describe_band(curve, group['num_trained'])
                for curve in group['curves'] if curve['places']]]
    if not rows:
        counts.append(('runs', 'none has finished its training and been tested', ''))
    dots = Figure(lambda figure: charts.plot_tests(
        figure, rows, measure, measure.documented if is_comparable else None),
        'Dot chart: each test of each run, and the documented test as a line.',
        'Each dot is a test, each row a run: the documented kind of test, at the last '
        'step.')
    return Document(f'{entry.name} on {data_name}: {count(len(runs), "run")}', counts,
                    sentences, [dots] if rows else [], sections)


def _draw_band(entry, curve, runs, group):
    documented, port = comparison.load_pair(entry.name, curve)
    if not any(one['figure'] == curve.figure for one in group['curves']):
        documented, port = {}, {}
    figures = [comparison.list_figures(run.record.epochs, curve.figure) for run in runs]
    return Figure(
        lambda figure: curve_charts.plot_band(
            figure, curve, figures, documented, port, count(len(runs), 'run')),
        f'Line chart: {curve.title.lower()} by epoch, the least, the mean and the '
        'greatest of the runs, beside the documented run.',
        words.CAPTIONS.get(curve.figure, ''))


def _describe_run(run, is_repeated, measure):
    """A row of the table of all runs."""
    if not run.record:
        return [run.name, run.state] + [''] * 6
    record, values = run.record, run.values
    deviations = [f'{compared.comparison.mean:+.2f} {compared.curve.unit}' for compared
                  in comparison.build_report(record).curves[:1] if compared.comparison]
    entry = systems.find(record.content['system'])
    return [
        words.name_run(record),
        'seed counted already' if is_repeated
        else run.state if run.is_trained else f'{run.state}: not counted',
        f'{run.kind.kernels}, {description.name_machine(record.kind)}, '
        + count(record.settings.inter_op_threads, 'thread'),
        f'{measure.format(float(run.number))} (n = {len(values)})' if values else '',
        f'{statistics.stdev(values):.2f}' if len(values) > 1 else '',
        ', '.join(f'{variant} {run.list_counts(variant)[0]:,}'
                  for variant in entry.variants[1:] if run.list_counts(variant)),
        ''.join(deviations), (record.content['weights'] or {}).get('sha256', 'unknown')[:12]]
