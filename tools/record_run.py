"""Tests a complete run of deep_cnn and notes it in seeds.csv; may publish it.

    python tools/record_run.py runs/2
    python tools/record_run.py model 1.15-seed-01

Twenty-one tests of the last checkpoint: by the documented random crops, with
test seeds 1 to 20, and by the central crop. With a name, what the run wrote is
copied to results/runs/deep_cnn/NAME, and of the run of record its last
checkpoint as well.
CIFAR10_DATA_DIR names the data.
"""

import csv
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from cifar10_tf1 import recorded  # noqa: E402
from cifar10_tf1 import run_record  # noqa: E402
from cifar10_tf1 import step_losses  # noqa: E402

EPOCHS = 110
STEP = 55000
TEST_SEEDS = range(1, 21)
NUM_FIRST_LOSSES = 100
RUNS = os.path.join(recorded.RUNS, 'deep_cnn')
SEEDS = os.path.join(RUNS, 'seeds.csv')
COLUMNS = ['seed', 'runtime', 'kernels', 'machine', 'num_correct',
           'mean_correct', 'central_correct', 'weights_sha256']


def main():
    folder = sys.argv[1].rstrip('/')
    name = sys.argv[2] if len(sys.argv) > 2 else None
    prefix = os.path.join(folder, f'model.ckpt-{STEP}')
    record = run_record.load_folder(folder)
    if record is None or len(record.epochs) != EPOCHS or (
            record.content['weights'] or {}).get('step') != STEP:
        sys.exit(f'{folder} holds no complete run of {EPOCHS} epochs')
    if find_line(record):
        sys.exit(f'{folder} is in seeds.csv already')
    for seed in TEST_SEEDS:
        test(prefix, 'random', seed)
    test(prefix, 'central', 1)
    record = run_record.load_folder(folder)
    append_line(record)
    if name:
        publish(folder, prefix, os.path.join(RUNS, name))
    if name == os.path.basename(recorded.RECORD):
        publish_checkpoint(prefix)


def find_line(record):
    with open(SEEDS, newline='') as file:
        return [row for row in csv.DictReader(file)
                if row['weights_sha256'] == record.content['weights']['sha256']]


def test(prefix, crop, seed):
    subprocess.run([sys.executable, os.path.join(ROOT, 'test.py'),
                    '--checkpoint', prefix, '--crop', crop, '--seed',
                    str(seed)], check=True)


def list_correct(record, crop):
    """Numbers of right images after the last epoch, by test seed."""
    return [test['num_correct'] for test in sorted(
        record.content['tests'], key=lambda test: test['seed'])
        if test['crop'] == crop and test['kind'] == record.kind
        and test['step'] == record.epochs[-1]['step']]


def append_line(record):
    kind = record.kind
    random = list_correct(record, 'random')
    with open(SEEDS, 'a', newline='') as file:
        csv.writer(file, lineterminator='\n').writerow([
            record.settings.seed, kind['wheel'], kind['kernels'],
            (kind['gpu'] or {}).get('card') or '{name}, family {family}, model '
            '{model}'.format(**kind['cpu']), random[0],
            f'{statistics.mean(random):.1f}', *list_correct(record, 'central'),
            record.content['weights']['sha256']])


def publish(folder, prefix, target):
    os.makedirs(target)
    for file in (run_record.FILE, 'metrics.csv'):
        shutil.copy(os.path.join(folder, file), target)
    import numpy as np
    losses = np.fromfile(os.path.join(folder, step_losses.FILE), '<f4')
    with open(os.path.join(target, 'first_losses.csv'), 'w', newline='') as file:
        writer = csv.writer(file, lineterminator='\n')
        writer.writerow(['step', 'loss'])
        # A float64 has room for every digit of a float32.
        writer.writerows((step, repr(float(loss))) for step, loss in enumerate(
            losses[:NUM_FIRST_LOSSES], start=1))
    predictions = [json.loads(subprocess.run(
        [sys.executable, os.path.join(ROOT, 'tools', 'classify_test_set.py'),
         prefix, crop, '1'], stdout=subprocess.PIPE, check=True,
        universal_newlines=True).stdout) for crop in ('random', 'central')]
    with open(os.path.join(target, 'predictions.json'), 'w') as file:
        # A line for each list: it has ten thousand digits.
        file.write('[\n' + ',\n'.join(map(json.dumps, predictions)) + '\n]\n')


def publish_checkpoint(prefix):
    os.makedirs(recorded.CHECKPOINT)
    lines = []
    for suffix in ('.index', '.data-00000-of-00001', '.json'):
        path = shutil.copy(prefix + suffix, recorded.CHECKPOINT)
        with open(path, 'rb') as file:
            digest = hashlib.sha256(file.read()).hexdigest()
        lines.append(f'{digest}  {os.path.basename(path)}\n')
    with open(os.path.join(recorded.CHECKPOINT, 'SHA256SUMS'), 'w') as file:
        file.writelines(lines)


if __name__ == '__main__':
    main()
