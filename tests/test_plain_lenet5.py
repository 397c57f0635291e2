"""The plain port of LeNet-5: its checkpoint's tensors, its update, and what the
original's own weights score."""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from cifar10_tf1.benchmark import plain_lenet5
from cifar10_tf1.data import mnist

# A checkpoint of the original program, which is not passed on.
VARIABLE = 'LENET5_ORIGINAL'


@pytest.fixture
def original():
    path = os.environ.get(VARIABLE)
    if not path or not os.path.exists(path):
        pytest.skip(f'{VARIABLE} names no checkpoint of the original program')
    reader = tf.train.NewCheckpointReader(path)
    return {name: reader.get_tensor(name)
            for name in reader.get_variable_to_shape_map()}


@pytest.fixture
def port():
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(1)
        yield dict(plain_lenet5.build_training(), graph=graph)


def list_shapes(graph):
    return {variable.op.name: variable.shape.as_list()
            for variable in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)}


def test_it_has_the_original_s_32_tensors(port):
    shapes = list_shapes(port['graph'])
    assert len(shapes) == 32
    assert sum(np.prod(shape) for shape in plain_lenet5.SHAPES) == 61706
    wanted = {'beta1_power': [], 'beta2_power': []}
    for name, shape in zip(plain_lenet5.NAMES, plain_lenet5.SHAPES):
        wanted.update({name: shape, name + '/Adam': shape,
                       name + '/Adam_1': shape})
    assert shapes == wanted


def test_a_step_lowers_the_loss_and_moves_by_the_rate(port):
    random = np.random.RandomState(3)
    images = random.randint(0, 256, [88, 28, 28]).astype(np.uint8)
    feed = {port['images']: plain_lenet5.pad(images),
            port['labels']: random.randint(0, 10, 88)}
    with tf.Session(graph=port['graph']) as session:
        with port['graph'].as_default():
            session.run(tf.global_variables_initializer())
        before = session.run(port['variables'])
        first, _ = session.run([port['loss'], port['train_op']], feed)
        after = session.run(port['variables'])
        second = session.run(port['loss'], feed)
    assert 2.2 < first < 2.6 and second < first
    # Adam's first step has the rate's length, whatever the gradient.
    for name in plain_lenet5.NAMES:
        moved = np.abs(after[name] - before[name]).max()
        assert moved == pytest.approx(0.001, rel=1e-3)


def test_images_are_padded_and_scaled_by_the_factor():
    images = np.arange(784, dtype=np.int64).reshape(1, 28, 28) % 256
    padded = plain_lenet5.pad(images.astype(np.uint8))
    assert padded.dtype == np.float32 and padded.shape == (1, 32, 32, 1)
    assert padded[0, 2, 2 + 3, 0] == np.float32(3) * np.float32(1 / 255)
    assert not padded[0, :2].any() and not padded[0, -2:].any()
    assert not padded[0, :, :2].any() and not padded[0, :, -2:].any()
    assert (images[0] != 0).sum() == (padded != 0).sum()
    values = np.arange(256, dtype=np.float32)
    assert (values * np.float32(1 / 255) != values / 255).sum() == 126


def test_the_original_s_weights_score_what_it_printed(original, port,
                                                      real_mnist_dir):
    """Validation Accuracy = 0.985 and Test Accuracy = 0.984, to the image."""
    data_set = mnist.load_data_set(real_mnist_dir)
    assert {name: list(value.shape) for name, value in original.items()} == (
        list_shapes(port['graph']))
    counts = {}
    with tf.Session(graph=port['graph']) as session:
        for name, variable in port['variables'].items():
            variable.load(original[name], session)
        for split, count in (('test', 10000), ('train', 5000)):
            table = data_set.raw_records(split)[:count]
            images = plain_lenet5.pad(table[:, 1:].reshape(-1, 28, 28))
            counts[split] = sum(session.run(port['num_correct'], {
                port['images']: images[i:i + 128],
                port['labels']: table[i:i + 128, 0]})
                for i in range(0, count, 128))
    assert counts == {'test': 9836, 'train': 4924}
