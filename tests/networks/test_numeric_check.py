"""One batch compared with the stock kernels before a GPU or fast kernels are used."""

import contextlib
from unittest import mock

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
    """Batch normalisation and dropout, as inception_v3, but small; right or wrong by factors.

    The documented test, `random`, runs as in training; `central` is calibrated.
    """
    keep_prob = 0.5
    variants_as_in_training = ('random',)
    num_calibration_batches = 2

    def __init__(self, gradient_factor=1.0, logits_factor=1.0):
        self.gradient_factor, self.logits_factor = gradient_factor, logits_factor

    def build_network(self, images, seed, kernels=stock, mode=Mode()):
        variables.build_variable('without_a_gradient', [1])
        builder = network.Builder(seed, 0.0, network.Normalization(), mode.uses_batch_statistics)
        net = builder.build_chain(images, [network.Conv('conv_3x3', 8, 2)])
        net = tf.reduce_mean(net, [1, 2], keepdims=True)
        # The value stays.
        net = self.gradient_factor * net + tf.stop_gradient((1 - self.gradient_factor) * net)
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


def test_gradients_of_the_fast_kernels(monkeypatch, tiny_data_set):
    """A past bug: the last even column before a pool lost gradients."""
    check(tiny_data_set, deep_cnn, kernels='fast')
    real = rows.build_max_pool
    monkeypatch.setattr(rows, 'build_max_pool', lambda evens, odds: real(
        [tf.concat([row[:-2], tf.stop_gradient(row[-2:])], 0) for row in evens], odds))
    with pytest.raises(UserError, match='gradient of .*weights'):
        check(tiny_data_set, deep_cnn, kernels='fast')


@pytest.mark.parametrize('device, way_out', [('cpu', '--kernels stock'), ('gpu', '--device cpu')])
def test_a_gradient_that_is_one_percent_off(device, way_out, tiny_data_set):
    with pytest.raises(UserError, match=f'gradient of .*weights.*{way_out}'):
        check(tiny_data_set, trained=Normalized(gradient_factor=1.01), device=device)


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
    ([3.0, 4.004], [3, 4], True), ([3.0, 4.006], [3, 4], False),
    ([4.0, 3.0], [3, 4], False),  # of the same norm
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
    """With the statistics and the dropout of the test, or with calibrated averages."""
    real = numeric_check.check_logits  # whose reference stays right
    monkeypatch.setattr(numeric_check, 'check_logits', lambda unused_system, *arguments:
                        real(NORMALIZED, *arguments))

    def evaluate(system):
        return runs.evaluate(system, tiny_data_set, 'unused', normalized_checkpoint,
                             variant, seed=4, device='gpu')

    assert evaluate(NORMALIZED).count.num_examples == 200
    with pytest.raises(UserError, match='the GPU .* the logits of one batch'):
        evaluate(Normalized(logits_factor=1.01))


def test_nothing_is_trained_on_a_wrong_gpu(monkeypatch, finished_copy, tiny_data_set):
    monkeypatch.setattr(devices, 'resolve', lambda choice, threads: 'gpu')
    monkeypatch.setattr(devices, 'find_gpu', lambda device, threads: None)
    monkeypatch.setattr(numeric_check, 'find_difference',
                        lambda *arguments: 'the loss of one batch is off')
    before = sorted(path.name for path in finished_copy.iterdir())
    with pytest.raises(UserError, match='the GPU computes wrong numbers'):
        runs.train(finished_copy, tiny_data_set, kernels=None, epochs=3)
    assert sorted(path.name for path in finished_copy.iterdir()) == before


def test_logits_of_the_fast_kernels(monkeypatch, finished_run, tiny_data_set):
    right, expected = (runs.evaluate(deep_cnn, tiny_data_set, finished_run, kernels=name)
                       for name in ('fast', 'stock'))
    assert np.abs(expected.logits - right.logits).max() < 1e-5
    real = inference.build_flat_product
    monkeypatch.setattr(inference, 'build_flat_product', lambda net, weights:
                        1.01 * real(net, weights))
    with pytest.raises(UserError, match='the fast kernels .* the logits of one batch'):
        runs.evaluate(deep_cnn, tiny_data_set, finished_run, kernels='fast')


def test_it_is_checked_on_each_kind_of_machine_once(monkeypatch, tmp_path, tiny_data_set):
    case = system_cases.CASES['lenet5']
    data = system_cases.make_data(case, tiny_data_set)
    check_training = mock.Mock(side_effect=[None, UserError('wrong')])
    monkeypatch.setattr(numeric_check, 'check_training', check_training)

    def train(steps):
        runs.train(tmp_path, data, steps, system=case.system, kernels='fast')

    train(1)
    train(2)
    assert check_training.call_count == 1
    cpu = description.find_cpu()
    monkeypatch.setattr(description, 'find_cpu', lambda: dict(cpu, vector_flags='none'))
    with pytest.raises(UserError, match='wrong'):
        train(3)
