"""Variables that nobody names: TensorFlow calls them in the order of creation.

The names are a contract, because checkpoints are exchanged with the originals.
They are given here instead of left to TensorFlow, so that an unrelated variable
does not move them.
"""

import tensorflow.compat.v1 as tf

from cifar10_tf1.common.seeds import derive_seed


def build_layer(number, shape, seed, stddev, biases_stddev=0.0):
    """The weights and the biases of a layer, on /cpu:0.

    Args:
      number: int, of the layer in the order of creation, from 0.
      shape: list of int, of the weights; the last is the number of biases.
      seed: int, the run's, for the initial values.
      stddev: float, of the weights: normal, cut off at twice that.
      biases_stddev: float, the same of the biases; 0: they begin at 0.
    Returns:
      (weights, biases): variables, float32.
    """
    return (_build_variable(2 * number, shape, seed, stddev),
            _build_variable(2 * number + 1, shape[-1:], seed, biases_stddev))


def _build_variable(number, shape, seed, stddev):
    name = f'Variable_{number}' if number else 'Variable'
    initializer = tf.zeros_initializer()
    if stddev:
        initializer = tf.truncated_normal_initializer(
            stddev=stddev, seed=derive_seed(seed, name))
    with tf.device('/cpu:0'):
        # Resource variables: the same in a checkpoint, but their reads obey
        # control dependencies across devices.
        return tf.get_variable(name, shape, tf.float32, use_resource=True,
                               initializer=initializer)
