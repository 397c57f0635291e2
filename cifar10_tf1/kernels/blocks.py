"""Small VALID convolutions with their pools, as products of whole blocks.

TensorFlow 1.15's convolutions of few channels waste most of their time. Here the image
is cut into blocks, and neighbouring blocks are multiplied by a matrix that holds each
weight once for each output pixel that uses it. One product gives all pixels and maps of
a tile: a third more multiplications than needed, but several times as fast at this size.

The columns of the matrix are sorted, so the pool is the maximum of four slices and gives
the next layer's blocks. Biases and ReLU follow it; both are monotone, so no bit changes.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.kernels import rows

_POOL = 2  # pixels, its side and its stride


def build_layers(images, layers):
    """As kernels.stock.build_pooled_convolutions, VALID, stride 1, with ReLU.

    Two halves of the batch run side by side, whatever the number of threads, so the
    bits do not depend on it.
    """
    half = tf.shape(images)[0] // 2
    return tf.concat([_build_half(images[:half], layers),
                      _build_half(images[half:], layers)], axis=0)


def _build_half(images, layers):
    # The last layer's tiles have one pixel.
    block = _POOL ** len(layers)
    num_blocks = images.shape[1].value // block
    net = tf.reshape(images, [-1, num_blocks, block, num_blocks, block])
    # With the batch third, neighbours are large pieces of memory.
    net = tf.transpose(net, [1, 3, 0, 2, 4])
    net = tf.reshape(net, [num_blocks, num_blocks, -1, block * block])
    for weights, biases in layers:
        net = _build_layer(net, block, weights, biases)
        block //= _POOL
    height, width, unused_batch, channels = net.shape.as_list()
    return tf.reshape(tf.transpose(net, [2, 0, 1, 3]), [-1, height * width * channels])


def _build_layer(net, block, weights, biases):
    """[blocks, blocks, batch, block^2 * in] to [tiles, tiles, batch, tile^2 * out]."""
    # A tile is half as wide as a block.
    size, unused_size, num_in, num_out = weights.shape.as_list()
    # A tile's windows reach over this many blocks in each direction.
    reach = -(-(block + size - 1) // block)
    num_tiles = net.shape[0].value - reach + 1
    net = tf.concat(_list_shifted(net, reach, axis=1), axis=3)
    places = _list_places(block, size, reach)
    matrix = tf.matmul(
        tf.constant(places.reshape(-1, size * size)),
        tf.reshape(weights, [size * size, num_in * num_out]))
    matrix = tf.reshape(matrix, places.shape[:2] + (num_in, num_out))
    matrix = tf.reshape(tf.transpose(matrix, [0, 2, 1, 3]),
                        [places.shape[0] * num_in, places.shape[1] * num_out])
    channels = net.shape[3].value
    net = tf.add_n([
        tf.matmul(tf.reshape(blocks, [-1, channels]), part)
        for blocks, part in zip(_list_shifted(net, reach, axis=0), tf.split(matrix, reach))])
    net = rows.build_maximum(*tf.split(net, _POOL * _POOL, axis=1))
    tile = block // _POOL
    net = tf.nn.relu(net + tf.tile(biases, [tile * tile]))
    return tf.reshape(net, [num_tiles, num_tiles, -1, tile * tile * num_out])


def _list_shifted(net, reach, axis):
    """`reach` slices of the blocks along an axis, 0 or 1, each shifted by one more."""
    # Gradients are added by plain copies: that of a slice takes ten times as long.
    number = net.shape[axis].value - reach + 1

    @tf.custom_gradient
    def shift(net):
        def build_gradient(*gradients):
            zeros = tf.zeros_like(gradients[0][:1] if axis == 0 else gradients[0][:, :1])
            return tf.add_n([
                tf.concat([zeros] * i + [gradient] + [zeros] * (reach - 1 - i), axis)
                for i, gradient in enumerate(gradients)])

        return [net[i:i + number] if axis == 0 else net[:, i:i + number]
                for i in range(reach)], build_gradient

    return shift(net)


def _list_places(block, size, reach):
    """The weight between each pixel of the blocks and each pixel of the tile."""
    # float32 [reach * reach * block * block, block * block, size * size], ones and zeros.
    # The tile's pixels are sorted by their place in a pool's window, then by window.
    blocks, inside = np.indices([reach, reach, block, block]).reshape(2, 2, -1)
    pixels = block * blocks + inside
    tile = block // _POOL
    inside, windows = np.indices([_POOL, _POOL, tile, tile]).reshape(2, 2, -1)
    outputs = inside + _POOL * windows
    row, column = pixels[:, :, np.newaxis] - outputs[:, np.newaxis]
    taps = np.where((0 <= row) & (row < size) & (0 <= column) & (column < size),
                    row * size + column, -1)
    return (taps[:, :, np.newaxis] == np.arange(size * size)).astype(np.float32)
