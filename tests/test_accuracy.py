"""The regression test on accuracy: the number itself, on the real data.

    pytest -m accuracy               minutes: the checkpoint of record gives the
                                     recorded classes, training the recorded
                                     losses
    pytest -m accuracy --whole-run runs/1    an hour and more: the run of record
                                     once more, and its accuracy

The folder of a whole run may hold a part of it already, and is kept.
"""

import csv
import json
import os
import statistics

import numpy as np
import pytest

import runs
from cifar10_tf1.machine import description
from cifar10_tf1.records import reference_run
from cifar10_tf1 import report
from cifar10_tf1.records import run_record
from cifar10_tf1.training import step_losses

pytestmark = pytest.mark.accuracy

RUNS = os.path.join(reference_run.RUNS, 'deep_cnn')
RECORDS = [reference_run.RECORD, os.path.join(RUNS, '2.21-seed-01')]


@pytest.fixture
def environment(real_data_dir):
    return dict(os.environ, CIFAR10_DATA_DIR=real_data_dir)


def load_predictions(folder, crop):
    with open(os.path.join(folder, 'predictions.json')) as file:
        found, = [entry for entry in json.load(file) if entry['crop'] == crop]
    return found


def check_predictions(ours, theirs):
    """To the bit on the recorded kind; else but for near-ties of the record."""
    if not description.list_differences(theirs['kind'], ours['kind']):
        assert ours['num_correct'] == theirs['num_correct']
        assert ours['predictions_sha256'] == theirs['predictions_sha256']
    differing = {i for i, (a, b) in enumerate(zip(ours['classes'],
                                                  theirs['classes'])) if a != b}
    assert len(ours['classes']) == len(theirs['classes']) == 10000
    assert differing <= set(theirs['near_ties'])
    assert abs(ours['num_correct'] - theirs['num_correct']) <= len(differing)


def classify(environment, prefix, crop):
    return json.loads(runs.run_program(
        environment, 'tools/classify_test_set.py', prefix, crop, 1))


@pytest.mark.parametrize('crop', ['random', 'central'])
def test_checkpoint_of_record(crop, environment):
    ours = classify(environment, reference_run.find_checkpoint(), crop)
    check_predictions(ours, load_predictions(RECORDS[0], crop))


def load_first_losses(folder):
    with open(os.path.join(folder, 'first_losses.csv'), newline='') as file:
        return np.array([float(row['loss']) for row in csv.DictReader(file)],
                        np.float32)


def test_first_losses(environment, tmp_path):
    """Of one of the records to the bit where the kind is the same."""
    runs.run_program(environment, 'train.py', '--model-dir', tmp_path, '--max-steps',
                     100, '--no-summaries')
    ours = np.fromfile(str(tmp_path / step_losses.FILE), '<f4')
    kind = run_record.load_folder(str(tmp_path)).kind
    for folder in RECORDS:
        theirs = load_first_losses(folder)
        if not description.list_differences(run_record.load_folder(folder).kind,
                                            kind):
            assert ours.tobytes() == theirs.tobytes(), folder
        deviations = np.abs(ours / theirs - 1)
        assert deviations[:10].max() < 2e-6, folder
        assert abs(ours.sum() / theirs.sum() - 1) < 0.01, folder


def test_whole_run(request, environment):
    folder = request.config.getoption('--whole-run')
    if folder is None:
        pytest.skip('an hour and more; --whole-run FOLDER runs it')
    folder = os.path.abspath(folder)
    runs.run_program(environment, 'train.py', '--model-dir', folder)
    correct = []
    for options in [['--seed', seed] for seed in range(1, 21)] + [
            ['--crop', 'central']]:
        runs.run_program(environment, 'test.py', '--model-dir', folder, *options)
        correct.append(run_record.load_folder(folder).content['tests'][-1][
            'num_correct'])
    record = run_record.load_folder(folder)
    assert report.build_report(record).within
    for column, count in (('mean_correct', statistics.mean(correct[:-1])),
                          ('central_correct', correct[-1])):
        low, high, unused_n = reference_run.find_band(column)
        assert low <= count <= high, (column, correct)
