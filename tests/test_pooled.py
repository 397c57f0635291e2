"""Pooled convolutions by the fast kernels against float64: values, gradients."""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import pooled_gradient
from cifar10_tf1.machine import runtime
from cifar10_tf1.kernels import fast
from cifar10_tf1.kernels import inference
from cifar10_tf1.kernels import pooled
from cifar10_tf1.kernels import stock
from test_kernels import KINDS
from test_kernels import assert_close
from test_kernels import draw
from test_kernels import run

TOLERANCE = 2e-5  # of the largest entry


@pytest.fixture(params=[False, True], ids=['own', 'onednn'])
def onednn(request, monkeypatch):
    """Both ways on every machine, whoever computes TensorFlow's ops here."""
    monkeypatch.setattr(runtime, 'has_onednn_rewrites', lambda: request.param)


def check(name, batch, has_length=True):
    layers = pooled_gradient.SYSTEMS[name]
    images, values = pooled_gradient.make_inputs(layers, batch)
    exact = pooled_gradient.compute(layers, images, values, stock, tf.float64)
    actual = pooled_gradient.compute(layers, images, values, fast, tf.float32,
                                     has_length=has_length)
    assert pooled_gradient.find_deviation(actual, exact) <= TOLERANCE
    for_testing = pooled_gradient.compute(layers, images, values, inference,
                                          tf.float32, has_length=has_length)
    assert_close(for_testing[:1], exact[:1], TOLERANCE)


@pytest.mark.parametrize('name, batch', [
    ('udacity_cnn', 1), ('udacity_cnn', 3), ('laptop_cnn', 1),
    ('laptop_cnn', 37), ('neither', 5)])
def test_layers(name, batch, onednn, monkeypatch):
    monkeypatch.setattr(pooled, '_PART', 20)  # and a shorter one
    check(name, batch)


@pytest.mark.slow
@pytest.mark.parametrize('batch', [37, 40, 256])
@pytest.mark.parametrize('name', ['udacity_cnn', 'laptop_cnn'])
def test_layers_of_whole_batches(name, batch, onednn):
    check(name, batch)


@pytest.mark.parametrize('batch', [1, 6])
def test_a_length_that_the_graph_does_not_know(batch, monkeypatch):
    """Fewer images than parts, too."""
    monkeypatch.setattr(runtime, 'has_onednn_rewrites', lambda: False)
    check('laptop_cnn', batch, has_length=False)


@pytest.mark.parametrize('kind', KINDS)
def test_convolution(kind):
    inputs = [draw([4, 8, 8, 32], kind), draw([4, 4, 32, 16], 'random', 2)]
    gradient = draw([4, 8, 8, 16], 'random', 3)

    def build(net, weights):
        return pooled._build_convolution(net, weights, (1, 2))

    def exact(net, weights):
        return tf.nn.conv2d(net, weights, [1, 1, 1, 1], 'SAME')

    assert_close(run(build, inputs, gradient, tf.float32),
                 run(exact, inputs, gradient, tf.float64), TOLERANCE)


@pytest.mark.parametrize('kind', KINDS)
def test_pool(kind):
    """To the bit, ties as well: nothing is rounded."""
    inputs = [draw([4, 6, 8, 16], kind)]
    gradient = draw([4, 3, 4, 16], 'random', 3)

    def exact(net):
        return tf.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], 'SAME')

    for actual, expected in zip(
            run(pooled._build_pool, inputs, gradient, tf.float32),
            run(exact, inputs, gradient, tf.float32)):
        assert np.array_equal(actual, expected)


def compute_in_a_process(intra_op, inter_op, *batches):
    result = subprocess.run(
        [sys.executable, pooled_gradient.__file__, str(intra_op),
         str(inter_op), *map(str, batches)], stdout=subprocess.PIPE,
        check=True, universal_newlines=True)
    return json.loads(result.stdout)


@pytest.mark.slow
def test_threads():
    """Several within an op: other sums, as near; at a time: the same bits."""
    results = {(intra_op, inter_op): compute_in_a_process(
        intra_op, inter_op, 1, 37, 120) for intra_op, inter_op in (
            (1, 1), (1, 2), (1, 3), (1, 5), (2, 2), (3, 1), (5, 2))}
    for threads, by_batch in results.items():
        for name, result in by_batch.items():
            assert result['deviation'] <= TOLERANCE, (threads, name)
            if threads[0] == 1:
                assert result == results[1, 1][name], (threads, name)
