"""Checks a GPU or the fast kernels by computing one batch twice.

An unsupported GPU computes NaN or wrong numbers without an error, and kernels that are
right on one processor may be wrong on another. So one batch goes through the graph with
its own device, kernels, threads and weights, and through the stock kernels on the CPU.

Training compares each gradient as a vector: with fresh weights the loss does not reveal
wrong convolutions, and a norm hides a wrong direction. Testing compares logits.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.common.errors import KernelsDisagree, UserError
from cifar10_tf1.graph import loss, variables

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
               for gradient, variable in gradients}}


def check_training(system, session, inputs, feed, figures, device, threads, mode):
    """Compares loss and gradients of a session's training graph with the reference's.

    Args:
      inputs: (images, labels), tensors of the graph; each batch is read from them and
        then fed to them.
      feed: dict of everything else to feed.
      figures: list_figures of the graph.
      mode: graph.mode.Mode with the numbers that the graph is fed.
    Raises:
      UserError: the GPU's numbers differ.
      KernelsDisagree: the fast kernels' numbers differ.
    """
    def compute_batch():
        batch = session.run(inputs, feed)
        return batch, session.run(figures, {**feed, **dict(zip(inputs, batch))})

    def build_reference(logits, labels):
        total_loss = loss.build_losses(logits, labels)[-1]
        weights = tf.trainable_variables()
        return list_figures(total_loss, zip(
            tf.gradients(total_loss, weights, gate_gradients=True), weights))

    _check(system, session, inputs[0].shape[1:], build_reference,
           (compute_batch() for unused_batch in range(NUM_BATCHES)), device, threads,
           mode)


def check_logits(system, session, images, logits, device, threads, mode):
    """Compares logits computed from images; raises the errors of check_training."""
    _check(system, session, images.shape[1:],
           lambda logits, unused_labels: {'the logits': logits},
           [((images,), {'the logits': logits})], device, threads, mode)


def _check(system, session, image_shape, build_reference, batches, device, threads,
           mode):
    """Returns at the first batch that agrees; raises if none does."""
    weights = variables.read_network(session)
    with tf.Graph().as_default(), tf.device('/cpu:0'):
        images = tf.placeholder(tf.float32, [None, *image_shape])
        labels = tf.placeholder(tf.int32, [None])
        reference = build_reference(
            system.build_network(images, _SEED, mode=mode), labels)
        with variables.open_network(weights, threads, rewrites=False) as (
                reference_session):
            for fed, values in batches:
                difference = find_difference(values, reference_session.run(
                    {name: reference[name] for name in values},
                    dict(zip((images, labels), fed))))
                if difference is None:
                    return
    if device == 'gpu':
        raise UserError(
            f'the GPU computes wrong numbers: {difference} from the CPU\'s. Use '
            '--device cpu or another GPU; python -m cifar10_tf1.doctor lists them')
    raise KernelsDisagree(
        f'the fast kernels compute wrong numbers on this machine: {difference} '
        'from the stock ones\'; use --kernels stock')


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
