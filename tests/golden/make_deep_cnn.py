"""Makes deep_cnn.npz: float64 values of the plain port on generated inputs.

    PYTHONPATH=. python tests/golden/make_deep_cnn.py

Weights and images come from NumPy's RandomState, whose stream is frozen, so only results
are stored: which of the images are taken, logits, losses, and of each gradient every 61st
entry with the largest magnitude of all.

Images are taken that are clear: no pool has to choose between two nearly equal numbers, and
no ReLU is nearly zero. Else a gradient would hang on rounding.
"""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.benchmark import plain_deep_cnn

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'deep_cnn.npz')
STRIDE = 61
SCALES = {'conv_1': 0.05, 'conv_2': 0.05, 'FC_1': 0.04, 'FC_2': 0.04, 'softmax_linear': 0.1}
NUM_IMAGES = 100
NUM_CANDIDATES = 400
# Of the standard deviation of a layer's values. Float32 is off by a tenth of it, at most.
MARGINS = (2e-5, 1e-4, 1e-4, 1e-4)


def load_golden():
    with np.load(PATH) as file:
        return dict(file)


def make_inputs(chosen):
    """Returns {variable name: float32}, images [N, 24, 24, 3], labels of some candidates."""
    random = np.random.RandomState(20170101)
    weights = {}
    for name, shape in plain_deep_cnn.VARIABLES.items():
        scale = SCALES[name.split('/')[1]] * np.sqrt(3.0)
        weights[name] = (scale * random.uniform(-1, 1, shape)).astype(np.float32)
    images = random.uniform(-1.7, 1.7, [NUM_CANDIDATES, 24, 24, 3]).astype(np.float32)
    labels = random.randint(0, 10, NUM_CANDIDATES).astype(np.int32)
    return weights, images[chosen], labels[chosen]


def find_clear(weights, images):
    """bool [N]: whether an image has no near tie in a ReLU or pool."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        plain_deep_cnn.build_logits(tf.constant(images, tf.float64), {
            name: tf.constant(value, tf.float64) for name, value in weights.items()})
        pools, relus = session.run([
            [op.inputs[0] for op in graph.get_operations() if op.type == kind]
            for kind in ('MaxPool', 'Relu')])
    clear = np.ones(len(images), bool)
    for number, relu in enumerate(relus):
        margin = MARGINS[number] * relu.std()
        if number < len(pools):
            second, first = _find_two_largest(pools[number])
            clear &= ((first - second > margin) | (first == 0)).all(axis=1)
            relu = _find_two_largest(relu)[1]
        clear &= (np.abs(relu) > margin).all(axis=1)
    return clear


def _find_two_largest(net):
    """Of each window of 3 x 3, stride 2, SAME, of [N, rows, columns, n]: [2, N, windows]."""
    unused_batch, height, width, unused_channels = net.shape
    padded = np.pad(net, [(0, 0), (0, 1), (0, 1), (0, 0)], 'constant', constant_values=-np.inf)
    windows = np.sort([padded[:, i:i + height:2, j:j + width:2]
                       for i in range(3) for j in range(3)], axis=0)
    return windows[-2:].reshape([2, len(net), -1])


def compute(weights, images, labels):
    """In float64: {'logits', 'loss' or name of a variable, for its gradient: array}."""
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = {name: tf.constant(value, tf.float64) for name, value in weights.items()}
        logits = plain_deep_cnn.build_logits(tf.constant(images, tf.float64), tensors)
        loss = plain_deep_cnn.build_loss(logits, labels, tensors)
        gradients = tf.gradients(loss, list(tensors.values()))
        return session.run(dict(zip(tensors, gradients), logits=logits, loss=loss))


def main():
    weights, images, unused_labels = make_inputs(slice(None))
    chosen = np.flatnonzero(np.concatenate([
        find_clear(weights, part) for part in np.split(images, 4)]))[:NUM_IMAGES]
    assert len(chosen) == NUM_IMAGES
    golden = {'chosen': chosen.astype(np.int16)}
    for name, value in compute(*make_inputs(chosen)).items():
        if name in weights:
            golden['gradient/' + name] = value.ravel()[::STRIDE]
            golden['largest/' + name] = np.abs(value).max()
        else:
            golden[name] = value
    np.savez_compressed(PATH, **golden)


if __name__ == '__main__':
    main()
