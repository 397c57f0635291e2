"""Writes README.md's tables from the records in results/.

    python tools/readme_tables.py
"""

import csv
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from cifar10_tf1 import report  # noqa: E402
from cifar10_tf1 import run_record  # noqa: E402

README = os.path.join(ROOT, 'README.md')
RESULTS = os.path.join(ROOT, 'results')
RUNS = {  # folder: heading
    'seed-1': 'seed 1', 'seed-2': 'seed 2', 'seed-3': 'seed 3',
    'tf2-seed-1': 'seed 1, TensorFlow 2'}
FIRST_EPOCHS = 3


def build_timings():
    """Quick start: each command with its time and its last line."""
    with open(os.path.join(RESULTS, 'timings.csv'), newline='') as file:
        rows = list(csv.DictReader(file))
    lines = ['| command | time, two cores | last line |', '|---|---|---|']
    lines += [f'| `{row["command"]}` | {row["time"]} | `{row["last_line"]}` |'
              for row in rows]
    return lines


def build_results():
    records = {run: run_record.load_folder(os.path.join(RESULTS, run))
               for run in RUNS}
    port = report.load_curve('deep_cnn', 'plain_port')
    lines = ['Summed loss of the first epochs (the documented curve begins with '
             'epoch 11):', '',
             '| epoch | plain port, unseeded | '
             + ' | '.join(RUNS.values()) + ' |',
             '|---' * (2 + len(RUNS)) + '|']
    for epoch in range(1, FIRST_EPOCHS + 1):
        losses = [record.epochs[epoch - 1]['summed_loss']
                  for record in records.values()]
        lines.append(f'| {epoch} | {port[epoch]:.1f} | '
                     + ' | '.join(f'{loss:.1f}' for loss in losses) + ' |')
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


def render(text):
    """README.md's text with its tables made anew."""
    for name, build in (('timings', build_timings), ('results', build_results)):
        begin, end = f'<!-- {name} -->\n', f'<!-- /{name} -->'
        head, rest = text.split(begin)
        unused_old, tail = rest.split(end)
        text = head + begin + '\n'.join(build()) + '\n' + end + tail
    return text


def main():
    with open(README, encoding='utf-8') as file:
        text = file.read()
    with open(README, 'w', encoding='utf-8') as file:
        file.write(render(text))


if __name__ == '__main__':
    main()
