"""The other layers of the fast kernels, by rows.

A plane of activations is a list of rows, each float32 [width, batch, channels].
Every op works on one row, by one thread, in data that fits into a core's cache;
many rows are at work at the same time. So with one thread within an op the bits
do not depend on how many ops run at the same time.

Two equalities are relied on, in build_max_pool's gradient. Neither compares two
computations of one value: a matrix product computes its edges by other code than
its middle, so these may differ in their last bits.

- The maximum of some tensors has the bits of one of them: tf.maximum rounds
  nothing, and `largest - tensor` is zero where that one was chosen.
- The column that is there twice is a copy, made after all arithmetic. Where it is
  as large as the maximum, so is its original, which comes first in the window: the
  copy's gradient is zero everywhere, and can be dropped.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.machine import runtime

TAPS = 5
_MARGIN = TAPS // 2  # of SAME padding on each side


def build_image_convolution(images, weights):
    """SAME convolution, stride 1, of few channels, even and odd columns apart.

    The even columns are followed by the last of them once more, which leaves
    every maximum as it is; so a window's third column is there for the last
    window too.

    Args:
      images: float32 [batch, height, width, channels], without a gradient.
      weights: float32 [5, 5, channels, filters].
    Returns:
      (evens, odds): lists of height rows, [width / 2 + 1, batch, filters] and
      [width / 2, batch, filters].
    """
    batch, height, width, channels = images.shape.as_list()
    filters = weights.shape[-1].value
    half = width // 2
    with tf.name_scope('patches'):
        # [height, channels * width, batch]: long runs of memory to copy.
        padded_height, padded_width = height + TAPS - 1, width + TAPS - 1
        margins = [_MARGIN, _MARGIN]
        net = tf.pad(tf.transpose(images, [1, 3, 2, 0]),
                     [margins, [0, 0], margins, [0, 0]])
        net = tf.reshape(net, [padded_height, channels * padded_width, batch])

        def build_patches(columns):
            """[padded_height, 5 * channels, columns, batch]: column taps as
            channels, of the windows that begin at these columns."""
            tap, channel, column = np.ix_(range(TAPS), range(channels), columns)
            places = channel * padded_width + column + tap
            return tf.reshape(
                tf.gather(net, places.ravel(), axis=1),
                [padded_height, TAPS * channels, len(columns), batch])

        even, odd = (build_patches(range(first, width, 2)) for first in (0, 1))

    def build_windows(patches):
        """By row [5 * 5 * channels, columns * batch], without a copy."""
        return [tf.reshape(_slice(patches, row, row + TAPS),
                           [TAPS * TAPS * channels, -1])
                for row in range(height)]

    even, odd = build_windows(even), build_windows(odd)

    @tf.custom_gradient
    def convolve(weights):
        matrix = tf.reshape(weights, [-1, filters])

        def convolve_rows(windows):
            return [tf.reshape(tf.matmul(window, matrix, transpose_a=True),
                               [-1, batch, filters]) for window in windows]

        def build_gradient(*gradients):
            # The copy is never chosen: see the module's docstring.
            gradients = [_slice(gradient, 0, half) for gradient
                         in gradients[:height]] + list(gradients[height:])
            terms = [tf.matmul(window, tf.reshape(gradient, [-1, filters]))
                     for window, gradient in zip(even + odd, gradients)]
            return tf.reshape(tf.add_n(terms), weights.shape)

        return ([_repeat_last(row) for row in convolve_rows(even)]
                + convolve_rows(odd)), build_gradient

    columns = convolve(tf.convert_to_tensor(weights))
    return columns[:height], columns[height:]


def split_columns(row):
    """The even columns, the last twice as in build_image_convolution; the odd.
    """
    width, batch, channels = row.shape.as_list()
    half = width // 2

    @tf.custom_gradient
    def split(row):
        even, odd = tf.unstack(tf.reshape(row, [half, 2, batch, channels]),
                               axis=1)

        def build_gradient(even_gradient, odd_gradient):
            # The copy is never chosen: see the module's docstring.
            return tf.reshape(tf.stack([_slice(even_gradient, 0, half), odd_gradient],
                                       axis=1), [width, batch, channels])

        return (_repeat_last(even), odd), build_gradient

    return split(row)


def build_max_pool(evens, odds):
    """The largest of 3 x 3, stride 2, SAME.

    As in TensorFlow, the gradient goes to the first of equal ones, by row, then
    by column.

    Args:
      evens, odds: lists of rows, as of build_image_convolution.
    Returns:
      list of half as many rows, [width / 2, batch, channels].
    """
    height = len(evens)

    @tf.custom_gradient
    def pool(*columns):
        half = columns[-1].shape[0].value
        triples = [(_slice(even, 0, half), odd, _slice(even, 1, half + 1))
                   for even, odd in zip(columns[:height], columns[height:])]
        rows = [_largest(triple) for triple in triples]
        windows = [rows[i:i + 3] for i in range(0, height, 2)]
        pooled = [_largest(window) for window in windows]

        def build_gradients(*gradients):
            row_gradients = [[] for unused_row in rows]
            for i, (gradient, window, largest) in enumerate(
                    zip(gradients, windows, pooled)):
                for j, part in enumerate(
                        build_shares(gradient, window, largest)):
                    row_gradients[2 * i + j].append(part)
            even_gradients, odd_gradients = [], []
            for parts, triple, largest in zip(row_gradients, triples, rows):
                first, odd, third = build_shares(_add(parts), triple, largest)
                begin, first = tf.split(first, [1, half - 1])
                third, end = tf.split(third, [half - 1, 1])
                even_gradients.append(tf.concat([begin, first + third, end],
                                                axis=0))
                odd_gradients.append(odd)
            return even_gradients + odd_gradients

        return pooled, build_gradients

    return pool(*evens, *odds)


def build_normalization(row, settings):
    """Local response normalisation over the channels of a row.

    x n^-beta, where n is bias + alpha times the sum of the squares of the
    neighbouring channels; beta has to be 0.75.
    """
    assert settings.beta == 0.75, settings
    channels = row.shape[-1].value
    distance = np.abs(np.subtract.outer(np.arange(channels),
                                        np.arange(channels)))
    neighbours = (distance <= settings.depth_radius).astype(np.float32)

    @tf.custom_gradient
    def normalize(row):
        net = tf.reshape(row, [-1, channels])
        norm = settings.bias + tf.matmul(tf.square(net),
                                         settings.alpha * neighbours)
        root = tf.rsqrt(norm)
        power = root * tf.sqrt(root)
        normalized = net * power

        def build_gradient(gradient):
            gradient = tf.reshape(gradient, [-1, channels])
            through_norm = tf.matmul(
                gradient * normalized / norm,
                2.0 * settings.alpha * settings.beta * neighbours)
            return tf.reshape(gradient * power - net * through_norm, row.shape)

        return tf.reshape(normalized, row.shape), build_gradient

    return normalize(row)


def build_biased_relu(rows, biases):
    """ReLU of rows plus biases; the biases' gradient by a matrix product."""
    @tf.custom_gradient
    def activate(biases, *rows):
        # As large as a row: a plain sum is faster than bias_add.
        width, batch, unused_channels = rows[0].shape.as_list()
        tiled = tf.tile(tf.reshape(biases, [1, 1, -1]), [width, batch, 1])
        activated = [tf.nn.relu(row + tiled) for row in rows]

        def build_gradients(*gradients):
            gradients = [runtime.build_relu_gradient(*pair)
                         for pair in zip(gradients, activated)]
            channels = biases.shape[0].value
            flat = [tf.reshape(gradient, [-1, channels])
                    for gradient in gradients]
            sums = [tf.matmul(tf.ones([1, row.shape[0].value]), row)
                    for row in flat]
            return [tf.reshape(tf.add_n(sums), [channels])] + gradients

        return activated, build_gradients

    return activate(tf.convert_to_tensor(biases), *rows)


def build_flat_product(rows, weights):
    """Planes, flattened by row, column and channel, times weights.

    Args:
      rows: list of float32 [width, batch, channels].
      weights: float32 [rows * width * channels, units].
    Returns:
      float32 [batch, units].
    """
    parts = tf.split(weights, len(rows))
    return tf.add_n([
        tf.matmul(tf.reshape(tf.transpose(row, [1, 0, 2]),
                             [row.shape[1].value, -1]), part)
        for row, part in zip(rows, parts)])


def _repeat_last(columns):
    """[n, batch, channels] to n + 1: a copy of the last, with its very bits."""
    num_columns = columns.shape[0].value
    return tf.concat([columns, _slice(columns, num_columns - 1, num_columns)],
                     axis=0)


def _slice(tensor, begin, end):
    """tensor[begin:end]; of fewer ops, since each takes time at each start."""
    others = [-1] * (len(tensor.shape) - 1)
    return tf.slice(tensor, [begin] + [0] * len(others),
                    [end - begin] + others)


def _largest(tensors):
    largest = tensors[0]
    for tensor in tensors[1:]:
        largest = tf.maximum(largest, tensor)
    return largest


def build_shares(gradient, tensors, largest):
    """What of the gradient goes to each tensor: all to the first largest."""
    shares = []
    for tensor in tensors[:-1]:
        rest = runtime.build_relu_gradient(gradient, largest - tensor)
        shares.append(gradient - rest)
        gradient = rest
    return shares + [gradient]


def _add(tensors):
    return tensors[0] if len(tensors) == 1 else tf.add_n(tensors)
