"""The runs of each system: every run, what all say together, the plain ports beside."""

import csv
import os
import statistics

from cifar10_tf1 import systems
from cifar10_tf1.machine import description
from cifar10_tf1.records import reference_run, run_record, statistics_of_runs
from cifar10_tf1.report import comparison, words
from page_tables import format_table, load_json, load_rows, ROOT, table, wrap

# The columns of seeds.csv that the pages show.
COLUMNS = {'seed': 'seed', 'runtime': 'runtime', 'machine': 'machine',
           'num_correct': 'test, of 10,000', 'mean_correct': 'mean of 20 tests',
           'central_correct': 'central crop',
           'mean_over_batches': 'mean over mini-batches',
           'validation_correct': 'validation, of 5,000',
           'weights_sha256': 'weights, SHA-256'}
NOTEBOOKS = 'laptop_cnn', 'udacity_cnn'
OTHER_WEIGHTS = 'inception_v3/other-weights', '2.21'  # the folder and the version
SESSIONS = {'all files': '', 'the first file alone': '/one-file'}
# The widest band allowed for a column of deep_cnn's seeds.csv, in correct images of
# 10,000. The documented 8,246 is one draw from the first: nine tests of the plain port
# gave 8,152 to 8,262, its central crop 8,470.
WIDEST_BANDS = {'mean_correct': (8110, 8330), 'central_correct': (8380, 8580)}
ENOUGH_RUNS = 5
PROBABILITY = 0.99  # that one more such run is in its band


def load_runs(system, version='1.15'):
    """RunRecords of a system's runs on TensorFlow `1.15` or `2.21`, by seed."""
    folder = os.path.join(reference_run.RUNS, system)
    return [run_record.load_folder(os.path.join(folder, name))
            for name in sorted(os.listdir(folder)) if name.startswith(f'{version}-seed-')]


def load_group(folder, version='1.15'):
    """(a group of runs in a statistics.json, the measures.Measure of its means)."""
    summary = load_json(f'results/runs/{folder}/statistics.json')
    group, = (group for group in summary['groups'] if version in group['runtime'])
    return group, words.find_measure(summary)


@table
def build_systems():
    """The documented accuracies beside ours."""
    rows = []
    for entry in systems.ENTRIES:
        row = [f'[`{entry.name}`]({entry.page}), {entry.source.title}',
               entry.result.split(', ')[-1]]
        place = OTHER_WEIGHTS if entry.name == 'inception_v3' else (entry.name, '1.15')
        records = load_runs(*place)
        if records[0].content['tests']:
            group, measure = load_group(*place)
            scale = 100 / measure.num_examples if measure.is_count else 1
            least, mean, greatest = (scale * find(group['means']) for find in (
                min, statistics.mean, max))
            start = ', from other weights' * records[0].has_other_weights
            row += [f'{mean:.2f} %{start}', len(records),
                    f'{least:.2f} to {greatest:.2f} %' * (len(records) > 1),
                    describe_time(records)]
        else:
            row += ['not trained in full yet', '', '', '']
        rows.append(row)
    return format_table(
        ['system', 'documented', 'ours, mean over seeds', 'seeds',
         'lowest and highest seed', 'median time, on a CPU'], rows)


def describe_time(records):
    """'1.8 h, 1 core of AMD EPYC': of the run of the median time."""
    times = [sum(epoch['seconds'] for epoch in record.epochs) for record in records]
    seconds = statistics.median_low(times)
    record = records[times.index(seconds)]
    time = f'{seconds / 3600:.1f} h' if seconds >= 3600 else f'{seconds / 60:.1f} min'
    name = description.name_machine(record.kind).split(',')[0]
    name = name.replace('(R)', '').replace(' Processor', '')
    cores = record.settings.inter_op_threads
    return f'{time}, {cores} core{"s" * (cores > 1)} of {name}'


@table
def build_runs(system):
    """Every complete run of a system."""
    rows = load_rows(f'results/runs/{system}/seeds.csv')
    columns = [name for name in COLUMNS if rows[0].get(name)]
    if not rows[0]['sd_correct']:  # each run has one test
        columns.remove('mean_correct')
    for row in rows:
        row['weights_sha256'] = f'`{row["weights_sha256"][:16]}...`'
    return format_table([COLUMNS[name] for name in columns],
                        [[row[name] for name in columns] for row in rows])


@table
def build_statistics():
    """What the runs of deep_cnn say together: its statistics.txt."""
    path = os.path.join(reference_run.RUNS, 'deep_cnn', 'statistics.txt')
    with open(path, encoding='utf-8') as file:
        unused_title, *lines = file.read().splitlines()
    shown = []
    for line in lines:
        if line.startswith(' '):
            shown += wrap(f'- {line.strip()}', '  ')
        elif line:
            shown += ['', line, '']
    return shown


def find_band(column, path=os.path.join(reference_run.RUNS, 'deep_cnn', 'seeds.csv')):
    """The band for one more run's count: (low, high, n), of 10,000, from n runs.

    n is 0 if there are too few. The column is a key of WIDEST_BANDS. Needs SciPy.
    """
    low, high = WIDEST_BANDS[column]
    with open(path, newline='') as file:
        numbers = [float(row[column]) for row in csv.DictReader(file)
                   if row['state'] == 'complete']
    if len(numbers) < ENOUGH_RUNS:
        return low, high, 0
    interval = statistics_of_runs.find_interval(numbers, PROBABILITY, of_one_more=True)
    return max(low, interval[0]), min(high, interval[1]), len(numbers)


@table
def build_band():
    """What `make accuracy` asks of a further whole run of deep_cnn."""
    lines = []
    for column, what in (('mean_correct', 'mean over the 20 test seeds'),
                         ('central_correct', 'central crop')):
        low, high, n = find_band(column)
        why = (f'{100 * PROBABILITY:.0f} % of further runs, by the '
               f'spread of {n}' if n else 'fewer than five runs')
        lines.append(f'- {what}: {low:,.0f} to {high:,.0f} of 10,000 ({why})')
    return lines


def load_late_losses(kernels):
    """The mean summed loss of epochs 6 to 10 of seeds 1 to 3 on TensorFlow 2."""
    folder = os.path.join(reference_run.RUNS, 'deep_cnn')
    paths = [os.path.join(folder, 'ten-epochs', f'2.21-{kernels}-seed-{seed:02}')
             for seed in (1, 2, 3)]
    if kernels == 'fast':
        paths[0] = os.path.join(folder, '2.21-seed-01')
    return [statistics.mean(epoch['summed_loss'] for epoch
                            in run_record.load_folder(path).epochs[5:10])
            for path in paths]


@table
def build_kernels():
    """How much the kernels change, beside how much a seed does."""
    losses, fast = load_late_losses('stock'), statistics.mean(load_late_losses('fast'))
    stock, spread = statistics.mean(losses), max(losses) - min(losses)
    return wrap(
        f'On TensorFlow 2, the mean summed loss of epochs 6 to 10 over seeds 1 to 3 is '
        f'{stock:.2f} with stock kernels and {fast:.2f} with fast ones '
        f'({100 * (fast / stock - 1):+.2f} %); with stock kernels, these seeds differ by '
        f'up to {100 * spread / stock:.2f} %.')


def load_sides(system, session=''):
    """(measures.Measure, our runs, unseeded runs of the plain port) of a session."""
    group, measure = load_group(system + session)
    ports = [measure.read({'num_correct': int(row['num_correct']),
                           'mean_over_batches': float(row['mean_over_batches'])})
             for row in load_rows(f'results/runs/{system}/plain-ports.csv')
             if os.path.dirname(row['file']) == session[1:]]
    return measure, group['means'], ports


@table
def build_ports():
    """The notebooks: our runs and the plain ports', and whether they differ."""
    rows = []
    for system in NOTEBOOKS:
        for title, session in SESSIONS.items():
            measure, *sides = load_sides(system, session)
            found = statistics_of_runs.compare_means(*sides)
            rows.append([f'`{system}`', title, *(
                '; '.join(map(measure.format, numbers)) for numbers in sides),
                f'{found["difference"]:+.{measure.digits}f} {measure.unit} '
                f'({words.format_p(found["p"])})'])
    return format_table(
        ['system', 'training data', 'ours, by seed', 'plain port, not seeded',
         'ours minus the port\'s, on average (Welch\'s t test)'], rows)


@table
def build_place(system):
    """Where the documented test lies beside our runs and the plain port's."""
    measure, ours, ports = load_sides(system)
    value = measure.documented
    places = ['below all' if value < min(runs) else
              'above all' if value > max(runs) else 'among' for runs in (ours, ports)]
    p = [words.format_p(statistics_of_runs.compare_one(runs, value)['p'])
         for runs in (ours, ours + ports)]
    return wrap(
        f'`{system}`: the documented {measure.describe(value)} lies {places[0]} our {len(ours)} '
        f'runs and {places[1]} {len(ports)} runs of the original\'s own graph and loop. A t test '
        f'of it as one more run gives {p[0]} beside ours and {p[1]} beside all '
        f'{len(ours + ports)}; below {statistics_of_runs.LEVEL} it would be a mismatch.')


@table
def build_steps():
    """inception_v3: the losses and times of a short run."""
    folder = 'results/runs/inception_v3/30-steps'
    rows = load_rows(f'{folder}/steps.csv')
    record = run_record.load_folder(os.path.join(ROOT, folder))
    seconds = [float(row['seconds']) for row in rows]
    first, last = float(rows[0]['loss']), float(rows[-1]['loss'])
    return wrap(
        f'The loss falls from {first:.2f} to {last:.2f}. A step takes '
        f'{statistics.median(seconds):.1f} s in the median ({min(seconds):.1f} to '
        f'{max(seconds):.1f}) on {record.settings.inter_op_threads} cores of '
        f'{description.name_machine(record.kind)}; documented: 50.8 s. 1,500 such steps '
        f'take {1500 * statistics.median(seconds) / 3600:.1f} hours.')


@table
def build_other_weights():
    """inception_v3 from other weights: what the run did, and its losses beside the documented."""
    record, = load_runs(*OTHER_WEIGHTS)
    documented = comparison.load_curve('inception_v3', 'documented', 'summed_loss')
    seconds = sum(entry['seconds'] for entry in record.epochs)
    last = record.epochs[-1]['step']
    text = (f'On {record.kind["wheel"]}, seed {record.settings.seed}: {last:,} of 1,500 steps in '
            f'{seconds / 3600:.1f} hours on {record.settings.inter_op_threads} cores of '
            f'{description.name_machine(record.kind)}.')
    for test in record.content['tests']:
        text += (f' `--variant {test["crop"]}` at step {test["step"]:,}: {test["num_correct"]:,} '
                 f'of {test["num_examples"]:,}.')
    rows = [(f'{entry["step"] - 99:,} to {entry["step"]:,}', f'{known:.2f}',
             f'{entry["summed_loss"]:.2f}', f'{100 * (entry["summed_loss"] / known - 1):+.1f} %')
            for entry in record.epochs for known in [documented[entry['epoch'], entry['part']]]]
    return [*wrap(text), '', *format_table(
        ['steps', 'documented losses, summed', 'ours, from other weights', 'difference'], rows)]
