"""Makes deep_cnn.npz: float64 values of the plain port on generated inputs.

    PYTHONPATH=. python tests/golden/make_deep_cnn.py

Weights and batch come from NumPy's RandomState, whose stream is frozen, so only
results are stored: logits, losses, and of each gradient every 61st entry with
the largest magnitude of all.
"""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.benchmark import plain_port

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'deep_cnn.npz')
STRIDE = 61
SCALES = {'conv_1': 0.05, 'conv_2': 0.05, 'FC_1': 0.04, 'FC_2': 0.04,
          'softmax_linear': 0.1}


def make_inputs():
    """Returns {variable name: float32}, images [100, 24, 24, 3], labels."""
    random = np.random.RandomState(20170101)
    weights = {}
    for name, shape in plain_port.VARIABLES.items():
        scale = SCALES[name.split('/')[1]] * np.sqrt(3.0)
        weights[name] = (scale * random.uniform(-1, 1, shape)).astype(np.float32)
    images = random.uniform(-1.7, 1.7, [100, 24, 24, 3]).astype(np.float32)
    return weights, images, random.randint(0, 10, 100).astype(np.int32)


def main():
    weights, images, labels = make_inputs()
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = {name: tf.constant(value, tf.float64)
                   for name, value in weights.items()}
        logits = plain_port.build_logits(tf.constant(images, tf.float64), tensors)
        loss = plain_port.build_loss(logits, labels, tensors)
        names = sorted(tensors)
        gradients = tf.gradients(loss, [tensors[name] for name in names])
        logits, loss, gradients = session.run([logits, loss, gradients])
    golden = {'logits': logits, 'loss': loss}
    for name, gradient in zip(names, gradients):
        golden['gradient/' + name] = gradient.ravel()[::STRIDE]
        golden['largest/' + name] = np.abs(gradient).max()
    np.savez_compressed(PATH, **golden)


if __name__ == '__main__':
    main()
