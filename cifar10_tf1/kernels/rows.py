"""The other layers of the fast kernels, by rows.

A plane of activations is a list of rows, each float32 [width, batch, channels]. Every op
works on one row, which fits into a core's cache, in one thread, so the bits do not depend
on how many ops run at once.

build_max_pool's gradient relies on two equalities. Neither compares two computations of
one value, whose last bits may differ: a matrix product computes its edges by other code
than its middle.

- The maximum of some tensors has the bits of one of them: tf.maximum rounds nothing,
  and `largest - tensor` is zero for the chosen one.
- The repeated column is a copy, made after all arithmetic. If it equals the maximum, so
  does its original, which comes first in the window. So the copy's gradient is zero
  and can be dropped.

Ops share constants, because each op adds to the start-up time.
"""

import functools

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.machine import runtime

TAPS = 5
_MARGIN = TAPS // 2  # of SAME padding on each side


def build_image_convolution(images, weights):
    """SAME convolution of few channels, stride 1; even and odd columns apart.

    The last even column is repeated: the last window needs a third one. The images have
    no gradient.

    Returns:
      (evens, odds): lists of height rows, [width / 2 + 1, batch, filters] and
      [width / 2, batch, filters].
    """
    batch, height, width, channels = images.shape.as_list()
    filters = weights.shape[-1].value
    half = width // 2
    # [height, channels * width, batch]: long runs of memory to copy.
    padded_height, padded_width = height + TAPS - 1, width + TAPS - 1
    margins = [_MARGIN, _MARGIN]
    net = tf.pad(tf.transpose(images, [1, 3, 2, 0]), [margins, [0, 0], margins, [0, 0]])
    net = tf.reshape(net, [padded_height, channels * padded_width, batch])
    starts = [tf.constant([row, 0, 0, 0]) for row in range(height)]
    size = tf.constant([TAPS, TAPS * channels, half, batch])
    # By row [5 * 5 * channels, columns * batch], without a copy.
    window_shape = tf.constant([TAPS * TAPS * channels, half * batch])

    def build_windows(first):
        """The windows of every second column, row by row."""
        tap, channel, column = np.ix_(range(TAPS), range(channels), range(first, width, 2))
        places = channel * padded_width + column + tap
        patches = tf.reshape(tf.gather(net, places.ravel(), axis=1),
                             [padded_height, TAPS * channels, half, batch])
        return [tf.reshape(tf.slice(patches, start, size), window_shape) for start in starts]

    even, odd = build_windows(0), build_windows(1)

    @tf.custom_gradient
    def convolve(weights):
        matrix = tf.reshape(weights, [-1, filters])
        row_shape = tf.constant([half, batch, filters])

        def convolve_rows(windows):
            return [tf.reshape(tf.matmul(window, matrix, transpose_a=True), row_shape)
                    for window in windows]

        def build_gradient(*gradients):
            # The copy is never chosen: see the module's docstring.
            gradients = _slice(gradients[:height], 0, half) + list(gradients[height:])
            flat_shape = tf.constant([half * batch, filters])
            terms = [tf.matmul(window, tf.reshape(gradient, flat_shape))
                     for window, gradient in zip(even + odd, gradients)]
            return tf.reshape(tf.add_n(terms), weights.shape)

        return _repeat_last(convolve_rows(even)) + convolve_rows(odd), build_gradient

    columns = convolve(tf.convert_to_tensor(weights))
    return columns[:height], columns[height:]


def split_columns(rows):
    """(evens, odds), as build_image_convolution, of a plane."""
    width, batch, channels = rows[0].shape.as_list()
    half = width // 2
    pair_shape = tf.constant([half, 2, batch, channels])
    row_shape = tf.constant([width, batch, channels])

    @tf.custom_gradient
    def split(row):
        even, odd = tf.unstack(tf.reshape(row, pair_shape), axis=1)

        def build_gradient(even_gradient, odd_gradient):
            return tf.reshape(tf.stack(_slice([even_gradient], 0, half)
                                       + [odd_gradient], axis=1), row_shape)

        return (*_repeat_last([even]), odd), build_gradient

    return zip(*map(split, rows))


def build_max_pool(evens, odds):
    """The largest of 3 x 3, stride 2, SAME, of build_image_convolution's columns.

    As in TensorFlow, the gradient goes to the first of equal ones, by row, then column.
    """
    height = len(evens)

    @tf.custom_gradient
    def pool(*columns):
        evens, odds = columns[:height], columns[height:]
        half = odds[0].shape[0].value
        triples = list(zip(_slice(evens, 0, half), odds, _slice(evens, 1, half + 1)))
        rows = list(map(_largest, triples))
        windows = [rows[i:i + 3] for i in range(0, height, 2)]
        pooled = list(map(_largest, windows))

        def build_gradients(*gradients):
            share = _make_shares()
            row_gradients = [[] for unused_row in rows]
            for i, parts in enumerate(map(share, gradients, windows, pooled)):
                for j, part in enumerate(parts):
                    row_gradients[2 * i + j].append(part)
            axis = tf.constant(0)
            first_sizes = tf.constant([1, half - 1])
            last_sizes = tf.constant([half - 1, 1])
            even_gradients, odd_gradients = [], []
            for parts, triple, largest in zip(row_gradients, triples, rows):
                first, odd, third = share(tf.add_n(parts), triple, largest)
                begin, first = tf.split(first, first_sizes, axis)
                third, end = tf.split(third, last_sizes, axis)
                even_gradients.append(tf.concat([begin, first + third, end], axis))
                odd_gradients.append(odd)
            return even_gradients + odd_gradients

        return pooled, build_gradients

    return pool(*evens, *odds)


def build_normalization(rows, settings):
    """Local response normalisation of each row: x n^-beta, where beta has to be 0.75.

    n is bias + alpha times the sum of the squares of the neighbouring channels.
    """
    assert settings.beta == 0.75, settings
    channels = rows[0].shape[-1].value
    distance = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels)))
    neighbours = (distance <= settings.depth_radius).astype(np.float32)
    weights = tf.constant(settings.alpha * neighbours)
    flat_shape = tf.constant([rows[0].shape[:-1].num_elements(), channels])
    row_shape = tf.constant(rows[0].shape.as_list())
    bias = tf.constant(settings.bias)
    gradient_weights = tf.constant(2.0 * settings.alpha * settings.beta * neighbours)

    @tf.custom_gradient
    def normalize(row):
        net = tf.reshape(row, flat_shape)
        norm = bias + tf.matmul(tf.square(net), weights)
        root = tf.rsqrt(norm)
        power = root * tf.sqrt(root)
        normalized = net * power

        def build_gradient(gradient):
            gradient = tf.reshape(gradient, flat_shape)
            through_norm = tf.matmul(gradient * normalized / norm, gradient_weights)
            return tf.reshape(gradient * power - net * through_norm, row_shape)

        return tf.reshape(normalized, row_shape), build_gradient

    return [normalize(row) for row in rows]


def build_biased_relu(rows, biases):
    """ReLU of rows plus biases; the biases' gradient by a matrix product."""
    @tf.custom_gradient
    def activate(biases, *rows):
        # As large as a row: a plain sum is faster than bias_add.
        width, batch, channels = rows[0].shape.as_list()
        tiled = tf.tile(tf.reshape(biases, [1, 1, -1]), [width, batch, 1])
        activated = [tf.nn.relu(row + tiled) for row in rows]

        def build_gradients(*gradients):
            gradients = list(map(runtime.make_relu_gradient(), gradients, activated))
            flat_shape = tf.constant([width * batch, channels])
            ones = tf.ones([1, width * batch])
            sums = [tf.matmul(ones, tf.reshape(gradient, flat_shape)) for gradient in gradients]
            return [tf.reshape(tf.add_n(sums), [channels])] + gradients

        return activated, build_gradients

    return activate(tf.convert_to_tensor(biases), *rows)


def build_flat_product(rows, weights):
    """A plane, flattened by row, column and channel, times weights: [batch, units]."""
    parts = tf.split(weights, len(rows))
    return tf.add_n([
        tf.matmul(tf.reshape(tf.transpose(row, [1, 0, 2]), [row.shape[1].value, -1]), part)
        for row, part in zip(rows, parts)])


def build_maximum(*tensors):
    """The largest of some tensors; the gradient goes to the first of equal ones."""
    @tf.custom_gradient
    def compute(*tensors):
        largest = _largest(tensors)
        return largest, lambda gradient: _make_shares()(gradient, tensors, largest)

    return compute(*tensors)


def _make_shares():
    """A function of (gradient, tensors, their maximum) to a gradient for each tensor."""
    build_relu_gradient = runtime.make_relu_gradient()

    def build_shares(gradient, tensors, largest):
        shares = []
        for tensor in tensors[:-1]:
            rest = build_relu_gradient(gradient, largest - tensor)
            shares.append(gradient - rest)
            gradient = rest
        return shares + [gradient]

    return build_shares


def _repeat_last(rows):
    """Rows [n, ...] to [n + 1, ...], each with its last column twice."""
    num_columns = rows[0].shape[0].value
    axis = tf.constant(0)
    return [tf.concat([row, last], axis) for row, last
            in zip(rows, _slice(rows, num_columns - 1, num_columns))]


def _slice(tensors, begin, end):
    """[tensor[begin:end], ...] of tensors of one shape, with fewer ops."""
    others = tensors[0].shape.as_list()[1:]
    start = tf.constant([begin] + [0] * len(others))
    size = tf.constant([end - begin] + others)
    return [tf.slice(tensor, start, size) for tensor in tensors]


def _largest(tensors):
    return functools.reduce(tf.maximum, tensors)
