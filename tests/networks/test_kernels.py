"""Both formulations against the golden values, and the fast kernels against float64."""

import json
import os
from typing import Callable, NamedTuple, Optional, Tuple

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import kernel_gradients
import runs
from cifar10_tf1 import kernels
from cifar10_tf1.benchmark import plain_deep_cnn
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.kernels import fast, inference, pooled, stock
from cifar10_tf1.machine import description, runtime
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn
from golden import make_deep_cnn
from kernel_gradients import check

BATCH = 4
KINDS = ('random', 'mixed', 'spike', 'ties')


@pytest.mark.parametrize('name', kernels.NAMES)
def test_golden_values_and_gradients(name):
    golden = make_deep_cnn.load_golden()
    weights, images, labels = make_deep_cnn.make_inputs(golden['chosen'])
    actual = kernel_gradients.compute_deep_cnn(kernels.load(name), weights, images, labels)
    for variable in weights:
        gradient = actual.pop(variable).ravel()[::make_deep_cnn.STRIDE]
        assert np.abs(gradient - golden['gradient/' + variable]).max() <= (
            kernel_gradients.TOLERANCE * golden['largest/' + variable]), variable
    check(actual, {key: golden[key] for key in ('logits', 'loss')}, kernel_gradients.TOLERANCE)


def draw(shape, kind='random', seed=1):
    random = np.random.RandomState(seed)
    values = random.randn(*shape)
    if kind == 'mixed':  # over 16 orders of magnitude
        values *= 10.0 ** random.randint(-8, 9, shape)
    elif kind == 'spike':
        values[tuple(size // 2 for size in shape)] = 1e6
    elif kind == 'ties':  # few different ones, and large equal areas
        values = np.round(values)
        values[:, :shape[1] // 2] = 1.0
    return values.astype(np.float32)


def run(build, inputs, gradient, dtype=tf.float32, num_fixed=0):
    """{0: value of build(*inputs), 1: its first gradient, ...}, weighted with `gradient`.

    The first num_fixed inputs have no gradient; without `gradient`, none has.
    """
    with tf.Graph().as_default(), tf.Session() as session:
        tensors = [tf.constant(value, dtype) for value in inputs]
        result = [build(*tensors)]
        if gradient is not None:
            result += tf.gradients(result, tensors[num_fixed:], tf.constant(gradient, dtype))
        return dict(enumerate(session.run(result)))


def to_rows(net):
    return tf.unstack(tf.transpose(net, [1, 2, 0, 3]))


def to_net(plane):
    return tf.transpose(tf.stack(plane), [2, 0, 1, 3])


def of_rows(build, *options):
    """A layer from plane to plane, as one from images to images."""
    return lambda net, *inputs: to_net(build(to_rows(net), *inputs, *options))


class Layer(NamedTuple):
    build: Callable            # of the fast kernels, from the inputs
    exact: Callable            # the same in float64
    shapes: Tuple              # of the inputs; the first is of each kind
    result: Tuple              # its shape
    tolerance: float           # of the largest entry; 0: values to the bit
    testing: Optional[Callable] = None  # of the kernels for testing
    num_fixed: int = 0         # inputs without a gradient


PLANE = BATCH, 12, 12, 64
LAYERS = {
    'first layers': Layer(
        lambda *inputs: to_net(fast.build_convolution_and_pool(*inputs, 'pool')),
        lambda *inputs: stock.build_convolution_and_pool(*inputs, 'pool'),
        ((BATCH, 24, 24, 3), (5, 5, 3, 64), (64,)), PLANE, 2e-5, lambda *inputs: tf.concat(
            inference.build_convolution_and_pool(*inputs, 'pool'), 0), 1),
    'convolution': Layer(
        of_rows(fast.build_convolution), stock.build_convolution,
        (PLANE, (5, 5, 64, 64), (64,)), PLANE, 2e-5,
        lambda net, *others: to_net(inference.build_convolution(tf.split(net, 2), *others))),
    # A maximum rounds nothing. Where windows overlap, gradients are sums.
    'max pool': Layer(
        of_rows(fast.build_max_pool, 'pool'), lambda net: stock.build_max_pool(net, 'pool'),
        (PLANE,), (BATCH, 6, 6, 64), 0, of_rows(inference.build_max_pool, 'pool')),
    'normalization': Layer(
        of_rows(fast.build_normalization, deep_cnn.settings.normalization, 'norm'),
        plain_deep_cnn.lrn, (PLANE,), PLANE, 2e-6),
    'flat product': Layer(
        lambda net, weights: fast.build_flat_product(to_rows(net), weights),
        stock.build_flat_product, ((BATCH, 6, 6, 64), (2304, 384)), (BATCH, 384), 5e-6),
}


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('name', sorted(LAYERS))
def test_a_layer(name, kind, monkeypatch):
    layer = LAYERS[name]
    monkeypatch.setattr(inference, '_PART', 3)  # and a smaller one at the end
    inputs = [draw(shape, kind if seed == 1 else 'random', seed)
              for seed, shape in enumerate(layer.shapes, 1)]
    gradient = draw(layer.result, seed=4)
    if name in ('first layers', 'convolution') and kind == 'ties':
        # Rounding decides which of the equal sums is the largest, or above zero, so
        # gradients may differ.
        gradient = None
    expected = run(layer.exact, inputs, gradient, tf.float64, layer.num_fixed)
    check(run(layer.build, inputs, gradient, num_fixed=layer.num_fixed), expected,
          layer.tolerance or 2e-6)
    if layer.testing:
        check(run(layer.testing, inputs, None), {0: expected[0]}, layer.tolerance)


@pytest.mark.parametrize('onednn', [False, True])
@pytest.mark.parametrize('name, batch, has_length', [
    ('udacity_cnn', 3, True), ('laptop_cnn', 37, True), ('neither', 5, True),
    ('lenet5', 1, True), ('lenet5', 7, False),
    ('laptop_cnn', 1, False), ('laptop_cnn', 6, False)])  # fewer images than parts, too
def test_pooled_convolutions(name, batch, has_length, onednn, monkeypatch):
    """Both ways on every machine, whether or not oneDNN computes the ops here."""
    monkeypatch.setattr(runtime, 'has_onednn_rewrites', lambda: onednn)
    monkeypatch.setattr(pooled, '_PART', 20)  # and a shorter one
    compute = kernel_gradients.compute_pooled
    check(compute(name, batch, fast, tf.float32, has_length=has_length),
          compute(name, batch, stock, tf.float64), kernel_gradients.POOLED_TOLERANCE)


def measure(system, intra_op, inter_op, *batches):
    """{batch: digest} in a process with threads within an op, and ops at a time."""
    return json.loads(runs.run_program(os.environ, kernel_gradients.__file__, system, intra_op,
                                       inter_op, *batches))


@pytest.mark.slow
@pytest.mark.parametrize('threads', [1, 2, 3, 5])
def test_deep_cnn_on_any_number_of_threads(threads):
    """Threads and batch sizes that block products differently: equal ones may differ in bits."""
    measure('deep_cnn', threads, 2, 100, 64, 50, 37, 1)


@pytest.mark.slow
@pytest.mark.parametrize('system', ['udacity_cnn', 'laptop_cnn'])
def test_pooled_convolutions_on_any_number_of_threads(system):
    """One thread within an op gives the same bits; more give sums of the same accuracy."""
    first, *others = (measure(system, *threads, 1, 37, 120)
                      for threads in [(1, 1), (1, 2), (1, 5), (2, 2), (3, 1)])
    assert first == others[0] == others[1]


@pytest.mark.slow
def test_products_that_compute_their_edges_by_other_code(monkeypatch):
    """Simulates a processor that never gives the same product twice."""
    product = tf.matmul

    def build_uneven_product(*arguments, **options):
        net = product(*arguments, **options)
        if net.dtype == tf.float64:  # of the reference
            return net
        return net * (1.0 + np.random.RandomState(1).uniform(
            -1e-7, 1e-7, net.shape.as_list()).astype(np.float32))

    monkeypatch.setattr(tf, 'matmul', build_uneven_product)
    kernel_gradients.measure('deep_cnn', 5, description.Threads(1, 1, 1))


def test_auto_is_fast_on_a_cpu_only():
    assert kernels.choose('auto', 'cpu') == 'fast'
    assert kernels.choose('auto', 'gpu') == 'stock'
    with pytest.raises(UserError, match='--device cpu'):
        kernels.choose('fast', 'gpu')
    assert kernels.load('fast', for_training=False) is inference
