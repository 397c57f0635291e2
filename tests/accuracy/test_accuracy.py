"""The regression test on accuracy: the numbers themselves, on the real data.

    pytest -m accuracy                     minutes: a short session of each system, and
                                           the checkpoint of record
    pytest -m accuracy --whole-run runs/1  an hour and more: the run of record once more

Recorded runs say how far a further one may deviate, above and below; the first losses
notice what a whole run forgives. The folder of a whole run may hold a part of it
already, and is kept.
"""

import csv
import functools
import glob
import json
import os
import statistics
from typing import List, NamedTuple

import numpy as np
import pytest

import pages  # noqa: F401  # tools/ becomes importable
import runs
import system_cases
from page_tables import runs as page_runs
from cifar10_tf1.report import comparison
from cifar10_tf1 import systems
from cifar10_tf1.machine import description
from cifar10_tf1.records import reference_run, run_record
from cifar10_tf1.systems import lenet5, notebooks

pytestmark = pytest.mark.accuracy


class Session(NamedTuple):
    """A short training of seed 1, and the records that it is compared with."""
    records: List[str]      # folders, below results/runs/
    options: List[str]      # of train.py
    tolerances: np.ndarray  # of the first losses, relative, on another machine


# Adam makes a whole step of a gradient's rounding. Largest deviation between
# formulations, threads and runtimes: of laptop_cnn 2.3e-5 at the third step, 2.4e-4 at
# the tenth, 2.6e-3 at the 40th, of a file's short batch the 36th; of udacity_cnn, with
# dropout on its logits, 1.1e-5, 3.6e-3, 3.1e-2.
ADAM = np.minimum(2e-6 * 4. ** np.arange(40), 0.02)
ONE_FILE = ['--kernels', 'fast', '--train-files', '1']
SESSIONS = {
    'deep_cnn': Session(['deep_cnn/1.15-seed-01', 'deep_cnn/2.21-seed-01'],
                        ['--max-steps', '100'], np.full(10, 2e-6)),
    # Of 1.15, whose runs are the reference. Two runtimes differ by 1.2e-7.
    'lenet5': Session(['lenet5/1.15-seed-*'], ['--kernels', 'fast'], np.full(10, 2e-6)),
    'laptop_cnn': Session(['laptop_cnn/one-file/1.15-seed-*'], ONE_FILE, ADAM),
    'udacity_cnn': Session(['udacity_cnn/one-file/1.15-seed-*'], ONE_FILE, ADAM[:10]),
}
WHOLE = ['lenet5', 'laptop_cnn', 'udacity_cnn']  # sessions that reach their last epoch


@pytest.fixture(scope='module')
def find_data_dir(find_real_data):
    """Function of a system's name to the folder of its real data."""
    return lambda name: find_real_data(systems.find(name).data)


@pytest.fixture(scope='module')
def load_data(find_data_dir):
    return lambda name: systems.find(name).source.load(find_data_dir(name), False)


@pytest.fixture(scope='module')
def train(find_data_dir, tmp_path_factory):
    """Function of a system's name to (folder, first losses by step) of its session."""
    @functools.lru_cache(maxsize=None)
    def train(name):
        folder, losses = tmp_path_factory.mktemp(name), {}
        # In stages, because the last five checkpoints are kept, and each has the
        # losses of its epoch, which may be of nine steps.
        for limit in ('40', '80', '100', None):
            runs.run_program(
                os.environ, 'train.py', '--system', name, *SESSIONS[name].options,
                *(['--max-steps', limit] if limit else []), '--data-dir',
                find_data_dir(name), '--model-dir', folder, '--no-summaries')
            if limit:
                losses.update(runs.list_losses(folder))
        return folder, losses

    return train


def find_folders(name):
    folders = [folder for pattern in SESSIONS[name].records for folder
               in sorted(glob.glob(os.path.join(reference_run.RUNS, pattern)))]
    assert len(folders) >= 2
    return folders


def load_first_losses(folder):
    with open(os.path.join(folder, 'first_losses.csv'), newline='') as file:
        return np.array([float(row['loss']) for row in csv.DictReader(file)], np.float32)


def find_excess(name, ours, folder):
    """The largest relative difference from a record's losses, in tolerances."""
    tolerances, theirs = SESSIONS[name].tolerances, load_first_losses(folder)
    differences = np.abs(np.divide(ours[:len(tolerances)], theirs[:len(tolerances)]) - 1)
    return (differences / tolerances).max()


@pytest.mark.parametrize('name', sorted(SESSIONS))
def test_the_first_losses(name, train):
    """To the bit where a record is of the same kind of machine."""
    session, losses = train(name)
    kind = runs.load_record(session).kind
    ours = np.float32([loss for unused_step, loss in sorted(losses.items())])
    assert len(ours) == 100
    for folder in find_folders(name):
        if not os.path.exists(os.path.join(folder, 'first_losses.csv')):
            continue
        theirs = load_first_losses(folder)
        assert find_excess(name, ours, folder) < 1, folder
        assert abs(ours.sum() / theirs.sum() - 1) < 0.01, folder
        if not description.list_differences(run_record.load_folder(folder).kind, kind):
            assert ours.tobytes() == theirs.tobytes(), folder


def load_accuracies(name):
    """Validation accuracies by epoch of each recorded run and plain port's."""
    curves = [run_record.load_folder(folder).epochs for folder in find_folders(name)]
    for path in sorted(glob.glob(os.path.join(
            os.path.dirname(find_folders(name)[0]), 'plain-port-*.csv'))):
        with open(path, newline='') as file:
            curves.append(list(csv.DictReader(file)))
    return [[float(entry['validation_accuracy']) for entry in curve] for curve in curves]


def find_deviations(curves):
    """Standard deviation of one more run's distance from the mean, place by place.

    A few runs say little about the spread at one place, so the variance is averaged
    over three neighbours on each side.
    """
    variances = np.var(curves, axis=0, ddof=1)
    return np.sqrt([np.mean(variances[max(0, i - 3):i + 4]) * (1 + 1 / len(curves))
                    for i in range(len(variances))])


@pytest.mark.parametrize('name', WHOLE)
def test_the_accuracies(name, train, load_data):
    """Within five standard deviations of the recorded ones, 99.9 % of further runs.

    By epoch on the images held back, and on the test images. The notebooks have few
    runs, so never nearer than two points; lenet5's figures are of whole images.
    """
    nearest = 0.0004 if name == 'lenet5' else 0.02
    session, unused_losses = train(name)
    ours = [entry['validation_accuracy'] for entry in runs.load_record(session).epochs]
    assert len(ours) == systems.load(name).num_epochs
    recorded = load_accuracies(name)
    means, deviations = np.mean(recorded, axis=0), find_deviations(recorded)
    is_outside = np.abs(ours - means) > np.maximum(nearest, 5 * deviations)
    assert not is_outside.any(), 1 + np.flatnonzero(is_outside)
    tests = [next(test['num_correct'] for test
                  in run_record.load_folder(folder).content['tests']
                  if test['crop'] == 'whole') for folder in find_folders(name)]
    result = runs.evaluate(systems.load(name), load_data(name), str(session))
    width = max(2, 5 * statistics.stdev(tests)) if name == 'lenet5' else 300
    assert abs(result.count.num_correct - statistics.mean(tests)) <= width


class Shuffled(notebooks.LaptopCnn):

    def build_plan(self, data_set, num_files=None):
        plan = super().build_plan(data_set, num_files)
        return plan._replace(rows=np.random.RandomState(1).permutation(plan.rows))


class OtherScale(lenet5.Lenet5):

    def build_images(self, pixels):
        return super().build_images(pixels) * (255 / 256)


@pytest.mark.parametrize('changed', [
    system_cases.make_small('lenet5', schedule=lenet5.Schedule(epsilon=1e-7)),
    OtherScale(), Shuffled()],
    ids=lambda changed: type(changed).__name__)
def test_a_change_is_noticed(changed, load_data, tmp_path):
    """By the first losses, on any machine: else this file would prove nothing."""
    name = changed.name
    runs.train(tmp_path, load_data(name), len(SESSIONS[name].tolerances), system=changed,
               kernels='fast', train_files=None if name == 'lenet5' else 1)
    losses = [loss for unused_step, loss in sorted(runs.list_losses(tmp_path).items())]
    assert find_excess(name, losses, find_folders(name)[0]) > (10 if name == 'lenet5' else 2)


# In a process of its own, for the bits.
CLASSIFY = '''
import json, os, sys
from cifar10_tf1 import scripts, startup, systems
from cifar10_tf1.data import cifar10
from cifar10_tf1.records import reference_run, run_settings
given, selection = startup.select_device_and_kernels(
    run_settings.RunSettings(), systems.DEFAULT)
data_set = cifar10.load_data_set(os.environ['CIFAR10_DATA_DIR'])
test, system = scripts.load('test'), systems.load(systems.DEFAULT)
settings = startup.start_device(
    selection, run_settings.complete(given, system, data_set))
result = test.evaluate(system, data_set, settings, sys.argv[1], None,
                       reference_run.find_checkpoint())
print(json.dumps({
    'kind': startup.find_kind(settings), 'num_correct': result.count.num_correct,
    'predictions_sha256': result.predictions_sha256,
    'classes': ''.join(map(str, result.predictions))}))
'''


@pytest.mark.parametrize('crop', ['random', 'central'])
def test_checkpoint_of_record(crop, real_data_dir):
    """The recorded classes: to the bit on the recorded kind of machine; elsewhere
    except near-ties of the record."""
    with open(os.path.join(find_folders('deep_cnn')[0], 'predictions.json')) as file:
        theirs, = [entry for entry in json.load(file) if entry['crop'] == crop]
    output = runs.run_program(
        dict(os.environ, CIFAR10_DATA_DIR=real_data_dir), '-c', CLASSIFY, crop)
    ours = json.loads(output.splitlines()[-1])
    if not description.list_differences(theirs['kind'], ours['kind']):
        assert ours['num_correct'] == theirs['num_correct']
        assert ours['predictions_sha256'] == theirs['predictions_sha256']
    assert len(ours['classes']) == len(theirs['classes']) == 10000
    differing = {i for i, (a, b) in enumerate(zip(ours['classes'], theirs['classes'])) if a != b}
    assert differing <= set(theirs['near_ties'])
    assert abs(ours['num_correct'] - theirs['num_correct']) <= len(differing)


def test_whole_run(request, real_data_dir):
    folder = request.config.getoption('--whole-run')
    if folder is None:
        pytest.skip('an hour and more; --whole-run FOLDER runs it')
    folder = os.path.abspath(folder)
    pytest.importorskip('scipy', reason='the band needs it: make setup EXTRAS=pictures')
    environment = dict(os.environ, CIFAR10_DATA_DIR=real_data_dir)
    runs.run_program(environment, 'train.py', '--model-dir', folder)
    correct = []
    for options in [['--seed', seed] for seed in range(1, 21)] + [['--crop', 'central']]:
        runs.run_program(environment, 'test.py', '--model-dir', folder, *options)
        correct.append(run_record.load_folder(folder).content['tests'][-1]['num_correct'])
    assert comparison.is_within(run_record.load_folder(folder))
    for column, count in (('mean_correct', statistics.mean(correct[:-1])),
                          ('central_correct', correct[-1])):
        low, high, unused_n = page_runs.find_band(column)
        assert low <= count <= high, (column, correct)
