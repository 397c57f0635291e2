"""Builds the report on one or several runs: answer, a section per group, all runs."""

from cifar10_tf1 import cli
from cifar10_tf1.machine import description
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import charts, comparison, gathering, measures, words
from cifar10_tf1.report.document import count, Document, Figure, Section, Table
from cifar10_tf1.report.summary import summarize, summarize_group


def build(runs):
    """The Document on a list of gathering.Run of one system, one or more with a record.

    A single run need not be finished.
    """
    first = next(run for run in runs if run.record)
    entry = first.record.entry
    measure, summary = measures.choose(entry.documented), summarize(runs, entry)
    groups, unused_repeated = gathering.gather(runs)
    if len(runs) == 1:
        groups, summary['groups'] = [runs], [summarize_group(runs, entry)]
    sections, counts = words.list_sections(summary), []
    if not comparison.find_obstacle(first.record) and first.kind.train_files is None:
        counts += words.describe_documented(entry.documented)
    if not any(group['means'] for group in summary['groups']):
        counts.append(('tests', 'none at the end of a training',
                       f'{cli.name_python()} test.py makes one'))
    for i, (group, numbers) in enumerate(zip(groups, summary['groups'])):
        if numbers['means']:
            counts.append((words.name_group(numbers), *words.describe_means(numbers, measure)))
            sections[i] = _add_tests(sections[i], group, measure, numbers['is_comparable'])
        sections[i] = _add_curves(sections[i], group)
    title = count(len(runs), 'run')
    if len(runs) == 1:
        title = words.name_run(first.record)
    else:
        header, *all_runs = ([str(cell).replace('_', ' ') for cell in row[:-1]]
                             + [row[-1][:14]] for row in list_rows(runs, entry))
        sections.append(Section('All runs', tables=[Table(header, all_runs)]))
    return Document(f'{entry.name} on {first.kind.data}: {title}', counts, sections)


def _add_tests(section, runs, measure, is_comparable):
    """A group's Section with a dot for each test."""
    rows = [(f'seed {run.seed}', run.values) for run in runs if run.values]
    documented = measure.documented if is_comparable else None
    return section._replace(figures=[Figure(
        lambda figure: charts.plot_tests(figure, rows, measure, documented),
        'Dot chart: each test of each run, and the documented test as a line.')])


def _add_curves(section, runs):
    """A group's Section with its curves; those of a single run in numbers, too."""
    curves = comparison.compare_runs([run.record for run in runs])
    name = f'{len(runs)} runs: mean and range'
    if len(runs) == 1:
        name = words.name_run(runs[0].record)
        section = section._replace(
            sentences=section.sentences + comparison.describe_run(runs[0].record),
            tables=[_list_deviations(one) for one in curves if one.comparisons[0]])
    drawn = [figure for one in curves if all(one.figures) for figure in _draw(one, name)]
    return section._replace(figures=[*section.figures, *drawn])


def _draw(compared, name):
    """The Figures of a ComparedCurve; the deviations of a single run as bars, too."""
    title = compared.curve.title.lower()
    figures = [Figure(
        lambda figure: charts.plot_curves(figure, compared, name),
        f'Line chart: {title} by epoch, beside the documented run and, if there is one, a '
        'plain port of the original.')]
    if len(compared.figures) == 1 and compared.comparisons[0]:
        figures.append(Figure(
            lambda figure: charts.plot_deviations(figure, compared, name),
            f'Bar chart: how far each epoch\'s {title} is from the documented one, and '
            'the limits of the band.'))
    return figures


def _list_deviations(compared):
    """The Table of a single run's figures beside the documented ones."""
    curve, documented = compared.curve, compared.documented
    (figures,), (found,) = compared.figures, compared.comparisons
    return Table(
        ['epoch', curve.title.lower(), 'documented', 'deviation'],
        [(epoch if part == 1 else f'{epoch}, part {part}', f'{figures[epoch, part]:.5f}',
          f'{documented[epoch, part]:.5f}', f'{deviation:+.2f} {curve.unit}')
         for (epoch, part), deviation in found.deviations.items()],
        f'{curve.title}: the numbers')


def list_rows(runs, entry):
    """The rows of seeds.csv, its header first; also of runs that failed."""
    first, *others = entry.variants
    measure = measures.choose(entry.documented)
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
            unused_n, mean, sd, least, greatest = statistics_of_runs.summarize(counts).values()
            row.update(num_correct=counts[0], mean_correct=f'{mean:.1f}',
                       min_correct=least, max_correct=greatest,
                       sd_correct='' if sd is None else f'{sd:.1f}')
        if run.values and not measure.is_count:
            row[measure.key] = run.tests[first][0][measure.key]
        row.update((f'{variant}_correct', run.list_counts(variant)[0])
                   for variant in others if run.list_counts(variant))
        rows.append([row.get(column, '') for column in columns])
    return rows
