"""How a network is used: in training, in testing or on pictures."""

from typing import NamedTuple
from typing import Union

import tensorflow.compat.v1 as tf

# Collection of (name of a moving average, tensor that it averages).
BATCH_STATISTICS = 'batch_statistics'


class Mode(NamedTuple):
    """By default as in testing and on pictures."""
    keep_prob: Union[float, tf.Tensor, None] = None  # share of units that dropout
    # keeps; None: no dropout
    step: Union[int, tf.Tensor, None] = None  # int64; dropout draws by the step
    seed: int = 0                             # of dropout
    uses_batch_statistics: bool = False       # normalise by the batch's moments


def build_training_mode(system, seed: int, global_step: tf.Variable) -> Mode:
    """The Mode of a training graph.

    keep_prob is a placeholder that defaults to 1, because figures are taken without
    dropout.
    """
    if system.keep_prob is None:
        return Mode(seed=seed, uses_batch_statistics=True)
    with tf.device('/cpu:0'):
        keep_prob = tf.placeholder_with_default(1.0, [], name='keep_prob')
        # Read once, so that all layers see one value.
        step = tf.identity(global_step.read_value(), name='dropout_step')
    return Mode(keep_prob, step, seed, uses_batch_statistics=True)


def build_test_mode(system, variant: str, seed: int,
                    number: Union[int, tf.Tensor]) -> Mode:
    """The Mode of batch `number`, counted from 0, of a test with its own seed."""
    if variant not in system.variants_as_in_training:
        return Mode()
    return Mode(system.keep_prob, number, seed, uses_batch_statistics=True)
