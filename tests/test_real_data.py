"""Short runs on the real CIFAR-10; CIFAR10_DATA_DIR names it."""

import csv
import os

import numpy as np
import pytest

import runs
from cifar10_tf1 import recorded
from cifar10_tf1 import step_losses
from cifar10_tf1.data import cifar10


@pytest.fixture
def data_set(real_data_dir):
    return cifar10.load_data_set(real_data_dir)


@pytest.mark.parametrize('name', [
    'fast', pytest.param('stock', marks=pytest.mark.slow)])
def test_first_steps(name, data_set, tmp_path):
    """The record's on any machine, either runtime, by either formulation; the
    last bits differ, and grow."""
    runs.train(tmp_path, data_set, max_steps=50, seed=1, kernels=name)
    losses = np.fromfile(str(tmp_path / step_losses.FILE), '<f4')
    with open(os.path.join(recorded.RECORD, 'first_losses.csv'),
              newline='') as file:
        expected = np.array([row['loss'] for row in csv.DictReader(file)][:50],
                            np.float32)
    deviations = np.abs(losses / expected - 1)
    assert deviations[:10].max() < 2e-6
    assert deviations.max() < 5e-3
