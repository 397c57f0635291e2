"""The report on several runs: the answer, a section for each group, all runs."""

from cifar10_tf1 import systems
from cifar10_tf1.machine import description
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import charts
from cifar10_tf1.report import comparison
from cifar10_tf1.report import counting
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
    groups, unused_repeated = gathering.gather(runs)
    sections, sentences, rows = words.list_sections(summary), [], []
    is_comparable = any(group['is_comparable'] for group in summary['groups'])
    counts = words.describe_documented(entry.documented) if is_comparable else []
    for i, (group, numbers) in enumerate(zip(groups, summary['groups'])):
        name = words.name_group(numbers)
        sections[i] = sections[i]._replace(figures=[
            _draw_band(compared, group)
            for compared in comparison.compare_run(group[0].record)])
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
    header, *all_runs = ([str(cell).replace('_', ' ') for cell in row[:-1]]
                         + [row[-1][:14]] for row in list_rows(runs, entry))
    data_name = next(run for run in runs if run.record).kind.data
    return Document(
        f'{entry.name} on {data_name}: {count(len(runs), "run")}', counts, sentences,
        [dots] if rows else [],
        sections + [Section('All runs', tables=[Table(header, all_runs)])])


def _draw_band(compared, runs):
    """The Figure of a group's runs beside the documented ones of a ComparedCurve."""
    curve = compared.curve
    figures = [comparison.list_figures(run.record.epochs, curve.figure) for run in runs]
    return Figure(
        lambda figure: curve_charts.plot_band(
            figure, curve, figures, compared.documented, compared.port,
            count(len(runs), 'run')),
        f'Line chart: {curve.title.lower()} by epoch, the least, the mean and the '
        'greatest of the runs, beside the documented run.')


def list_rows(runs, entry):
    """The rows of seeds.csv, its header first; also of runs that failed."""
    first, *others = entry.variants
    measure = counting.choose_measure(entry.documented)
    columns = ['seed', 'state', 'epochs', 'runtime', 'kernels', 'machine', 'num_correct',
               'mean_correct', 'sd_correct', 'min_correct', 'max_correct',
               *([] if measure.is_count else [measure.key]),
               *(f'{variant}_correct' for variant in others), 'weights_sha256']
    rows = [columns]
    for run in runs:
        row = {'seed': run.seed, 'state': run.state}
        if run.record and run.record.epochs:
            weights = run.record.content['weights'] or {}
            row.update(epochs=run.kind.epochs, runtime=run.kind.runtime,
                       kernels=run.kind.kernels,
                       machine=description.name_machine(run.record.kind),
                       weights_sha256=weights.get('sha256', ''))
        counts = run.list_counts(first)
        if counts:
            unused_n, mean, sd, least, greatest = statistics_of_runs.summarize(counts)
            row.update(num_correct=counts[0], mean_correct=f'{mean:.1f}',
                       min_correct=least, max_correct=greatest,
                       sd_correct='' if sd is None else f'{sd:.1f}')
        if run.values and not measure.is_count:
            row[measure.key] = run.tests[first][0][measure.key]
        row.update((f'{variant}_correct', run.list_counts(variant)[0])
                   for variant in others if run.list_counts(variant))
        rows.append([row.get(column, '') for column in columns])
    return rows
