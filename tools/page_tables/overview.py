"""README's first screen: each documented result beside ours."""

import json
import os
import re
import statistics

import page_tables
from cifar10_tf1.records import reference_run
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1 import systems
from page_tables import results

# What each document says, where it is more than its number of right images. A new
# system needs no line here: its row comes with its runs in results/runs/.
DOCUMENTED = {
    'deep_cnn': '8,246 of 10,000, one test',
    'lenet5': '0.984; 9,836 of 10,000 by its published weights, here too',
    'laptop_cnn': '0.6734, a mean over mini-batches: 6,656 to 6,896 of 10,000',
}


@page_tables.table
def build_systems():
    """README's first table: each documented result beside ours."""
    lines = ['| system | data | documented | reproduced on TensorFlow 1.15 | '
             'one training |', '|---' * 5 + '|']
    for entry in systems.ENTRIES:
        documented = DOCUMENTED.get(entry.name) or (
            f'{entry.documented.num_correct:,} of '
            f'{entry.documented.num_examples:,}')
        records = results.load_runs(entry.name, '1.15')
        lines.append(
            f'| [`{entry.name}`](docs/systems/{entry.name}.md) | '
            f'{entry.documented.data} | {documented} | '
            + (f'{describe_tests(entry, records)} | {describe_time(records)} |'
               if records else 'no whole run yet | |'))
    return lines


def describe_tests(entry, records):
    """Right images of the documented test: mean, sd and range."""
    numbers = [results.list_by_seed(record, entry.variants[0]) for record in records]
    if len(numbers[0]) == 1:
        return results.describe_numbers(
            [number for number, in numbers],
            f'{len(records)} seed' + 's' * (len(records) > 1))
    text = results.describe_numbers(numbers[0], f'{len(numbers[0])} tests of one run')
    if len(records) > 1:
        mean = statistics.mean(map(statistics.mean, numbers))
        text += f'; {mean:,.1f} over {len(records)} seeds'
    return text


def describe_time(records):
    """'1.2 h, 2 cores of Intel Xeon': of the run of the median time."""
    times = [sum(epoch['seconds'] for epoch in record.epochs) for record in records]
    seconds = statistics.median_low(times)
    record = records[times.index(seconds)]
    time = (f'{seconds / 3600:.1f} h' if seconds >= 3600
            else f'{seconds / 60:.1f} min')
    name = re.sub(r'\(R\)| Processor.*', '', record.kind['cpu']['name'])
    cores = record.settings.inter_op_threads
    return f'{time}, {cores} core{"s" * (cores > 1)} of {name}'


@page_tables.table
def build_claim():
    """What the seeds of deep_cnn say together, from the sweep's statistics."""
    path = os.path.join(reference_run.RUNS, 'deep_cnn', 'statistics.json')
    with open(path, encoding='utf-8') as file:
        summary = json.load(file)
    groups = {group['runtime'].split()[1]: group for group in summary['groups']
              if group['equivalence'] or len(group['seeds']) == 1}
    first = groups['1.15.0']
    tests = [number for record in results.load_runs('deep_cnn', '1.15')
             for number in results.list_by_seed(record, 'random')]
    lines = [
        f'- Right images on 1.15: {describe_means(first)}; single tests {min(tests):,} to '
        f'{max(tests):,}. One test varies by its crops (sd '
        f'{first["variance"]["sd_within"]:.1f}) and by the seed (sd '
        f'{first["variance"]["sd_between"]:.1f}).',
        describe_equivalence(first['equivalence'], summary['documented'])]
    for runtime, group in groups.items():
        if group is not first:
            lines.append(f'- On {runtime}: {describe_means(group)}'
                         + describe_difference(summary['differences'], group))
    return lines + [describe_curve(first['curves'][0])]


def describe_means(group):
    """'8,229.8 (n = 2 seeds of 20 tests each, sd 13.9, 8,220.0 to 8,239.6)'."""
    number = len(group['seeds'])
    return results.describe_numbers(
        group['means'], f'{number} seed' + 's' * (number > 1)
        + f' of {max(group["num_tests"])} tests each', ',.1f')


def describe_equivalence(result, documented):
    is_shown = 'shown' if result['is_shown'] else '**not shown**'
    return (f'- Equal to the documented {documented["num_correct"]:,} within '
            f'{result["margin"]} images, a margin stated beforehand: {is_shown} by '
            f'two one-sided t tests (p = {result["p"]:.2g}; difference '
            f'{result["difference"]:+.1f}, 90 % interval {result["low"]:+.1f} to '
            f'{result["high"]:+.1f}; power {result["power"]:.2f}).')


def describe_difference(differences, group):
    """Of 1.15 less this runtime, once each has several runs."""
    for difference in differences:
        (a, unused), (b, unused) = difference['groups']
        if {'1.15.0', group['runtime'].split()[1]} == {
                a.split()[1], b.split()[1]}:
            return (f'; {a} less {b}: {difference["difference"]:+.1f}, 95 % '
                    f'interval {difference["low"]:+.1f} to '
                    f'{difference["high"]:+.1f}, p = {difference["p"]:.2g}.')
    return '; too few to compare.'


def describe_curve(curve):
    """Whether the documented loss curve could be one more seed's."""
    spread = curve['spread']
    one_more = statistics_of_runs.compare_one(curve['by_seed'], 0.0)
    is_alike = one_more.p > statistics_of_runs.LEVEL
    return (f'- The loss, mean over seeds, lies {curve["mean"]:+.2f} % off the '
            f'documented curve (by seed {spread["least"]:+.2f} to '
            f'{spread["greatest"]:+.2f} %), '
            + ('within what the spread between seeds allows' if is_alike
               else 'beyond what the spread between seeds allows')
            + f' (t test, p = {one_more.p:.2g}).')
