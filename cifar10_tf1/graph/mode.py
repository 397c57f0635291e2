"""The mode of a network, in training, testing or on pictures, and its dropout."""

from typing import NamedTuple, Union

import tensorflow.compat.v1 as tf

from cifar10_tf1.common.seeds import derive_seed

# Collection of (name of a moving average, tensor that it averages).
BATCH_STATISTICS = 'batch_statistics'


class Mode(NamedTuple):
    """How a network runs; by default as in testing and on pictures."""
    keep_prob: Union[float, tf.Tensor, None] = None  # None: no dropout
    step: Union[int, tf.Tensor, None] = None  # int64; dropout draws by the step
    seed: int = 0                             # of dropout
    uses_batch_statistics: bool = False       # normalise by the batch's moments


def build_training_mode(system, seed: int, global_step: tf.Variable) -> Mode:
    """The Mode of a training graph; figures are computed without feeding keep_prob."""
    if system.keep_prob is None:
        return Mode(seed=seed, uses_batch_statistics=True)
    with tf.device('/cpu:0'):
        keep_prob = tf.placeholder_with_default(1.0, [], name='keep_prob')
        # Read once, so that all layers see one value.
        step = tf.identity(global_step.read_value(), name='dropout_step')
    return Mode(keep_prob, step, seed, uses_batch_statistics=True)


def build_test_mode(system, variant: str, seed: int, number: Union[int, tf.Tensor]) -> Mode:
    """The Mode of batch `number`, counted from 0, of a test with its own seed."""
    if variant not in system.variants_as_in_training:
        return Mode()
    return Mode(system.keep_prob, number, seed, uses_batch_statistics=True)


def build_dropout(net, name, mode):
    """Keeps each unit with probability keep_prob, and divides it by that.

    TensorFlow 1's formula, net / keep * floor(keep + uniform), leaves net unchanged if
    keep is 1. Draws depend only on (seed, name, step), so a resumed run repeats them.
    Without a step, tf.nn.dropout draws from a state that no checkpoint contains.
    """
    if mode.keep_prob is None:
        return net
    purpose = f'dropout/{name}'
    if mode.step is None:
        # TensorFlow 2 may insist on a seed.
        return tf.nn.dropout(net, keep_prob=mode.keep_prob, seed=derive_seed(mode.seed, purpose))
    with tf.name_scope(f'dropout_{name}'), tf.device('/cpu:0'):
        key = derive_seed(mode.seed, purpose, bits=63)
        uniform = tf.random.stateless_uniform(
            tf.shape(net), seed=tf.stack([tf.constant(key, tf.int64), mode.step]))
        kept = tf.floor(mode.keep_prob + uniform)
    return net / mode.keep_prob * kept
