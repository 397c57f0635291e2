"""Values for the variables of a session, and a network's weights in another one."""

import contextlib

import tensorflow.compat.v1 as tf

from cifar10_tf1.machine import runtime


def list_network_variables():
    """Weights, and moving averages of moments, of the default graph."""
    return tf.trainable_variables() + [
        variable for variable in tf.get_collection(tf.GraphKeys.MODEL_VARIABLES)
        if not variable.trainable]


def load_variables(session, values):
    """Gives variables their values, all in one run.

    tf.Variable.load has a run for each, and a session prepares the whole graph
    again for every other fetch: for inception_v3's training 388 times, each a quarter
    of a second.

    Args:
      session: tf.Session.
      values: list of (tf.Variable, array of its shape), no variable twice, and
        no two that are initialized with the same tensor.
    Raises:
      ValueError: if an array has another shape.
    """
    feeds = {variable.initializer.inputs[1]: value for variable, value in values}
    assert len(feeds) == len(values), 'one tensor initializes several variables'
    session.run([variable.initializer for variable, unused_value in values],
                feeds)


def read_network(session):
    """{name: array} of a session's list_network_variables."""
    with session.graph.as_default():
        return session.run({variable.op.name: variable
                            for variable in list_network_variables()})


@contextlib.contextmanager
def open_network(weights, threads):
    """A tf.Session of the default graph, with the weights of read_network."""
    with tf.Session(config=runtime.session_config(threads)) as session:
        load_variables(session, [(variable, weights[variable.op.name])
                                 for variable in list_network_variables()])
        yield session
