"""Builds a network's variables, and reads and sets their values in sessions."""

import contextlib

import tensorflow.compat.v1 as tf

from cifar10_tf1.common.seeds import derive_seed
from cifar10_tf1.machine import runtime


def build_weights(name, shape, stddev, seed):
    """A trainable variable of normal numbers, truncated at two standard deviations.

    Its seed depends on the run's seed and its full name.
    """
    scope = tf.get_variable_scope().name
    return build_variable(name, shape, tf.truncated_normal_initializer(
        stddev=stddev, seed=derive_seed(seed, f'{scope}/{name}' if scope else name)))


def build_variable(name, shape, initial=0.0, trainable=True):
    """A float32 variable on /cpu:0; `initial` is a float or an initializer.

    It is in tf.model_variables(), which are a network's weights and moving averages.
    """
    if isinstance(initial, float):
        initial = tf.constant_initializer(initial)
    with tf.device('/cpu:0'):
        # Reads of resource variables obey control dependencies across devices.
        return tf.get_variable(
            name, shape, tf.float32, initial, trainable=trainable, use_resource=True,
            collections=[tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.MODEL_VARIABLES])


def build_anonymous_layer(number, shape, stddev, seed, biases_stddev=0.0):
    """Layer `number`, from 0, with the names that TensorFlow gives unnamed variables.

    The names are explicit because checkpoints are exchanged with the originals, and
    an unrelated variable would shift TensorFlow's numbering.

    The shape is that of the weights; its last number is that of the biases, which start at 0
    unless they have a standard deviation. Returns (weights, biases).
    """
    names = [f'Variable_{i}' if i else 'Variable' for i in (2 * number, 2 * number + 1)]
    weights = build_weights(names[0], shape, stddev, seed)
    if biases_stddev:
        return weights, build_weights(names[1], shape[-1:], biases_stddev, seed)
    return weights, build_variable(names[1], shape[-1:])


def load_variables(session, values):
    """Sets variables, a list of (tf.Variable, array), in one session run.

    tf.Variable.load needs a run for each, which for inception_v3 takes 388 times a
    quarter of a second. No two variables may be initialized with the same tensor.
    """
    feeds = {variable.initializer.inputs[1]: value for variable, value in values}
    assert len(feeds) == len(values), 'one tensor initializes several variables'
    session.run([variable.initializer for variable, unused_value in values], feeds)


@contextlib.contextmanager
def open_copy(session, threads, rewrites=True):
    """A tf.Session of the default graph, with the network's values in another session."""
    with session.graph.as_default():
        values = session.run({variable.op.name: variable for variable in tf.model_variables()})
    with tf.Session(config=runtime.session_config(threads, rewrites)) as copy:
        load_variables(copy, [(variable, values[variable.op.name])
                              for variable in tf.model_variables()])
        yield copy
