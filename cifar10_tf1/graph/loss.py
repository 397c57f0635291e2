"""The loss and the update of every system.

Unlike the original, where the two raced, it reads the loss before it updates the weights.
"""

import functools

import tensorflow.compat.v1 as tf


def build_losses(logits, labels):
    """(cross_entropy, weight_decay_loss, total_loss): float32 scalars, the last the sum.

    The terms of the weight decay are in the collection `losses`.
    """
    terms = tf.get_collection('losses')
    if not terms:
        cross_entropy = build_cross_entropy(logits, labels)
        return cross_entropy, tf.constant(0.0), cross_entropy
    weight_decay_loss = _sum(terms, 'weight_decay_loss')
    cross_entropy = build_cross_entropy(logits, labels)
    return cross_entropy, weight_decay_loss, _sum(terms + [cross_entropy], 'total_loss')


def _sum(terms, name):
    """The sum of scalars, always in one order: AddN starts with any free buffer."""
    if len(terms) <= 8:
        return tf.add_n(terms, name=name)
    return tf.identity(functools.reduce(tf.add, terms), name=name)


def build_cross_entropy(logits, labels):
    """Mean sparse softmax cross-entropy in nats, written out: a float32 scalar."""
    with tf.name_scope('cross_entropy'):
        log_probabilities = logits - tf.reduce_logsumexp(logits, axis=1, keepdims=True)
        chosen = tf.one_hot(labels, logits.shape[1].value)
        return -tf.reduce_mean(tf.reduce_sum(chosen * log_probabilities, axis=1))


def build_num_correct(logits, labels):
    """int32 scalar: the number of images whose (first) largest logit is their label's."""
    with tf.name_scope('num_correct'):
        correct = tf.equal(tf.argmax(logits, 1, output_type=tf.int32), labels)
        return tf.reduce_sum(tf.cast(correct, tf.int32))


def build_global_step():
    """The int64 variable `global_step`, on /cpu:0, in no scope."""
    with tf.device('/cpu:0'):
        return tf.get_variable(
            'global_step', [], tf.int64, tf.zeros_initializer(),
            trainable=False, use_resource=True,
            collections=[tf.GraphKeys.GLOBAL_VARIABLES, tf.GraphKeys.GLOBAL_STEP])


def build_update(optimizer, total_loss, global_step, sums_in_pairs=False):
    """Builds the update of weights and step, which runs after the loss is read.

    Returns (update, gradients): an operation and a list of (gradient, variable). UPDATE_OPS,
    the updates of the moments' moving averages, run first.
    """
    # The default gate also computes the unused gradient with respect to the images;
    # GATE_NONE may update a weight that another gradient still reads.
    gradients = optimizer.compute_gradients(
        total_loss, gate_gradients=tf.train.Optimizer.GATE_GRAPH,
        aggregation_method=tf.AggregationMethod.EXPERIMENTAL_TREE
        if sums_in_pairs else None)
    # A variable that the loss does not depend on stays unchanged and gets no slots.
    gradients = [(gradient, variable) for gradient, variable in gradients if gradient is not None]
    with tf.control_dependencies([total_loss] + tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        return optimizer.apply_gradients(gradients, global_step), gradients
