"""The report on several runs as one HTML file."""

from cifar10_tf1 import data
from cifar10_tf1.common import extras
from cifar10_tf1.records import statistics_of_runs as statistics
from cifar10_tf1.report import charts
from cifar10_tf1.report import curve_charts
from cifar10_tf1.report import dots
from cifar10_tf1.report import quirks
from cifar10_tf1.report import results
from cifar10_tf1.report import several as runs
from cifar10_tf1.report.page import escape
from cifar10_tf1.report.page import Page
from cifar10_tf1.report.sections import CAPTIONS


def build(several):
    """The whole file.

    Args:
      several: several.Several.
    Returns:
      str.
    Raises:
      UserError: where matplotlib is not installed.
    """
    extras.require('matplotlib', charts.PURPOSE)
    entry, page = several.entry, Page()
    number = len(several.runs)
    title = f'{entry.name} on {entry.documented.data}: ' + (
        f'{number} runs' if number > 1 else 'one run')
    page.raw(f'<h1>{escape(title)}</h1>')
    if data.is_synthetic(several.runs[0].record.content['data']['name']):
        page.paragraph(f'Generated data, not {entry.documented.data}: no figure '
                       f'here says anything about {entry.documented.data}.',
                       'lacking')
    answer = runs.build_answer(several)
    page.counts(answer.counts)
    for verdict in answer.verdicts:
        page.verdict(*verdict)
    page.contents()
    _add_counts(page, several)
    for place in range(len(several.runs[0].report.curves)):
        _add_curve(page, several, place)
    _add_statistics(page, several)
    _add_runs(page, several)
    quirks.add(page, entry.name)
    return page.finish(title)


def _add_counts(page, several):
    rows = [(run.name, run.tests.values) for group in several.groups
            for run in group.tested]
    page.heading('Tests')
    if not rows:
        page.paragraph('No whole run has been tested: python test.py does.',
                       'lacking')
        return
    page.figure(
        dots.draw_tests(rows, several.groups[0].measure,
                        several.has_documented_test),
        'Dot chart: each test of each run, and the documented test as a line.',
        'Each dot is a test; a row has one run, all tests of it on the same '
        'weights. Tests as documented, at the last step.')


def _add_curve(page, several, place):
    curve = several.runs[0].report.curves[place].curve
    page.heading(curve.title)
    if not several.groups:
        page.paragraph('No run is whole.', 'lacking')
        return
    page.raw('<div class="charts">')
    for group in several.groups:
        compared = [run.report.curves[place] for run in group.runs]
        n = len(compared)
        page.figure(
            curve_charts.draw_band(
                curve, [one.figures for one in compared], compared[0].documented,
                compared[0].port, f'{n} run{"s" if n > 1 else ""}'),
            f'Line chart: {curve.title.lower()} by epoch, the least, the mean '
            'and the greatest of the runs, beside the documented run.',
            f'{group.name}. {CAPTIONS.get(curve.figure, "")}')
    page.raw('</div>')


def _add_statistics(page, several):
    page.heading('Statistics')
    documented = several.entry.documented
    groups = [group for group in several.groups if len(group.tested) > 1]
    if not groups:
        page.paragraph('They need two whole and tested runs of one kind.',
                       'lacking')
        return
    columns = [('n', lambda group: len(group.means))] + _SPREAD
    if all(group.has_draws for group in groups):
        columns += _COMPONENTS
    is_claimed = documented.margin is not None and several.has_documented_test
    if is_claimed:
        columns += _list_equivalence(documented.num_correct,
                                     documented.margin)
    page.table(['runs'] + [name for name, unused in columns],
               [[group.name] + [show(group) for unused, show in columns]
                for group in groups],
               numeric=range(1, len(columns) + 1), long=(0,))
    page.paragraph(
        'A run counts by the mean of its tests. The variance of a test is '
        'split into that of the crops, within a run, and that of the seeds, '
        'between runs (one-way random effects).' + (
            f' p is of two one-sided t tests of equivalence with a margin of '
            f'{documented.margin} images; power is the probability to show it, '
            'were there no difference at all.' if is_claimed else ''), 'note')


_SPREAD = [  # columns: name, function of a several.Group
    ('mean', lambda group: group.measure.format(
        statistics.summarize(group.means).mean)),
    ('sd', lambda group: f'{statistics.summarize(group.means).sd:.2f}'),
    ('range', lambda group: f'{group.measure.format(min(group.means))} to '
                            f'{group.measure.format(max(group.means))}')]
_COMPONENTS = [
    ('sd by crops', lambda group: f'{group.split_variance().within ** .5:.1f}'),
    ('sd by seeds', lambda group: f'{group.split_variance().between ** .5:.1f}')]


def _list_equivalence(documented, margin):
    """Further columns: (name, function of a several.Group)."""
    def find(group):
        return statistics.assess_equivalence(group.means, documented, margin)

    return [
        ('off the documented', lambda group: f'{find(group).difference:+.1f}'),
        ('90 % interval',
         lambda group: f'{find(group).low:+.1f} to {find(group).high:+.1f}'),
        ('p', lambda group: runs.format_p(find(group).p)),
        ('power', lambda group: f'{100 * find(group).power:.0f} %')]


def _add_runs(page, several):
    page.heading('All runs')
    curve = several.runs[0].report.curves[0].curve
    rows = []
    for run in several.runs:
        summary, weights = run.tests.summary, run.record.content['weights']
        comparison = run.report.curves[0].comparison
        rows.append([
            run.name, run.record.kind['kernels'], describe_machine(run.record),
            f'{results.count_epochs(run.record)}'
            + ('' if run.is_whole else ', not counted'),
            f'{summary.n}' if summary else 'none',
            run.tests.measure.format(summary.mean) if summary else '',
            f'{summary.sd:.2f}' if summary and summary.n > 1 else '',
            ', '.join(f'{test["crop"]} {test["num_correct"]:,}'
                      for test in run.tests.others
                      if test['step'] == run.tests.step) if summary else '',
            f'{comparison.mean:+.2f} {curve.unit}' if comparison else '',
            weights['sha256'][:12] if weights else 'unknown'])
    page.table(
        ['run', 'kernels', 'machine', 'epochs', 'tests', 'mean', 'sd',
         'other tests', f'{curve.title.lower()}, mean deviation', 'weights'],
        rows, numeric=(4, 5, 6, 8), long=(0, 2, 7))
    if several.repeated:
        page.paragraph('A run that was given twice counts once.', 'note')


def describe_machine(record):
    """The kind of machine in a few words: processor or card, threads."""
    kind = record.kind
    card = (kind.get('gpu') or {}).get('card')
    cpu = kind['cpu']
    name = card or f'{cpu["name"]}' + ''.join(
        f', {part} {cpu[part]}' for part in ('family', 'model') if cpu.get(part))
    return f'{name}; {record.settings.inter_op_threads} threads'
