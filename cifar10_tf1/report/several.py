"""The report on several runs: the answer, a section for each group, all runs."""

from cifar10_tf1 import systems
from cifar10_tf1.machine import description
from cifar10_tf1.report import charts
from cifar10_tf1.report import comparison
from cifar10_tf1.report import curve_charts
from cifar10_tf1.report import gathering
from cifar10_tf1.report import words
from cifar10_tf1.report.document import count
from cifar10_tf1.report.document import Document
from cifar10_tf1.report.document import Figure
from cifar10_tf1.report.document import Section
from cifar10_tf1.report.document import Table


def build(runs, summary):
    """The Document on a list of gathering.Run, one or more with a record.

    Args:
      summary: dict, of these runs, from summary.summarize.
    """
    entry, measure = systems.find(summary['system']), words.find_measure(summary)
    groups, repeated = gathering.gather(runs)
    sections, sentences, rows = words.list_sections(summary), [], []
    is_comparable = any(group['is_comparable'] for group in summary['groups'])
    counts = words.describe_documented(entry.documented) if is_comparable else []
    for i, (group, numbers) in enumerate(zip(groups, summary['groups'])):
        name = words.name_group(numbers)
        sections[i] = sections[i]._replace(figures=[
            _draw_band(entry, curve, group) for curve in comparison.choose_curves(
                entry.documented, numbers['train_files'])])
        rows += [(words.name_run(run.record), run.values) for run in group
                 if run.values]
        if numbers['means']:
            counts.append((name, *words.describe_means(numbers, measure)))
        sentences += [
            sentence._replace(word=f'{name}. {sentence.word}')
            for sentence in words.list_claims(numbers, measure)[:1] + [
                words.describe_band(curve, len(group)) for curve in numbers['curves']
                if curve['places']]]
    if not rows:
        counts.append(('runs', 'none has finished its training and been tested', ''))
    dots = Figure(lambda figure: charts.plot_tests(
        figure, rows, measure, measure.documented if is_comparable else None),
        'Dot chart: each test of each run, and the documented test as a line.',
        'Each dot is a test, each row a run: the documented kind of test, at the last '
        'step.')
    all_runs = Table(
        ['run', 'state', 'machine', 'mean of its tests', 'mean deviation', 'weights'],
        [_describe_run(run, run in repeated, measure) for run in runs], (3, 4))
    data_name = next(run for run in runs if run.record).kind.data
    return Document(
        f'{entry.name} on {data_name}: {count(len(runs), "run")}', counts, sentences,
        [dots] if rows else [], sections + [Section('All runs', tables=[all_runs])])


def _draw_band(entry, curve, runs):
    """The Figure of a group's runs beside the documented ones, if it may be compared."""
    figures = [comparison.list_figures(run.record.epochs, curve.figure) for run in runs]
    compared = next(one for one in comparison.build_report(runs[0].record).curves
                    if one.curve == curve)
    return Figure(
        lambda figure: curve_charts.plot_band(
            figure, curve, figures, compared.documented, compared.port,
            count(len(runs), 'run')),
        f'Line chart: {curve.title.lower()} by epoch, the least, the mean and the '
        'greatest of the runs, beside the documented run.')


def _describe_run(run, is_repeated, measure):
    """A row of the table of all runs."""
    if not run.record:
        return [run.name, run.state] + [''] * 4
    record, curves = run.record, comparison.build_report(run.record).curves[:1]
    return [
        words.name_run(record),
        'seed counted already' if is_repeated
        else run.state if run.is_trained else f'{run.state}: not counted',
        f'{run.kind.kernels}, {description.name_machine(record.kind)}, '
        + count(record.settings.inter_op_threads, 'thread'),
        f'{measure.format(float(run.number))} (n = {len(run.values)})'
        if run.values else '',
        ''.join(f'{compared.comparison.mean:+.2f} {compared.curve.unit}'
                for compared in curves if compared.comparison),
        (record.content['weights'] or {}).get('sha256', 'unknown')[:12]]
