"""A network with random weights as a checkpoint, for tests of what reads one."""

import contextlib
import json
import resource

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from cifar10_tf1.benchmark import plain_deep_cnn


def random_tensors(seed=5):
    """{name: array} of 21 tensors; shadows and weights differ."""
    random = np.random.RandomState(seed)
    tensors = {'global_step': np.int64(7)}
    for name, shape in plain_deep_cnn.VARIABLES.items():
        for suffix in ('', '/ExponentialMovingAverage'):
            tensors[name + suffix] = np.float32(0.08 * random.standard_normal(shape))
    return tensors


def write_checkpoint(folder, tensors, data=None):
    """Returns the prefix; with the settings beside it where data is named."""
    with tf.Graph().as_default(), tf.Session() as session:
        variables = {name: tf.Variable(value) for name, value in tensors.items()}
        session.run(tf.global_variables_initializer())
        prefix = tf.train.Saver(variables).save(session, str(folder / 'model.ckpt'), 7)
    if data:
        with open(prefix + '.json', 'w') as file:
            json.dump({'data': data}, file)
    return prefix


@contextlib.contextmanager
def file_size_limit():
    """No file of this process grows over 10,000 bytes: as on a full disk."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10000, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


def need(module):
    """The module of an optional package, or skips and says how to get it."""
    lock = 'onnx' if 'onnx' in module else 'pictures'
    return pytest.importorskip(module, reason=f'no {module}: make setup EXTRAS={lock}')


def draw_scene(image, size=(90, 60)):
    """A picture without any symmetry, of smooth colours."""
    columns, rows = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    pixels = np.stack([255 * columns, 255 * rows ** 2, 128 + 100 * columns * rows], axis=2)
    return image.fromarray(pixels.astype(np.uint8))
