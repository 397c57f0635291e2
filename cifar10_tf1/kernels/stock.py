"""The layers by TensorFlow's own kernels, as in the original.

Activations are [batch, height, width, channels]. Biases are added by a plain sum: the
gradient of bias_add in 1.15 is not deterministic on a GPU.
"""

import numpy as np
import tensorflow.compat.v1 as tf


def build_convolution_and_pool(images, weights, biases, pool_name):
    """The first layers, from images: convolution, biases, ReLU; max pool."""
    return build_max_pool(build_convolution(images, weights, biases), pool_name)


def build_convolution(net, weights, biases):
    """SAME convolution, stride 1; plus biases; ReLU."""
    net = tf.nn.conv2d(net, weights, strides=[1, 1, 1, 1], padding='SAME')
    return tf.nn.relu(net + biases)


def build_max_pool(net, name):
    """The largest of 3 x 3, stride 2, SAME."""
    return tf.nn.max_pool(net, [1, 3, 3, 1], [1, 2, 2, 1], 'SAME', name=name)


def build_normalization(net, settings, name):
    """Local response normalisation over channels.

    `settings` has depth_radius, bias, alpha (the window is summed) and beta.
    """
    return tf.nn.lrn(net, depth_radius=settings.depth_radius, bias=settings.bias,
                     alpha=settings.alpha, beta=settings.beta, name=name)


def build_flat_product(net, weights):
    """[batch, height * width * channels] times weights: [batch, units]."""
    return tf.matmul(tf.reshape(net, [-1, weights.shape[0].value]), weights)


def build_pooled_convolutions(images, layers, padding, strides, has_relu):
    """Convolutions, each with biases, optional ReLU, and a 2 x 2 pool of stride 2.

    Args:
      images: float32 [batch, side, side, channels], without a gradient.
      layers: list of (weights, biases): float32 [size, size, in, out], [out].
      padding: 'SAME' or 'VALID', of the convolutions and of the pools.
      strides: of each convolution, pixels.
      has_relu: bool, whether a ReLU follows each convolution.
    Returns:
      float32 [batch, features], in the order of rows, columns and maps.
    """
    net = images
    for (weights, biases), stride in zip(layers, strides):
        net = tf.nn.conv2d(net, weights, [1, stride, stride, 1], padding)
        net += biases
        if has_relu:
            net = tf.nn.relu(net)
        net = tf.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], padding)
    return tf.reshape(net, [-1, np.prod(net.shape.as_list()[1:])])
