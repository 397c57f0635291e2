"""A process of its own for test_threads.py: the pool of threads belongs to it.

    python tests/first_layers_gradient.py THREADS BATCH [BATCH ...]

Prints JSON: for each batch how far conv_1's gradients by the fast kernels are
from float64's, as a share of the largest entry.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from cifar10_tf1 import machine  # noqa: E402
from cifar10_tf1 import runtime  # noqa: E402

runtime.prepare_environment('fast')
os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
tf = runtime.load_tensorflow()

import numpy as np  # noqa: E402

from cifar10_tf1.kernels import fast  # noqa: E402


def main():
    threads = machine.Threads(int(sys.argv[1]), 2, 1)
    runtime.start_threads(threads)
    print(json.dumps({batch: measure(int(batch), threads)
                      for batch in sys.argv[2:]}))


def measure(batch, threads):
    """{'weights': float, 'biases': float}, the largest deviations."""
    random = np.random.RandomState(batch)
    images = random.uniform(-1.7, 1.7, [batch, 24, 24, 3])
    weights = random.uniform(-0.1, 0.1, [5, 5, 3, 64])
    biases = random.uniform(-0.1, 0.1, [64])
    images, weights, biases = (value.astype(np.float32)
                               for value in (images, weights, biases))
    with tf.Graph().as_default(), tf.Session(
            config=runtime.session_config(threads)) as session:
        exact = [tf.constant(value, tf.float64) for value in (weights, biases)]
        net = tf.nn.conv2d(tf.constant(images, tf.float64), exact[0],
                           [1, 1, 1, 1], 'SAME') + exact[1]
        # Which of two nearly equal ones is larger is a matter of rounding.
        clear = find_clear_windows(session.run(net))
        gradient = clear * random.uniform(-1, 1, clear.shape)
        net = tf.nn.max_pool(tf.nn.relu(net), [1, 3, 3, 1], [1, 2, 2, 1], 'SAME')
        expected = session.run(tf.gradients(net, exact, gradient))
        ours = [tf.constant(value) for value in (weights, biases)]
        rows = fast.build_convolution_and_pool(tf.constant(images), *ours,
                                               pool_name='pool')
        net = tf.transpose(tf.stack(rows), [2, 0, 1, 3])
        actual = session.run(tf.gradients(
            net, ours, gradient.astype(np.float32)))
    return {name: float(np.abs(a - b).max() / np.abs(b).max())
            for name, a, b in zip(('weights', 'biases'), actual, expected)}


def find_clear_windows(net):
    """float64 of the pool's shape: 1 where a window's largest is beyond doubt.

    So it is where no other is within 1e-4, and it is not nearly zero.
    """
    batch, height, width, channels = net.shape
    padded = np.full([batch, height + 1, width + 1, channels], -np.inf)
    padded[:, :height, :width] = net
    window = np.sort([padded[:, i:i + height:2, j:j + width:2]
                      for i in range(3) for j in range(3)], axis=0)
    clear = (window[-1] - window[-2] > 1e-4) & (np.abs(window[-1]) > 1e-4)
    return clear.astype(np.float64)


if __name__ == '__main__':
    main()
