"""5 x 5 convolution with fewer products, by rows: minimal filtering F(4, 5).

Four neighbouring outputs of a 5-tap filter need 8 products instead of 20
(Winograd; the construction by Toom and Cook). It is applied along the height
only; along the width, each of the 8 products is a stock convolution with 5
taps. Applying it along both would need still fewer products, but small products
of matrices run at half the speed of these convolutions (results/README.md has
the measurements), and its errors are larger: here 3e-6 of the largest entry.

A row is a tensor [width, batch, channels]; a plane is a list of rows.
"""

from fractions import Fraction

import numpy as np
import tensorflow.compat.v1 as tf

TAPS = 5
_OUTPUTS = 4                        # of a tile
_TILE = _OUTPUTS + TAPS - 1         # rows that these need; also products
_MARGIN = TAPS // 2                 # of SAME padding, rows on each side
# Where the polynomials are evaluated, beside infinity. Small ones: the errors
# grow with their powers.
_POINTS = [Fraction(*point) for point in (
    (0, 1), (1, 1), (-1, 1), (2, 1), (-2, 1), (1, 2), (-1, 2))]


def build_matrices():
    """The three transforms: y = output^T ((kernel g) * (input d)).

    For 8 inputs d and 5 taps g, y are the 4 correlations
    y[i] = sum over k of d[i + k] g[k]. The rows of `input` are scaled by powers
    of two, without an influence on rounding, to a largest entry near 1; those
    of `kernel` by the inverse.

    Returns:
      (input, kernel, output): float64 [8, 8], [8, 5], [8, 4].
    """
    interpolation = _invert([_powers(point, _TILE) for point in _POINTS]
                            + [[0] * (_TILE - 1) + [1]])
    inputs = np.array(interpolation, np.float64).T
    scales = 2.0 ** -np.round(np.log2(np.abs(inputs).max(axis=1)))

    def evaluate(size):
        rows = [_powers(point, size) for point in _POINTS]
        return np.array(rows + [[0] * (size - 1) + [1]], np.float64)

    return (inputs * scales[:, np.newaxis],
            evaluate(TAPS) / scales[:, np.newaxis], evaluate(_OUTPUTS))


def build_convolution(rows, weights):
    """SAME correlation, stride 1, of a plane; a multiple of 4 rows.

    Args:
      rows: list of float32 [width, batch, channels].
      weights: float32 [5, 5, channels, filters].
    Returns:
      list of as many float32 [width, batch, filters], with gradients.
    """
    input_matrix, kernel_matrix, output_matrix = (
        matrix.astype(np.float32) for matrix in build_matrices())
    height = len(rows)
    starts = range(0, height, _OUTPUTS)  # first output row of each tile

    def tile_rows(start):
        """Rows of the plane in a tile, and their places in it."""
        first, end = start - _MARGIN, start - _MARGIN + _TILE
        inside = slice(max(first, 0), min(end, height))
        return inside, slice(inside.start - first, inside.stop - first)

    @tf.custom_gradient
    def convolve(weights, *rows):
        inputs = []  # by tile, by product: [1, width, batch, channels]
        for start in starts:
            inside, places = tile_rows(start)
            inputs.append(_combine(input_matrix[:, places], rows[inside]))
        kernels = _transform_kernel(kernel_matrix, weights)
        outputs = []
        for tile in inputs:
            products = [_convolve_width(*pair) for pair in zip(tile, kernels)]
            outputs += _combine(output_matrix.T, products)

        def build_gradients(*gradients):
            products = [_combine(output_matrix,
                                 gradients[start:start + _OUTPUTS])
                        for start in starts]
            return [_build_weights_gradient(inputs, products)] + (
                _build_rows_gradient(products))

        def _build_weights_gradient(inputs, products):
            by_product = [tf.add_n([_correlate_width(*pair)
                                    for pair in zip(*pairs)])
                          for pairs in zip(zip(*inputs), zip(*products))]
            # [filter row, channels, filter column, filters]
            gradient = tf.stack(_combine(kernel_matrix.T, by_product))
            return tf.transpose(gradient, [0, 2, 1, 3])

        def _build_rows_gradient(products):
            # The transposed convolution: with the kernel turned around, its
            # rows by the transforms, its columns here.
            turned = tf.transpose(tf.reverse(weights, axis=[1]), [0, 1, 3, 2])
            kernels = _transform_kernel(kernel_matrix, turned)
            parts = [[] for unused_row in range(height)]
            for start, tile in zip(starts, products):
                inside, places = tile_rows(start)
                tile = [_convolve_width(*pair) for pair in zip(tile, kernels)]
                for row, part in zip(
                        range(inside.start, inside.stop),
                        _combine(input_matrix[:, places].T, tile)):
                    parts[row].append(part)
            return [tf.add_n(row) if len(row) > 1 else row[0]
                    for row in parts]

        return outputs, build_gradients

    return convolve(tf.convert_to_tensor(weights), *rows)


def _combine(matrix, tensors):
    """Linear combinations: matrix [m, n] times n tensors, a list of m."""
    stacked = tf.stack(tensors)
    shape = stacked.shape.as_list()
    combined = tf.matmul(matrix, tf.reshape(stacked, [shape[0], -1]))
    return tf.unstack(tf.reshape(combined, [matrix.shape[0]] + shape[1:]))


def _transform_kernel(matrix, weights):
    """[5, 5, channels, filters] to 8 of [5, 1, channels, filters]."""
    return [tf.expand_dims(kernel, 1)
            for kernel in _combine(matrix, tf.unstack(weights))]


def _convolve_width(row, kernel):
    """[width, batch, channels], [5, 1, channels, filters]: like row, SAME."""
    # The batch takes the place of a picture's width.
    net = tf.nn.conv2d(tf.expand_dims(row, 0), kernel, [1, 1, 1, 1], 'SAME')
    return tf.squeeze(net, [0])


def _correlate_width(row, gradient):
    """The gradient of _convolve_width with respect to its kernel.

    As a convolution with the parts exchanged: channels are the batch, the
    gradient is the filter. The stock kernel for it takes twice the time on
    1.15.

    Returns:
      float32 [channels, 5, filters].
    """
    width, batch, channels = row.shape.as_list()
    exchanged = tf.transpose(tf.reshape(row, [width * batch, channels]))
    net = tf.nn.conv2d(
        tf.reshape(exchanged, [channels, 1, width, batch]),
        tf.expand_dims(gradient, 0), [1, 1, 1, 1],
        [[0, 0], [0, 0], [_MARGIN, _MARGIN], [0, 0]])
    return tf.squeeze(net, [1])


def _powers(point, size):
    return [point ** exponent for exponent in range(size)]


def _invert(matrix):
    """The inverse of a square list of lists, exactly, by Gauss and Jordan."""
    size = len(matrix)
    rows = [[Fraction(value) for value in row]
            + [Fraction(int(i == j)) for j in range(size)]
            for i, row in enumerate(matrix)]
    for column in range(size):
        pivot = next(i for i in range(column, size) if rows[i][column])
        rows[column], rows[pivot] = rows[pivot], rows[column]
        rows[column] = [value / rows[column][column] for value in rows[column]]
        for i in range(size):
            if i != column:
                factor = rows[i][column]
                rows[i] = [a - factor * b
                           for a, b in zip(rows[i], rows[column])]
    return [row[size:] for row in rows]
