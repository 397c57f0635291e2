"""Does the GPU compute what the CPU computes? Asked before it is relied upon.

An unfit GPU gives NaN or wrong numbers without an error. One batch goes through
the network and back on both devices, from the same weights. The loss alone would
say little: with fresh weights, convolutions that are off by one half change it by
0.002 %. So the norm of each variable's gradient is compared as well.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import objective
from cifar10_tf1 import runtime
from cifar10_tf1.errors import UserError

# Relative. TensorFlow 1.15 and 2.21 on one CPU are 1e-7 apart in the loss and
# up to 3e-4 in a norm, because sums in another order turn single ReLUs and
# maxima over; a wrong kernel is far off.
LOSS_TOLERANCE = 1e-3
NORM_TOLERANCE = 1e-2
LOSS = 'the loss'
_SEED = 1


def check(system, threads, device='/gpu:0', reference='/cpu:0'):
    """Compares one batch on two devices.

    Args:
      system: a module of cifar10_tf1.systems.
      threads: machine.Threads.
      device: str, the one in question.
      reference: str, the one that is believed.
    Raises:
      UserError: where they differ by more than the tolerances, or by a NaN.
    """
    ours = compute(system, threads, device)
    theirs = compute(system, threads, reference)
    for name in theirs:
        tolerance = LOSS_TOLERANCE if name == LOSS else NORM_TOLERANCE
        # A comparison with a NaN is false.
        if not abs(ours[name] - theirs[name]) <= tolerance * abs(theirs[name]):
            raise UserError(
                f'the GPU computes wrong numbers: {name} of one batch is '
                f'{ours[name]:.7g} there and {theirs[name]:.7g} on the CPU. '
                'Use --device cpu, or another GPU; python -m cifar10_tf1.doctor '
                'shows what is here')


def compute(system, threads, device):
    """The figures of one batch on one device: {name: float}."""
    settings = system.SETTINGS
    size = settings.preprocessing.crop_size
    random = np.random.RandomState(_SEED)
    images = random.normal(size=[settings.batch_size, size, size, 3])
    labels = random.randint(0, 10, settings.batch_size)
    with tf.Graph().as_default() as graph:
        # Initial weights have seeds of their own, and variables are on the CPU:
        # both devices get the same.
        with tf.device(device):
            inputs = (tf.placeholder(tf.float32, images.shape),
                      tf.placeholder(tf.int32, labels.shape))
            logits = system.build_network(inputs[0], _SEED)
            loss = objective.build_losses(system, logits, inputs[1])[-1]
            variables = tf.trainable_variables()
            # As in training: not the gradient of the images.
            gradients = tf.gradients(loss, variables, gate_gradients=True)
            figures = {LOSS: loss}
            for variable, gradient in zip(variables, gradients):
                figures[f'the gradient norm of {variable.op.name}'] = (
                    tf.norm(gradient))
        with tf.Session(graph=graph, config=runtime.session_config(
                threads)) as session:
            session.run(tf.global_variables_initializer())
            values = session.run(figures, dict(zip(inputs, (images, labels))))
    return {name: float(value) for name, value in values.items()}
