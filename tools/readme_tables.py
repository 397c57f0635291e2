"""Writes the tables of all pages from the records in results/.

    python tools/readme_tables.py

A table stands between two marks, `<!-- name -->` and `<!-- /name -->`, each on a
line of its own; any page may have it. To add one, write a function that returns
its lines and name it by @table.
"""

import csv
import glob
import json
import os
import re
import statistics
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.join(ROOT, 'tools')]

from cifar10_tf1 import reference_run  # noqa: E402
from cifar10_tf1 import report  # noqa: E402
from cifar10_tf1 import run_record  # noqa: E402
from cifar10_tf1 import statistics_of_runs  # noqa: E402
from cifar10_tf1 import systems  # noqa: E402
from cifar10_tf1.benchmark import __main__ as benchmark  # noqa: E402
from cifar10_tf1.benchmark import medians  # noqa: E402
from cifar10_tf1.sweep import counts  # noqa: E402

RESULTS = reference_run.RESULTS
BENCH = os.path.join(RESULTS, 'bench')
RUNS_OF_DEEP_CNN = os.path.join(reference_run.RUNS, 'deep_cnn')
SEEDS = (1, 2, 3)
WHOLE_RUNS = {'1.15-seed-01': 'TensorFlow 1.15, the run of record',
              '2.21-seed-01': 'TensorFlow 2'}
BENCHMARKS = ('benchmark-1.json', 'benchmark.json', 'benchmark-3.json')


def find_run(kernels, seed):
    """The folder of a run on TensorFlow 2 over at least ten epochs."""
    return ('2.21-seed-01' if (kernels, seed) == ('fast', 1)
            else f'ten-epochs/2.21-{kernels}-seed-{seed:02}')


RUNS = {'1.15-seed-01': '1.15, fast, seed 1'}  # folder: heading
RUNS.update({find_run(name, seed): f'2, {name}, seed {seed}'
             for name in ('fast', 'stock') for seed in SEEDS})
FIRST_EPOCHS = 3
# Of the plain port's first run, which is in no file.
FIRST_PORT_RUN = (1869.7, 1383.6, 1086.7)
COMPARED_EPOCHS = range(6, 11)  # between kernels


TABLES = {}  # name: the function of its lines


def table(build):
    """Makes a function build_NAME the table NAME."""
    TABLES[build.__name__[len('build_'):]] = build
    return build


def list_pages():
    """The paths of all pages: README.md, of results/ and of docs/."""
    return [os.path.join(ROOT, 'README.md'), os.path.join(ROOT, 'CHANGELOG.md'),
            os.path.join(ROOT, 'docker', 'README.md'),
            os.path.join(RESULTS, 'README.md'),
            *sorted(glob.glob(os.path.join(ROOT, 'docs', '**', '*.md'),
                              recursive=True))]


def load_runs(system, runtime):
    """RunRecords of a system's whole runs on `1.15` or `2.21`, by seed."""
    folder = os.path.join(reference_run.RUNS, system)
    prefix = f'{runtime}-seed-'
    if not os.path.isdir(folder):
        return []
    return [run_record.load_folder(os.path.join(folder, name))
            for name in sorted(os.listdir(folder)) if name.startswith(prefix)]


def list_by_seed(record, variant):
    """The number of right images by test seed."""
    return list(counts.list_counts(record, variant).values())


def list_correct(records, variant):
    """The number of right images of each run, by its test."""
    return [next(test['num_correct'] for test in record.content['tests']
                 if test['crop'] == variant) for record in records]


def describe_numbers(numbers, what):
    """'9,858.5 (n = 10 seeds, sd 17.8, 9,826 to 9,885)'."""
    spread = (f', sd {statistics.stdev(numbers):.1f}, {min(numbers):,} to '
              f'{max(numbers):,}' if len(numbers) > 1 else '')
    return f'{statistics.mean(numbers):,.1f} (n = {what}{spread})'


# What each document says, where it is more than its number of right images. A new
# system needs no line here: its row comes with its runs in results/runs/.
DOCUMENTED = {
    'deep_cnn': '8,246 of 10,000, one test',
    'lenet5': '0.984; 9,836 of 10,000 by its published weights, here too',
    'laptop_cnn': '0.6734, a mean over mini-batches: 6,656 to 6,896 of 10,000',
}


@table
def build_systems():
    """README's first table: each documented result beside ours."""
    lines = ['| system | data | documented | reproduced on TensorFlow 1.15 | '
             'one training |', '|---' * 5 + '|']
    for entry in systems.ENTRIES:
        documented = DOCUMENTED.get(entry.name) or (
            f'{entry.documented.num_correct:,} of '
            f'{entry.documented.num_examples:,}')
        records = load_runs(entry.name, '1.15')
        lines.append(
            f'| [`{entry.name}`](docs/systems/{entry.name}.md) | '
            f'{entry.documented.data} | {documented} | '
            + (f'{describe_tests(entry, records)} | {describe_time(records)} |'
               if records else 'no whole run yet | |'))
    return lines


def describe_tests(entry, records):
    """Right images of the documented test: mean, sd and range."""
    numbers = [list_by_seed(record, entry.variants[0]) for record in records]
    if len(numbers[0]) == 1:
        return describe_numbers([number for number, in numbers],
                                f'{len(records)} seed' + 's' * (len(records) > 1))
    text = describe_numbers(numbers[0], f'{len(numbers[0])} tests of one run')
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


def build_notebook_runs(name):
    """Each whole run of a notebook's system beside the documented test."""
    records = [record for runtime in ('1.15', '2.21')
               for record in load_runs(name, runtime)]
    if not records:
        return ['No whole run is recorded yet.']
    lines = ['| runtime | seed | mean over mini-batches | right, of 10,000 | '
             'validation, of 5,000 | weights, SHA-256 |', '|---' * 6 + '|',
             f'| documented |  | {systems.find(name).documented.mean_over_batches}'
             ' |  |  |  |']
    for record in records:
        test = next(test for test in record.content['tests']
                    if test['crop'] == 'whole')
        lines.append(
            f'| {record.kind["wheel"]} | {record.settings.seed} | '
            f'{test["mean_over_batches"]} | {test["num_correct"]:,} | '
            f'{record.epochs[-1]["validation_correct"]:,} | '
            f'`{record.content["weights"]["sha256"][:16]}...` |')
    return lines


def build_notebook_ports(name):
    """Ours and plain ports' runs side by side: what a test said."""
    path = os.path.join(reference_run.RUNS, name, 'plain-ports.csv')
    if not os.path.exists(path):
        return ['No run of a plain port is recorded yet.']
    with open(path, newline='') as file:
        ports = list(csv.DictReader(file))
    lines = ['| | ours, by seed | plain port, not seeded |', '|---|---|---|']
    for title, folder in SESSIONS:
        ours = [f'{test["mean_over_batches"]:.4f}' for record in load_runs(
            os.path.join(name, folder), '1.15') for test
            in record.content['tests'] if test['crop'] == 'whole']
        theirs = [f'{float(port["mean_over_batches"]):.4f}' for port in ports
                  if os.path.dirname(port['file']) == folder]
        lines.append(f'| {title} | {", ".join(ours)} | {", ".join(theirs)} |')
    return lines


# Of a notebook: its sessions, and what it prints or draws of them.
SESSIONS = (('all files', ''), ('the first file alone', 'one-file'))
FIGURES = {'loss': 'loss of the last mini-batch',
           'training_accuracy': 'accuracy on the last mini-batch',
           'validation_accuracy': 'validation accuracy'}


def load_port_curves(name, folder, figure):
    """Of each plain port's run on that session: {(epoch, part): value}."""
    curves = []
    for path in sorted(glob.glob(os.path.join(
            reference_run.RUNS, name, folder, 'plain-port-*.csv'))):
        with open(path, newline='') as file:
            curves.append({(int(row['epoch']), int(row['part'])):
                           float(row[figure]) for row in csv.DictReader(file)})
    return curves


def describe_places(curve, others):
    """'2 (3.5)': places over three sd off the others; the farthest, in sd."""
    distances = [abs(value - mean) / sd for value, (mean, sd) in zip(
        curve, statistics_of_runs.find_expected(others))]
    return f'{sum(distance > 3 for distance in distances)} ({max(distances):.1f})'


def build_notebook_places(name, figures):
    """Ours, place by place, in the spread of the plain ports; and theirs."""
    lines = ['| | figure | places | each port beside the other two | ours beside '
             'the three ports, by seed |', '|---' * 5 + '|']
    for title, folder in SESSIONS:
        records = load_runs(os.path.join(name, folder), '1.15')
        for figure in figures:
            ports = load_port_curves(name, folder, figure)
            ours = [{(entry['epoch'], entry['part']): entry[figure]
                     for entry in record.epochs} for record in records]
            places = sorted(set.intersection(*map(set, ports + ours)))
            ports, ours = ([[curve[place] for place in places] for curve in curves]
                           for curves in (ports, ours))
            cells = [title, FIGURES[figure], str(len(places)), ', '.join(
                describe_places(port, ports[:i] + ports[i + 1:])
                for i, port in enumerate(ports)), ', '.join(
                    describe_places(curve, ports) for curve in ours)]
            lines.append('| ' + ' | '.join(cells) + ' |')
    return lines


@table
def build_laptop_cnn_places():
    # Of the 40 images of a last mini-batch all may be right in every run.
    return build_notebook_places('laptop_cnn', ['loss', 'validation_accuracy'])


@table
def build_udacity_cnn_places():
    return build_notebook_places('udacity_cnn', FIGURES)


def build_notebook_deviations(name):
    """From the documented curves: the ports' deviations, ours, the limits."""
    lines = ['| | figure | plain ports | ours, by seed | limits by the ports | by '
             'all: the band |', '|---' * 6 + '|']
    for curve in systems.find(name).documented.curves:
        title, folder = SESSIONS[curve.num_files == 1]
        documented = report.load_curve(name, curve.name, curve.figure)
        records = load_runs(os.path.join(name, folder), '1.15')
        curves = (load_port_curves(name, folder, curve.figure),
                  [report.list_figures(record.epochs, curve.figure)
                   for record in records])
        groups = [[report.compare(figures, documented, (1, 1), curve.is_share)
                   for figures in group] for group in curves]
        deviations = [[(comparison.mean_absolute, abs(comparison.largest.percent))
                       for comparison in group] for group in groups]
        cells = [', '.join(f'{mean:.1f} / {largest:.1f}' for mean, largest in group)
                 for group in deviations]
        limits = ' / '.join(f'{statistics_of_runs.find_limit(numbers):.1f}'
                            for numbers in zip(*deviations[0]))
        lines.append('| ' + ' | '.join([
            title, FIGURES[curve.figure], *cells, limits,
            f'{curve.mean_absolute} / {curve.largest} {curve.unit}']) + ' |')
    return lines


@table
def build_laptop_cnn_deviations():
    return build_notebook_deviations('laptop_cnn')


@table
def build_udacity_cnn_deviations():
    return build_notebook_deviations('udacity_cnn')


@table
def build_laptop_cnn_runs():
    return build_notebook_runs('laptop_cnn')


@table
def build_laptop_cnn_ports():
    return build_notebook_ports('laptop_cnn')


@table
def build_udacity_cnn_ports():
    return build_notebook_ports('udacity_cnn')


@table
def build_udacity_cnn_runs():
    return build_notebook_runs('udacity_cnn')


@table
def build_lenet5_epochs():
    """Validation accuracy by epoch: documented, and of all seeds."""
    curve = {epoch: value for (epoch, unused_part), value in report.load_curve(
        'lenet5', 'documented', 'validation_accuracy').items()}
    records = load_runs('lenet5', '1.15')
    lines = ['| epoch | ' + ' | '.join(map(str, curve)) + ' |',
             '|---' * (1 + len(curve)) + '|',
             '| documented | ' + ' | '.join(f'{value:.3f}' for value
                                            in curve.values()) + ' |']
    columns = [[record.epochs[epoch - 1]['validation_accuracy']
                for record in records] for epoch in curve]
    for name, find in (('mean', statistics.mean), ('least', min),
                       ('greatest', max)):
        lines.append(f'| {name} of {len(records)} seeds | ' + ' | '.join(
            f'{find(column):.3f}' for column in columns) + ' |')
    return lines


@table
def build_lenet5_seeds():
    """Every run: its tests, its distance to the documented curve, its hash."""
    lines = ['| runtime | seed | test, of 10,000 | validation, of 5,000 | mean '
             'absolute deviation of the curve, points | weights, SHA-256 |',
             '|---' * 6 + '|']
    for version in ('1.15', '2.21'):
        for record in load_runs('lenet5', version):
            comparison = report.build_report(record).curves[0].comparison
            lines.append(
                f'| {record.kind["wheel"]} | {record.settings.seed} | '
                f'{list_correct([record], "whole")[0]:,} | '
                f'{list_correct([record], "validation")[0]:,} | '
                f'{comparison.mean_absolute:.2f} | '
                f'`{record.content["weights"]["sha256"][:16]}...` |')
    return lines


def build_system_benchmark(name):
    """Images a second; ratios to a plain port there and on 1.15, to a product."""
    lines, notes = [], []
    gflop = systems.find(name).image_gflop
    for measured in load_benchmark(f'benchmark-{name}.json'):
        if not lines:
            lines = [f'{measured["cores"]} cores of '
                     f'{measured["runtimes"][0]["cpu"]["name"]}:', '',
                     '| runtime | | images a second | times a plain port there | '
                     'times that on 1.15 |', '|---' * 5 + '|']
        first = None
        for runtime in measured['runtimes']:
            blocks = {formulation: content['blocks'] for formulation, content
                      in runtime['formulations'].items()}
            is_first = runtime['wheel'].split()[1].startswith('1.15')
            first = blocks['plain'] if is_first else first
            formulations = [formulation for formulation in
                            ('plain', 'stock', 'fast') if formulation in blocks]
            for kind, label in (('train', 'training'), ('test', 'testing')):
                for formulation in formulations:
                    rates = blocks[formulation][kind]
                    ratios = [str(medians.summarize_ratio(rates, base[kind]))
                              if base else '' for base in (blocks['plain'], first)]
                    lines.append('| ' + ' | '.join([
                        runtime['wheel'], f'{label}, {formulation}',
                        str(medians.summarize(rates)), *ratios]) + ' |')
            if 'matmul_gflops' in runtime:  # not in the first records
                rates = [rate * gflop for rate in blocks[formulations[-1]]['train']]
                products = runtime['matmul_gflops']
                notes.append(
                    f'- {runtime["wheel"]}: training by the {formulations[-1]} kernels, '
                    f'with {gflop} GFLOP an image by direct convolution, reaches '
                    f'{medians.summarize_ratio(rates, products)} times the rate '
                    f'of a 2048^3 product, {medians.summarize(products)} GFLOP/s.')
    return lines + [''] + notes


@table
def build_lenet5_benchmark():
    return build_system_benchmark('lenet5')


@table
def build_laptop_cnn_benchmark():
    return build_system_benchmark('laptop_cnn')


@table
def build_udacity_cnn_benchmark():
    return build_system_benchmark('udacity_cnn')


@table
def build_inception_v3_benchmark():
    return build_system_benchmark('inception_v3')


@table
def build_timings():
    """Quick start: each command with its time and its last line."""
    with open(os.path.join(BENCH, 'timings.csv'), newline='') as file:
        rows = list(csv.DictReader(file))
    lines = ['| command | time, four cores | last line |', '|---|---|---|']
    lines += [f'| `{row["command"]}` | {row["time"]} | `{row["last_line"]}` |'
              for row in rows]
    return lines


@table
def build_tour():
    with open(os.path.join(BENCH, 'tour.csv'), newline='') as file:
        return ['| command | last line |', '|---|---|'] + [
            f'| `{row["command"]}` | `{row["last_line"]}` |'
            for row in csv.DictReader(file)]


@table
def build_elsewhere():
    """The network in other frameworks, beside the checkpoint of record."""
    with open(os.path.join(BENCH, 'elsewhere.csv'), newline='') as file:
        rows = list(csv.DictReader(file))
    lines = ['| program | on | right, of 10,000 | another class | largest '
             'deviation of a probability | the same, generated images |',
             '|---' * 6 + '|']
    for on_test, generated in zip(rows[::2], rows[1::2]):
        assert (on_test['of'], on_test['images'], generated['of']) == (
            'test images', '10000', 'generated'), on_test
        cells = [f'`{on_test["program"]}`', on_test['framework'],
                 f'{int(on_test["correct"]):,}']
        if on_test['program'] != 'predict':  # which all are compared with
            others = [int(row['classes_that_differ'])
                      for row in (on_test, generated)]
            cells += ['none' if not sum(others) else f'{others[0]}, {others[1]}',
                      on_test['largest_deviation'], generated['largest_deviation']]
        lines.append('| ' + ' | '.join(cells + [''] * (6 - len(cells))) + ' |')
    return lines


def load_benchmark(name):
    with open(os.path.join(BENCH, name)) as file:
        return json.load(file)


@table
def build_benchmark():
    lines = [benchmark.describe(result)
             for result in load_benchmark('benchmark.json')]
    return '\n\n'.join('\n'.join(part) for part in lines).splitlines()


@table
def build_benchmarks():
    """Runs of one program beside each other, then their blocks together."""
    runs = [load_benchmark(name)[0]['runtimes'] for name in BENCHMARKS]
    lines = ['| | ' + ' | '.join(f'run {number}' for number in range(
        1, len(runs) + 1)) + ' | all |', '|---' * (2 + len(runs)) + '|']
    for i, runtime in enumerate(runs[0]):
        def blocks(kind, formulation='fast', of=i):
            return [run[of]['formulations'][formulation]['blocks'][kind]
                    for run in runs]

        for what, values, bases in (
                ('training, times a plain port',
                 blocks('train'), blocks('train', 'plain', 0)),
                ('training, times a plain port on this runtime',
                 blocks('train'), blocks('train', 'plain')),
                ('testing, times a plain port',
                 blocks('test'), blocks('test', 'plain', 0)),
                ('time of a step, times that on one batch',
                 blocks('fixed'), blocks('train'))):
            if what.endswith('this runtime') and not i:
                continue  # the same as the line before
            cells = [medians.summarize_ratio(*pair)
                     for pair in [*zip(values, bases),
                                  (sum(values, []), sum(bases, []))]]
            lines.append(f'| {runtime["wheel"]}: {what} | '
                         + ' | '.join(map(str, cells)) + ' |')
        cells = [medians.summarize(run[i]['matmul_gflops']) for run in runs]
        lines.append(f'| {runtime["wheel"]}: a product, GFLOP/s | '
                     + ' | '.join(map(str, cells)) + ' | |')
    return lines


def load_run(name):
    return run_record.load_folder(os.path.join(RUNS_OF_DEEP_CNN, name))


@table
def build_results():
    """The documented run, the whole runs beside it, every seed."""
    rows = {'': ['documented'] + list(WHOLE_RUNS.values())}
    rows['one random crop of each image'] = ['8,246 (unseeded)']
    rows['random crops, test seeds 1 to 20: mean'] = ['']
    rows['... standard deviation; range'] = ['']
    rows['central crop'] = ['']
    rows['loss, epochs 11 to 110: mean absolute deviation'] = ['']
    rows['... signed mean; largest'] = ['']
    for name in WHOLE_RUNS:
        for row, cell in zip(list(rows)[1:], describe_run(load_run(name))):
            rows[row].append(cell)
    lines = [f'| {row} | ' + ' | '.join(cells) + ' |'
             for row, cells in rows.items()]
    lines.insert(1, '|---' * (2 + len(WHOLE_RUNS)) + '|')
    lines += ['', 'Right images of each random crop, test seeds 1 to 20:', '']
    for name, heading in WHOLE_RUNS.items():
        lines.append(f'- {heading}: ' + ', '.join(
            f'{number:,}' for number in list_by_seed(load_run(name), 'random')))
    lines += ['', 'Every complete run so far (`results/runs/deep_cnn/seeds.csv`):', '']
    with open(os.path.join(RUNS_OF_DEEP_CNN, 'seeds.csv'), newline='') as file:
        seeds = list(csv.DictReader(file))
    lines += ['| seed | runtime | kernels | machine | test seed 1 | mean of 20 '
              '| central crop | weights, SHA-256 |', '|---' * 8 + '|']
    for row in seeds:
        cells = [row[name] for name in (
            'seed', 'runtime', 'kernels', 'machine', 'num_correct',
            'mean_correct', 'central_correct')]
        lines.append('| ' + ' | '.join(cells)
                     + f' | `{row["weights_sha256"][:16]}` |')
    lines.append('')
    for name, heading in WHOLE_RUNS.items():
        lines.append(describe_provenance(load_run(name), heading))
    return lines


def describe_run(record):
    """The cells of a whole run."""
    numbers = list_by_seed(record, 'random')
    assert len(numbers) == 20, numbers
    comparison = report.build_report(record).curves[0].comparison
    largest = comparison.largest
    return [f'{numbers[0]:,} (test seed 1)', f'{statistics.mean(numbers):,.1f}',
            f'{statistics.stdev(numbers):.1f}; {min(numbers):,} to '
            f'{max(numbers):,}', f'{list_by_seed(record, "central")[0]:,}',
            f'{comparison.mean_absolute:.2f} %',
            f'{comparison.mean:+.2f} %; {largest.percent:+.2f} % (epoch '
            f'{largest.epoch})']


def describe_provenance(record, heading):
    kind, process = record.kind, record.content['processes'][-1]
    hours = sum(epoch['seconds'] for epoch in record.epochs) / 3600
    return (f'- {heading}: {kind["wheel"]}, {kind["kernels"]} kernels, '
            f'{kind["cpu"]["name"]} (family {kind["cpu"]["family"]}, model '
            f'{kind["cpu"]["model"]}), {record.settings.inter_op_threads} '
            f'threads, {hours:.1f} h, Python {process["versions"]["python"]}, '
            f'commit {process["commit"][:12]}. Weights: SHA-256 '
            f'`{record.content["weights"]["sha256"]}`.')


@table
def build_kernels():
    """How much the kernels change, beside how much a seed does."""
    return build_comparison_of_kernels(
        {run: load_run(run) for run in RUNS})


def mean_loss(record):
    """The mean summed loss of the epochs in which kernels are compared."""
    losses = [record.epochs[epoch - 1]['summed_loss']
              for epoch in COMPARED_EPOCHS]
    return sum(losses) / len(losses)


def build_comparison_of_kernels(records):
    means = {name: [mean_loss(records[find_run(name, seed)])
                    for seed in SEEDS] for name in ('stock', 'fast')}
    lines = [f'Mean summed loss of the epochs {COMPARED_EPOCHS[0]} to '
             f'{COMPARED_EPOCHS[-1]} on TensorFlow 2:', '',
             '| kernels | ' + ' | '.join(f'seed {seed}' for seed in SEEDS)
             + ' | mean |', '|---' * (2 + len(SEEDS)) + '|']
    for name, values in means.items():
        mean = sum(values) / len(values)
        lines.append(f'| {name} | ' + ' | '.join(
            f'{value:.2f}' for value in values) + f' | {mean:.2f} |')
    ratio = sum(means['fast']) / sum(means['stock'])
    return lines + ['', f'Fast to stock: {100 * (ratio - 1):+.2f} %.']


@table
def build_spread():
    """How much runs differ after the first epochs, kernels and ports alike."""
    port = report.load_curve('deep_cnn', 'plain_port', 'summed_loss')
    rows = [('plain port, unseeded', list(FIRST_PORT_RUN)),
            ('plain port, unseeded', [
                port[epoch, 1] for epoch in range(1, FIRST_EPOCHS + 1)])]
    for folder, heading in RUNS.items():
        epochs = load_run(folder).epochs
        rows.append((heading, [epoch['summed_loss']
                               for epoch in epochs[:FIRST_EPOCHS]]))
    lines = ['| run | ' + ' | '.join(f'epoch {number}' for number in range(
        1, FIRST_EPOCHS + 1)) + ' |', '|---' * (1 + FIRST_EPOCHS) + '|']
    lines += [f'| {name} | ' + ' | '.join(f'{loss:.1f}' for loss in losses)
              + ' |' for name, losses in rows]
    columns = list(zip(*(losses for unused_name, losses in rows)))
    means = [statistics.mean(column) for column in columns]
    lines.append('| mean | ' + ' | '.join(f'{mean:.1f}' for mean in means)
                 + ' |')
    for name, measure in (
            ('standard deviation', statistics.stdev),
            ('farthest from the mean', lambda column: max(
                abs(loss - statistics.mean(column)) for loss in column))):
        lines.append(f'| {name} | ' + ' | '.join(
            f'{100 * measure(column) / mean:.2f} %'
            for column, mean in zip(columns, means)) + ' |')
    return lines


INCEPTION_STEPS = os.path.join(reference_run.RUNS, 'inception_v3', '30-steps')


@table
def build_inception_steps():
    """The losses of a short run, and seconds a step beside the documented ones."""
    with open(os.path.join(INCEPTION_STEPS, 'steps.csv'), newline='') as file:
        rows = list(csv.DictReader(file))
    record = run_record.load_folder(INCEPTION_STEPS)
    seconds = [float(row['seconds']) for row in rows]
    shown = [rows[number - 1] for number in (1, 2, 5, 10, 20, len(rows))]
    cores = record.settings.inter_op_threads
    return [
        '| step | ' + ' | '.join(row['step'] for row in shown) + ' |',
        '|---' * (len(shown) + 1) + '|',
        '| loss | ' + ' | '.join(f'{float(row["loss"]):.4f}' for row in shown)
        + ' |', '',
        f'{statistics.median(seconds):.1f} s a step in the median '
        f'({min(seconds):.1f} to {max(seconds):.1f}), {cores} cores of '
        f'{record.kind["cpu"]["name"]}; documented: 50.8 s.']


@table
def build_inception_commands():
    with open(os.path.join(INCEPTION_STEPS, 'commands.csv'), newline='') as file:
        rows = list(csv.DictReader(file))
    return ['| command | seconds | peak memory, GB |', '|---|---|---|'] + [
        f'| `{row["command"]}` | {float(row["seconds"]):.0f} | '
        f'{float(row["peak_memory_kb"]) / 1e6:.1f} |' for row in rows]


@table
def build_processes():
    """One run on each core beside one on all, round by round."""
    with open(os.path.join(BENCH, 'processes.csv'), newline='') as file:
        rows = list(csv.DictReader(file))
    lines = ['| system | cores | rounds | steps a second | processor time of a '
             'step |', '|---' * 5 + '|']
    for system in dict.fromkeys(row['system'] for row in rows):
        one, each = ({row['round']: row for row in rows if row['system'] == system
                      and (row['processes'] == '1') == is_one}
                     for is_one in (True, False))
        rounds = [number for number in one if number in each]
        # Of the first rounds the processor time was not taken.
        cells = [medians.summarize_ratio(*([float(group[number][column])
                                            for number in rounds
                                            if one[number][column]]
                                           for group in (each, one)))
                 for column in ('steps_a_second', 'cpu_seconds_a_step')]
        lines.append(f'| `{system}` | {one[rounds[0]]["cores"]} | {len(rounds)} | '
                     + ' | '.join(map(str, cells)) + ' |')
    return lines


@table
def build_profile():
    """Milliseconds of a step on one core, layer by layer."""
    with open(os.path.join(BENCH, 'profile.csv'), newline='') as file:
        rows = list(csv.DictReader(file))
    lines = []
    for wheel in sorted({row['wheel'] for row in rows}):
        lines += ['', f'{wheel}:', '', '| layer | pass | stock, ms | fast, ms | '
                  'stock, GFLOP | fast, GFLOP | MB | fast, ms at the rates |',
                  '|---' * 8 + '|']
        stock, fast = ([row for row in rows if row['wheel'] == wheel
                        and row['kernels'] == name]
                       for name in ('stock', 'fast'))
        totals = [0.0, 0.0, 0.0]
        for a, b in zip(stock, fast):
            bound = max(float(b['ms_of_arithmetic']), float(b['ms_of_bytes']))
            for i, value in enumerate((a['ms'], b['ms'], bound)):
                totals[i] += float(value)
            lines.append(f'| {a["layer"]} | {a["pass"]} | {a["ms"]} | '
                         f'{b["ms"]} | {a["gflop"]} | {b["gflop"]} | {b["mb"]} '
                         f'| {bound:.2f} |')
        lines.append(f'| sum | | {totals[0]:.1f} | {totals[1]:.1f} | | | | '
                     f'{totals[2]:.1f} |')
    return lines[1:]


def render(text):
    """A page's text with its tables made anew."""
    def build(match):
        begin, name, end = match.group(1, 2, 4)
        return '\n'.join([begin, *TABLES[name](), end])

    return re.sub(r'^(<!-- (\w+) -->)\n(.*?\n)??(<!-- /\2 -->)$', build, text,
                  flags=re.MULTILINE | re.DOTALL)


def main():
    for path in list_pages():
        with open(path, encoding='utf-8') as file:
            text = render(file.read())
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)


if __name__ == '__main__':
    main()
