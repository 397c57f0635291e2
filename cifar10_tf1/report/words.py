"""The statistics of several runs in words: statistics.txt, the report, the README.

Each sentence comes from the numbers of summary.summarize, which statistics.json
keeps, so all pages say the same.
"""

from cifar10_tf1 import systems
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import counting
from cifar10_tf1.report import gathering
from cifar10_tf1.report.text import Answer
from cifar10_tf1.report.text import count
from cifar10_tf1.report.text import describe_documented
from cifar10_tf1.report.text import describe_spread
from cifar10_tf1.report.text import Finding


def format_summary(summary):
    """The lines of statistics.txt."""
    measure = find_measure(summary)
    lines = [f'{summary["system"]}; documented: ' + (
        'no count' if measure.documented is None
        else measure.describe(measure.documented)
        + ('' if measure.is_count else ', a mean over mini-batches'))]
    for group in summary['groups']:
        lines += ['', describe_group(group) + ':'] + [
            f'  {finding.word} {finding.text}'
            for finding in list_findings(group, measure)]
    for difference in summary['differences']:
        finding = describe_difference(difference, measure)
        lines += ['', f'{finding.word} {finding.text}']
    for heading, key in (('Not complete:', 'incomplete'),
                         ('Seeds counted already:', 'repeated')):
        if summary[key]:
            lines += ['', heading] + [
                f'  {run["run"]}' + (f': {run["state"]}' if 'state' in run else '')
                for run in summary[key]]
    return lines


def find_measure(summary):
    """The counting.Measure of a summary."""
    return counting.choose_measure(systems.find(summary['system']).documented)


def describe_group(group):
    """'TensorFlow 1.15.0, fast kernels, cifar10, 110 epochs, 6 runs (seeds 1 to 6)'."""
    machines = (f', {group["num_machines"]} kinds of processor'
                if group['num_machines'] > 1 else '')
    seeds = group['seeds']
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        listed = f'{seeds[0]} to {seeds[-1]}'
    else:
        listed = ', '.join(map(str, seeds))
    tested = f' (seed{"s" * (len(seeds) > 1)} {listed})' if seeds else ''
    return ', '.join([group['runtime'], f'{group["kernels"]} kernels', group['data']]
                     + [f'first {count(group["train_files"], "file")}']
                     * bool(group['train_files'])
                     + ['from scratch'] * group['is_from_scratch']
                     + ['from other weights'] * group['has_other_weights']
                     + [count(group['epochs'], 'epoch'),
                        count(group['num_trained'], 'run') + tested + machines])


def list_findings(group, measure):
    """The Findings on one of a summary's groups, by a counting.Measure."""
    findings = []
    if group['means']:
        findings.append(Finding(None, 'Mean over seeds:',
                                describe_means(group, measure) + '.'))
    for variant, tests in list(group['tests'].items())[measure.is_count:]:
        spread = (f'{tests["mean"]:,.1f}' if tests['n'] == 1 else
                  f'mean {tests["mean"]:,.1f}, sd {tests["sd"]:.1f}, '
                  f'{tests["least"]:,.1f} to {tests["greatest"]:,.1f}')
        findings.append(Finding(None, f'Right images, {variant}:', spread + '.'))
    variance = group['variance']
    if variance:
        share = variance['share_between']
        findings.append(Finding(
            None, 'Spread of one test:', f'sd {variance["sd_within"]:.1f} from its own '
            f'draws, sd {variance["sd_between"]:.1f} from the training\'s seed'
            + ('' if share is None else f' ({100 * share:.0f} % of the variance)')
            + '.'))
    findings += _list_claims(group, measure)
    return findings + [finding for curve in group['curves'] if curve['places']
                       for finding in _describe_curve(curve, group['num_trained'])]


def _list_claims(group, measure):
    """The Findings that compare a group's tests with the documented figure."""
    if not (group['is_comparable'] and group['means']) or measure.documented is None:
        return []
    findings = []
    if group['equivalence']:
        findings.append(_describe_equivalence(group['equivalence'], measure))
    if group['documented_as_one_more']:
        findings.append(_describe_one_more(group, measure))
    least, greatest = (group['single_tests'][key] for key in ('least', 'greatest'))
    number = group['single_tests']['n']
    if number > 1:
        place = ('below' if measure.documented < least else
                 'above' if measure.documented > greatest else 'within the range of')
        findings.append(Finding(
            True if place.startswith('within') else None, 'Range:',
            f'the documented {measure.format(measure.documented)} lies {place} all '
            f'{number} tests, {measure.format(least)} to {measure.format(greatest)}.'))
    if len(group['means']) < 2:
        findings.append(Finding(None, 'Seeds:', 'one run can\'t say how much seeds '
                                'differ.'))
    return findings


def describe_means(group, measure):
    """'8,227.8 of 10,000 (82.28 %), n = 6 runs, each the mean of 20 tests; sd ...'."""
    n, mean, sd, least, greatest = statistics_of_runs.summarize(group['means'])
    measure = measure._replace(num_examples=group['num_examples'])
    sizes = group['num_tests']
    each = ('' if max(sizes) == 1 else f', each the mean of {max(sizes)} tests'
            if min(sizes) == max(sizes)
            else f', each the mean of {min(sizes)} to {max(sizes)} tests')
    spread = '' if sd is None else '; ' + describe_spread(measure, sd, least, greatest)
    return (f'{measure.describe(float(mean))}, n = {count(n, "run")}{each}{spread}')


def _describe_equivalence(result, measure):
    is_shown, needed = result['is_shown'], result['num_runs_for_power']
    return Finding(
        is_shown or None, f'Equal to {measure.format(measure.documented)} within '
        f'{result["margin"]:g} {measure.unit}:',
        ('shown' if is_shown else 'NOT shown') + f' by two one-sided t tests, '
        f'{format_p(result["p"])}; difference {result["difference"]:+.1f}, 90 % '
        f'interval {result["low"]:+.1f} to {result["high"]:+.1f}. Power if there is '
        f'no difference: {result["power"]:.2f}; a power of 0.9 takes '
        + ('more than 200' if needed is None else str(needed)) + ' runs.')


def _describe_one_more(group, measure):
    one = group['documented_as_one_more']
    is_far = one['p'] <= statistics_of_runs.LEVEL
    return Finding(
        False if is_far else None, 'As one more run:',
        'the documented figure, a single test, is '
        f'{one["difference"]:+.{measure.digits}f} {measure.unit} from the mean of single '
        f'tests; t test, {format_p(one["p"])}.')


def _describe_curve(curve, number):
    """The Findings on one documented curve; several runs add one on its level."""
    unit, num_in_band = curve['unit'], curve['num_in_band']
    runs = ('the run is' if number == 1 else f'{num_in_band} of {number} runs are')
    verb = 'within' if num_in_band or number > 1 else 'OUTSIDE'
    findings = [Finding(
        num_in_band == number, f'{curve["title"]}:',
        f'{runs} {verb} the band. Mean of {count(number, "run")}, {curve["places"]} '
        f'places of the documented curve: {curve["mean"]:+.2f} {unit} (absolute '
        f'{curve["mean_absolute"]:.2f}, largest {curve["largest"]:+.2f} at epoch '
        f'{curve["largest_at"]}), above it in {curve["num_over"]}.')]
    if number > 1:
        findings.append(describe_level(curve))
    return findings


def describe_level(curve):
    """The Finding on how far single seeds deviate from a documented curve."""
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
    return Finding(False if is_far else None, f'{curve["title"]}, level:', text + '.')


def describe_difference(difference, measure):
    """The Finding on Welch's test of two groups."""
    (a, a_kernels), (b, b_kernels) = difference['groups']
    digits = measure.digits
    if a_kernels != b_kernels:
        a, b = f'{a}, {a_kernels}', f'{b}, {b_kernels}'
    return Finding(
        False if difference['p'] <= statistics_of_runs.LEVEL else None,
        f'{a} less {b}:', f'{difference["difference"]:+.{digits}f} {measure.unit}, '
        f'95 % interval {difference["low"]:+.{digits}f} to '
        f'{difference["high"]:+.{digits}f}; Welch\'s t test, '
        f'{format_p(difference["p"])}.')


def format_p(p):
    return f'p = {p:#.2g}' if p >= 0.001 else 'p < 0.001'


def build_answer(summary):
    """The Answer of several runs: each group's count and most important findings."""
    measure = find_measure(summary)
    documented = systems.find(summary['system']).documented
    groups = summary['groups']
    counts = describe_documented(documented) if any(
        group['is_comparable'] for group in groups) else []
    findings = []
    for group in groups:
        name = name_group(group, groups)
        if group['means']:
            number, unused_comma, note = describe_means(group, measure).partition(', n')
            counts.append((name, number, f'mean of n{note}'))
        findings += [claim._replace(word=f'{name}. {claim.word}')
                     for claim in _list_claims(group, measure)[:1]]
        findings += [Finding(
            curve['num_in_band'] == group['num_trained'],
            f'{name}. {curve["title"]}:', f'{curve["num_in_band"]} of '
            f'{count(group["num_trained"], "run")} in the band of the documented '
            'curve.') for curve in group['curves'] if curve['places']]
    if not any(group['means'] for group in groups):
        counts.append(('runs', 'none has finished its training and been tested', ''))
    return Answer(counts, findings)


def name_group(group, groups):
    """The runtime, and what distinguishes the group from others on the same one."""
    name = gathering.name_runtime(group['runtime'])
    same = [other for other in groups if other['runtime'] == group['runtime']]
    for key, text in (('kernels', f'{group["kernels"]} kernels'),
                      ('device', group['device'].upper()), ('data', group['data']),
                      ('epochs', count(group['epochs'], 'epoch'))):
        if len({other[key] for other in same}) > 1:
            name += f', {text}'
    return name
