"""The regression test on accuracy of lenet5, on the real MNIST.

Ten whole runs say how far a further one may be off, above and below; the first
losses notice what a whole run forgives.
"""

import csv
import os
import statistics

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.machine import description
from cifar10_tf1.records import reference_run
from cifar10_tf1.records import run_record
from cifar10_tf1.machine import runtime
from cifar10_tf1.training import step_losses
from cifar10_tf1.data import mnist
from cifar10_tf1.systems import lenet5 as lenet5_module
from cifar10_tf1.systems.lenet5 import SYSTEM as lenet5

pytestmark = pytest.mark.accuracy

RUNS = os.path.join(reference_run.RUNS, 'lenet5')
TOLERANCE = 2e-6  # of one of the first ten losses; of two runtimes, 1.2e-7


@pytest.fixture(scope='module')
def whole_run(tmp_path_factory, real_mnist_dir):
    """A run of seed 1 with the kernels of record: its folder."""
    folder = tmp_path_factory.mktemp('run')
    runs.run_program(os.environ, 'train.py', '--system', 'lenet5', '--kernels',
                     'fast', '--data-dir', real_mnist_dir, '--model-dir', folder)
    return folder


@pytest.fixture(scope='module')
def data_set(real_mnist_dir):
    return mnist.load_data_set(real_mnist_dir)


def load_first_losses():
    with open(os.path.join(RUNS, '1.15-seed-01', 'first_losses.csv'),
              newline='') as file:
        return np.array([float(row['loss']) for row in csv.DictReader(file)],
                        np.float32)


def list_records():
    """Of 1.15, whose runs are the reference; TensorFlow 2 stands beside it."""
    folders = [os.path.join(RUNS, name) for name in sorted(os.listdir(RUNS))
               if name.startswith('1.15-seed-')]
    return [run_record.load_folder(folder) for folder in folders]


def find_range(numbers):
    """Where the figure of a further run has to be.

    Of ten runs; 99.9 % of further ones are within five standard deviations. A
    figure of whole images is never nearer than two.
    """
    width = max(2, 5 * statistics.stdev(numbers))
    return statistics.mean(numbers) - width, statistics.mean(numbers) + width


def test_the_first_losses(whole_run):
    ours = np.fromfile(str(whole_run / step_losses.FILE), '<f4')[:100]
    theirs = load_first_losses()
    assert np.abs(ours[:10] / theirs[:10] - 1).max() < TOLERANCE
    kind = runs.load_record(whole_run).kind
    if not description.list_differences(list_records()[0].kind, kind):
        assert ours.tobytes() == theirs.tobytes()


def test_the_accuracies(whole_run, data_set):
    """By epoch on the images held back, and on the test images."""
    records = list_records()
    assert len(records) == 10
    ours = runs.load_record(whole_run).epochs
    assert len(ours) == 10
    for epoch, *theirs in zip(ours, *(record.epochs for record in records)):
        low, high = find_range([entry['validation_correct']
                                for entry in theirs])
        assert low <= epoch['validation_correct'] <= high, epoch
    result = runs.evaluate(lenet5, data_set, str(whole_run))
    low, high = find_range([
        next(test['num_correct'] for test in record.content['tests']
             if test['crop'] == 'whole') for record in records])
    assert low <= result.num_correct <= high


class OtherEpsilon(lenet5_module.Lenet5):
    settings = lenet5_module.Settings(
        schedule=lenet5_module.Schedule(epsilon=1e-7))


class OtherScale(lenet5_module.Lenet5):
    def build_images(self, pixels):
        return super().build_images(pixels) * (255 / 256)


class OtherPadding(lenet5_module.Lenet5):
    def build_images(self, pixels):
        return tf.roll(super().build_images(pixels), 1, axis=1)


class OtherOrder(lenet5_module.Lenet5):
    def build_plan(self, data_set, num_files=None):
        plan = super().build_plan(data_set, num_files)
        rows = np.arange(plan.rows.start, plan.rows.stop)
        rows[:256] = np.roll(rows[:256], 128)  # the first two batches
        return plan._replace(rows=rows)


@pytest.mark.parametrize('system', [OtherEpsilon(), OtherScale(), OtherPadding(),
                                    OtherOrder()],
                         ids=lambda system: type(system).__name__)
def test_a_change_is_noticed(system, data_set):
    """By ten losses, on any machine: else this file would prove nothing."""
    graph = runs.build_training_graph(system, data_set, 1, kernels_name='fast')
    with tf.Session(graph=graph.graph, config=runtime.session_config(
            description.Threads(1, 2, 2))) as session:
        session.run(graph.initializer)
        graph.inputs.training.load(session, data_set)
        graph.inputs.training.initialize(session, 0)
        feeds = {graph.inputs.handle: session.run(graph.inputs.handles['training'])}
        losses = [session.run([graph.train_op, graph.total_loss], feeds)[1]
                  for unused_step in range(10)]
    assert np.abs(losses / load_first_losses()[:10] - 1).max() > 10 * TOLERANCE
