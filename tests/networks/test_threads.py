"""The fast kernels at several numbers of threads and sizes of batches.

These block a product differently: no formulation may rely on the equal bits of two
computations.
"""

import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import kernel_gradients
from cifar10_tf1.machine import description

# Of the largest entry.
TOLERANCES = {'deep_cnn': 1e-5, 'udacity_cnn': 2e-5, 'laptop_cnn': 2e-5}


def measure(system, threads, batches):
    """{batch: digest} in a process with (threads within an op, ops at a time)."""
    by_batch = json.loads(subprocess.run(
        [sys.executable, kernel_gradients.__file__, system,
         *map(str, threads), *map(str, batches)],
        stdout=subprocess.PIPE, check=True, universal_newlines=True).stdout)
    assert sorted(map(int, by_batch)) == sorted(batches)
    for batch, (deviations, unused_digest) in by_batch.items():
        assert max(deviations.values()) <= TOLERANCES[system], (threads, batch, deviations)
    return {batch: digest for batch, (unused, digest) in by_batch.items()}


@pytest.mark.slow
@pytest.mark.parametrize('threads', [1, 2, 3, 5])
def test_deep_cnn(threads):
    measure('deep_cnn', (threads, 2), [100, 64, 50, 37, 1])


@pytest.mark.slow
@pytest.mark.parametrize('system', ['udacity_cnn', 'laptop_cnn'])
def test_pooled_convolutions(system):
    """With one thread within an op the bits are the same, else the sums are as good."""
    pools = [(1, 1), (1, 2), (1, 5), (2, 2), (3, 1)]  # within an op, ops at a time
    digests = [measure(system, threads, [1, 37, 120]) for threads in pools]
    assert digests[0] == digests[1] == digests[2]


@pytest.mark.slow
def test_products_that_compute_their_edges_by_other_code(monkeypatch):
    """Simulates a processor on which no product gives one value twice."""
    product = tf.matmul

    def build_uneven_product(*arguments, **options):
        net = product(*arguments, **options)
        if net.dtype != tf.float32:  # of the float64 reference
            return net
        noise = np.random.RandomState(1).uniform(
            -1e-7, 1e-7, net.shape.as_list()).astype(np.float32)
        return net * (1.0 + noise)

    monkeypatch.setattr(tf, 'matmul', build_uneven_product)
    deviations, unused_digest = kernel_gradients.measure(
        'deep_cnn', 5, description.Threads(1, 1, 1))
    assert max(deviations.values()) <= TOLERANCES['deep_cnn'], deviations
