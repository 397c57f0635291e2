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
    """[blocks, blocks, batch, block^2 * in] to [tiles, tiles, batch, tile^2 * out].

    A tile is half as wide as a block.
    """
    size, unused_size, num_in, num_out = weights.shape.as_list()
    # A tile's windows reach over this many blocks in each direction.
    reach = -(-(block + size - 1) // block)
    num_tiles = net.shape[0].value - reach + 1
    net = _join_neighbours(net, reach)
    places = _list_places(block, size, reach)
    matrix = tf.matmul(
        tf.constant(places.reshape(-1, size * size)),
        tf.reshape(weights, [size * size, num_in * num_out]))
    matrix = tf.reshape(matrix, places.shape[:2] + (num_in, num_out))
    matrix = tf.reshape(tf.transpose(matrix, [0, 2, 1, 3]),
                        [places.shape[0] * num_in, places.shape[1] * num_out])
    net = _build_product(net, matrix, reach)
    net = rows.build_maximum(*tf.split(net, _POOL * _POOL, axis=1))
    tile = block // _POOL
    net = tf.nn.relu(net + tf.tile(biases, [tile * tile]))
    return tf.reshape(net, [num_tiles, num_tiles, -1, tile * tile * num_out])


def _join_neighbours(net, reach):
    """[rows, columns, batch, n] to [rows, columns - reach + 1, batch, reach * n]."""
    number = net.shape[1].value - reach + 1

    @tf.custom_gradient
    def join(net):
        def build_gradient(gradient):
            return _add_shifted(tf.split(gradient, reach, axis=3), axis=1)

        return tf.concat([net[:, i:i + number] for i in range(reach)],
                         axis=3), build_gradient

    return join(net)


def _build_product(net, matrix, reach):
    """Multiplies `reach` blocks, one below the other, as one vector, by a matrix.

    Returns:
      [(rows - reach + 1) * columns * batch, units].
    """
    channels = net.shape[3].value
    number = net.shape[0].value - reach + 1

    @tf.custom_gradient
    def multiply(net, matrix):
        # Slices of the first axis need no copy.
        parts = [tf.reshape(net[i:i + number], [-1, channels]) for i in range(reach)]
        matrices = tf.split(matrix, reach)

        def build_gradients(gradient):
            shape = tf.concat([[number], tf.shape(net)[1:]], axis=0)
            net_gradients = [
                tf.reshape(tf.matmul(gradient, part, transpose_b=True), shape)
                for part in matrices]
            return _add_shifted(net_gradients, axis=0), tf.concat(
                [tf.matmul(part, gradient, transpose_a=True) for part in parts], axis=0)

        return tf.add_n(list(map(tf.matmul, parts, matrices))), build_gradients

    return multiply(net, matrix)


def _add_shifted(parts, axis):
    """Adds tensors, each shifted along an axis by one more than its predecessor.

    By plain copies: the gradient of a slice takes ten times as long.
    """
    zeros = tf.zeros_like(parts[0][:1] if axis == 0 else parts[0][:, :1])
    return tf.add_n([
        tf.concat([zeros] * i + [part] + [zeros] * (len(parts) - 1 - i), axis)
        for i, part in enumerate(parts)])


def _list_places(block, size, reach):
    """The weight between each pixel of the blocks and each pixel of the tile.

    float32 [reach * reach * block * block, block * block, size * size], ones and zeros.
    The tile's pixels are sorted by their place in a pool's window, then by window.
    """
    pixels = np.array([(i * block + row, j * block + column)
                       for i in range(reach) for j in range(reach)
                       for row in range(block) for column in range(block)])
    tile = range(block // _POOL)
    outputs = np.array([(_POOL * row + i, _POOL * column + j)
                        for i in range(_POOL) for j in range(_POOL)
                        for row in tile for column in tile])
    row, column = (pixels[:, np.newaxis] - outputs).transpose(2, 0, 1)
    taps = np.where((0 <= row) & (row < size) & (0 <= column) & (column < size),
                    row * size + column, -1)
    return (taps[:, :, np.newaxis] == np.arange(size * size)).astype(np.float32)
