"""Pooled convolutions by the fast kernels, held against stock ones of float64.

    python tests/pooled_gradient.py INTRA INTER BATCH [BATCH ...]

Prints JSON: for each system and batch how far features and gradients are off, as a
share of the largest entry of each, and a digest of their bits. A process of its
own for test_pooled.py: the pool of threads belongs to it.
"""

import hashlib
import json
import os
import sys
from typing import NamedTuple

sys.path[:0] = [os.path.dirname(os.path.dirname(os.path.abspath(__file__)))]

from cifar10_tf1.machine import description  # noqa: E402
from cifar10_tf1.machine import runtime  # noqa: E402

if __name__ == '__main__':
    runtime.prepare_environment('fast')
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
tf = runtime.load_tensorflow()

import numpy as np  # noqa: E402

from cifar10_tf1.kernels import fast  # noqa: E402
from cifar10_tf1.kernels import stock  # noqa: E402


class Layers(NamedTuple):
    """The convolutions of a system."""
    shapes: tuple
    strides: tuple
    has_relu: bool


SYSTEMS = {
    'udacity_cnn': Layers(((8, 8, 3, 32), (4, 4, 32, 64), (2, 2, 64, 256)),
                          (1, 1, 1), True),
    'laptop_cnn': Layers(((7, 7, 3, 32), (3, 3, 32, 64), (2, 2, 64, 128)),
                         (2, 1, 1), False),
    # What no system has: every padding by another number, odd blocks.
    'neither': Layers(((7, 7, 3, 8), (5, 5, 8, 4)), (4, 1), True),
}


def main():
    intra_op, inter_op = map(int, sys.argv[1:3])
    threads = description.Threads(intra_op, inter_op, 1)
    runtime.start_threads(threads)
    print(json.dumps({
        f'{name} {batch}': measure(name, int(batch), threads)
        for name in ('udacity_cnn', 'laptop_cnn') for batch in sys.argv[3:]}))


def make_inputs(layers, batch):
    """Whole areas blank, and few values: windows with equal largest ones.

    Of numbers whose convolutions are exact: rounding would turn a maximum over.
    """
    random = np.random.RandomState(batch)
    images = random.randint(0, 9, [batch, 32, 32, 3]) / 8.0
    images[random.uniform(size=images.shape) < 0.5] = 0.0
    images[::2, :, 12:] = 0.0
    values = []
    for shape in layers.shapes:
        weights = np.rint(random.normal(0.0, 1.0, shape)) / 16.0
        values += [weights, random.randint(-8, 9, shape[-1]) / 16.0]
    return images, values


def compute(layers, images, values, module, dtype, threads=None,
            has_length=True):
    """[features, gradients of all weights and biases]."""
    with tf.Graph().as_default(), tf.Session(
            config=threads and runtime.session_config(threads)) as session:
        net = tf.constant(images, dtype)
        if not has_length:
            net = tf.placeholder_with_default(net, [None, 32, 32, 3])
        tensors = [tf.constant(value, dtype) for value in values]
        features = module.build_pooled_convolutions(
            net, list(zip(tensors[::2], tensors[1::2])), 'SAME',
            layers.strides, layers.has_relu)
        random = np.random.RandomState(1)
        gradient = random.normal(size=[len(images), features.shape[1].value])
        return session.run([features] + tf.gradients(
            features, tensors, tf.constant(gradient, dtype)))


def measure(name, batch, threads):
    """{'deviation': the largest; 'digest': of all bits}."""
    layers = SYSTEMS[name]
    images, values = make_inputs(layers, batch)
    exact = compute(layers, images, values, stock, tf.float64)
    actual = compute(layers, images, values, fast, tf.float32, threads)
    digest = hashlib.sha256(b''.join(value.tobytes() for value in actual))
    return {'deviation': find_deviation(actual, exact),
            'digest': digest.hexdigest()}


def find_deviation(actual, exact):
    assert [a.shape for a in actual] == [e.shape for e in exact]
    return max(float(np.abs(a - e).max() / np.abs(e).max())
               for a, e in zip(actual, exact))


if __name__ == '__main__':
    main()
