"""Values and gradients of the kernels, held to float64.

    python tests/kernel_gradients.py SYSTEM INTRA INTER BATCH [BATCH ...]

does it in a process of its own, which owns its threads, and prints digests of all bits as JSON,
by batch. deep_cnn is measured as a whole network, the others by their convolutions.
"""

import hashlib
import json
import os
import sys

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from cifar10_tf1.machine import description, runtime  # noqa: E402

if __name__ == '__main__':
    runtime.prepare_environment('fast')
tf = runtime.load_tensorflow()

import numpy as np  # noqa: E402

from cifar10_tf1.graph import loss  # noqa: E402
from cifar10_tf1.kernels import fast, stock  # noqa: E402
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn  # noqa: E402
from golden import make_deep_cnn  # noqa: E402

TOLERANCE = 1e-5         # of deep_cnn; a share of the largest entry
POOLED_TOLERANCE = 2e-5  # of the pooled convolutions
# Shapes of the weights; padding, strides and has_relu.
POOLED = {
    'udacity_cnn': (((8, 8, 3, 32), (4, 4, 32, 64), (2, 2, 64, 256)), 'SAME', (1, 1, 1), True),
    'laptop_cnn': (((7, 7, 3, 32), (3, 3, 32, 64), (2, 2, 64, 128)), 'SAME', (2, 1, 1), False),
    'lenet5': (((5, 5, 1, 6), (5, 5, 6, 16)), 'VALID', (1, 1), True),
    # No system's: different paddings, odd blocks.
    'neither': (((7, 7, 3, 8), (5, 5, 8, 4)), 'SAME', (4, 1), True),
}


def make_inputs(shapes, batch):
    """Blank areas and few different values: windows with several equal maxima.

    The convolutions of these numbers are exact, so rounding turns no maximum over.
    """
    random = np.random.RandomState(batch)
    images = random.randint(0, 9, [batch, 32, 32, shapes[0][2]]) / 8.0
    images[random.uniform(size=images.shape) < 0.5] = 0.0
    images[::2, :, 12:] = 0.0
    values = []
    for shape in shapes:
        weights = np.rint(random.normal(0.0, 1.0, shape)) / 16.0
        values += [weights, random.randint(-8, 9, shape[-1]) / 16.0]
    return images, values


def compute_pooled(name, batch, module, dtype, threads=None, has_length=True):
    """{'features' or number of a variable, for its gradient: array}."""
    shapes, *options = POOLED[name]
    images, values = make_inputs(shapes, batch)
    with tf.Graph().as_default(), tf.Session(
            config=threads and runtime.session_config(threads)) as session:
        net = tf.constant(images, dtype)
        if not has_length:
            net = tf.placeholder_with_default(net, [None, *images.shape[1:]])
        tensors = [tf.constant(value, dtype) for value in values]
        features = module.build_pooled_convolutions(
            net, list(zip(tensors[::2], tensors[1::2])), *options)
        gradient = np.random.RandomState(1).normal(size=[batch, features.shape[1].value])
        gradients = tf.gradients(features, tensors, tf.constant(gradient, dtype))
        return session.run(dict(zip(map(str, range(len(tensors))), gradients), features=features))


def compute_deep_cnn(module, weights, images, labels, threads=None):
    """{'logits', 'loss' or name of a variable, for its gradient: array}."""
    with tf.Graph().as_default(), tf.Session(
            config=threads and runtime.session_config(threads)) as session:
        logits = deep_cnn.build_network(tf.constant(images), 1, module)
        total_loss = loss.build_losses(logits, tf.constant(labels))[-1]
        variables = {variable.op.name: variable for variable in tf.trainable_variables()}
        gradients = tf.gradients(total_loss, list(variables.values()))
        for name, variable in variables.items():
            variable.load(weights[name], session)
        return session.run(dict(zip(variables, gradients), logits=logits, loss=total_loss))


def check(actual, expected, tolerance):
    """Holds each array of a dict to a share of the expected one's largest entry."""
    assert sorted(actual) == sorted(expected)
    for name, value in expected.items():
        assert np.shape(actual[name]) == np.shape(value), name
        deviation = np.abs(actual[name] - value).max()
        assert deviation <= tolerance * np.abs(value).max(), (name, deviation)


def measure(system, batch, threads):
    """Checks the fast kernels. Returns a digest of all bits."""
    if system == 'deep_cnn':
        inputs = make_deep_cnn.make_inputs(make_deep_cnn.load_golden()['chosen'][:batch])
        actual = compute_deep_cnn(fast, *inputs, threads)
        check(actual, make_deep_cnn.compute(*inputs), TOLERANCE)
    else:
        actual = compute_pooled(system, batch, fast, tf.float32, threads)
        check(actual, compute_pooled(system, batch, stock, tf.float64), POOLED_TOLERANCE)
    return hashlib.sha256(b''.join(np.asarray(actual[name]).tobytes()
                                   for name in sorted(actual))).hexdigest()


def main():
    system, *numbers = sys.argv[1:]
    intra_op, inter_op, *batches = map(int, numbers)
    threads = description.Threads(intra_op, inter_op, 1)
    runtime.start_threads(threads)
    print(json.dumps({batch: measure(system, batch, threads) for batch in batches}))


if __name__ == '__main__':
    main()
