"""deep_cnn: its variables; logits, loss and gradients against stored float64 values."""

import os
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1 import kernels
from cifar10_tf1.benchmark.plain_deep_cnn import VARIABLES
from cifar10_tf1.graph import loss
from cifar10_tf1.graph.variables import load_variables
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

GOLDEN_DIR = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
                          'golden')
sys.path.insert(0, GOLDEN_DIR)

import make_deep_cnn  # noqa: E402


def assert_close(actual, golden, largest=None):
    largest = np.abs(golden).max() if largest is None else largest
    assert np.shape(actual) == np.shape(golden)
    assert np.abs(actual - golden).max() <= 1e-5 * largest


@pytest.mark.parametrize('name', kernels.NAMES)
def test_values_and_gradients(name):
    """On the golden inputs."""
    with np.load(os.path.join(GOLDEN_DIR, 'deep_cnn.npz')) as file:
        golden = dict(file)
    weights, images, labels = make_deep_cnn.make_inputs()
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.constant(images)
        logits = deep_cnn.build_network(images, 1, kernels.load(name))
        losses = loss.build_losses(logits, tf.constant(labels))
        variables = tf.trainable_variables()
        gradients = tf.gradients(losses[-1], variables)
        if name == 'fast':  # saves the time
            assert tf.gradients(logits, images) == [None]
        load_variables(session, [(variable, weights[variable.op.name])
                                 for variable in variables])
        logits, losses, gradients = session.run([logits, losses, gradients])
    assert_close(logits, golden['logits'])
    cross_entropy, weight_decay_loss, total_loss = losses
    assert_close(total_loss, golden['loss'])
    assert_close(cross_entropy + weight_decay_loss, golden['loss'])
    assert_close(weight_decay_loss, sum(
        0.004 * 0.5 * np.sum(np.square(weights[name], dtype=np.float64))
        for name in ('model/FC_1/weights', 'model/FC_2/weights')))
    for variable, gradient in zip(variables, gradients):
        largest = golden['largest/' + variable.op.name]
        assert_close(gradient.ravel()[::make_deep_cnn.STRIDE],
                     golden['gradient/' + variable.op.name], largest)
        assert abs(np.abs(gradient).max() - largest) <= 1e-5 * largest


def test_the_training_graph(tiny_data_set):
    """The 21 tensors by name, shape, type and device."""
    graph = runs.build_training_graph(deep_cnn, tiny_data_set)
    expected = {'global_step': (tf.int64, [])}
    for name, shape in VARIABLES.items():
        expected[name] = (tf.float32, shape)
        expected[name + '/ExponentialMovingAverage'] = (tf.float32, shape)
    assert len(expected) == 21
    assert {name: (variable.dtype.base_dtype, variable.shape.as_list())
            for name, variable in graph.variables.items()} == expected
    assert {tf.DeviceSpec.from_string(variable.device).device_type
            for variable in graph.variables.values()} == {'CPU'}
    # No gradient with respect to the images.
    used = [op.name for op in graph.graph.get_operations()
            if op.type == 'Conv2DBackpropInput'
            and any(tensor.consumers() for tensor in op.outputs)]
    assert len(used) == 1 and 'conv_2' in used[0]
    with graph.graph.as_default():
        assert [v.op.name for v in tf.trainable_variables()] == list(VARIABLES)
        assert sum(v.shape.num_elements()
                   for v in tf.trainable_variables()) == 1068298
