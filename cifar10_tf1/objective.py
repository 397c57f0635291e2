"""The loss and the update, whatever the system.

Departs from the original in the order of reads and updates: the loss is read,
then the weights are updated; the original left these to race.
"""

import tensorflow.compat.v1 as tf


def build_losses(logits, labels):
    """The mean cross-entropy plus what the network put into `losses`.

    Returns:
      (cross_entropy, weight_decay_loss, total_loss): float32 scalars.
    """
    weight_decay_loss = tf.add_n(tf.get_collection('losses'),
                                 name='weight_decay_loss')
    cross_entropy = build_cross_entropy(logits, labels)
    tf.add_to_collection('losses', cross_entropy)
    total_loss = tf.add_n(tf.get_collection('losses'), name='total_loss')
    return cross_entropy, weight_decay_loss, total_loss


def build_cross_entropy(logits, labels):
    """Mean sparse softmax cross-entropy, written out.

    Args:
      logits: float32 [batch, 10].
      labels: int32 [batch], 0..9.
    Returns:
      float32 scalar, nats.
    """
    with tf.name_scope('cross_entropy'):
        log_probabilities = logits - tf.reduce_logsumexp(logits, axis=1,
                                                         keepdims=True)
        chosen = tf.one_hot(labels, logits.shape[1].value)
        return -tf.reduce_mean(tf.reduce_sum(chosen * log_probabilities, axis=1))


def build_global_step():
    """The int64 variable `global_step`, on /cpu:0, in no scope."""
    with tf.device('/cpu:0'):
        return tf.get_variable(
            'global_step', [], tf.int64, tf.zeros_initializer(),
            trainable=False, use_resource=True,
            collections=[tf.GraphKeys.GLOBAL_VARIABLES,
                         tf.GraphKeys.GLOBAL_STEP])


def build_update(optimizer, total_loss, global_step):
    """One update of the weights and of the step, after the loss is read.

    Args:
      optimizer: tf.train.Optimizer.
      total_loss: float32 scalar.
      global_step: int64 variable.
    Returns:
      (update, gradients): an operation; list of (gradient, variable).
    """
    # GATE_GRAPH: the default also computes the gradient with respect to the
    # images, which nobody uses; GATE_NONE may update a weight that another
    # gradient still reads.
    gradients = optimizer.compute_gradients(
        total_loss, tf.trainable_variables(),
        gate_gradients=tf.train.Optimizer.GATE_GRAPH)
    with tf.control_dependencies([total_loss]):
        return optimizer.apply_gradients(gradients, global_step), gradients


def build_train_op(system, total_loss, global_step):
    """The update as a system chooses it, then its moving average.

    The average sees the updated weights and the step after them; the original
    left this to race too.

    Args:
      system: a systems.base.System.
      total_loss: float32 scalar.
      global_step: int64 variable.
    Returns:
      (train_op, learning_rate, gradients): an operation; float32 scalar, of the
      next update; list of (gradient, variable).
    """
    learning_rate = system.build_learning_rate(global_step)
    update, gradients = build_update(system.build_optimizer(learning_rate),
                                     total_loss, global_step)
    average = system.build_average(global_step)
    if average is None:
        return update, learning_rate, gradients
    with tf.control_dependencies([update]):
        train_op = average.apply()
    return train_op, learning_rate, gradients
