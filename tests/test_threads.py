"""Gradients at several numbers of threads and batches, which block a product
differently: a formulation must not rest on two computations' equal bits."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import first_layers_gradient
from cifar10_tf1 import machine

SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      'first_layers_gradient.py')


@pytest.mark.parametrize('threads', [2] + [
    pytest.param(number, marks=pytest.mark.slow) for number in (1, 3, 5)])
def test_gradients_of_the_first_layers(threads):
    result = subprocess.run(
        [sys.executable, SCRIPT, str(threads), '100', '64', '50', '37', '1'],
        stdout=subprocess.PIPE, check=True, universal_newlines=True)
    deviations = json.loads(result.stdout)
    assert len(deviations) == 5
    for batch, by_variable in deviations.items():
        assert max(by_variable.values()) <= 1e-5, (batch, by_variable)


def test_gradients_where_a_product_computes_its_edges_by_other_code(
        monkeypatch):
    """Whatever this processor does: no product gives one value twice."""
    product = tf.matmul

    def build_uneven_product(*arguments, **options):
        net = product(*arguments, **options)
        noise = np.random.RandomState(1).uniform(
            -1e-6, 1e-6, net.shape.as_list()).astype(np.float32)
        return net * (1.0 + noise)

    monkeypatch.setattr(tf, 'matmul', build_uneven_product)
    deviations = first_layers_gradient.measure(5, machine.Threads(1, 1, 1))
    assert max(deviations.values()) <= 1e-5, deviations
