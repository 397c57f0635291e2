"""Builds the layers of Inception v3 from the table.

Batch normalisation has no factor (gamma) and uses the biased variance, even in the
moving average: TensorFlow before 1.4 had no fused op, which averages the unbiased one.
"""

import math
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import variables
from cifar10_tf1.graph.mode import BATCH_STATISTICS
from cifar10_tf1.systems.inception import table


class Normalization(NamedTuple):
    decay: float = 0.9997   # of the moving averages, per step
    epsilon: float = 0.001  # added to the variance


class Builder(NamedTuple):
    """Adds layers with their variables, in slim's order.

    Activations are float32 [batch, rows, columns, channels].
    """
    seed: int             # of initial weights
    weight_decay: float   # of half the squared sum of each layer's weights
    normalization: Normalization
    uses_batch_statistics: bool  # rather than the moving averages

    def build_chain(self, net, layers):
        """Adds a sequence of table.Conv, table.Pool and table.Fork."""
        build = {table.Conv: self._build_conv, table.Pool: _build_pool,
                 table.Fork: self._build_fork}
        for layer in layers:
            net = build[type(layer)](net, layer)
        return net

    def build_linear(self, net, name, units, stddev=None):
        """The product and biases that end a classifier: [batch, 1, 1, n] to [batch, units]."""
        channels = net.shape[3].value
        with tf.variable_scope(name):
            weights = self._build_weights([1, 1, channels, units], stddev)
            biases = variables.build_variable('biases', [units])
            product = tf.matmul(tf.reshape(net, [-1, channels]),
                                tf.reshape(weights, [channels, units]))
            return product + biases

    def _build_fork(self, net, fork):
        nets = []
        with tf.variable_scope(fork.name or tf.get_variable_scope()):
            for number, layers in enumerate(fork.branches):
                with tf.variable_scope(f'Branch_{number}' if fork.name
                                       else tf.get_variable_scope()):
                    nets.append(self.build_chain(net, layers))
            return tf.concat(nets, axis=3)

    def _build_conv(self, net, conv):
        with tf.variable_scope(conv.name):
            weights = self._build_weights(
                [*conv.kernel, net.shape[3].value, conv.channels], conv.stddev)
            net = tf.nn.conv2d(net, weights, [1, conv.stride, conv.stride, 1],
                               conv.padding)
            with tf.variable_scope('BatchNorm'):
                return tf.nn.relu(self._build_normalized(net))

    def _build_normalized(self, net):
        shape = net.shape[3:]
        beta = variables.build_variable('beta', shape)
        mean = moving_mean = variables.build_variable('moving_mean', shape,
                                                      trainable=False)
        variance = moving_variance = variables.build_variable('moving_variance', shape,
                                                              1.0, False)
        if self.uses_batch_statistics:
            mean, variance = tf.nn.moments(net, [0, 1, 2])
        factor = tf.rsqrt(variance + self.normalization.epsilon)
        net = net * factor + (beta - mean * factor)
        if self.uses_batch_statistics:
            for moving, value in ((moving_mean, mean), (moving_variance, variance)):
                tf.add_to_collection(BATCH_STATISTICS, (moving.op.name, value))
                tf.add_to_collection(
                    tf.GraphKeys.UPDATE_OPS, moving.assign_sub(
                        (moving - value) * (1.0 - self.normalization.decay)))
        return net

    def _build_weights(self, shape, stddev):
        if stddev is None:
            # The factor 1.3 compensates for the truncation at two deviations.
            stddev = math.sqrt(1.3 * 2.0 / (shape[0] * shape[1] * shape[2]))
        weights = variables.build_weights('weights', shape, stddev, self.seed)
        tf.add_to_collection('losses', tf.multiply(
            tf.nn.l2_loss(weights), self.weight_decay, name='weight_decay_loss'))
        return weights


def _build_pool(net, pool):
    build = {'max': tf.nn.max_pool, 'average': tf.nn.avg_pool}[pool.kind]
    return build(net, [1, pool.size, pool.size, 1],
                 [1, pool.stride, pool.stride, 1], pool.padding)
