"""The layers of Inception v3, as slim names and connects them, and what builds them.

Names are a contract: published weights are found by them.

Batch normalisation has no factor (gamma) and uses the biased variance, even in the
moving average: TensorFlow before 1.4 had no fused op, which averages the unbiased one.
"""

import math
from typing import NamedTuple, Optional, Tuple

import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import variables
from cifar10_tf1.graph.mode import BATCH_STATISTICS


class Conv(NamedTuple):
    """A convolution without biases, batch normalisation, ReLU."""
    name: str       # ends in rows x columns of the kernel
    channels: int
    stride: int = 1
    padding: str = 'SAME'
    kernel: Optional[Tuple[int, int]] = None  # if its name is wrong
    stddev: Optional[float] = None  # of initial weights; None: by the fan-in


class Pool(NamedTuple):
    kind: str  # 'MAX' or 'AVG', which leaves padding out
    size: int  # rows and columns
    stride: int
    padding: str


class Fork(NamedTuple):
    """Layers side by side; their channels are joined in this order."""
    branches: Tuple[tuple, ...]  # each a chain: layers one after the other
    name: Optional[str] = None   # then branch i is under <name>/Branch_<i>


_AVERAGE = Pool('AVG', 3, 1, 'SAME')
_SHRINK = Pool('MAX', 3, 2, 'VALID')


def _mixed_5(name, second, third, pooled):
    return Fork((
        (Conv('Conv2d_0a_1x1', 64),),
        (Conv(second, 48), Conv(third, 64)),
        (Conv('Conv2d_0a_1x1', 64), Conv('Conv2d_0b_3x3', 96), Conv('Conv2d_0c_3x3', 96)),
        (_AVERAGE, Conv('Conv2d_0b_1x1', pooled))), name)


def _mixed_6(name, inner):
    return Fork((
        (Conv('Conv2d_0a_1x1', 192),),
        (Conv('Conv2d_0a_1x1', inner), Conv('Conv2d_0b_1x7', inner), Conv('Conv2d_0c_7x1', 192)),
        (Conv('Conv2d_0a_1x1', inner), Conv('Conv2d_0b_7x1', inner),
         Conv('Conv2d_0c_1x7', inner), Conv('Conv2d_0d_7x1', inner),
         Conv('Conv2d_0e_1x7', 192)),
        (_AVERAGE, Conv('Conv2d_0b_1x1', 192))), name)


def _mixed_7(name, high):
    return Fork((
        (Conv('Conv2d_0a_1x1', 320),),
        (Conv('Conv2d_0a_1x1', 384), Fork(((Conv('Conv2d_0b_1x3', 384),), (Conv(high, 384),)))),
        (Conv('Conv2d_0a_1x1', 448), Conv('Conv2d_0b_3x3', 384),
         Fork(((Conv('Conv2d_0c_1x3', 384),), (Conv('Conv2d_0d_3x1', 384),)))),
        (_AVERAGE, Conv('Conv2d_0b_1x1', 192))), name)


# Images of 299 x 299 to 17 x 17 x 768, where the auxiliary classifier joins.
BODY = (
    Conv('Conv2d_1a_3x3', 32, 2, 'VALID'),         # to 149 x 149
    Conv('Conv2d_2a_3x3', 32, 1, 'VALID'),
    Conv('Conv2d_2b_3x3', 64),                     # 147 x 147
    _SHRINK,
    Conv('Conv2d_3b_1x1', 80, 1, 'VALID'),         # 73 x 73
    Conv('Conv2d_4a_3x3', 192, 1, 'VALID'),
    _SHRINK,                                       # to 35 x 35
    _mixed_5('Mixed_5b', 'Conv2d_0a_1x1', 'Conv2d_0b_5x5', 32),
    # Named unlike its neighbours.
    _mixed_5('Mixed_5c', 'Conv2d_0b_1x1', 'Conv_1_0c_5x5', 64),
    _mixed_5('Mixed_5d', 'Conv2d_0a_1x1', 'Conv2d_0b_5x5', 64),
    Fork((                                         # to 17 x 17
        (Conv('Conv2d_1a_1x1', 384, 2, 'VALID', kernel=(3, 3)),),
        (Conv('Conv2d_0a_1x1', 64), Conv('Conv2d_0b_3x3', 96),
         Conv('Conv2d_1a_1x1', 96, 2, 'VALID', kernel=(3, 3))),
        (_SHRINK,)), 'Mixed_6a'),
    _mixed_6('Mixed_6b', 128),
    _mixed_6('Mixed_6c', 160),
    _mixed_6('Mixed_6d', 160),
    _mixed_6('Mixed_6e', 192),
)
# On to 8 x 8 x 2048.
TOP = (
    Fork((
        (Conv('Conv2d_0a_1x1', 192), Conv('Conv2d_1a_3x3', 320, 2, 'VALID')),
        (Conv('Conv2d_0a_1x1', 192), Conv('Conv2d_0b_1x7', 192),
         Conv('Conv2d_0c_7x1', 192), Conv('Conv2d_1a_3x3', 192, 2, 'VALID')),
        (_SHRINK,)), 'Mixed_7a'),
    _mixed_7('Mixed_7b', 'Conv2d_0b_3x1'),
    _mixed_7('Mixed_7c', 'Conv2d_0c_3x1'),  # 0c where 7b has 0b
)
# The auxiliary classifier, before its logits: 17 x 17 to 1 x 1 x 768.
AUXILIARY = (
    Pool('AVG', 5, 3, 'VALID'),
    Conv('Conv2d_1b_1x1', 128),
    Conv('Conv2d_2a_5x5', 768, 1, 'VALID', stddev=0.01),
)
AUXILIARY_STDDEV = 0.001  # of its logits' initial weights


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
        """Adds a sequence of Conv, Pool and Fork."""
        for layer in layers:
            if isinstance(layer, Conv):
                net = self._build_conv(net, layer)
            elif isinstance(layer, Pool):
                net = tf.nn.pool(net, [layer.size] * 2, layer.kind, layer.padding,
                                 strides=[layer.stride] * 2)
            else:
                net = self._build_fork(net, layer)
        return net

    def build_linear(self, net, name, units, stddev=None):
        """A classifier's last layer: [batch, 1, 1, n] to [batch, units]."""
        channels = net.shape[3].value
        with tf.variable_scope(name):
            weights = self._build_weights([1, 1, channels, units], stddev)
            biases = variables.build_variable('biases', [units])
            product = tf.matmul(tf.reshape(net, [-1, channels]),
                                tf.reshape(weights, [channels, units]))
            return product + biases

    def _build_fork(self, net, fork):
        def enter(name):
            return tf.variable_scope(name if fork.name else tf.get_variable_scope())

        nets = []
        with enter(fork.name):
            for number, layers in enumerate(fork.branches):
                with enter(f'Branch_{number}'):
                    nets.append(self.build_chain(net, layers))
            return tf.concat(nets, axis=3)

    def _build_conv(self, net, conv):
        kernel = conv.kernel or map(int, conv.name.split('_')[-1].split('x'))
        with tf.variable_scope(conv.name):
            weights = self._build_weights(
                [*kernel, net.shape[3].value, conv.channels], conv.stddev)
            net = tf.nn.conv2d(net, weights, [1, conv.stride, conv.stride, 1], conv.padding)
            with tf.variable_scope('BatchNorm'):
                return tf.nn.relu(self._build_normalized(net))

    def _build_normalized(self, net):
        shape = net.shape[3:]
        beta = variables.build_variable('beta', shape)
        moving_mean = variables.build_variable('moving_mean', shape, 0.0, False)
        moving_variance = variables.build_variable('moving_variance', shape, 1.0, False)
        mean, variance = moving_mean, moving_variance
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
