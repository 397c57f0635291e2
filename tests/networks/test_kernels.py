"""The fast kernels, layer by layer, against float64: values and gradients."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import kernel_gradients
from cifar10_tf1 import kernels
from cifar10_tf1.benchmark import plain_port
from cifar10_tf1.kernels import fast
from cifar10_tf1.kernels import inference
from cifar10_tf1.kernels import pooled
from cifar10_tf1.kernels import stock
from cifar10_tf1.kernels import winograd
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


KINDS = ['random', 'mixed', 'spike', 'ties', 'zeros'] + [
    pytest.param(kind, marks=pytest.mark.slow)
    for kind in ('huge', 'tiny', 'offset', 'activations')]


def run(build, inputs, gradient, dtype=tf.float32):
    """[value, gradients...] of build(*inputs), weighted with a gradient if it is given."""
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = [tf.constant(value, dtype) for value in inputs]
        result = build(*tensors)
        if gradient is None:
            return [session.run(result)]
        gradients = tf.gradients(result, tensors, tf.constant(gradient, dtype))
        return session.run([result] + [g for g in gradients if g is not None])


def assert_close(actual, expected, tolerance):
    assert len(actual) == len(expected)
    for ours, exact in zip(actual, expected):
        assert ours.shape == exact.shape and np.isfinite(ours).all()
        assert np.abs(ours - exact).max() <= tolerance * np.abs(exact).max()


def to_rows(net):
    return tf.unstack(tf.transpose(net, [1, 2, 0, 3]))


def to_net(plane):
    return tf.transpose(tf.stack(plane), [2, 0, 1, 3])


def build_exact_convolution(net, weights, biases):
    return tf.nn.relu(tf.nn.conv2d(net, weights, [1, 1, 1, 1], 'SAME') + biases)


def build_exact_pool(net):
    return tf.nn.max_pool(net, [1, 3, 3, 1], [1, 2, 2, 1], 'SAME')


@pytest.mark.parametrize('weights_kind', ['random', pytest.param(
    'mixed', marks=pytest.mark.slow)])
@pytest.mark.parametrize('kind', KINDS)
def test_winograd_convolution(kind, weights_kind):
    inputs = [draw([BATCH, 12, 12, 64], kind), draw([5, 5, 64, 64], weights_kind, 2)]
    gradient = draw([BATCH, 12, 12, 64], 'random', 3)

    def build(net, weights):
        return to_net(winograd.build_convolution(to_rows(net), weights))

    def build_exact(net, weights):
        return tf.nn.conv2d(net, weights, [1, 1, 1, 1], 'SAME')

    results = run(build, inputs, gradient)
    expected = run(build_exact, inputs, gradient, tf.float64)
    # Measured with random inputs: 2e-6, 2e-6, 1e-6.
    assert_close(results, expected,
                 5e-6 if kind == weights_kind == 'random' else 2e-5)


@pytest.mark.parametrize('kind', KINDS)
def test_first_layers(kind, monkeypatch):
    """Convolution of images, biases, ReLU and pool; also those for testing."""
    monkeypatch.setattr(inference, '_PART', 3)  # and a smaller one at the end
    inputs = [draw([5, 5, 3, 64], 'random', 2), draw([64], 'random', 4)]
    images = draw([BATCH, 24, 24, 3], kind)
    gradient = draw([BATCH, 12, 12, 64], 'random', 3)

    def build(weights, biases):
        return to_net(fast.build_convolution_and_pool(
            tf.constant(images), weights, biases, 'pool'))

    def build_exact(weights, biases):
        return build_exact_pool(build_exact_convolution(
            tf.constant(images, tf.float64), weights, biases))

    def build_for_testing(weights, biases):
        return tf.concat(inference.build_convolution_and_pool(
            tf.constant(images), weights, biases, 'pool'), 0)

    if kind == 'ties':
        # Rounding decides which of the equal sums is the largest, so gradients
        # may differ.
        gradient = None
    expected = run(build_exact, inputs, gradient, tf.float64)
    assert_close(run(build_for_testing, inputs, None), expected[:1], 2e-5)
    assert_close(run(build, inputs, gradient), expected, 2e-5)


@pytest.mark.parametrize('kind', KINDS)
def test_convolution_with_biases_and_relu(kind):
    """Of training and of testing, which takes parts of the batch."""
    inputs = [draw([BATCH, 12, 12, 64], kind), draw([5, 5, 64, 64], 'random', 2),
              draw([64], 'random', 4)]
    gradient = draw([BATCH, 12, 12, 64], 'random', 3)

    def build(net, weights, biases):
        return to_net(fast.build_convolution(to_rows(net), weights, biases))

    def build_for_testing(net, weights, biases):
        return to_net(inference.build_convolution(tf.split(net, 2), weights, biases))

    if kind != 'random':  # test_winograd_convolution has the other gradients
        gradient = None
    expected = run(build_exact_convolution, inputs, gradient, tf.float64)
    assert_close(run(build_for_testing, inputs, None), expected[:1], 2e-5)
    if kind == 'random':
        assert_close(run(build, inputs, gradient), expected, 2e-5)


@pytest.mark.parametrize('kind', KINDS)
def test_max_pool(kind):
    """To the bit: a maximum rounds nothing. Where windows overlap, gradients are sums
    of two terms, of four at corners."""
    inputs = [draw([BATCH, 12, 12, 64], kind)]
    gradient = draw([BATCH, 6, 6, 64], 'random', 3)

    def build(net):
        return to_net(fast.build_max_pool(to_rows(net), 'pool'))

    def build_for_testing(net):
        return to_net(inference.build_max_pool(to_rows(net), 'pool'))

    results = run(build, inputs, gradient)
    expected = run(build_exact_pool, inputs, gradient, tf.float64)
    assert np.array_equal(results[0], expected[0])
    assert np.array_equal(run(build_for_testing, inputs, None)[0], expected[0])
    assert_close(results, expected, 2e-6)


def test_max_pool_gives_the_gradient_to_the_first_of_equal_ones():
    """By row, then by column, as TensorFlow does; on 24 columns too."""
    net = np.zeros([1, 24, 24, 2], np.float32)
    net[0, 4:7, 10:13, 0] = 1.0            # a window of equal ones
    net[0, 4, 12, 1] = net[0, 5, 10, 1] = 1.0  # the upper right is the first
    gradient = np.arange(1, 289, dtype=np.float32).reshape(1, 12, 12, 2)

    def build(net):
        return to_net(fast.build_max_pool(to_rows(net), 'pool'))

    unused_value, ours = run(build, [net], gradient)
    unused_value, theirs = run(build_exact_pool, [net], gradient)
    assert np.array_equal(ours, theirs)
    assert ours[0, 4, 10, 0] >= gradient[0, 2, 5, 0]
    assert ours[0, 4, 12, 1] >= gradient[0, 2, 5, 1]


@pytest.mark.parametrize('kind', [
    kind for kind in KINDS if 'huge' not in getattr(kind, 'values', ())])
def test_normalization(kind):
    inputs = [draw([BATCH, 12, 12, 64], kind)]
    gradient = draw([BATCH, 12, 12, 64], 'random', 3)

    def build(net):
        return to_net(fast.build_normalization(to_rows(net), NORMALIZATION, 'norm'))

    assert_close(run(build, inputs, gradient),
                 run(plain_port.lrn, inputs, gradient, tf.float64), 2e-6)


def test_flat_product():
    inputs = [draw([BATCH, 6, 6, 64], 'activations'), draw([2304, 384], 'random', 2)]
    gradient = draw([BATCH, 384], 'random', 3)

    def build(net, weights):
        return fast.build_flat_product(to_rows(net), weights)

    assert_close(run(build, inputs, gradient),
                 run(stock.build_flat_product, inputs, gradient, tf.float64), 2e-6)


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


@pytest.fixture(params=[False, True], ids=['own', 'onednn'])
def onednn(request, monkeypatch):
    """Both ways on every machine, whether or not oneDNN computes the ops here."""
    monkeypatch.setattr(runtime, 'has_onednn_rewrites', lambda: request.param)


def check_pooled(name, batch, has_length=True):
    compute = kernel_gradients.compute_pooled
    expected = compute(name, batch, stock, tf.float64)
    deviations = kernel_gradients.find_deviations(
        compute(name, batch, fast, tf.float32, has_length=has_length), expected)
    assert max(deviations.values()) <= POOLED_TOLERANCE, deviations
    for_testing = compute(name, batch, inference, tf.float32, has_length=has_length)
    assert_close([for_testing['features']], [expected['features']], POOLED_TOLERANCE)


@pytest.mark.parametrize('name, batch', [
    ('udacity_cnn', 1), ('udacity_cnn', 3), ('laptop_cnn', 1),
    ('laptop_cnn', 37), ('neither', 5)])
def test_pooled_convolutions(name, batch, onednn, monkeypatch):
    monkeypatch.setattr(pooled, '_PART', 20)  # and a shorter one
    check_pooled(name, batch)


@pytest.mark.slow
@pytest.mark.parametrize('batch', [37, 40, 256])
@pytest.mark.parametrize('name', ['udacity_cnn', 'laptop_cnn'])
def test_pooled_convolutions_of_whole_batches(name, batch, onednn):
    check_pooled(name, batch)


@pytest.mark.parametrize('batch', [1, 6])
def test_pooled_convolutions_of_an_unknown_length(batch, monkeypatch):
    """Fewer images than parts, too."""
    monkeypatch.setattr(runtime, 'has_onednn_rewrites', lambda: False)
    check_pooled('laptop_cnn', batch, has_length=False)


@pytest.mark.parametrize('kind', KINDS)
def test_one_pooled_convolution(kind, monkeypatch):
    """Of every kind of numbers; a pool that rounds nothing follows."""
    monkeypatch.setattr(runtime, 'has_onednn_rewrites', lambda: False)
    images = draw([BATCH, 8, 8, 32], kind)
    inputs = [draw([4, 4, 32, 16], 'random', 2), draw([16], 'random', 4)]
    # Of ties as in test_first_layers.
    gradient = None if kind == 'ties' else draw([BATCH, 4 * 4 * 16], 'random', 3)

    def build(module, dtype=tf.float32):
        def compute(weights, biases):
            return module.build_pooled_convolutions(
                tf.constant(images, dtype), [(weights, biases)], 'SAME', (1,), True)
        return run(compute, inputs, gradient, dtype)

    assert_close(build(fast), build(stock, tf.float64), POOLED_TOLERANCE)


def test_the_formulations_have_the_same_functions():
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
