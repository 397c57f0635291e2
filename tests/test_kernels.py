"""The fast kernels, layer by layer, against float64: values and gradients."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from cifar10_tf1 import kernels
from cifar10_tf1.benchmark import plain_port
from cifar10_tf1.kernels import fast
from cifar10_tf1.kernels import inference
from cifar10_tf1.kernels import stock
from cifar10_tf1.kernels import winograd
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

BATCH = 4
NORMALIZATION = deep_cnn.settings.normalization


def draw(shape, kind, seed=1):
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


KINDS = ['random', 'mixed', 'spike', 'ties', 'zeros'] + [
    pytest.param(kind, marks=pytest.mark.slow)
    for kind in ('huge', 'tiny', 'offset', 'activations')]


def run(build, inputs, gradient, dtype):
    """[value, gradients...] of build(*inputs), weighted with a gradient."""
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = [tf.constant(value, dtype) for value in inputs]
        result = build(*tensors)
        gradients = tf.gradients(result, tensors, tf.constant(gradient, dtype))
        return session.run([result] + [g for g in gradients if g is not None])


def assert_close(fast_results, exact_results, tolerance):
    assert len(fast_results) == len(exact_results)
    for actual, exact in zip(fast_results, exact_results):
        assert actual.shape == exact.shape and np.isfinite(actual).all()
        assert np.abs(actual - exact).max() <= tolerance * np.abs(exact).max()


def to_rows(net):
    return tf.unstack(tf.transpose(net, [1, 2, 0, 3]))


def to_net(plane):
    return tf.transpose(tf.stack(plane), [2, 0, 1, 3])


# What fast and exact do with images or activations, weights and biases.

def fast_convolution(net, weights, biases):
    return to_net(fast.build_convolution(to_rows(net), weights, biases))


def exact_convolution(net, weights, biases):
    net = tf.nn.conv2d(net, weights, [1, 1, 1, 1], 'SAME')
    return tf.nn.relu(net + biases)


def exact_pool(net):
    return tf.nn.max_pool(net, [1, 3, 3, 1], [1, 2, 2, 1], 'SAME')


@pytest.mark.parametrize('weights_kind', ['random', pytest.param(
    'mixed', marks=pytest.mark.slow)])
@pytest.mark.parametrize('kind', KINDS)
def test_winograd_convolution(kind, weights_kind):
    inputs = [draw([BATCH, 12, 12, 64], kind),
              draw([5, 5, 64, 64], weights_kind, 2)]
    gradient = draw([BATCH, 12, 12, 64], 'random', 3)

    def build(net, weights):
        return to_net(winograd.build_convolution(to_rows(net), weights))

    def exact(net, weights):
        return tf.nn.conv2d(net, weights, [1, 1, 1, 1], 'SAME')

    results = run(build, inputs, gradient, tf.float32)
    exact_results = run(exact, inputs, gradient, tf.float64)
    assert_close(results, exact_results, 2e-5)
    if kind == weights_kind == 'random':
        # Measured: 2e-6, 2e-6, 1e-6.
        assert_close(results, exact_results, 5e-6)


@pytest.mark.parametrize('kind', KINDS)
def test_first_layers(kind, monkeypatch):
    """Convolution of images, biases, ReLU and pool, without their gradient."""
    monkeypatch.setattr(inference, '_PART', 3)  # and a smaller one at the end
    inputs = [draw([5, 5, 3, 64], 'random', 2), draw([64], 'random', 4)]
    images = draw([BATCH, 24, 24, 3], kind)
    gradient = draw([BATCH, 12, 12, 64], 'random', 3)

    def build(weights, biases):
        return to_net(fast.build_convolution_and_pool(
            tf.constant(images), weights, biases, 'pool'))

    def exact(weights, biases):
        return exact_pool(exact_convolution(
            tf.constant(images, tf.float64), weights, biases))

    def build_for_testing(weights, biases):
        return tf.concat(inference.build_convolution_and_pool(
            tf.constant(images), weights, biases, 'pool'), 0)

    results = run(build, inputs, gradient, tf.float32)
    exact_results = run(exact, inputs, gradient, tf.float64)
    assert_close(run(build_for_testing, inputs, gradient, tf.float32)[:1],
                 exact_results[:1], 2e-5)
    if kind == 'ties':
        # Equal areas give equal sums but for rounding, in either: which of
        # them is the first largest is chance, so gradients may differ.
        results, exact_results = results[:1], exact_results[:1]
    assert_close(results, exact_results, 2e-5)


def test_convolution_with_biases():
    """The convolution is tested above; here that biases and ReLU follow."""
    inputs = [draw([BATCH, 12, 12, 64], 'random'),
              draw([5, 5, 64, 64], 'random', 2), draw([64], 'random', 4)]
    gradient = draw([BATCH, 12, 12, 64], 'random', 3)
    assert_close(run(fast_convolution, inputs, gradient, tf.float32),
                 run(exact_convolution, inputs, gradient, tf.float64), 2e-5)


@pytest.mark.parametrize('kind', KINDS)
def test_convolution_for_testing(kind):
    inputs = [draw([BATCH, 12, 12, 64], kind),
              draw([5, 5, 64, 64], 'random', 2), draw([64], 'random', 4)]
    gradient = draw([BATCH, 12, 12, 64], 'random', 3)

    def build(net, weights, biases):
        parts = tf.split(net, 2)
        return to_net(inference.build_convolution(parts, weights, biases))

    assert_close(run(build, inputs, gradient, tf.float32)[:1],
                 run(exact_convolution, inputs, gradient, tf.float64)[:1], 2e-5)


@pytest.mark.parametrize('kind', KINDS)
def test_max_pool(kind):
    """To the bit: a maximum rounds nothing; sums of gradients have two terms
    at most where windows overlap, four at corners."""
    inputs = [draw([BATCH, 12, 12, 64], kind)]
    gradient = draw([BATCH, 6, 6, 64], 'random', 3)

    def build(net):
        return to_net(fast.build_max_pool(to_rows(net), 'pool'))

    def build_for_testing(net):
        return to_net(inference.build_max_pool(to_rows(net), 'pool'))

    results = run(build, inputs, gradient, tf.float32)
    exact_results = run(exact_pool, inputs, gradient, tf.float64)
    assert np.array_equal(results[0], exact_results[0])
    assert np.array_equal(
        run(build_for_testing, inputs, gradient, tf.float32)[0],
        exact_results[0])
    assert_close(results, exact_results, 2e-6)


def test_max_pool_gives_the_gradient_to_the_first_of_equal_ones():
    """By row, then by column, as TensorFlow does; on 24 columns too."""
    net = np.zeros([1, 24, 24, 2], np.float32)
    net[0, 4:7, 10:13, 0] = 1.0            # a window of equal ones
    net[0, 4, 12, 1] = net[0, 5, 10, 1] = 1.0  # the upper right is the first
    gradient = np.arange(1, 289, dtype=np.float32).reshape(1, 12, 12, 2)

    def build(net):
        return to_net(fast.build_max_pool(to_rows(net), 'pool'))

    unused_value, ours = run(build, [net], gradient, tf.float32)
    unused_value, theirs = run(exact_pool, [net], gradient, tf.float32)
    assert np.array_equal(ours, theirs)
    assert ours[0, 4, 10, 0] >= gradient[0, 2, 5, 0]
    assert ours[0, 4, 12, 1] >= gradient[0, 2, 5, 1]


@pytest.mark.parametrize('kind', [
    kind for kind in KINDS if 'huge' not in getattr(kind, 'values', ())])
def test_normalization(kind):
    inputs = [draw([BATCH, 12, 12, 64], kind)]
    gradient = draw([BATCH, 12, 12, 64], 'random', 3)

    def build(net):
        return to_net(fast.build_normalization(to_rows(net), NORMALIZATION,
                                               'norm'))

    assert_close(run(build, inputs, gradient, tf.float32),
                 run(plain_port.lrn, inputs, gradient, tf.float64), 2e-6)


def test_flat_product():
    inputs = [draw([BATCH, 6, 6, 64], 'activations'),
              draw([2304, 384], 'random', 2)]
    gradient = draw([BATCH, 384], 'random', 3)

    def build(net, weights):
        return fast.build_flat_product(to_rows(net), weights)

    assert_close(run(build, inputs, gradient, tf.float32),
                 run(stock.build_flat_product, inputs, gradient, tf.float64),
                 2e-6)


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


def test_fast_has_what_stock_has():
    for name in kernels.NAMES:
        assert kernels.load(name).__name__.endswith(name)
    functions = [name for name in dir(stock) if name.startswith('build_')]
    for module in (fast, inference):
        assert functions == [name for name in dir(module)
                             if name.startswith('build_')]
    assert kernels.load('fast', for_training=False) is inference


def test_auto_is_fast_on_a_cpu_and_stock_on_a_gpu():
    assert kernels.choose('auto', 'cpu') == 'fast'
    assert kernels.choose('auto', 'gpu') == 'stock'
    for name in kernels.NAMES:
        assert kernels.choose(name, 'cpu') == name


def test_no_gradient_with_respect_to_the_images():
    with tf.Graph().as_default():
        images = tf.placeholder(tf.float32, [BATCH, 24, 24, 3])
        logits = deep_cnn.build_network(images, 1, fast)
        assert tf.gradients(logits, images) == [None]
