"""One batch computed twice, before a fast way to compute is believed.

An unfit GPU gives NaN or wrong numbers without an error, and a formulation that
is right on one processor may be wrong on another. So one batch goes through the
graph at hand, on its device, with its kernels, threads and weights, and through
the stock kernels on the CPU, which are believed.

In training the gradients are compared, each as a vector: with fresh weights the
loss says nothing of wrong convolutions, and a norm hides a wrong direction.
"""

from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import loss
from cifar10_tf1.machine import runtime
from cifar10_tf1.common.errors import KernelsDisagree
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.systems import base
from cifar10_tf1.graph.variables import load_variables

# Of the distance of two vectors to the length of the believed one. Rounding
# leaves 2e-6. The mildest known fault, lost gradients of one column of a pool,
# leaves 2e-2.
TOLERANCE = 1e-3
# Rounding may also turn a single ReLU or maximum over, which leaves 2e-3 to 2e-2
# in about one batch of ten. It does not do so in three batches in a row.
NUM_BATCHES = 3
_SEED = 1  # of initial weights, which are replaced


class Figures(NamedTuple):
    """What is compared: names for a message, tensors."""
    names: tuple
    tensors: tuple


def build_training_figures(total_loss, gradients):
    """Figures of a training graph.

    Args:
      total_loss: float32 scalar.
      gradients: list of (gradient, variable).
    """
    return Figures(('the loss',) + tuple(
        f'the gradient of {variable.op.name}' for _, variable in gradients),
        (total_loss,) + tuple(gradient for gradient, _ in gradients))


def check_training(system, session, inputs, feed, figures, device, threads,
                   mode=base.Mode()):
    """Compares a training graph with the stock kernels on the CPU.

    Args:
      system: a systems.base.System.
      session: tf.Session, whose weights are taken.
      inputs: (images, labels), tensors of its graph: batches of them are read,
        and fed.
      feed: dict, what else its graph wants to be fed.
      figures: Figures of its graph.
      device: 'cpu' or 'gpu', of its graph.
      threads: machine.Threads.
      mode: systems.base.Mode of numbers: what `feed` and the step are.
    Raises:
      UserError: where a GPU differs.
      KernelsDisagree: where the fast kernels differ.
    """
    with session.graph.as_default():
        weights = _read_weights(session)
    with tf.Graph().as_default(), tf.device('/cpu:0'):
        fed = [tf.placeholder(tensor.dtype, tensor.shape) for tensor in inputs]
        logits = system.build_network(
            fed[0], _SEED, mode=base.build_constant_mode(mode))
        total_loss = loss.build_losses(logits, fed[1])[-1]
        variables = tf.trainable_variables()
        believed = build_training_figures(total_loss, list(zip(
            tf.gradients(total_loss, variables, gate_gradients=True), variables)))
        with tf.Session(config=runtime.session_config(threads)) as reference:
            _load_weights(reference, weights)
            for unused_time in range(NUM_BATCHES):
                batch = session.run(inputs, feed)
                difference = _find_difference(
                    figures.names,
                    session.run(figures.tensors,
                                {**feed, **dict(zip(inputs, batch))}),
                    reference.run(believed.tensors, dict(zip(fed, batch))))
                if difference is None:
                    return
    _raise(difference, device)


def check_logits(system, session, images, logits, device, threads):
    """Compares logits that a graph has computed.

    Args:
      system: a systems.base.System.
      session: tf.Session, whose weights are taken.
      images: float32 [N, height, width, channels], what the network has seen.
      logits: float32 [N, classes], what it has computed.
      device: 'cpu' or 'gpu', where.
      threads: machine.Threads.
    Raises:
      UserError, KernelsDisagree: as check_training.
    """
    with session.graph.as_default():
        weights = _read_weights(session)
    with tf.Graph().as_default(), tf.device('/cpu:0'):
        fed = tf.placeholder(tf.float32, images.shape)
        believed = system.build_network(fed, _SEED)
        with tf.Session(config=runtime.session_config(threads)) as reference:
            _load_weights(reference, weights)
            believed = reference.run(believed, {fed: images})
    if np.isfinite(believed).all():  # else the weights are to blame
        difference = _find_difference(['the logits'], [logits], [believed])
        if difference:
            _raise(difference, device)


def _read_weights(session):
    """{name: array} of the session's weights, and averages of moments."""
    return session.run({variable.op.name: variable
                        for variable in base.list_network_variables()})


def _load_weights(session, weights):
    load_variables(session, [(variable, weights[variable.op.name])
                             for variable in base.list_network_variables()])


def _find_difference(names, ours, believed):
    """A clause that names the first figure that is off, or None."""
    for name, our, right in zip(names, ours, believed):
        our, right = np.float64(our), np.float64(right)
        distance = np.linalg.norm(our - right) / np.linalg.norm(right)
        if not distance <= TOLERANCE:  # so a NaN is off too
            return f'{name} of one batch is {100 * distance:.2g} % off'
    return None


def _raise(difference, device):
    if device == 'gpu':
        raise UserError(
            f'the GPU computes wrong numbers: {difference} from the CPU\'s. Use '
            '--device cpu, or another GPU; python -m cifar10_tf1.doctor shows '
            'what is here')
    raise KernelsDisagree(
        f'the fast kernels compute wrong numbers on this machine: {difference} '
        'from the stock ones\'; use --kernels stock')
