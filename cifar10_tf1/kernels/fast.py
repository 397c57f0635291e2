"""The layers of kernels.stock, formulated to be fast on a CPU.

Values differ from kernels.stock by rounding only; tests hold both against float64.
Activations are planes: lists of rows, each float32 [width, batch, channels]. See
kernels.rows and kernels.winograd.
"""

import tensorflow.compat.v1 as tf

from cifar10_tf1.kernels import blocks, pooled, rows, winograd
from cifar10_tf1.kernels.rows import build_flat_product  # noqa: F401


def build_convolution_and_pool(images, weights, biases, pool_name):
    """The pool comes first: it commutes exactly with adding a bias and with ReLU."""
    evens, odds = rows.build_image_convolution(images, weights)
    with tf.name_scope(pool_name):
        net = rows.build_max_pool(evens, odds)
    return rows.build_biased_relu(net, biases)


def build_convolution(net, weights, biases):
    return rows.build_biased_relu(winograd.build_convolution(net, weights), biases)


def build_max_pool(net, name):
    with tf.name_scope(name):
        return rows.build_max_pool(*rows.split_columns(net))


def build_normalization(net, settings, name):
    with tf.name_scope(name):
        return rows.build_normalization(net, settings)


def build_pooled_convolutions(images, layers, padding, strides, has_relu):
    if padding == 'SAME':
        return pooled.build_layers(images, layers, strides, has_relu)
    assert set(strides) == {1} and has_relu, (strides, has_relu)
    return blocks.build_layers(images, layers)
