"""The fast kernels against float64; a process of its own, which owns its threads.

    python tests/kernel_gradients.py SYSTEM INTRA INTER BATCH [BATCH ...]

Prints JSON, by batch: the deviation of the values and of each gradient, as a share of
the largest entry, and a digest of all bits. deep_cnn is measured as a whole network,
the others by their convolutions.
"""

import hashlib
import json
import os
import sys
from typing import NamedTuple

TESTS = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(TESTS), os.path.join(TESTS, 'golden')]

from cifar10_tf1.machine import description, runtime  # noqa: E402

if __name__ == '__main__':
    runtime.prepare_environment('fast')
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
tf = runtime.load_tensorflow()

import numpy as np  # noqa: E402

import make_deep_cnn  # noqa: E402
from cifar10_tf1.graph import loss  # noqa: E402
from cifar10_tf1.kernels import fast, stock  # noqa: E402
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn  # noqa: E402


class Layers(NamedTuple):
    """Pooled convolutions of a system."""
    shapes: tuple
    strides: tuple
    has_relu: bool
    padding: str = 'SAME'


POOLED = {
    'udacity_cnn': Layers(((8, 8, 3, 32), (4, 4, 32, 64), (2, 2, 64, 256)),
                          (1, 1, 1), True),
    'laptop_cnn': Layers(((7, 7, 3, 32), (3, 3, 32, 64), (2, 2, 64, 128)),
                         (2, 1, 1), False),
    'lenet5': Layers(((5, 5, 1, 6), (5, 5, 6, 16)), (1, 1), True, 'VALID'),
    # No system's: different paddings, odd blocks.
    'neither': Layers(((7, 7, 3, 8), (5, 5, 8, 4)), (4, 1), True),
}


def make_inputs(layers, batch):
    """Blank areas and few different values: windows with several equal maxima.

    The convolutions of these numbers are exact, so rounding turns no maximum over.
    """
    random = np.random.RandomState(batch)
    images = random.randint(0, 9, [batch, 32, 32, layers.shapes[0][2]]) / 8.0
    images[random.uniform(size=images.shape) < 0.5] = 0.0
    images[::2, :, 12:] = 0.0
    values = []
    for shape in layers.shapes:
        weights = np.rint(random.normal(0.0, 1.0, shape)) / 16.0
        values += [weights, random.randint(-8, 9, shape[-1]) / 16.0]
    return images, values


def compute_pooled(name, batch, module, dtype, threads=None, has_length=True):
    """{'features' or number of a variable: array}, with the gradients."""
    layers = POOLED[name]
    images, values = make_inputs(layers, batch)
    with tf.Graph().as_default(), tf.Session(
            config=threads and runtime.session_config(threads)) as session:
        net = tf.constant(images, dtype)
        if not has_length:
            net = tf.placeholder_with_default(net, [None, *images.shape[1:]])
        tensors = [tf.constant(value, dtype) for value in values]
        features = module.build_pooled_convolutions(
            net, list(zip(tensors[::2], tensors[1::2])), layers.padding,
            layers.strides, layers.has_relu)
        random = np.random.RandomState(1)
        gradient = random.normal(size=[len(images), features.shape[1].value])
        gradients = tf.gradients(features, tensors, tf.constant(gradient, dtype))
        return session.run(dict(zip(map(str, range(len(tensors))), gradients),
                                features=features))


def compute_deep_cnn(batch, threads):
    """(by the fast kernels, in float64): {'logits', 'loss' or variable: array}."""
    weights, images, labels = make_deep_cnn.make_inputs()
    images, labels = images[:batch], labels[:batch]
    logits, total_loss, gradients = make_deep_cnn.compute(weights, images, labels)
    expected = dict(gradients, logits=logits, loss=total_loss)
    with tf.Graph().as_default(), tf.Session(
            config=runtime.session_config(threads)) as session:
        logits = deep_cnn.build_network(tf.constant(images), 1, fast)
        total_loss = loss.build_losses(logits, tf.constant(labels))[-1]
        variables = tf.trainable_variables()
        figures = dict(zip([variable.op.name for variable in variables],
                           tf.gradients(total_loss, variables)),
                       logits=logits, loss=total_loss)
        for variable in variables:
            variable.load(weights[variable.op.name], session)
        actual = session.run(figures)
    assert len(actual) == 12
    return actual, expected


def measure(system, batch, threads):
    """(dict of deviations by name, digest of all bits)."""
    if system == 'deep_cnn':
        actual, expected = compute_deep_cnn(batch, threads)
    else:
        actual = compute_pooled(system, batch, fast, tf.float32, threads)
        expected = compute_pooled(system, batch, stock, tf.float64)
    digest = hashlib.sha256(b''.join(
        np.asarray(actual[name]).tobytes() for name in sorted(actual)))
    return find_deviations(actual, expected), digest.hexdigest()


def find_deviations(actual, expected):
    assert sorted(actual) == sorted(expected)
    assert all(np.shape(actual[name]) == np.shape(expected[name]) for name in actual)
    return {name: float(np.abs(actual[name] - value).max() / np.abs(value).max())
            for name, value in expected.items()}


def main():
    system, *numbers = sys.argv[1:]
    intra_op, inter_op, *batches = map(int, numbers)
    threads = description.Threads(intra_op, inter_op, 1)
    runtime.start_threads(threads)
    print(json.dumps({batch: measure(system, batch, threads) for batch in batches}))


if __name__ == '__main__':
    main()
