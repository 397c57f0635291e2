"""Dropout as a function of (seed, layer, step), so a resumed run repeats it.

tf.nn.dropout draws from a state that no checkpoint holds.
"""

import tensorflow.compat.v1 as tf

from cifar10_tf1.common.seeds import derive_seed


def build(net, name, mode):
    """Keeps each unit with probability keep_prob, and divides it by that.

    TensorFlow 1's formula, net / keep * floor(keep + uniform), leaves net unchanged if
    keep is 1.

    Args:
      net: float32 [batch, units].
      name: str, of the layer; no two layers share their random numbers.
      mode: graph.mode.Mode. Without keep_prob, net is returned; without a step,
        TensorFlow's own dropout draws.
    Returns:
      float32 [batch, units].
    """
    if mode.keep_prob is None:
        return net
    purpose = f'dropout/{name}'
    if mode.step is None:
        # TensorFlow 2 may insist on a seed.
        return tf.nn.dropout(net, keep_prob=mode.keep_prob,
                             seed=derive_seed(mode.seed, purpose))
    with tf.name_scope(f'dropout_{name}'), tf.device('/cpu:0'):
        key = derive_seed(mode.seed, purpose, bits=63)
        uniform = tf.random.stateless_uniform(
            tf.shape(net), seed=tf.stack([tf.constant(key, tf.int64), mode.step]))
        kept = tf.floor(mode.keep_prob + uniform)
    return net / mode.keep_prob * kept
