"""What the plain ports share: a session with TensorFlow's defaults, and batches."""

import tensorflow.compat.v1 as tf


def start(build):
    """Builds a graph and initialises its variables.

    Args:
      build: function that adds the graph's ops.
    Returns:
      (what build returned, tf.Session with TensorFlow's default numbers of threads).
    """
    with tf.Graph().as_default() as graph:
        built = build()
        initializer = tf.global_variables_initializer()
    session = tf.Session(graph=graph)
    session.run(initializer)
    return built, session


def batches(batch_size, *arrays):
    """Yields one pass over aligned arrays; the last batch may be short."""
    for start_row in range(0, len(arrays[0]), batch_size):
        yield [array[start_row:start_row + batch_size] for array in arrays]
