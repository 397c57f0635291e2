"""deep_cnn: its whole runs, and how much seeds and kernels change."""

import os
import statistics

import page_tables
from cifar10_tf1.machine import description
from cifar10_tf1.records import reference_run, run_record
from cifar10_tf1.report import comparison
from page_tables import results

FOLDER = os.path.join(reference_run.RUNS, 'deep_cnn')
SEEDS = (1, 2, 3)
# Of the plain port's first run, which is in no file.
FIRST_PORT_RUN = (1869.7, 1383.6, 1086.7)


def find_run(kernels, seed):
    """The folder of a run on TensorFlow 2 over at least ten epochs."""
    return ('2.21-seed-01' if (kernels, seed) == ('fast', 1)
            else f'ten-epochs/2.21-{kernels}-seed-{seed:02}')


RUNS = ['1.15-seed-01', *(find_run(name, seed) for name in ('fast', 'stock')
                          for seed in SEEDS)]


def load_run(name):
    return run_record.load_folder(os.path.join(FOLDER, name))


@page_tables.table
def build_results():
    """The documented run, the mean over seeds, every seed."""
    summary, unused_measure = results.summarize('deep_cnn')
    rows = zip(
        ['random crops: mean over seeds',
         '... standard deviation; range of the seeds\' means',
         'central crop: mean over seeds',
         'loss, epochs 11 to 110: mean absolute deviation of the mean curve',
         '... signed mean; largest'], ['8,246 in one unseeded test', '', '', '', ''],
        *(describe_group(results.find_group(summary, version))
          for version in ('1.15', '2.21')))
    seeds = [[*(row[name] for name in (
        'seed', 'runtime', 'kernels', 'machine', 'num_correct', 'mean_correct',
        'central_correct')), f'`{row["weights_sha256"][:16]}`']
        for row in results.load_rows('runs', 'deep_cnn', 'seeds.csv')]
    header = ['', 'documented', 'TensorFlow 1.15', 'TensorFlow 2']
    return [
        *results.format_table(header, rows),
        '', 'Every complete run so far (`results/runs/deep_cnn/seeds.csv`):', '',
        *results.format_table(
            ['seed', 'runtime', 'kernels', 'machine', 'test seed 1', 'mean of 20',
             'central crop', 'weights, SHA-256'], seeds), '',
        *page_tables.wrap(describe_provenance(load_run('1.15-seed-01')))]


def describe_group(group):
    """The cells of all seeds of a version."""
    tests, central, (curve,) = (group['tests']['random'], group['tests']['central'],
                                group['curves'])
    return [f'{tests["mean"]:,.1f} (n = {tests["n"]} seeds)',
            f'{tests["sd"]:.1f}; {tests["least"]:,.1f} to {tests["greatest"]:,.1f}',
            f'{central["mean"]:,.1f}', f'{curve["mean_absolute"]:.2f} %',
            f'{curve["mean"]:+.2f} %; {curve["largest"]:+.2f} % (epoch '
            f'{curve["largest_at"]})']


def describe_provenance(record):
    kind, process = record.kind, record.content['processes'][-1]
    hours = sum(epoch['seconds'] for epoch in record.epochs) / 3600
    return (f'The run of record: {kind["wheel"]}, {kind["kernels"]} kernels, '
            f'{description.name_machine(kind)}, {record.settings.inter_op_threads} '
            f'threads, {hours:.1f} h, Python {process["versions"]["python"]}, '
            f'commit {process["commit"][:12]}. Weights: SHA-256 '
            f'`{record.content["weights"]["sha256"]}`.')


@page_tables.table
def build_band():
    """What `make accuracy` asks of a further whole run."""
    lines = []
    for column, what in (('mean_correct', 'mean over the 20 test seeds'),
                         ('central_correct', 'central crop')):
        low, high, n = reference_run.find_band(column)
        why = (f'{100 * reference_run.PROBABILITY:.0f} % of further runs, by the '
               f'spread of {n}' if n else 'fewer than five runs')
        lines.append(f'- {what}: {low:,.0f} to {high:,.0f} of 10,000 ({why})')
    return lines


def mean_loss(kernels, seed):
    """The mean summed loss of epochs 6 to 10."""
    return statistics.mean(epoch['summed_loss'] for epoch
                           in load_run(find_run(kernels, seed)).epochs[5:10])


@page_tables.table
def build_kernels():
    """How much the kernels change, beside how much a seed does."""
    means = {name: [mean_loss(name, seed) for seed in SEEDS]
             for name in ('stock', 'fast')}
    stock, fast = (statistics.mean(means[name]) for name in ('stock', 'fast'))
    spread = max(means['stock']) - min(means['stock'])
    return page_tables.wrap(
        f'On TensorFlow 2, the mean summed loss of epochs 6 to 10 over seeds {SEEDS[0]} '
        f'to {SEEDS[-1]} is {stock:.2f} with stock kernels and {fast:.2f} with fast ones '
        f'({100 * (fast / stock - 1):+.2f} %); with stock kernels, these seeds differ by '
        f'up to {100 * spread / stock:.2f} %.')


@page_tables.table
def build_spread():
    """How much runs differ after the first epochs, kernels and ports alike."""
    port = comparison.load_curve('deep_cnn', 'plain_port', 'summed_loss')
    ours = list(zip(*([epoch['summed_loss'] for epoch in load_run(folder).epochs[:3]]
                      for folder in RUNS)))
    rows = [['plain port, unseeded', *(f'{loss:.1f}' for loss in losses)]
            for losses in (FIRST_PORT_RUN, [port[epoch, 1] for epoch in (1, 2, 3)])]
    rows += [
        [f'ours, {len(RUNS)} runs: range',
         *(f'{min(losses):.1f} to {max(losses):.1f}' for losses in ours)],
        ['... mean; standard deviation', *(
            f'{statistics.mean(losses):.1f}; '
            f'{100 * statistics.stdev(losses) / statistics.mean(losses):.2f} %'
            for losses in ours)]]
    return results.format_table(['runs', 'epoch 1', 'epoch 2', 'epoch 3'], rows)
