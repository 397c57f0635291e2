"""One batch compared with the stock kernels before a GPU or fast kernels are used."""

import contextlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
import system_cases
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph import numeric_check, variables
from cifar10_tf1.graph.mode import Mode, build_dropout
from cifar10_tf1.kernels import inference, rows, stock
from cifar10_tf1.machine import description, devices
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn
from cifar10_tf1.systems.inception import network


class Normalized(type(deep_cnn)):
    """Batch normalisation and dropout, as inception_v3, but small.

    The documented test, `random`, runs as in training; `central` is calibrated.
    """
    keep_prob = 0.5
    variants_as_in_training = ('random',)
    num_calibration_batches = 2
    gradient_factor = logits_factor = 1.0

    def build_network(self, images, seed, kernels=stock, mode=Mode()):
        @tf.custom_gradient
        def scale(net):
            return tf.identity(net), lambda gradient: self.gradient_factor * gradient

        variables.build_variable('without_a_gradient', [1])
        builder = network.Builder(seed, 0.0, network.Normalization(),
                                 mode.uses_batch_statistics)
        net = builder.build_chain(images, [network.Conv('conv_3x3', 8, 2)])
        net = tf.reduce_mean(scale(net), [1, 2], keepdims=True)
        net = build_dropout(net, 'logits', mode)
        return self.logits_factor * builder.build_linear(net, 'logits', 10)

    def build_average(self, global_step):
        return None


NORMALIZED = Normalized()


def check(data_set, system=NORMALIZED, trained=None, **given):
    """Checks a training of `trained`, by default `system`, with fresh weights."""
    graph = runs.build_training_graph(trained or system, data_set, **given)
    # Without a GPU, TensorFlow falls back on the CPU.
    with tf.Session(graph=graph.graph, config=tf.ConfigProto(
            allow_soft_placement=True)) as session:
        session.run(graph.initializer)
        feeds = {**graph.inputs.start(session, 'training'), **graph.dropout_feed}
        numeric_check.check_training(system, session, graph, feeds,
                                     runs.make_settings(**given), step=0)


def lose_gradients(monkeypatch):
    """Loses 2 % of the gradients of each pool's last even column: a past bug."""
    real = rows.build_max_pool

    def build_max_pool(evens, odds):
        @tf.custom_gradient
        def lose(row):
            kept = np.random.RandomState(1).uniform(
                size=row.shape.as_list()) > 0.02
            kept[:-2] = True
            return tf.identity(row), lambda gradient: gradient * kept
        return real([lose(row) for row in evens], odds)

    monkeypatch.setattr(rows, 'build_max_pool', build_max_pool)


def test_gradients_of_the_fast_kernels(monkeypatch, tiny_data_set):
    check(tiny_data_set, deep_cnn, kernels='fast')
    lose_gradients(monkeypatch)
    with pytest.raises(UserError, match='gradient of .*weights'):
        check(tiny_data_set, deep_cnn, kernels='fast')


@pytest.mark.parametrize('device, way_out', [
    ('cpu', '--kernels stock'), ('gpu', '--device cpu')])
def test_a_gradient_that_is_one_percent_off(device, way_out, tiny_data_set):
    wrong = Normalized()
    wrong.gradient_factor = 1.01
    with pytest.raises(UserError, match='gradient of .*weights') as caught:
        check(tiny_data_set, trained=wrong, device=device)
    assert way_out in str(caught.value)


@pytest.mark.parametrize('num_bad', [0, 2, 3])
def test_two_batches_may_be_off_by_rounding(num_bad, monkeypatch, tiny_data_set):
    real, seen = numeric_check.find_difference, []

    def find_difference(*arguments):
        seen.append(real(*arguments))
        return 'the loss' if len(seen) <= num_bad else seen[-1]

    monkeypatch.setattr(numeric_check, 'find_difference', find_difference)
    with pytest.raises(UserError) if num_bad == 3 else contextlib.ExitStack():
        check(tiny_data_set)
    assert seen == [None] * min(3, num_bad + 1)


@pytest.mark.parametrize('ours, expected, passes', [
    ([3.0, 4.0], [3, 4], True), ([3.0, 4.004], [3, 4], True),
    ([3.0, 4.006], [3, 4], False), ([4.0, 3.0], [3, 4], False),  # of the same norm
    ([-3.0, -4.0], [3, 4], False), ([0.0, 0.0], [3, 4], False),
    ([np.nan, 4.0], [3, 4], False), ([0, 0], [0, 0], True), ([0, 1], [0, 0], False),
    ([1, 1], [1, np.nan], True)])  # the weights' fault
def test_vectors(ours, expected, passes):
    difference = numeric_check.find_difference(
        {'the loss': 1.0, 'the gradient of w': np.float32(ours)},
        {'the loss': 1.0, 'the gradient of w': np.float32(expected)})
    assert passes == (difference is None)
    assert passes or difference.startswith('the gradient of w of one batch is ')


@pytest.fixture(scope='module')
def normalized_checkpoint(tmp_path_factory):
    """Fresh weights: the moving averages are far from any batch's moments."""
    with tf.Graph().as_default(), tf.Session() as session:
        NORMALIZED.build_network(tf.zeros([2, 24, 24, 3]), seed=1)
        saved = {variable.op.name: variable for variable in tf.model_variables()}
        saved['global_step'] = tf.Variable(np.int64(3))
        session.run(tf.global_variables_initializer())
        return tf.train.Saver(saved).save(
            session, str(tmp_path_factory.mktemp('normalized') / 'model.ckpt'), 3)


@pytest.mark.parametrize('variant', ['random', 'central'])
def test_a_test_is_checked_in_its_own_mode(variant, monkeypatch, tiny_data_set,
                                           normalized_checkpoint):
    """With the statistics and the dropout of the test, or with calibrated averages.

    Without a GPU, TensorFlow falls back on the CPU. The reference is right.
    """
    real = numeric_check.check_logits
    monkeypatch.setattr(numeric_check, 'check_logits', lambda unused_system, *arguments:
                        real(NORMALIZED, *arguments))

    def evaluate(system):
        return runs.evaluate(system, tiny_data_set, 'unused', normalized_checkpoint,
                             variant, seed=4, device='gpu')

    assert evaluate(NORMALIZED).count.num_examples == 200
    wrong = Normalized()
    wrong.logits_factor = 1.01
    with pytest.raises(UserError, match='the logits of one batch'):
        evaluate(wrong)


def test_nothing_is_trained_or_tested_on_a_wrong_gpu(monkeypatch, finished_copy,
                                                     tiny_data_set):
    monkeypatch.setattr(devices, 'resolve', lambda choice, threads: 'gpu')
    monkeypatch.setattr(devices, 'find_gpu', lambda device, threads: None)
    monkeypatch.setattr(numeric_check, 'find_difference',
                        lambda *arguments: 'the loss of one batch is off')
    before = sorted(path.name for path in finished_copy.iterdir())
    with pytest.raises(UserError, match='the GPU computes wrong numbers'):
        runs.train(finished_copy, tiny_data_set, kernels=None, epochs=3)
    assert sorted(path.name for path in finished_copy.iterdir()) == before
    with pytest.raises(UserError, match='the GPU computes wrong numbers'):
        runs.evaluate(deep_cnn, tiny_data_set, finished_copy, device='gpu')


def test_logits_of_the_fast_kernels(monkeypatch, finished_run, tiny_data_set):
    arguments = deep_cnn, tiny_data_set, str(finished_run)
    right = runs.evaluate(*arguments, kernels='fast')
    real = inference.build_flat_product
    monkeypatch.setattr(inference, 'build_flat_product', lambda net, weights:
                        1.01 * real(net, weights))
    with pytest.raises(UserError, match='the logits of one batch'):
        runs.evaluate(*arguments, kernels='fast')
    expected = runs.evaluate(*arguments)
    assert np.abs(expected.logits - right.logits).max() < 1e-5


def test_it_is_checked_on_each_kind_of_machine_once(monkeypatch, tmp_path, tiny_data_set):
    case = system_cases.CASES['lenet5']
    data = system_cases.make_data(case, tiny_data_set)
    checked = []

    def check_training(*arguments):
        checked.append(arguments)
        if len(checked) > 1:
            raise UserError('wrong; use --kernels stock')

    monkeypatch.setattr(numeric_check, 'check_training', check_training)

    def train(steps):
        runs.train(tmp_path, data, steps, system=case.system, kernels='fast')
        return len(checked)

    assert train(1) == 1
    assert train(2) == 1
    cpu = description.find_cpu()
    monkeypatch.setattr(description, 'find_cpu', lambda: dict(cpu, vector_flags='none'))
    with pytest.raises(UserError, match='use --kernels stock'):
        train(3)
