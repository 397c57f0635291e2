"""The loss, the schedule, the update and the moving average.

Departs from the original in the order of reads and updates: the loss is read,
then the weights are updated, then averaged; the original left these to race.
"""

import tensorflow.compat.v1 as tf


def build_losses(system, logits, labels):
    """The mean cross-entropy plus what the network put into `losses`.

    Returns:
      (cross_entropy, weight_decay_loss, total_loss): float32 scalars.
    """
    weight_decay_loss = tf.add_n(tf.get_collection('losses'),
                                 name='weight_decay_loss')
    cross_entropy = system.build_cross_entropy(logits, labels)
    tf.add_to_collection('losses', cross_entropy)
    total_loss = tf.add_n(tf.get_collection('losses'), name='total_loss')
    return cross_entropy, weight_decay_loss, total_loss


def build_global_step():
    """The int64 variable `global_step`, on /cpu:0, in no scope."""
    with tf.device('/cpu:0'):
        return tf.get_variable(
            'global_step', [], tf.int64, tf.zeros_initializer(),
            trainable=False, use_resource=True,
            collections=[tf.GraphKeys.GLOBAL_VARIABLES,
                         tf.GraphKeys.GLOBAL_STEP])


def build_average(schedule, global_step):
    """The ExponentialMovingAverage; outside of every scope, for its names.

    Its decay is min(0.9999, (1 + step) / (10 + step)): the ceiling is never
    reached in 110 epochs (a quirk).
    """
    return tf.train.ExponentialMovingAverage(schedule.ema_decay,
                                             num_updates=global_step)


def build_train_op(schedule, total_loss, global_step):
    """One update of the weights, the step and the averages, in this order.

    Returns:
      (train_op, learning_rate, gradients): an operation; float32 scalar; list
      of (gradient, variable).
    """
    learning_rate = tf.train.exponential_decay(
        schedule.initial_learning_rate, global_step, schedule.decay_steps,
        schedule.decay_rate, staircase=True)
    optimizer = tf.train.GradientDescentOptimizer(learning_rate)
    # GATE_GRAPH: the default also computes the gradient with respect to the
    # images, which nobody uses; GATE_NONE may update a weight that another
    # gradient still reads.
    gradients = optimizer.compute_gradients(
        total_loss, tf.trainable_variables(),
        gate_gradients=tf.train.Optimizer.GATE_GRAPH)
    with tf.control_dependencies([total_loss]):
        apply_op = optimizer.apply_gradients(gradients, global_step)
    with tf.control_dependencies([apply_op]):
        train_op = build_average(schedule, global_step).apply()
    return train_op, learning_rate, gradients
