"""Describes the statistics of runs in words, for statistics.txt, report and README.

Each sentence comes from the numbers in summary.py, which statistics.json stores.
"""

from cifar10_tf1 import systems
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import gathering, measures
from cifar10_tf1.report.document import count, format_sections, Section, Sentence


def format_summary(summary):
    """The lines of statistics.txt."""
    documented = describe_documented(systems.find(summary['system']).documented)
    return [f'{summary["system"]}; documented: ' + (
        '; '.join(documented[0][1:]) if documented else 'no count')
            ] + format_sections(list_sections(summary))


def find_measure(summary):
    """The measures.Measure of a summary."""
    return measures.choose(systems.find(summary['system']).documented)


def list_sections(summary):
    """A Section for each group, one on their differences, one on runs left out."""
    measure = find_measure(summary)
    sections = [Section(name_group(group), list_sentences(group, measure))
                for group in summary['groups']]
    if summary['differences']:
        sections.append(Section('Differences', [
            describe_difference(one, measure) for one in summary['differences']]))
    left_out = summary['incomplete'] + summary['repeated']
    if left_out:
        sections.append(Section('Not complete, or not counted', [
            Sentence(f'{run["run"]}:', run.get('state', 'seed counted already'))
            for run in left_out]))
    return sections


def name_run(record):
    """The name of a run in charts and tables."""
    return (f'seed {record.settings.seed}, ' + gathering.name_runtime(record.kind['wheel']))


def name_group(group):
    """'TensorFlow 1.15.0, fast kernels, 110 epochs'."""
    return (f'{gathering.name_runtime(group["runtime"])}, {group["kernels"]} kernels, '
            + 'GPU, ' * (group['device'] == 'gpu') + count(group['epochs'], 'epoch'))


def describe_group(group):
    """'tensorflow-gpu 1.15.0, fast kernels, cifar10, 110 epochs, 6 runs, seeds 1 to 6'"""
    seeds = group['seeds']
    listed = ', '.join(map(str, seeds))
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        listed = f'{seeds[0]} to {seeds[-1]}'
    return ', '.join(filter(None, [
        group['runtime'], f'{group["kernels"]} kernels', group['data'],
        group['train_files'] and f'first {count(group["train_files"], "file")}',
        group['is_from_scratch'] and 'from scratch',
        group['has_other_weights'] and 'from other weights',
        count(group['epochs'], 'epoch'), count(group['num_trained'], 'run'),
        seeds and f'seed{"s" * (len(seeds) > 1)} {listed}',
        group['num_machines'] > 1 and f'{group["num_machines"]} kinds of processor']))


def list_sentences(group, measure):
    """The Sentences on one of a summary's groups, by a measures.Measure."""
    sentences = [Sentence('Runs:', f'{describe_group(group)}.')]
    if group['means']:
        sentences.append(Sentence('Mean over seeds:',
                                  f'{"; ".join(describe_means(group, measure))}.'))
    for variant, tests in list(group['tests'].items())[measure.is_count:]:
        spread = '' if tests['n'] == 1 else (
            '; sd {sd:.1f}; {least:,.1f} to {greatest:,.1f}'.format(**tests))
        sentences.append(Sentence(f'Correct images, {variant}:',
                                  f'mean {tests["mean"]:,.1f}{spread}.'))
    variance = group['variance']
    if variance:
        sentences.append(Sentence(
            'Spread of one test:', f'sd {variance["sd_within"]:.1f} from its own draws, '
            f'sd {variance["sd_between"]:.1f} from the training\'s seed '
            f'({100 * (variance["share_between"] or 0):.0f} % of the variance).'))
    sentences += list_claims(group, measure)
    for curve in group['curves']:
        if curve['places']:
            sentences.append(describe_band(curve, group['num_trained']))
            if group['num_trained'] > 1:
                sentences.append(describe_level(curve))
    return sentences


def describe_documented(documented):
    """[(label, number, note)] of the documented figure; empty if there is none."""
    measure = measures.choose(documented)
    note = f'one test, unseeded; {documented.environment}'
    if not measure.is_count:
        note += '; mean over mini-batches'
    return [] if measure.documented is None else [
        ('documented', measure.describe(measure.documented), note)]


def describe_means(group, measure):
    """('8,227.8 of 10,000 (82.28 %)', 'n = 6 runs, each the mean of 20 tests; ...').

    The spread is that of the runs; of a single run, that of its tests.
    """
    runs, sizes = statistics_of_runs.summarize(group['means']), group['num_tests']
    measure = measure._replace(num_examples=group['num_examples'])
    several = runs['n'] > 1
    spread = runs if several else group['single_tests']
    note = f'n = {count(runs["n"], "run")}'
    if max(sizes) > 1:
        number = ' to '.join(map(str, sorted({min(sizes), max(sizes)})))
        note += f', {"each " * several}the mean of {number} tests'
    if spread['sd'] is not None:
        note += (f'; sd {spread["sd"]:.{measure.digits}f}; {measure.format(spread["least"])} to '
                 f'{measure.format(spread["greatest"])}')
    return measure.describe(float(runs['mean']) if several else group['means'][0]), note


def list_claims(group, measure):
    """The Sentences that compare a group's tests with the documented figure."""
    value, digits, unit = measure.documented, measure.digits, measure.unit
    if not (group['is_comparable'] and group['means']) or value is None:
        return []
    documented, claims = measure.format(value), []
    result, one = group['equivalence'], group['documented_as_one_more']
    if result:
        claims.append(Sentence(
            f'Equal to {documented} within {result["margin"]:g} {unit}:',
            '{} by two one-sided t tests, {}; difference {difference:+.1f}, 90 % '
            'interval {low:+.1f} to {high:+.1f}. Power if there is no difference: '
            '{power:.2f}; a power of 0.9 takes {} runs.'.format(
                'shown' if result['is_shown'] else 'NOT shown', format_p(result['p']),
                result['num_runs_for_power'] or 'more than 200', **result),
            result['is_shown'] or None))
    if one:
        claims.append(Sentence(
            'As one more run:', 'the documented figure, a single test, is '
            f'{one["difference"]:+.{digits}f} {unit} from the mean of single tests; t '
            f'test, {format_p(one["p"])}.', _judge(one)))
    tests = group['single_tests']
    if tests['n'] > 1:
        place = ('below' if value < tests['least'] else 'above'
                 if value > tests['greatest'] else 'within the range of')
        claims.append(Sentence(
            'Range:', f'the documented {documented} lies {place} all {tests["n"]} tests, '
            f'{measure.format(tests["least"])} to {measure.format(tests["greatest"])}.',
            place.startswith('within') or None))
    return claims


def describe_band(curve, number):
    """The Sentence on how many of a number of runs are in a documented curve's band."""
    return Sentence(
        f'{curve["title"]}:', '{num_in_band} of {} in the band; mean '
        '{mean:+.2f} {unit} (absolute {mean_absolute:.2f}, largest {largest:+.2f} at '
        'epoch {largest_at}), above the documented curve in {num_over} of {places} '
        'places.'.format(count(number, 'run'), **curve), curve['num_in_band'] == number)


def describe_level(curve):
    """The Sentence on how far single seeds deviate from a documented curve."""
    one = curve['documented_as_one_more']
    text = ('{mean:+.2f} {} over seeds (sd {sd:.2f}, {least:+.2f} to {greatest:+.2f}'
            .format(curve['unit'], **curve['spread']))
    if curve['interval']:
        text += '; 95 % interval of the mean {:+.2f} to {:+.2f}'.format(*curve['interval'])
    text += ('); the documented run lies within the seeds\' range in {num_within} of '
             '{places} places'.format(**curve))
    if one:
        place = 'within' if _judge(one) is None else 'beyond'
        text += (f'; as one more run it would be {place} what the spread between seeds '
                 f'allows (t test, {format_p(one["p"])})')
    return Sentence(f'{curve["title"]}, level:', f'{text}.', _judge(one))


def describe_difference(difference, measure):
    """The Sentence on Welch's test of two groups."""
    (a, a_kernels), (b, b_kernels) = difference['groups']
    if a_kernels != b_kernels:
        a, b = f'{a}, {a_kernels}', f'{b}, {b_kernels}'
    mean, low, high = (f'{difference[key]:+.{measure.digits}f}'
                       for key in ('difference', 'low', 'high'))
    return Sentence(
        f'{a} minus {b}:', f'{mean} {measure.unit}, 95 % interval {low} to {high}; '
        f'Welch\'s t test, {format_p(difference["p"])}.', _judge(difference))


def _judge(test):
    """Whether a test found a difference: False, else None."""
    return False if test and test['p'] <= statistics_of_runs.LEVEL else None


def format_p(p):
    return f'p = {p:#.2g}' if p >= 0.001 else 'p < 0.001'
