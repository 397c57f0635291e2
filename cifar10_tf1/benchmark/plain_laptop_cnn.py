"""The notebook of laptop_cnn, ported plainly."""

import tensorflow.compat.v1 as tf

from cifar10_tf1.benchmark import plain_notebook

STDDEV = 0.05  # of weights and biases


def build_logits(x, keep_prob, seed=None):
    """float32 [batch, 32, 32, 3] to [batch, 10]; no activation anywhere."""
    net = x
    for maps, size, stride in ((32, 7, 2), (64, 3, 1), (128, 2, 1)):
        shape = [size, size, net.shape[-1].value, maps]
        weights = plain_notebook.build_variable(shape, STDDEV, seed)
        biases = plain_notebook.build_variable([maps], STDDEV, seed)
        net = plain_notebook.build_convolution(net, weights, biases, stride,
                                               has_relu=False)
    net = tf.reshape(net, [-1, 512])
    net = tf.nn.dropout(net, keep_prob, seed=seed)
    net = _build_dense(net, 1024, seed)
    net = tf.nn.dropout(net, keep_prob, seed=seed)
    net = _build_dense(net, 128, seed)
    return _build_dense(net, 10, seed)


def _build_dense(net, units, seed):
    weights = plain_notebook.build_variable([net.shape[1].value, units], STDDEV,
                                            seed)
    biases = plain_notebook.build_variable([units], STDDEV, seed)
    return tf.add(tf.matmul(net, weights), biases)


class Plain(plain_notebook.Notebook):
    """The original's way, timed or run."""

    def __init__(self, data_set, seed=plain_notebook.TIMED_SEED):
        super().__init__(build_logits, data_set, batch_size=256, keep_prob=0.5,
                         test_batch_size=256, seed=seed)
