"""The network, its loss and its gradients against stored float64 values."""

import os
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.checkpoints import reading
from cifar10_tf1 import kernels
from cifar10_tf1.graph import loss
from cifar10_tf1.benchmark import plain_port
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn
from cifar10_tf1.systems.deep_cnn import Settings

GOLDEN_DIR = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'golden')
sys.path.insert(0, GOLDEN_DIR)

import make_deep_cnn  # noqa: E402

NAMES = {
    'model/conv_1/weights': [5, 5, 3, 64], 'model/conv_1/bias': [64],
    'model/conv_2/weights': [5, 5, 64, 64], 'model/conv_2/biases': [64],
    'model/FC_1/weights': [2304, 384], 'model/FC_1/biases': [384],
    'model/FC_2/weights': [384, 192], 'model/FC_2/biases': [192],
    'model/softmax_linear/weights': [192, 10],
    'model/softmax_linear/biases': [10],
}


def assert_close(actual, golden, largest=None):
    largest = np.abs(golden).max() if largest is None else largest
    assert np.shape(actual) == np.shape(golden)
    assert np.abs(actual - golden).max() <= 1e-5 * largest


@pytest.fixture(scope='module', params=kernels.NAMES)
def results(request):
    """Logits, loss and gradients of the package on the golden inputs."""
    weights, images, labels = make_deep_cnn.make_inputs()
    with tf.Graph().as_default(), tf.Session() as session:
        logits = deep_cnn.build_network(tf.constant(images), 1,
                                        kernels.load(request.param))
        losses = loss.build_losses(logits, tf.constant(labels))
        variables = {variable.op.name: variable
                     for variable in tf.trainable_variables()}
        names = sorted(variables)
        gradients = tf.gradients(losses[-1], [variables[n] for n in names])
        for name in names:
            variables[name].load(weights[name], session)
        logits, losses, gradients = session.run([logits, losses, gradients])
    return logits, losses, dict(zip(names, gradients)), weights, labels


@pytest.fixture(scope='module')
def golden():
    with np.load(os.path.join(GOLDEN_DIR, 'deep_cnn.npz')) as file:
        return dict(file)


def test_logits(results, golden):
    assert_close(results[0], golden['logits'])


def test_loss(results, golden):
    cross_entropy, weight_decay_loss, total_loss = results[1]
    assert_close(total_loss, golden['loss'])
    assert_close(cross_entropy + weight_decay_loss, golden['loss'])
    weights = results[3]
    decay = sum(0.004 * 0.5 * np.sum(np.square(weights[name], dtype=np.float64))
                for name in ('model/FC_1/weights', 'model/FC_2/weights'))
    assert_close(weight_decay_loss, decay)


@pytest.mark.parametrize('name', sorted(NAMES))
def test_gradient(results, golden, name):
    gradient = results[2][name]
    largest = golden['largest/' + name]
    assert_close(gradient.ravel()[::make_deep_cnn.STRIDE],
                 golden['gradient/' + name], largest)
    assert abs(np.abs(gradient).max() - largest) <= 1e-5 * largest


def test_cross_entropy_equals_the_fused_op():
    """Value and gradient, with logits that would overflow an exp."""
    values = np.random.RandomState(1).randn(100, 10).astype(np.float32) * 5
    values[0], values[1] = 200.0, np.arange(10) * 100.0
    labels = np.arange(100, dtype=np.int32) % 10
    with tf.Graph().as_default(), tf.Session() as session:
        logits = tf.constant(values)
        ours = loss.build_cross_entropy(logits, tf.constant(labels))
        fused = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=logits, labels=labels))
        a, b, da, db = session.run([ours, fused, tf.gradients(ours, logits)[0],
                                    tf.gradients(fused, logits)[0]])
    assert abs(a - b) <= 1e-6 * abs(b)
    assert np.abs(da - db).max() <= 1e-6 * np.abs(db).max()


def test_variables(tiny_data_set):
    """The 21 tensors by name, shape, type and device."""
    graph = runs.build_training_graph(deep_cnn, tiny_data_set, seed=1)
    expected = {'global_step': (tf.int64, [])}
    for name, shape in NAMES.items():
        expected[name] = (tf.float32, shape)
        expected[name + '/ExponentialMovingAverage'] = (tf.float32, shape)
    assert len(expected) == 21
    assert {name: (variable.dtype.base_dtype, variable.shape.as_list())
            for name, variable in graph.variables.items()} == expected
    for variable in graph.variables.values():
        assert tf.DeviceSpec.from_string(
            variable.device).device_type == 'CPU', variable
    with graph.graph.as_default():
        assert [v.op.name for v in tf.trainable_variables()] == list(NAMES)
        assert sum(v.shape.num_elements()
                   for v in tf.trainable_variables()) == 1068298


def initial_weights(seed, with_unrelated_op=False):
    with tf.Graph().as_default(), tf.Session() as session:
        if with_unrelated_op:
            tf.random.uniform([3], seed=5, name='unrelated')
        images = tf.zeros([100, 24, 24, 3])
        deep_cnn.build_network(images, seed)
        session.run(tf.global_variables_initializer())
        return {variable.op.name: session.run(variable)
                for variable in tf.trainable_variables()}


def test_initial_weights():
    weights = initial_weights(1)
    for layer, unused_shape, stddev, _, bias, value in plain_port.LAYERS:
        drawn = weights[f'model/{layer}/weights']
        # Truncated at two standard deviations, which leaves 0.8796 of one.
        assert np.abs(drawn).max() <= 2.0 * stddev
        assert abs(drawn.std() / stddev - 0.8796) < 0.03
        assert abs(drawn.mean()) < 4 * stddev / np.sqrt(drawn.size)
        assert (weights[f'model/{layer}/{bias}'] == np.float32(value)).all()


def test_initial_weights_depend_on_the_seed_and_the_name_alone():
    weights = initial_weights(1)
    same = initial_weights(1, with_unrelated_op=True)
    other = initial_weights(2)
    for name in NAMES:
        assert (weights[name] == same[name]).all()
        if name.endswith('weights'):
            assert (weights[name] != other[name]).mean() > 0.99


def test_golden_initial_weights():
    """The same bits on TensorFlow 1.15 and 2, on every machine."""
    digest = reading.fingerprint_tensors(initial_weights(1))
    assert digest == (
        '97ce56171cbe88fce3e50de9182cc71a3e5124062da7e84d06bd69d4f0719028')


def test_a_second_network_in_one_graph_is_refused():
    with tf.Graph().as_default():
        images = tf.zeros([100, 24, 24, 3])
        deep_cnn.build_network(images, 1)
        with pytest.raises(ValueError, match='already exists'):
            deep_cnn.build_network(images, 1)


def test_unknown_settings_raise():
    with pytest.raises(TypeError):
        Settings(batchsize=100)
