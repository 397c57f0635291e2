"""What the plain ports share: a session with TensorFlow's defaults, and batches."""

import tensorflow.compat.v1 as tf


def start(build):
    """Calls `build` in a new graph; returns its result and a session."""
    with tf.Graph().as_default() as graph:
        built = build()
        initializer = tf.global_variables_initializer()
    session = tf.Session(graph=graph)
    session.run(initializer)
    return built, session


def batches(batch_size, *arrays):
    """Yields one pass over aligned arrays; the last batch may be short."""
    for row in range(0, len(arrays[0]), batch_size):
        yield [array[row:row + batch_size] for array in arrays]


def repeat(session, fetches, batch_size, arrays, feeds={}):
    """Runs fetches on batch after batch, pass after pass; yields their lengths.

    arrays is {placeholder: array}, aligned; feeds has everything else to feed.
    """
    while True:
        for batch in batches(batch_size, *arrays.values()):
            session.run(fetches, {**feeds, **dict(zip(arrays, batch))})
            yield len(batch[0])
