"""The statistics of runs in words: statistics.txt, the report, the README.

Each sentence comes from the numbers of summary.py, which statistics.json keeps, so
all pages say the same.
"""

from cifar10_tf1 import systems
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import counting
from cifar10_tf1.report import gathering
from cifar10_tf1.report.document import count
from cifar10_tf1.report.document import format_sections
from cifar10_tf1.report.document import Section
from cifar10_tf1.report.document import Sentence


def format_summary(summary):
    """The lines of statistics.txt."""
    documented = describe_documented(systems.find(summary['system']).documented)
    return [f'{summary["system"]}; documented: ' + (
        '; '.join(documented[0][1:]) if documented else 'no count')
            ] + format_sections(list_sections(summary))


def find_measure(summary):
    """The counting.Measure of a summary."""
    return counting.choose_measure(systems.find(summary['system']).documented)


def list_sections(summary):
    """A Section for each group, one on their differences, one on what is left out."""
    measure, groups = find_measure(summary), summary['groups']
    sections = [Section(name_group(group), list_sentences(group, measure))
                for group in groups]
    for title, sentences in (
            ('Differences', [describe_difference(difference, measure)
                             for difference in summary['differences']]),
            ('Not counted, or not complete', [
                Sentence(None, f'{run["run"]}:', run.get('state', 'seed counted already'))
                for run in summary['incomplete'] + summary['repeated']])):
        sections += [Section(title, sentences)] if sentences else []
    return sections


def name_run(record):
    """The name of a run in charts and tables."""
    return (f'seed {record.settings.seed}, '
            + gathering.name_runtime(record.kind['wheel']))


def name_group(group):
    """'TensorFlow 1.15.0, fast kernels, 110 epochs'."""
    return (f'{gathering.name_runtime(group["runtime"])}, {group["kernels"]} kernels, '
            + 'GPU, ' * (group['device'] == 'gpu') + count(group['epochs'], 'epoch'))


def describe_group(group):
    """'tensorflow-gpu 1.15.0, fast kernels, cifar10, 110 epochs, 6 runs (seeds 1 to 6)'."""
    seeds = group['seeds']
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        listed = f'{seeds[0]} to {seeds[-1]}'
    else:
        listed = ', '.join(map(str, seeds))
    return ', '.join(filter(None, [
        group['runtime'], f'{group["kernels"]} kernels', group['data'],
        group['train_files'] and f'first {count(group["train_files"], "file")}',
        group['is_from_scratch'] and 'from scratch',
        group['has_other_weights'] and 'from other weights',
        count(group['epochs'], 'epoch'), count(group['num_trained'], 'run')
        + (f' (seed{"s" * (len(seeds) > 1)} {listed})' if seeds else ''),
        group['num_machines'] > 1 and f'{group["num_machines"]} kinds of processor']))


def list_sentences(group, measure):
    """The Sentences on one of a summary's groups, by a counting.Measure."""
    sentences = [Sentence(None, 'Runs:', describe_group(group) + '.')]
    if group['means']:
        sentences.append(Sentence(None, 'Mean over seeds:',
                                  '; '.join(describe_means(group, measure)) + '.'))
    for variant, tests in list(group['tests'].items())[measure.is_count:]:
        spread = '' if tests['n'] == 1 else (
            f', sd {tests["sd"]:.1f}, {tests["least"]:,.1f} to {tests["greatest"]:,.1f}')
        sentences.append(Sentence(None, f'Right images, {variant}:',
                                  f'mean {tests["mean"]:,.1f}{spread}.'))
    variance = group['variance']
    if variance:
        share = variance['share_between']
        sentences.append(Sentence(
            None, 'Spread of one test:', f'sd {variance["sd_within"]:.1f} from its own '
            f'draws, sd {variance["sd_between"]:.1f} from the training\'s seed'
            + ('' if share is None else f' ({100 * share:.0f} % of the variance)')
            + '.'))
    sentences += list_claims(group, measure)
    for curve in group['curves']:
        if curve['places']:
            sentences += [describe_band(curve, group['num_trained']),
                          *([describe_level(curve)] if group['num_trained'] > 1 else [])]
    return sentences


def describe_documented(documented):
    """[(label, number, note)] of the documented figure; empty if there is none."""
    measure = counting.choose_measure(documented)
    if measure.documented is None:
        return []
    return [('documented', measure.describe(measure.documented),
             f'one test, unseeded; {documented.environment}'
             + ('' if measure.is_count else '; mean over mini-batches'))]


def describe_means(group, measure):
    """(number, note): '8,227.8 of 10,000 (82.28 %)', 'n = 6 runs, each the mean of ...'.

    The spread is that of the runs; of a single run, that of its tests.
    """
    runs, sizes = statistics_of_runs.summarize(group['means']), group['num_tests']
    measure = measure._replace(num_examples=group['num_examples'])
    spread = runs._asdict() if runs.n > 1 else group['single_tests']
    note = f'n = {count(runs.n, "run")}'
    if max(sizes) > 1:
        number = ' to '.join(map(str, sorted({min(sizes), max(sizes)})))
        note += f', {"each " * (runs.n > 1)}the mean of {number} tests'
    if spread['sd'] is not None:
        note += (f'; sd {spread["sd"]:.{measure.digits}f}; '
                 f'{measure.format(spread["least"])} to '
                 f'{measure.format(spread["greatest"])}')
    return measure.describe(
        float(runs.mean) if runs.n > 1 else group['means'][0]), note


def list_claims(group, measure):
    """The Sentences that compare a group's tests with the documented figure."""
    if not (group['is_comparable'] and group['means']) or measure.documented is None:
        return []
    documented, claims, digits = measure.format(measure.documented), [], measure.digits
    if group['equivalence']:
        claims.append(_describe_equivalence(group['equivalence'], measure))
    one = group['documented_as_one_more']
    if one:
        claims.append(Sentence(
            False if one['p'] <= statistics_of_runs.LEVEL else None, 'As one more run:',
            'the documented figure, a single test, is '
            f'{one["difference"]:+.{digits}f} {measure.unit} from the mean of single '
            f'tests; t test, {format_p(one["p"])}.'))
    number, least, greatest = (group['single_tests'][key]
                               for key in ('n', 'least', 'greatest'))
    if number > 1:
        place = ('below' if measure.documented < least else
                 'above' if measure.documented > greatest else 'within the range of')
        claims.append(Sentence(
            place.startswith('within') or None, 'Range:',
            f'the documented {documented} lies {place} all {number} tests, '
            f'{measure.format(least)} to {measure.format(greatest)}.'))
    if len(group['means']) < 2:
        claims.append(Sentence(None, 'Seeds:', 'one run can\'t say how much seeds '
                               'differ.'))
    return claims


def _describe_equivalence(result, measure):
    is_shown, needed = result['is_shown'], result['num_runs_for_power']
    return Sentence(
        is_shown or None, f'Equal to {measure.format(measure.documented)} within '
        f'{result["margin"]:g} {measure.unit}:',
        ('shown' if is_shown else 'NOT shown') + f' by two one-sided t tests, '
        f'{format_p(result["p"])}; difference {result["difference"]:+.1f}, 90 % '
        f'interval {result["low"]:+.1f} to {result["high"]:+.1f}. Power if there is '
        f'no difference: {result["power"]:.2f}; a power of 0.9 takes '
        + ('more than 200' if needed is None else str(needed)) + ' runs.')


def describe_band(curve, number):
    """The Sentence on how many runs are in a documented curve's band."""
    unit = curve['unit']
    return Sentence(
        curve['num_in_band'] == number, f'{curve["title"]}:',
        f'{curve["num_in_band"]} of {count(number, "run")} in the band; their mean is '
        f'{curve["mean"]:+.2f} {unit} off (absolute {curve["mean_absolute"]:.2f}, largest '
        f'{curve["largest"]:+.2f} at epoch {curve["largest_at"]}), above the documented '
        f'curve in {curve["num_over"]} of {curve["places"]} places.')


def describe_level(curve):
    """The Sentence on how far single seeds deviate from a documented curve."""
    spread, one, unit = curve['spread'], curve['documented_as_one_more'], curve['unit']
    text = (f'{spread["mean"]:+.2f} {unit} over seeds (sd {spread["sd"]:.2f}, '
            f'{spread["least"]:+.2f} to {spread["greatest"]:+.2f}')
    if curve['interval']:
        text += '; 95 % interval of the mean {:+.2f} to {:+.2f}'.format(
            *curve['interval'])
    text += (f'); the documented run lies within the seeds\' range in '
             f'{curve["num_within"]} of {curve["places"]} places')
    is_far = bool(one) and one['p'] <= statistics_of_runs.LEVEL
    if one:
        text += ('; as one more run it would be ' + (
            'beyond' if is_far else 'within') + ' what the spread between seeds '
            f'allows (t test, {format_p(one["p"])})')
    return Sentence(False if is_far else None, f'{curve["title"]}, level:', text + '.')


def describe_difference(difference, measure):
    """The Sentence on Welch's test of two groups."""
    (a, a_kernels), (b, b_kernels) = difference['groups']
    digits = measure.digits
    if a_kernels != b_kernels:
        a, b = f'{a}, {a_kernels}', f'{b}, {b_kernels}'
    return Sentence(
        False if difference['p'] <= statistics_of_runs.LEVEL else None,
        f'{a} less {b}:', f'{difference["difference"]:+.{digits}f} {measure.unit}, '
        f'95 % interval {difference["low"]:+.{digits}f} to '
        f'{difference["high"]:+.{digits}f}; Welch\'s t test, '
        f'{format_p(difference["p"])}.')


def format_p(p):
    return f'p = {p:#.2g}' if p >= 0.001 else 'p < 0.001'
