"""The fast kernels for testing, without gradients.

TensorFlow's own convolution of three channels and its pool are faster than kernels.fast
here. The first layers take as many images at a time as fit into a cache; their
activations are parts of the batch: lists of float32 [images, height, width, channels].
From conv_2 on, activations are planes, as in kernels.fast. conv_2 has larger tiles: their
larger errors would matter only to the gradient of a pool.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.kernels import winograd
from cifar10_tf1.kernels.fast import (  # noqa: F401
    build_flat_product, build_normalization, build_pooled_convolutions)

_PART = 25         # images
_TILE_OUTPUTS = 6  # rows


def build_convolution_and_pool(images, weights, biases, pool_name):
    parts = []
    for start in range(0, images.shape[0].value, _PART):
        net = tf.nn.conv2d(images[start:start + _PART], weights, [1, 1, 1, 1], 'SAME')
        with tf.name_scope(pool_name):  # before biases and ReLU, as in kernels.fast
            net = tf.nn.max_pool(net, [1, 3, 3, 1], [1, 2, 2, 1], 'SAME')
        parts.append(tf.nn.relu(tf.nn.bias_add(net, biases)))
    return parts


def build_convolution(parts, weights, biases):
    """From parts to a plane; the biases join in the last transform."""
    plane = tf.concat([tf.transpose(part, [1, 2, 0, 3]) for part in parts], 2)
    unused_height, width, batch, unused_channels = plane.shape.as_list()
    biases = tf.tile(tf.reshape(biases, [1, 1, -1]), [width, batch, 1])
    output = winograd.build_matrices(_TILE_OUTPUTS)[2].T
    output = np.hstack([output, np.ones([_TILE_OUTPUTS, 1])])
    return [tf.nn.relu(row)
            for tile in winograd.build_products(plane, weights, _TILE_OUTPUTS)
            for row in winograd.combine(output, tf.stack(tile + [biases]))]


def build_max_pool(net, name):
    """The rows of each window by twos, the columns at once."""
    with tf.name_scope(name):
        pooled = []
        for i in range(0, len(net), 2):
            largest = net[i]
            for row in net[i + 1:i + 3]:
                largest = tf.maximum(largest, row)
            # The batch takes the place of an image's width.
            columns = tf.nn.max_pool(tf.expand_dims(largest, 0), [1, 3, 1, 1],
                                     [1, 2, 1, 1], 'SAME')
            pooled.append(tf.squeeze(columns, [0]))
        return pooled
