"""The fast kernels for testing, where no gradient is wanted.

As kernels.fast, but for the first layers: without their gradients, TensorFlow's
own convolution of three channels and its pool are the faster ones. Some images
at a time, so that several cores work.
"""

import tensorflow.compat.v1 as tf

from cifar10_tf1.kernels import rows
from cifar10_tf1.kernels.fast import build_convolution
from cifar10_tf1.kernels.fast import build_flat_product
from cifar10_tf1.kernels.fast import build_max_pool
from cifar10_tf1.kernels.fast import build_normalization

__all__ = ['build_convolution', 'build_convolution_and_pool',
           'build_flat_product', 'build_max_pool', 'build_normalization']

_NUM_PARTS = 4


def build_convolution_and_pool(images, weights, biases, pool_name):
    """As kernels.fast; the batch has to be a multiple of four."""
    parts = []
    for part in tf.split(images, _NUM_PARTS):
        net = tf.nn.conv2d(part, weights, [1, 1, 1, 1], 'SAME')
        with tf.name_scope(pool_name):
            # Before biases and ReLU, as in kernels.fast.
            parts.append(tf.nn.max_pool(net, [1, 3, 3, 1], [1, 2, 2, 1],
                                        'SAME'))
    plane = tf.transpose(tf.concat(parts, 0), [1, 2, 0, 3])
    return rows.build_biased_relu(tf.unstack(plane), biases)
