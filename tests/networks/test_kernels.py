"""The fast kernels, layer by layer, against float64: values and gradients."""

from typing import Callable, NamedTuple, Optional, Tuple

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import kernel_gradients
from cifar10_tf1 import kernels
from cifar10_tf1.benchmark import plain_deep_cnn
from cifar10_tf1.kernels import fast, inference, pooled, stock, winograd
from cifar10_tf1.machine import runtime
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

BATCH = 4
NORMALIZATION = deep_cnn.settings.normalization
POOLED_TOLERANCE = 2e-5  # of the largest entry


def draw(shape, kind='random', seed=1):
    """float32 inputs of a kind; `activations` are as after ReLU."""
    random = np.random.RandomState(seed)
    values = random.randn(*shape)
    if kind == 'huge':
        values *= 1e12
    elif kind == 'tiny':
        values *= 1e-12
    elif kind == 'mixed':  # over 16 orders of magnitude
        values *= 10.0 ** random.randint(-8, 9, shape)
    elif kind == 'spike':
        values[tuple(size // 2 for size in shape)] = 1e6
    elif kind == 'offset':  # all nearly the same
        values = 100.0 + 0.01 * values
    elif kind == 'activations':
        values = np.maximum(values, 0.0)
    elif kind == 'ties':  # few different ones, and large equal areas
        values = np.round(values)
        values[:, :shape[1] // 2] = 1.0
    elif kind == 'zeros':
        values[:] = 0.0
    else:
        assert kind == 'random'
    return values.astype(np.float32)


KINDS = ['random', 'mixed', 'spike', 'ties'] + [
    pytest.param(kind, marks=pytest.mark.slow)
    for kind in ('zeros', 'huge', 'tiny', 'offset', 'activations')]


def run(build, inputs, gradient, dtype=tf.float32, num_fixed=0):
    """[value, gradients...] of build(*inputs), weighted with a gradient if it is given.

    The first num_fixed inputs have no gradient.
    """
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = [tf.constant(value, dtype) for value in inputs]
        result = build(*tensors)
        if gradient is None:
            return [session.run(result)]
        gradients = tf.gradients(result, tensors[num_fixed:],
                                 tf.constant(gradient, dtype))
        return session.run([result] + gradients)


def assert_close(actual, expected, tolerance):
    assert len(actual) == len(expected)
    for ours, exact in zip(actual, expected):
        assert ours.shape == exact.shape and np.isfinite(ours).all()
        assert np.abs(ours - exact).max() <= tolerance * np.abs(exact).max()


def to_rows(net):
    return tf.unstack(tf.transpose(net, [1, 2, 0, 3]))


def to_net(plane):
    return tf.transpose(tf.stack(plane), [2, 0, 1, 3])


def of_rows(build, *options):
    """A layer from plane to plane, as one from images to images."""
    return lambda net, *inputs: to_net(build(to_rows(net), *inputs, *options))


def build_exact_convolution(net, weights, biases):
    return tf.nn.relu(tf.nn.conv2d(net, weights, [1, 1, 1, 1], 'SAME') + biases)


def build_exact_pool(net):
    return tf.nn.max_pool(net, [1, 3, 3, 1], [1, 2, 2, 1], 'SAME')


class Layer(NamedTuple):
    build: Callable            # of the fast kernels, from the inputs
    exact: Callable            # the same in float64
    shapes: Tuple              # of the inputs; the first is of each kind
    result: Tuple              # its shape
    tolerance: float           # of the largest entry; 0: values to the bit
    testing: Optional[Callable] = None  # of the kernels for testing
    num_fixed: int = 0         # inputs without a gradient


IMAGE, PLANE = (BATCH, 24, 24, 3), (BATCH, 12, 12, 64)
LAYERS = {
    'winograd': Layer(
        of_rows(winograd.build_convolution),
        lambda net, weights: tf.nn.conv2d(net, weights, [1, 1, 1, 1], 'SAME'),
        (PLANE, (5, 5, 64, 64)), PLANE, 2e-5),
    'first layers': Layer(
        lambda *inputs: to_net(fast.build_convolution_and_pool(*inputs, 'pool')),
        lambda *inputs: build_exact_pool(build_exact_convolution(*inputs)),
        (IMAGE, (5, 5, 3, 64), (64,)), PLANE, 2e-5,
        lambda *inputs: tf.concat(
            inference.build_convolution_and_pool(*inputs, 'pool'), 0), 1),
    'convolution': Layer(
        of_rows(fast.build_convolution), build_exact_convolution,
        (PLANE, (5, 5, 64, 64), (64,)), PLANE, 2e-5,
        lambda net, *others: to_net(inference.build_convolution(
            tf.split(net, 2), *others))),
    # A maximum rounds nothing. Where windows overlap, gradients are sums.
    'max pool': Layer(
        of_rows(fast.build_max_pool, 'pool'), build_exact_pool, (PLANE,),
        (BATCH, 6, 6, 64), 0, of_rows(inference.build_max_pool, 'pool')),
    'normalization': Layer(
        of_rows(fast.build_normalization, NORMALIZATION, 'norm'), plain_deep_cnn.lrn,
        (PLANE,), PLANE, 2e-6),
    'flat product': Layer(
        lambda net, weights: fast.build_flat_product(to_rows(net), weights),
        stock.build_flat_product, ((BATCH, 6, 6, 64), (2304, 384)), (BATCH, 384), 5e-6),
}


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('name', sorted(LAYERS))
def test_a_layer(name, kind, monkeypatch):
    layer = LAYERS[name]
    if name == 'normalization' and kind == 'huge':
        kind = 'random'  # their squares' squares are infinite
    monkeypatch.setattr(inference, '_PART', 3)  # and a smaller one at the end
    inputs = [draw(shape, kind if seed == 1 else 'random', seed)
              for seed, shape in enumerate(layer.shapes, 1)]
    gradient = draw(layer.result, seed=4)
    if name in ('first layers', 'convolution') and kind == 'ties':
        # Rounding decides which of the equal sums is the largest, or above zero, so
        # gradients may differ.
        gradient = None
    expected = run(layer.exact, inputs, gradient, tf.float64, layer.num_fixed)
    assert_close(run(layer.build, inputs, gradient, num_fixed=layer.num_fixed), expected,
                 layer.tolerance or 2e-6)
    if layer.testing:
        assert_close(run(layer.testing, inputs, None), expected[:1], layer.tolerance)


def test_max_pool_gives_the_gradient_to_the_first_of_equal_ones():
    """By row, then by column, as TensorFlow does; on 24 columns too."""
    net = np.zeros([1, 24, 24, 2], np.float32)
    net[0, 4:7, 10:13, 0] = 1.0            # a window of equal ones
    net[0, 4, 12, 1] = net[0, 5, 10, 1] = 1.0  # the upper right is the first
    gradient = np.arange(1, 289, dtype=np.float32).reshape(1, 12, 12, 2)
    unused_value, ours = run(LAYERS['max pool'].build, [net], gradient)
    unused_value, theirs = run(build_exact_pool, [net], gradient)
    assert np.array_equal(ours, theirs)
    assert ours[0, 4, 10, 0] >= gradient[0, 2, 5, 0]
    assert ours[0, 4, 12, 1] >= gradient[0, 2, 5, 1]


@pytest.mark.parametrize('num_outputs', [4, 6])
def test_the_matrices_are_exact(num_outputs):
    """output^T ((kernel g) * (input d)) is the correlation, in rationals."""
    inputs, kernel, outputs = winograd.build_matrices(num_outputs)
    random = np.random.RandomState(5)
    values = random.randint(-9, 10, num_outputs + 4)
    taps = random.randint(-9, 10, 5)
    ours = outputs.T.dot(kernel.dot(taps) * inputs.dot(values))
    assert np.allclose(ours, np.correlate(values, taps, 'valid'), atol=1e-11)
    assert np.abs(inputs).max() <= 2.0
    assert np.abs(outputs).max() <= {4: 8.0, 6: 1024.0}[num_outputs]


@pytest.mark.parametrize('onednn', [False, True])
@pytest.mark.parametrize('name, batch, has_length', [
    ('udacity_cnn', 3, True), ('laptop_cnn', 37, True), ('neither', 5, True),
    ('lenet5', 1, True), ('lenet5', 7, False),
    ('laptop_cnn', 1, False), ('laptop_cnn', 6, False),  # fewer images than parts, too
    pytest.param('udacity_cnn', 256, True, marks=pytest.mark.slow),
    pytest.param('laptop_cnn', 256, True, marks=pytest.mark.slow)])
def test_pooled_convolutions(name, batch, has_length, onednn, monkeypatch):
    """Both ways on every machine, whether or not oneDNN computes the ops here."""
    monkeypatch.setattr(runtime, 'has_onednn_rewrites', lambda: onednn)
    if batch < 256:
        monkeypatch.setattr(pooled, '_PART', 20)  # and a shorter one
    compute = kernel_gradients.compute_pooled
    expected = compute(name, batch, stock, tf.float64)
    deviations = kernel_gradients.find_deviations(
        compute(name, batch, fast, tf.float32, has_length=has_length), expected)
    assert max(deviations.values()) <= POOLED_TOLERANCE, deviations


@pytest.mark.parametrize('kind', KINDS)
def test_one_pooled_convolution(kind, monkeypatch):
    """Of every kind of numbers; a pool that rounds nothing follows."""
    monkeypatch.setattr(runtime, 'has_onednn_rewrites', lambda: False)
    inputs = [draw([BATCH, 8, 8, 32], kind), draw([4, 4, 32, 16], 'random', 2),
              draw([16], 'random', 4)]
    # Of ties as in test_a_layer.
    gradient = None if kind == 'ties' else draw([BATCH, 4 * 4 * 16], 'random', 3)
    actual, expected = (
        run(lambda images, *layer: module.build_pooled_convolutions(
            images, [layer], 'SAME', (1,), True), inputs, gradient, dtype, num_fixed=1)
        for module, dtype in ((fast, tf.float32), (stock, tf.float64)))
    assert_close(actual, expected, POOLED_TOLERANCE)


def test_the_formulations():
    functions = [name for name in dir(stock) if name.startswith('build_')]
    for module in (fast, inference):
        assert functions == [name for name in dir(module)
                             if name.startswith('build_')]
    assert kernels.load('fast', for_training=False) is inference
    assert kernels.choose('auto', 'cpu') == 'fast'
    assert kernels.choose('auto', 'gpu') == 'stock'
    for name in kernels.NAMES:
        assert kernels.choose(name, 'cpu') == name
        assert kernels.load(name).__name__.endswith(name)
