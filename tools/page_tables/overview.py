"""README's first screen: each documented result beside ours, and the claim."""

import statistics

import page_tables
from cifar10_tf1 import systems
from cifar10_tf1.machine import description
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import words
from page_tables import results

# What each document says, where it is more than its number of right images. A new
# system needs no line here: its row comes with its runs in results/runs/.
DOCUMENTED = {
    'deep_cnn': '8,246 of 10,000, one test',
    'lenet5': '0.984; 9,836 of 10,000 by its published weights, here too',
    'laptop_cnn': '67.34 %, a mean over mini-batches',
}
# The seeds that the claim rests on, by version; fixed on 2026-11-29, before the
# remaining ones were run.
PLANNED_SEEDS = {'1.15': 10, '2.21': 6}
# The seeds that the test of equivalence on 1.15 was looked at with before that, and
# the latest of them alone.
LOOKS = ((1, 2, 3, 4), (1, 2, 3, 4, 5, 6))
LATEST_SEEDS = (2, 4, 5, 6)


@page_tables.table
def build_systems():
    """README's first table: each documented result beside ours."""
    lines = ['| system | data | documented | reproduced on TensorFlow 1.15, mean over '
             'seeds | one training |', '|---' * 5 + '|']
    for entry in systems.ENTRIES:
        documented = DOCUMENTED.get(entry.name) or (
            f'{entry.documented.num_correct:,} of '
            f'{entry.documented.num_examples:,}')
        records = results.load_runs(entry.name, '1.15')
        lines.append(
            f'| [`{entry.name}`]({entry.page}) | '
            f'{entry.documented.data} | {documented} | '
            + (f'{describe_result(entry.name)} | {describe_time(records)} |'
               if records else 'no whole run yet | |'))
    return lines


def describe_result(name):
    """The mean over seeds; where the documented figure lies outside their range."""
    summary, measure = results.summarize(name)
    group = results.find_group(summary, '1.15')
    text = results.describe_means(group, measure)
    if measure.is_count:
        return text
    text = text.replace(' (', ' % (', 1)
    single, documented = group['single_tests'], measure.documented
    if not single['least'] <= documented <= single['greatest']:
        side = 'below' if documented < single['least'] else 'above'
        text += f'; the documented figure lies {side} all {single["n"]}'
        ports = [100 * value for value in results.load_ports(name)]
        if ports and (documented < min(ports) if side == 'below'
                      else documented > max(ports)):
            text += (f', and {side} the {len(ports)} runs of a plain port '
                     f'({min(ports):.2f} to {max(ports):.2f})')
    return text


def describe_time(records):
    """'1.2 h, 2 cores of AMD EPYC, ...': of the run of the median time."""
    times = [sum(epoch['seconds'] for epoch in record.epochs) for record in records]
    seconds = statistics.median_low(times)
    record = records[times.index(seconds)]
    time = (f'{seconds / 3600:.1f} h' if seconds >= 3600
            else f'{seconds / 60:.1f} min')
    name = description.name_machine(record.kind).replace('(R)', '').replace(
        ' Processor', '')
    cores = record.settings.inter_op_threads
    return f'{time}, {cores} core{"s" * (cores > 1)} of {name}'


@page_tables.table
def build_claim():
    """What the seeds of deep_cnn say together."""
    summary, measure = results.summarize('deep_cnn')
    first, second = (results.find_group(summary, version) for version in PLANNED_SEEDS)
    single, variance = first['single_tests'], first['variance']
    lines = [
        f'- Right images on 1.15: {results.describe_means(first, measure)}; single '
        f'tests {single["least"]:,} to {single["greatest"]:,}. One test varies by its '
        f'crops (sd {variance["sd_within"]:.1f}) and by the seed (sd '
        f'{variance["sd_between"]:.1f}).',
        f'- {_describe_equivalence(first, measure)} {_describe_looks(first, measure)}']
    if second:
        line = f'- On TensorFlow 2: {results.describe_means(second, measure)}.'
        if second['equivalence']:
            line += f' {_describe_equivalence(second, measure)}'
        lines.append(f'{line} {_describe_plan(second, "2.21")}')
    for difference in summary['differences']:
        finding = words.describe_difference(difference, measure)
        lines.append(f'- {finding.word} {finding.text}')
    finding = words.describe_level(first['curves'][0])
    return lines + [f'- {finding.word} {finding.text}']


def _describe_equivalence(group, measure):
    result = group['equivalence']
    is_shown = '' if result['is_shown'] else '**not** '
    documented = measure.format(measure.documented)
    claim = (f'Lower than the documented {documented}, by less than'
             if result['is_shown'] and result['high'] < 0
             else f'Equal to the documented {documented} within')
    return (f'{claim} {result["margin"]} images: {is_shown}shown by two one-sided t '
            f'tests ({words.format_p(result["p"])}; difference {result["difference"]:+.1f}, '
            f'90 % interval {result["low"]:+.1f} to {result["high"]:+.1f}; power '
            f'{result["power"]:.2f}).')


def _describe_looks(group, measure):
    """When margin and n were fixed, and what earlier looks gave."""
    by_seed = dict(zip(group['seeds'], group['means']))

    def find_p(seeds):
        return words.format_p(statistics_of_runs.assess_equivalence(
            [by_seed[seed] for seed in seeds], measure.documented,
            group['equivalence']['margin']).p)

    looks = ' and '.join(f'{len(seeds)} runs ({find_p(seeds)})' for seeds in LOOKS)
    latest = ', '.join(map(str, LATEST_SEEDS))
    return ('The margin was set after seed 1\'s run and before the others. The test '
            f'was looked at with {looks}; the latest four of these alone, seeds '
            f'{latest}, give {find_p(LATEST_SEEDS)}. {_describe_plan(group, "1.15")}')


def _describe_plan(group, version):
    planned = PLANNED_SEEDS[version]
    done = sum(seed <= planned for seed in group['seeds'])
    return (f'The claim rests on n = {planned}' + (
        '.' if done == planned else
        f', whatever comes out; so far {done} of them are complete.'))
