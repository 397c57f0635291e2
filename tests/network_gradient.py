"""A process of its own for test_threads.py: the pool of threads belongs to it.

    python tests/network_gradient.py THREADS BATCH [BATCH ...]

Prints JSON: for each batch how far the whole network by the fast kernels is from
float64: logits, loss and the gradients of all ten variables, as a share of the
largest entry of each.
"""

import json
import os
import sys

TESTS = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(TESTS), os.path.join(TESTS, 'golden')]

from cifar10_tf1.machine import description  # noqa: E402
from cifar10_tf1.machine import runtime  # noqa: E402

if __name__ == '__main__':
    runtime.prepare_environment('fast')
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
tf = runtime.load_tensorflow()

import numpy as np  # noqa: E402

import make_deep_cnn  # noqa: E402
from cifar10_tf1.graph import loss  # noqa: E402
from cifar10_tf1.kernels import fast  # noqa: E402
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn  # noqa: E402


def main():
    threads = description.Threads(int(sys.argv[1]), 2, 1)
    runtime.start_threads(threads)
    print(json.dumps({batch: measure(int(batch), threads)
                      for batch in sys.argv[2:]}))


def measure(batch, threads):
    """{'logits', 'loss' or name of a variable: the largest deviation}."""
    weights, images, labels = make_deep_cnn.make_inputs()
    images, labels = images[:batch], labels[:batch]
    logits, golden_loss, gradients = make_deep_cnn.compute(weights, images, labels)
    expected = dict(gradients, logits=logits, loss=golden_loss)
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
    assert len(actual) == len(expected) == 12
    return {name: float(np.abs(actual[name] - value).max()
                        / np.abs(value).max())
            for name, value in expected.items()}


if __name__ == '__main__':
    main()
