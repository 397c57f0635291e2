"""Small VALID convolutions with their pools as products of whole blocks.

TensorFlow 1.15's convolutions lose most of their time on few channels. Here the
image is cut into blocks; a few neighbouring blocks, side by side, times a matrix
that holds each weight once for each output pixel that uses it, give all pixels of
all maps of a tile. A third more multiplications than needed, in products of a
size at which the processor is several times as fast.

The columns of the matrix are sorted so that the pool is the maximum of four
slices, and what comes out is the next layer's blocks. Biases and ReLU follow the
pool, on a quarter of the pixels: both are monotone, so this changes no bit.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.kernels import rows

_POOL = 2  # pixels, its side and its stride


def build_layers(images, layers):
    """Convolutions, each with biases, ReLU and a 2 x 2 pool.

    In two halves of the batch, which run side by side: the number of threads has
    no influence on the bits.

    Args:
      images: float32 [batch, side, side, 1].
      layers: list of (weights, biases): float32 [size, size, in, out], [out].
    Returns:
      float32 [batch, features], in the order of rows, columns and maps.
    """
    half = tf.shape(images)[0] // 2
    return tf.concat([
        _build_half(part, layers)
        for part in (images[:half], images[half:])], axis=0)


def _build_half(images, layers):
    # Of the last layer's tiles, a pixel is left.
    block = _POOL ** len(layers)
    num_blocks = images.shape[1].value // block
    net = tf.reshape(images, [-1, num_blocks, block, num_blocks, block])
    # The batch comes third, so that neighbours are taken in large pieces.
    net = tf.transpose(net, [1, 3, 0, 2, 4])
    net = tf.reshape(net, [num_blocks, num_blocks, -1, block * block])
    for weights, biases in layers:
        net = _build_layer(net, block, weights, biases)
        block //= _POOL
    height, width, unused_batch, channels = net.shape.as_list()
    return tf.reshape(tf.transpose(net, [2, 0, 1, 3]),
                      [-1, height * width * channels])


def _build_layer(net, block, weights, biases):
    """One layer on blocks of a side of `block` pixels.

    Args:
      net: float32 [blocks, blocks, batch, block * block * in].
    Returns:
      float32 [tiles, tiles, batch, tile * tile * out], tile = block / 2.
    """
    size, unused_size, num_in, num_out = weights.shape.as_list()
    # The pixels of a tile lie under this many blocks, to each side.
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
    tile = block // _POOL
    net = tf.nn.relu(_build_pool(net) + tf.tile(biases, [tile * tile]))
    return tf.reshape(net, [num_tiles, num_tiles, -1, tile * tile * num_out])


def _join_neighbours(net, reach):
    """Each block beside the next ones of its row, in the last axis.

    Args:
      net: float32 [rows, columns, batch, channels].
      reach: int, how many blocks side by side.
    Returns:
      float32 [rows, columns - reach + 1, batch, reach * channels].
    """
    number = net.shape[1].value - reach + 1

    @tf.custom_gradient
    def join(net):
        def build_gradient(gradient):
            return _add_shifted(tf.split(gradient, reach, axis=3), axis=1)

        return tf.concat([net[:, i:i + number] for i in range(reach)],
                         axis=3), build_gradient

    return join(net)


def _build_product(net, matrix, reach):
    """Each block and those below it, as one vector, times a matrix.

    Args:
      net: float32 [rows, columns, batch, channels].
      matrix: float32 [reach * channels, units].
      reach: int, how many blocks, one below the other.
    Returns:
      float32 [(rows - reach + 1) * columns * batch, units].
    """
    channels = net.shape[3].value
    number = net.shape[0].value - reach + 1

    @tf.custom_gradient
    def multiply(net, matrix):
        # Without a copy: rows are the first axis.
        parts = [tf.reshape(net[i:i + number], [-1, channels])
                 for i in range(reach)]
        matrices = tf.split(matrix, reach)

        def build_gradients(gradient):
            shape = tf.concat([[number], tf.shape(net)[1:]], axis=0)
            return _add_shifted([
                tf.reshape(tf.matmul(gradient, part, transpose_b=True), shape)
                for part in matrices], axis=0), tf.concat([
                    tf.matmul(part, gradient, transpose_a=True)
                    for part in parts], axis=0)

        return tf.add_n([tf.matmul(*pair) for pair in zip(
            parts, matrices)]), build_gradients

    return multiply(net, matrix)


def _add_shifted(parts, axis):
    """The sum of tensors, each by one further along an axis than the one before.

    By plain copies: the gradient of a slice takes ten times as long.
    """
    zeros = tf.zeros_like(parts[0][:1] if axis == 0 else parts[0][:, :1])
    return tf.add_n([
        tf.concat([zeros] * i + [part] + [zeros] * (len(parts) - 1 - i), axis)
        for i, part in enumerate(parts)])


def _build_pool(net):
    """The largest of four slices of the columns of [rows, columns].

    As in TensorFlow, the gradient goes to the first of equal ones.
    """
    @tf.custom_gradient
    def pool(net):
        parts = tf.split(net, _POOL * _POOL, axis=1)
        largest = parts[0]
        for part in parts[1:]:
            largest = tf.maximum(largest, part)

        def build_gradient(gradient):
            return tf.concat(rows.make_shares()(gradient, parts, largest), axis=1)

        return largest, build_gradient

    return pool(net)


def _list_places(block, size, reach):
    """Which weight is between which pixel of the blocks and of the tile.

    Returns:
      float32 [reach * reach * block * block, block * block, size * size], ones
      and zeros. The tile's pixels: by their place under the pool, then by
      the pool.
    """
    pixels = [(i * block + row, j * block + column)
              for i in range(reach) for j in range(reach)
              for row in range(block) for column in range(block)]
    tile = range(block // _POOL)
    outputs = [(_POOL * row + i, _POOL * column + j)
               for i in range(_POOL) for j in range(_POOL)
               for row in tile for column in tile]
    places = np.zeros([len(pixels), len(outputs), size, size], np.float32)
    for i, pixel in enumerate(pixels):
        for j, output in enumerate(outputs):
            row, column = pixel[0] - output[0], pixel[1] - output[1]
            if 0 <= row < size and 0 <= column < size:
                places[i, j, row, column] = 1
    return places.reshape(len(pixels), len(outputs), size * size)
