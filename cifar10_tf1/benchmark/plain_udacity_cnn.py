"""The notebook of udacity_cnn, ported plainly.

Its course test builds a second, untrained network in the same graph; that one
changes no figure and is left out here.
"""

import tensorflow.compat.v1 as tf

from cifar10_tf1.benchmark import plain_notebook

STDDEV = 0.05  # of weights; biases begin at 0


def build_logits(x, keep_prob, seed=None):
    """float32 [batch, 32, 32, 3] to [batch, 10]; dropout on the logits too."""
    net = x
    for maps, size in ((32, 8), (64, 4), (256, 2)):
        shape = [size, size, net.shape[-1].value, maps]
        weights = plain_notebook.build_variable(shape, STDDEV, seed)
        biases = plain_notebook.build_variable([maps], 0)
        net = plain_notebook.build_convolution(net, weights, biases, 1,
                                               has_relu=True)
    net = tf.reshape(net, [-1, 4096])
    for units in (512, 64):
        net = tf.nn.relu(_build_dense(net, units, seed))
    net = tf.nn.dropout(net, keep_prob, seed=seed)
    return tf.nn.dropout(_build_dense(net, 10, seed), keep_prob, seed=seed)


def _build_dense(net, units, seed):
    weights = plain_notebook.build_variable([net.shape[1].value, units], STDDEV,
                                            seed)
    return tf.add(tf.matmul(net, weights), plain_notebook.build_variable([units],
                                                                         0))


class Plain(plain_notebook.Notebook):
    """The original's way, timed or run."""

    def __init__(self, data_set, seed=plain_notebook.TIMED_SEED):
        super().__init__(build_logits, data_set, batch_size=1000, keep_prob=0.8,
                         test_batch_size=1000, seed=seed)
