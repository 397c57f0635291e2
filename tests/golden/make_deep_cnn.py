"""Makes deep_cnn.npz: float64 values of the plain port on generated inputs.

    PYTHONPATH=. python tests/golden/make_deep_cnn.py

Weights and images come from NumPy's RandomState, whose stream is frozen, so only
results are stored: which of the images are taken, logits, losses, and of each
gradient every 61st entry with the largest magnitude of all.

Images are taken that are clear: no pool has to choose between two nearly equal
numbers, and no ReLU is nearly zero. Else a gradient would hang on rounding.
"""

import os

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.benchmark import plain_deep_cnn

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'deep_cnn.npz')
STRIDE = 61
SCALES = {'conv_1': 0.05, 'conv_2': 0.05, 'FC_1': 0.04, 'FC_2': 0.04,
          'softmax_linear': 0.1}
NUM_IMAGES = 100
NUM_CANDIDATES = 400
# Of the standard deviation of a layer's values, in the order of the layers:
# conv_1, conv_2 and what follows. Float32 is off by a tenth of it, at most.
MARGINS = (2e-5, 1e-4)


def make_inputs():
    """Returns {variable name: float32}, images [100, 24, 24, 3], labels."""
    weights, images, labels = make_candidates()
    with np.load(PATH) as file:
        chosen = file['chosen']
    return weights, images[chosen], labels[chosen]


def make_candidates():
    """As make_inputs, with all images."""
    random = np.random.RandomState(20170101)
    weights = {}
    for name, shape in plain_deep_cnn.VARIABLES.items():
        scale = SCALES[name.split('/')[1]] * np.sqrt(3.0)
        weights[name] = (scale * random.uniform(-1, 1, shape)).astype(np.float32)
    images = random.uniform(-1.7, 1.7, [NUM_CANDIDATES, 24, 24, 3])
    return (weights, images.astype(np.float32),
            random.randint(0, 10, NUM_CANDIDATES).astype(np.int32))


def find_clear(weights, images):
    """The indices of the images that leave every choice beyond doubt."""
    with tf.Graph().as_default() as graph, tf.Session() as session:
        plain_deep_cnn.build_logits(
            tf.constant(images, tf.float64),
            {name: tf.constant(value, tf.float64)
             for name, value in weights.items()})
        pools, relus = ([op.inputs[0] for op in graph.get_operations()
                         if op.type == name] for name in ('MaxPool', 'Relu'))
        pools, relus = session.run([pools, relus])
    clear = np.ones(len(images), bool)
    for number, (pool, relu) in enumerate(zip(pools, relus)):
        margin = MARGINS[number] * relu.std()
        second, first = _find_largest(pool)
        clear &= ((first - second > margin) | (first == 0)).all(axis=1)
        clear &= (np.abs(_find_largest(relu)[1]) > margin).all(axis=1)
    for relu in relus[len(pools):]:
        clear &= (np.abs(relu) > MARGINS[-1] * relu.std()).all(axis=1)
    return np.flatnonzero(clear)


def _find_largest(net):
    """The two largest of each window of 3 x 3, stride 2, SAME: [2, N, windows].

    Args:
      net: float64 [N, height, width, channels], even.
    """
    num_images, height, width, channels = net.shape
    padded = np.full([num_images, height + 1, width + 1, channels], -np.inf)
    padded[:, :height, :width] = net
    windows = np.stack([padded[:, i:i + height:2, j:j + width:2]
                        for i in range(3) for j in range(3)])
    return np.sort(windows, axis=0)[-2:].reshape([2, num_images, -1])


def compute(weights, images, labels):
    """In float64: logits, loss, {variable name: gradient}."""
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = {name: tf.constant(value, tf.float64)
                   for name, value in weights.items()}
        logits = plain_deep_cnn.build_logits(tf.constant(images, tf.float64), tensors)
        loss = plain_deep_cnn.build_loss(logits, labels, tensors)
        names = sorted(tensors)
        gradients = tf.gradients(loss, [tensors[name] for name in names])
        logits, loss, gradients = session.run([logits, loss, gradients])
    return logits, loss, dict(zip(names, gradients))


def main():
    weights, images, labels = make_candidates()
    clear = np.concatenate([start + find_clear(weights, images[start:start + 100])
                            for start in range(0, NUM_CANDIDATES, 100)])
    print(f'{len(clear)} of {NUM_CANDIDATES} images are clear')
    chosen = clear[:NUM_IMAGES]
    assert len(chosen) == NUM_IMAGES
    logits, loss, gradients = compute(weights, images[chosen], labels[chosen])
    golden = {'chosen': chosen.astype(np.int16), 'logits': logits, 'loss': loss}
    for name, gradient in gradients.items():
        golden['gradient/' + name] = gradient.ravel()[::STRIDE]
        golden['largest/' + name] = np.abs(gradient).max()
    np.savez_compressed(PATH, **golden)


if __name__ == '__main__':
    main()
