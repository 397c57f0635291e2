"""5 x 5 convolution with fewer products, by rows: minimal filtering F(4, 5).

Four neighbouring outputs of a 5-tap filter need 8 products instead of 20, six need 10
instead of 30 (Winograd; the construction by Toom and Cook). It is applied along the
height only; along the width, each product is a stock convolution with 5 taps. Applied
along both it would need fewer products, but small matrix products run at half the speed
(results/bench/formulations.csv), and its errors are larger. Here they are 3e-6 of the
largest entry, with six outputs 1e-5.

A row is a tensor [width, batch, channels]; a plane is a list of rows.
"""

import numpy as np
import tensorflow.compat.v1 as tf

TAPS = 5
OUTPUTS = 4                         # rows of a tile
_MARGIN = TAPS // 2                 # of SAME padding, rows on each side
# The polynomials are evaluated at the first of these points and at infinity. Small
# powers of two: the errors grow with their powers, and the arithmetic here is exact.
_POINTS = np.array([0, 1, -1, 2, -2, 1 / 2, -1 / 2, 4, -1 / 4])


def build_matrices(num_outputs=OUTPUTS):
    """The three transforms: y = output^T ((kernel g) * (input d)).

    For n + 4 inputs d and 5 taps g, y are the n correlations
    y[i] = sum over k of d[i + k] g[k]; n is 6 at most. The rows of `input` are Lagrange's
    polynomials. Powers of two, which don't change rounding, scale them to a largest entry
    near 1; those of `kernel` are scaled by the inverse.

    Returns:
      (input, kernel, output): float64 [n + 4, n + 4], [n + 4, 5], [n + 4, n].
    """
    points = _POINTS[:num_outputs + TAPS - 2]
    inputs = np.zeros([len(points) + 1, len(points) + 1])
    for i, point in enumerate(points):
        others = np.delete(points, i)
        inputs[i, :-1] = np.poly(others)[::-1] / np.prod(point - others)
    inputs[-1] = np.poly(points)[::-1]  # of infinity
    scales = 2.0 ** -np.round(np.log2(np.abs(inputs).max(axis=1, keepdims=True)))

    def evaluate(size):
        return np.vstack([np.vander(points, size, increasing=True), np.eye(size)[-1]])

    return inputs * scales, evaluate(TAPS) / scales, evaluate(num_outputs)


def build_products(plane, weights, num_outputs):
    """The products whose combinations are the outputs, without gradients.

    Args:
      plane: float32 [height, width, batch, channels], a multiple of num_outputs high.
    Returns:
      list by tile of lists of num_outputs + 4 float32 [width, batch, filters].
    """
    input_matrix, kernel_matrix, unused_output = build_matrices(num_outputs)
    kernels = _transform_kernel(kernel_matrix, weights)
    tiles = _list_tiles(plane.shape[0].value, num_outputs)
    inputs = [combine(input_matrix[:, places], plane[inside]) for inside, places in tiles]
    return [_convolve_width(tile, kernels) for tile in inputs]


def build_convolution(rows, weights):
    """SAME correlation, stride 1, of a plane, a multiple of 4 rows; with gradients."""
    input_matrix, kernel_matrix, output_matrix = build_matrices()
    height = len(rows)
    tiles = _list_tiles(height, OUTPUTS)

    @tf.custom_gradient
    def convolve(weights, *rows):
        inputs = [combine(input_matrix[:, places], tf.stack(rows[inside]))
                  for inside, places in tiles]
        kernels = _transform_kernel(kernel_matrix, weights)
        outputs = []
        for tile in inputs:
            products = _convolve_width(tile, kernels)
            outputs += combine(output_matrix.T, tf.stack(products))

        def build_gradients(*gradients):
            products = [combine(output_matrix, tf.stack(gradients[start:start + OUTPUTS]))
                        for start in range(0, height, OUTPUTS)]
            return [build_weights_gradient(products), *build_rows_gradient(products)]

        def build_weights_gradient(products):
            correlate = _make_width_correlation(inputs[0][0])
            by_product = [tf.add_n([correlate(*pair) for pair in zip(*pairs)])
                          for pairs in zip(zip(*inputs), zip(*products))]
            # [filter row, channels, filter column, filters]
            gradient = tf.stack(combine(kernel_matrix.T, tf.stack(by_product)))
            return tf.transpose(gradient, [0, 2, 1, 3])

        def build_rows_gradient(products):
            # The transposed convolution needs the kernel turned around: the transforms
            # turn its rows, this its columns.
            turned = tf.transpose(tf.reverse(weights, axis=[1]), [0, 1, 3, 2])
            kernels = _transform_kernel(kernel_matrix, turned)
            parts = [[] for unused_row in range(height)]
            for (inside, places), tile in zip(tiles, products):
                for row, part in zip(
                        range(inside.start, inside.stop),
                        combine(input_matrix[:, places].T,
                                tf.stack(_convolve_width(tile, kernels)))):
                    parts[row].append(part)
            return list(map(tf.add_n, parts))

        return outputs, build_gradients

    return convolve(tf.convert_to_tensor(weights), *rows)


def combine(matrix, stacked):
    """Linear combinations: matrix [m, n] times stacked [n, ...], a list of m [...]."""
    shape = stacked.shape.as_list()
    combined = tf.matmul(matrix.astype(np.float32), tf.reshape(stacked, [shape[0], -1]))
    return tf.unstack(tf.reshape(combined, [matrix.shape[0]] + shape[1:]))


def _list_tiles(height, num_outputs):
    """(rows of the plane inside a tile, their places in it) of each tile: slices."""
    tiles = []
    for first in range(-_MARGIN, height - _MARGIN, num_outputs):
        inside = slice(max(first, 0), min(first + num_outputs + TAPS - 1, height))
        tiles.append((inside, slice(inside.start - first, inside.stop - first)))
    return tiles


def _transform_kernel(matrix, weights):
    """[5, 5, channels, filters] to [5, 1, channels, filters] by product."""
    axis = tf.constant(1)
    return [tf.expand_dims(kernel, axis) for kernel in combine(matrix, weights)]


def _convolve_width(rows, kernels):
    """Convolves rows [width, batch, channels], each with its kernel, SAME, by width."""
    # The batch takes the place of an image's width.
    axis = tf.constant(0)
    return [tf.squeeze(tf.nn.conv2d(tf.expand_dims(row, axis), kernel, [1, 1, 1, 1], 'SAME'), [0])
            for row, kernel in zip(rows, kernels)]


def _make_width_correlation(row):
    """A function of (row, gradient) to the gradient of its kernel, [channels, 5, filters]."""
    # A convolution with swapped roles: channels are the batch, the gradient is the filter.
    # TensorFlow 1.15's own kernel takes twice as long.
    width, batch, channels = row.shape.as_list()
    flat_shape = tf.constant([width * batch, channels])
    order = tf.constant([1, 0])
    shape = tf.constant([channels, 1, width, batch])
    axis = tf.constant(0)

    def correlate(row, gradient):
        exchanged = tf.transpose(tf.reshape(row, flat_shape), order)
        net = tf.nn.conv2d(
            tf.reshape(exchanged, shape), tf.expand_dims(gradient, axis),
            [1, 1, 1, 1], [[0, 0], [0, 0], [_MARGIN, _MARGIN], [0, 0]])
        return tf.squeeze(net, [1])

    return correlate
