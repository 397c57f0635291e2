"""Writes the tables of both README.md from the records in results/.

    python tools/readme_tables.py
"""

import csv
import json
import os
import statistics
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from cifar10_tf1 import report  # noqa: E402
from cifar10_tf1 import run_record  # noqa: E402
from cifar10_tf1.benchmark import __main__ as benchmark  # noqa: E402

RESULTS = os.path.join(ROOT, 'results')
READMES = (os.path.join(ROOT, 'README.md'), os.path.join(RESULTS, 'README.md'))
SEEDS = (1, 2, 3)
RUNS = {'seed-1': '1.15, fast, seed 1'}  # folder: heading
for name in ('fast', 'stock'):
    for seed in SEEDS:
        RUNS[f'tf2-{name}-seed-{seed}'] = f'2, {name}, seed {seed}'
FIRST_EPOCHS = 3
# Of the plain port's first run, which is in no file.
FIRST_PORT_RUN = (1869.7, 1383.6, 1086.7)
COMPARED_EPOCHS = range(6, 11)  # between kernels


def build_timings():
    """Quick start: each command with its time and its last line."""
    with open(os.path.join(RESULTS, 'timings.csv'), newline='') as file:
        rows = list(csv.DictReader(file))
    lines = ['| command | time, four cores | last line |', '|---|---|---|']
    lines += [f'| `{row["command"]}` | {row["time"]} | `{row["last_line"]}` |'
              for row in rows]
    return lines


def build_benchmark():
    with open(os.path.join(RESULTS, 'benchmark.json')) as file:
        lines = [benchmark.describe(result) for result in json.load(file)]
    return '\n\n'.join('\n'.join(part) for part in lines).splitlines()


def build_results():
    records = {run: run_record.load_folder(os.path.join(RESULTS, run))
               for run in RUNS}
    port = report.load_curve('deep_cnn', 'plain_port')
    lines = ['Summed loss of the first epochs, by TensorFlow, kernels and seed '
             '(the documented curve begins with epoch 11):', '',
             '| epoch | plain port, unseeded | '
             + ' | '.join(RUNS.values()) + ' |',
             '|---' * (2 + len(RUNS)) + '|']
    for epoch in range(1, FIRST_EPOCHS + 1):
        losses = [record.epochs[epoch - 1]['summed_loss']
                  for record in records.values()]
        lines.append(f'| {epoch} | {port[epoch]:.1f} | '
                     + ' | '.join(f'{loss:.1f}' for loss in losses) + ' |')
    lines += [''] + build_comparison_of_kernels(records)
    first = records['seed-1']
    epochs = first.epochs
    lines += ['', f'Seed 1 to epoch {len(epochs)}, from epoch 11 on:', '',
              '| against | mean absolute deviation | signed mean | largest |',
              '|---|---|---|---|']
    for name, which in (('the documented run', 'documented'),
                        ('the plain port\'s run', 'plain_port')):
        comparison = report.compare(
            epochs, report.load_curve('deep_cnn', which), first_epoch=11)
        largest = comparison.largest
        lines.append(f'| {name} | {comparison.mean_absolute:.2f} % | '
                     f'{comparison.mean:+.2f} % | {largest.percent:+.2f} % '
                     f'(epoch {largest.epoch}) |')
    lines += ['', 'Its tests:', '']
    for test in first.content['tests']:
        percent = 100.0 * test['num_correct'] / test['num_examples']
        lines.append(
            f'- step {test["step"]}, {test["crop"]} crop, test seed '
            f'{test["seed"]}: {test["num_correct"]:,} of '
            f'{test["num_examples"]:,} ({percent:.2f} %)')
    kind = first.kind
    lines += ['', f'On {kind["wheel"]}, {kind["cpu"]["name"]} (family '
              f'{kind["cpu"]["family"]}, model {kind["cpu"]["model"]}), '
              f'{kind["intra_op_threads"]} threads, Python '
              f'{first.content["processes"][-1]["versions"]["python"]}, '
              f'commit {first.content["processes"][-1]["commit"][:12]}. '
              f'Weights: SHA-256 `{first.content["weights"]["sha256"]}`.']
    return lines


def mean_loss(record):
    """The mean summed loss of the epochs in which kernels are compared."""
    losses = [record.epochs[epoch - 1]['summed_loss']
              for epoch in COMPARED_EPOCHS]
    return sum(losses) / len(losses)


def build_comparison_of_kernels(records):
    means = {name: [mean_loss(records[f'tf2-{name}-seed-{seed}'])
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


def build_spread():
    """How much runs differ after the first epochs, kernels and ports alike."""
    rows = [('plain port, unseeded', list(FIRST_PORT_RUN)),
            ('plain port, unseeded', [
                report.load_curve('deep_cnn', 'plain_port')[epoch]
                for epoch in range(1, FIRST_EPOCHS + 1)])]
    for folder, heading in RUNS.items():
        epochs = run_record.load_folder(os.path.join(RESULTS, folder)).epochs
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


def build_profile():
    """Milliseconds of a step on one core, layer by layer."""
    with open(os.path.join(RESULTS, 'profile.csv'), newline='') as file:
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
    """A README.md's text with its tables made anew."""
    for name, build in (('timings', build_timings), ('results', build_results),
                        ('benchmark', build_benchmark),
                        ('spread', build_spread), ('profile', build_profile)):
        if f'<!-- {name} -->' not in text:
            continue
        begin, end = f'<!-- {name} -->\n', f'<!-- /{name} -->'
        head, rest = text.split(begin)
        unused_old, tail = rest.split(end)
        text = head + begin + '\n'.join(build()) + '\n' + end + tail
    return text


def main():
    for path in READMES:
        with open(path, encoding='utf-8') as file:
            text = file.read()
        with open(path, 'w', encoding='utf-8') as file:
            file.write(render(text))


if __name__ == '__main__':
    main()
