"""The whole network at several numbers of threads and batches, which block a
product differently: a formulation must not rest on two computations' equal bits.
"""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import network_gradient
from cifar10_tf1.machine import description

TOLERANCE = 1e-5  # of the largest entry
SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                      'network_gradient.py')


def check(threads, *batches):
    result = subprocess.run([sys.executable, SCRIPT, str(threads), *batches],
                            stdout=subprocess.PIPE, check=True,
                            universal_newlines=True)
    deviations = json.loads(result.stdout)
    assert sorted(deviations) == sorted(batches)
    for batch, by_name in deviations.items():
        worst = max(by_name, key=by_name.get)
        print(f'{threads} threads, {batch} images: {worst} {by_name[worst]:.1e}')
        assert by_name[worst] <= TOLERANCE, (batch, by_name)


def test_two_threads():
    check(2, '37')


@pytest.mark.slow
@pytest.mark.parametrize('threads', [1, 2, 3, 5])
def test_threads(threads):
    check(threads, '100', '64', '50', '37', '1')


def test_products_that_compute_their_edges_by_other_code(monkeypatch):
    """Whatever this processor does: no product gives one value twice."""
    product = tf.matmul

    def build_uneven_product(*arguments, **options):
        net = product(*arguments, **options)
        if net.dtype != tf.float32:  # what is held against
            return net
        noise = np.random.RandomState(1).uniform(
            -1e-7, 1e-7, net.shape.as_list()).astype(np.float32)
        return net * (1.0 + noise)

    monkeypatch.setattr(tf, 'matmul', build_uneven_product)
    deviations = network_gradient.measure(5, description.Threads(1, 1, 1))
    assert max(deviations.values()) <= TOLERANCE, deviations
