"""Checks a GPU or the fast kernels by computing one batch twice.

An unsupported GPU computes NaN or wrong numbers without an error, and kernels that are
right on one processor may be wrong on another. So one batch goes through the graph as it
will run, and with the same weights through the stock kernels on the CPU.

Training compares each gradient as a vector: with fresh weights the loss does not reveal
wrong convolutions, and a norm hides a wrong direction. Testing compares logits.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph import loss, variables
from cifar10_tf1.graph.mode import Mode

# Largest distance between two vectors, relative to the reference's length. Rounding
# leaves 2e-6; the mildest known fault, one pool column losing its gradients, 2e-2.
TOLERANCE = 1e-3
# In about one batch in ten, rounding flips a ReLU or a maximum, which leaves 2e-3 to
# 2e-2. That does not happen three times in a row.
NUM_BATCHES = 3
_SEED = 1  # of the initial weights, which are replaced


def list_figures(total_loss, gradients):
    """{name for a message: tensor}; gradients are (gradient, variable) pairs."""
    return {'the loss': total_loss,
            **{f'the gradient of {variable.op.name}': gradient
               for gradient, variable in gradients if gradient is not None}}


def check_training(system, session, graph, feeds, settings, step):
    """Compares loss and gradients of train.py's TrainingGraph with the reference's.

    Its training input has started; the feeds have that input's handle. Raises UserError if
    they differ.
    """
    inputs = graph.inputs.images, graph.inputs.labels

    def compute_batches():
        for unused_batch in range(NUM_BATCHES):
            batch = session.run(inputs, feeds)
            yield batch, session.run(graph.figures, {**feeds, **dict(zip(inputs, batch))})

    _check(system, session, settings, Mode(
        system.keep_prob, step, settings.seed, uses_batch_statistics=True),
        compute_batches())


def check_logits(system, session, images, logits, settings, mode):
    """Compares logits computed from images; raises the errors of check_training."""
    _check(system, session, settings, mode, [((images,), {'the logits': logits})])


def _check(system, session, settings, mode, batches):
    """Returns at the first batch, ((images, labels), figures), that agrees, or raises."""
    for batch, figures in batches:
        difference = find_difference(figures, _compute_reference(
            system, session, settings.threads, mode, *batch))
        if difference is None:
            return
    if settings.device == 'gpu':
        raise UserError(
            f'the GPU computes wrong numbers: {difference} from the CPU\'s. Use '
            '--device cpu or another GPU; python -m cifar10_tf1.doctor lists them')
    raise UserError(
        f'the fast kernels compute wrong numbers on this machine: {difference} from the '
        'stock ones\'; use --kernels stock, and another --model-dir if the run has begun')


def _compute_reference(system, session, threads, mode, images, labels=None):
    """{name: array}: the logits or, with labels, the loss and the gradients."""
    with tf.Graph().as_default(), tf.device('/cpu:0'):
        logits = system.build_network(tf.constant(images), _SEED, mode=mode)
        figures = {'the logits': logits}
        if labels is not None:
            total_loss = loss.build_losses(logits, tf.constant(labels))[-1]
            trained = tf.trainable_variables()
            figures = list_figures(total_loss, zip(
                tf.gradients(total_loss, trained, gate_gradients=True), trained))
        with variables.open_copy(session, threads, rewrites=False) as reference:
            return reference.run(figures)


def find_difference(values, expected):
    """A clause that names the first figure that is off; None if all agree.

    Also None if an expected value is not finite, which is the weights' fault.
    """
    if not all(np.isfinite(value).all() for value in expected.values()):
        return None
    for name, value in values.items():
        reference = np.float64(expected[name])
        distance = np.linalg.norm(value - reference)
        length = np.linalg.norm(reference)
        if not distance <= TOLERANCE * length:  # not >: a NaN is off too
            share = f'{100 * distance / length:.2g} %' if length else 'completely'
            return f'{name} of one batch is {share} off'
    return None
