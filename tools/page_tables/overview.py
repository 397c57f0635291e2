"""README's table of results, and what the seeds of deep_cnn say."""

import statistics

import page_tables
from cifar10_tf1 import systems
from cifar10_tf1.machine import description
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import words
from page_tables import results

# Documented accuracies that are not a number of correct images, or a mean over batches.
DOCUMENTED = {'lenet5': '98.4 %'}
# Number of seeds by version, fixed on 2026-11-29 before the remaining ones were run.
PLANNED_SEEDS = {'1.15': 10, '2.21': 6}
# Seeds with which equivalence on 1.15 had been tested before that day; the latest four.
LOOKS = ((1, 2, 3, 4), (1, 2, 3, 4, 5, 6))
LATEST_SEEDS = (2, 4, 5, 6)  # by the time that they were started


@page_tables.table
def build_systems():
    """The documented accuracies beside ours."""
    rows = []
    for entry in systems.ENTRIES:
        cells = [f'[`{entry.name}`]({entry.page}), {entry.documented.data}',
                 describe_documented(entry)]
        records = results.load_runs(entry.name, '1.15')
        if records:
            measure, means = load_means(entry.name)
            scale = 100 / measure.num_examples if measure.is_count else 1
            least, mean, greatest = (scale * number for number in (
                min(means), statistics.mean(means), max(means)))
            cells += [f'{mean:.2f} %', str(len(means)),
                      f'{least:.2f} to {greatest:.2f} %', describe_time(records)]
        else:
            cells += ['not trained in full yet', '', '', '']
        rows.append(cells)
    return results.format_table(
        ['system', 'documented', 'ours, mean over seeds', 'seeds',
         'lowest and highest seed', 'median time, on a CPU'], rows)


def load_means(name):
    """(measures.Measure, a number for each seed on 1.15) of a system."""
    summary, measure = results.summarize(name)
    return measure, results.find_group(summary, '1.15')['means']


def describe_documented(entry):
    documented = entry.documented
    share = documented.mean_over_batches or (
        documented.num_correct / documented.num_examples)
    return DOCUMENTED.get(entry.name) or f'{100 * share:.2f} %'


def describe_time(records):
    """'1.8 h, 1 core of AMD EPYC': of the run of the median time."""
    times = [sum(epoch['seconds'] for epoch in record.epochs) for record in records]
    seconds = statistics.median_low(times)
    record = records[times.index(seconds)]
    time = (f'{seconds / 3600:.1f} h' if seconds >= 3600
            else f'{seconds / 60:.1f} min')
    name = description.name_machine(record.kind).split(',')[0]
    name = name.replace('(R)', '').replace(' Processor', '')
    cores = record.settings.inter_op_threads
    return f'{time}, {cores} core{"s" * (cores > 1)} of {name}'


@page_tables.table
def build_laptop():
    """Where laptop_cnn's documented figure lies beside our seeds and the plain ports."""
    measure, means = load_means('laptop_cnn')
    ports = [100 * value for value in results.load_ports('laptop_cnn')]
    documented, runs = measure.documented, means + ports
    side = ('lower than' if documented < min(runs) else
            'higher than' if documented > max(runs) else 'among')
    p = statistics_of_runs.compare_one(runs, documented)['p']
    verdict = (f'With {len(runs)} runs, a t test ' + (
        'calls that a mismatch' if p <= statistics_of_runs.LEVEL
        else 'cannot call that a mismatch'))
    return page_tables.wrap(
        f'`laptop_cnn`: the documented {documented:.2f} % is {side} all our {len(means)} '
        f'runs and {len(ports)} runs of the original\'s own graph and loop '
        f'({min(ports):.2f} to {max(ports):.2f} %). {verdict} ({words.format_p(p)}).')


@page_tables.table
def build_claim():
    """Whether the seeds of deep_cnn equal the documented count, a sentence a runtime."""
    summary, measure = results.summarize('deep_cnn')
    lines = []
    for name, version in (('TensorFlow 1.15', '1.15'), ('TensorFlow 2.21', '2.21')):
        group = results.find_group(summary, version)
        claim = describe_claim(group, measure, version)
        lines += page_tables.wrap(f'- **{name}:** {claim}', '  ')
    return lines


def describe_claim(group, measure, version):
    result, planned = group['equivalence'], PLANNED_SEEDS[version]
    done = sum(seed <= planned for seed in group['seeds'])
    margin, is_shown = f'within {result["margin"]} images', result['is_shown']
    text = (f'{done} of {planned} planned seeds are done. Their mean is '
            f'{measure.format(statistics.mean(group["means"]))}, '
            f'{abs(result["difference"]):.1f} images '
            f'{"below" if result["difference"] < 0 else "above"} the documented '
            f'{measure.format(measure.documented)} (90 % interval {result["low"]:+.1f} '
            f'to {result["high"]:+.1f}): '
            + (margin if is_shown else f'not shown to be {margin}'))
    p = words.format_p(result['p'])
    if done == planned:
        return f'{text} ({p}).'
    text += f' so far ({p}). We judge only when all {planned} are done'
    if is_shown and version == '1.15':
        text += (f', because we chose {planned} after looking at '
                 f'{" and ".join(str(len(seeds)) for seeds in LOOKS)}')
    return f'{text}.'


@page_tables.table
def build_claim_details():
    """What else the seeds of deep_cnn say together."""
    summary, measure = results.summarize('deep_cnn')
    first, second = (results.find_group(summary, version) for version in PLANNED_SEEDS)
    single, variance = first['single_tests'], first['variance']
    lines = [
        f'- Single tests on 1.15: {single["least"]:,} to {single["greatest"]:,}. One '
        f'test varies by its crops (sd {variance["sd_within"]:.1f}) and by the seed of '
        f'the training (sd {variance["sd_between"]:.1f}).',
        f'- {describe_looks(first, measure)} The power of the test, if there is no '
        f'difference, is {first["equivalence"]["power"]:.2f} with the '
        f'{len(first["means"])} seeds on 1.15 and {second["equivalence"]["power"]:.2f} '
        f'with the {len(second["means"])} on TensorFlow 2.']
    for finding in (*(words.describe_difference(difference, measure)
                      for difference in summary['differences']),
                    words.describe_level(first['curves'][0])):
        lines.append(f'- {finding.word} {finding.text}')
    return [part for line in lines for part in page_tables.wrap(line, '  ')]


def describe_looks(group, measure):
    """The p values that the test gave before the number of seeds was fixed."""
    by_seed = dict(zip(group['seeds'], group['means']))

    def find_p(seeds):
        return words.format_p(statistics_of_runs.assess_equivalence(
            [by_seed[seed] for seed in seeds], measure.documented,
            group['equivalence']['margin'])['p'])

    looks = ' and '.join(f'{len(seeds)} seeds ({find_p(seeds)})' for seeds in LOOKS)
    latest = ', '.join(map(str, LATEST_SEEDS))
    return (f'The test of equivalence on 1.15 was looked at with {looks}; the latest '
            f'four to start, seeds {latest}, give {find_p(LATEST_SEEDS)}.')
