"""SAME convolutions with their pools, in parts of the batch.

Three things differ from kernels.stock, by rounding only:

- The pool comes first: it commutes with adding a bias and with ReLU, and leaves them a
  quarter of the numbers.
- The batch is cut into parts that fit into a cache and run side by side.
- TensorFlow's own gradients are slow without oneDNN's rewrites. Here both gradients of a
  convolution are forward convolutions, and the pool's come from maxima of slices.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.machine import runtime
from cifar10_tf1.kernels import rows

_PART = 50      # images
_NUM_PARTS = 4  # of a batch of unknown length
_POOL = 2       # pixels, its side and its stride


def build_layers(images, layers, strides, has_relu):
    """As kernels.stock.build_pooled_convolutions, with SAME padding.

    Only the first stride may differ from 1; it must divide the sides of the images.
    """
    assert set(strides[1:]) <= {1}, strides
    batch = images.shape[0].value
    num_parts = _NUM_PARTS if batch is None else -(-batch // _PART)
    batch = tf.shape(images)[0] if batch is None else batch
    bounds = [batch * i // num_parts for i in range(num_parts + 1)]
    parts = []
    for begin, end in zip(bounds, bounds[1:]):
        # The images become the channels of a convolution, which needs at least one.
        part_end = end if isinstance(end, int) else tf.maximum(end, begin + 1)
        part = _build_part(images[begin:part_end], layers, strides, has_relu)
        parts.append(part[:end - begin])
    return tf.concat(parts, axis=0)


def _build_part(net, layers, strides, has_relu):
    has_stock_gradients = runtime.has_onednn_rewrites()
    for (weights, biases), stride in zip(layers, strides):
        if has_stock_gradients:
            net = tf.nn.conv2d(net, weights, [1, stride, stride, 1], 'SAME')
            net = tf.nn.max_pool(net, [1, _POOL, _POOL, 1], [1, _POOL, _POOL, 1], 'SAME')
        else:
            net = _build_pool(_build_convolution(*_build_blocks(net, weights, stride)))
        net = _build_activation(net, biases, has_relu)
    return tf.reshape(net, [-1, np.prod(net.shape.as_list()[1:])])


def _build_blocks(net, weights, stride):
    """Turns a strided convolution into an equal one of stride 1: (net, weights, padding)."""
    # The pixels of each block, as wide as the stride, become channels.
    size, unused_size, channels, filters = weights.shape.as_list()
    side = net.shape[1].value
    num_outputs = side // stride
    assert num_outputs * stride == side, (side, stride)
    before = max((num_outputs - 1) * stride + size - side, 0) // 2
    if stride == 1:
        return net, weights, (before, size - 1 - before)
    # Whole blocks lie before the image: the windows begin some pixels later.
    start = -before % stride
    taps = -(-(start + size) // stride)
    end = taps * stride - start - size
    weights = tf.reshape(
        tf.pad(weights, [[start, end], [start, end], [0, 0], [0, 0]]),
        [taps, stride, taps, stride, channels, filters])
    weights = tf.reshape(tf.transpose(weights, [0, 2, 1, 3, 4, 5]),
                         [taps, taps, stride * stride * channels, filters])
    before = (before + start) // stride
    return tf.space_to_depth(net, stride), weights, (before, taps - 1 - before)


def _build_convolution(net, weights, padding):
    """Convolution, stride 1, padding (before, after); its gradients convolve forward."""
    # The weights' gradient swaps roles: channels are the batch, the batch is the channels
    # and the gradient is the filter. TensorFlow 1.15's own kernel takes two to five times
    # as long.
    @tf.custom_gradient
    def convolve(net, weights):
        def build_gradients(gradient):
            turned = tf.transpose(tf.reverse(weights, axis=[0, 1]), [0, 1, 3, 2])
            exchanged = _put_batch_third(net)
            height, width, unused_batch, channels = exchanged.shape.as_list()
            exchanged = tf.reshape(
                tf.transpose(tf.reshape(exchanged, [-1, channels])),
                [channels, height, width, -1])
            by_channel = _convolve(exchanged, _put_batch_third(gradient), padding)
            return (_convolve(gradient, turned, padding[::-1]),
                    tf.transpose(by_channel, [1, 2, 0, 3]))

        return _convolve(net, weights, padding), build_gradients

    return convolve(net, tf.convert_to_tensor(weights))


def _convolve(net, weights, padding):
    return tf.nn.conv2d(net, weights, [1, 1, 1, 1], [[0, 0], list(padding), list(padding), [0, 0]])


def _put_batch_third(net):
    """[batch, height, width, channels] to [height, width, batch, channels]."""
    # Gathers pixels: TensorFlow 1.15 takes four times as long for the transpose.
    unused_batch, height, width, channels = net.shape.as_list()
    flat = tf.reshape(net, [-1, channels])
    places = tf.reshape(tf.range(tf.shape(flat)[0]), [-1, height * width])
    return tf.reshape(tf.gather(flat, tf.reshape(tf.transpose(places), [-1])),
                      [height, width, -1, channels])


def _build_pool(net):
    """The largest of 2 x 2, stride 2; the gradient goes to the first of equal ones."""
    unused_batch, height, width, channels = net.shape.as_list()
    assert height % _POOL == width % _POOL == 0, net.shape
    # Two rows, in each the columns in pairs.
    upper, lower = tf.unstack(tf.reshape(
        net, [-1, _POOL, width // _POOL, _POOL * channels]), axis=1)
    largest = rows.build_maximum(*tf.split(upper, _POOL, axis=2), *tf.split(lower, _POOL, axis=2))
    return tf.reshape(largest, [-1, height // _POOL, width // _POOL, channels])


def _build_activation(net, biases, has_relu):
    """Biases, optional ReLU; the biases' gradient by a matrix product."""
    @tf.custom_gradient
    def activate(net, biases):
        activated = tf.nn.bias_add(net, biases)
        if has_relu:
            activated = tf.nn.relu(activated)

        def build_gradients(gradient):
            if has_relu:
                gradient = runtime.make_relu_gradient()(gradient, activated)
            flat = tf.reshape(gradient, [-1, biases.shape[0].value])
            total = tf.matmul(tf.ones([1, tf.shape(flat)[0]]), flat)
            return gradient, tf.reshape(total, [-1])

        return activated, build_gradients

    return activate(net, tf.convert_to_tensor(biases))
