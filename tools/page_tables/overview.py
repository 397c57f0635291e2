"""README's first screen: each documented result beside ours."""

import re
import statistics

import page_tables
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
    """'1.2 h, 2 cores of Intel Xeon': the median run's time."""
    seconds = statistics.median(
        sum(epoch['seconds'] for epoch in record.epochs) for record in records)
    time = (f'{seconds / 3600:.1f} h' if seconds >= 3600
            else f'{seconds / 60:.1f} min')
    name = records[0].kind['cpu']['name']
    name = re.sub(r'\(R\)| Processor.*', '', name)
    cores = records[0].settings.inter_op_threads
    return f'{time}, {cores} core{"s" * (cores > 1)} of {name}'
