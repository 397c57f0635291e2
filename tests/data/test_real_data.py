"""Short runs on the real CIFAR-10, which CIFAR10_DATA_DIR names."""

import csv
import os

import numpy as np
import pytest

import runs
from cifar10_tf1.records import reference_run


@pytest.mark.parametrize('kernels', ['fast', pytest.param('stock', marks=pytest.mark.slow)])
def test_first_steps(kernels, real_data_dir, tmp_path):
    """Equal to the record on any machine, but for a growing error in the last bits."""
    runs.run_program(None, 'train.py', '--data-dir', real_data_dir, '--model-dir', tmp_path,
                     '--max-steps', 50, '--seed', 1, '--kernels', kernels, '--device', 'cpu')
    losses = runs.step_losses(tmp_path)
    with open(os.path.join(reference_run.RECORD, 'first_losses.csv'), newline='') as file:
        expected = np.array([row['loss'] for row in csv.DictReader(file)][:50], np.float32)
    deviations = np.abs(losses / expected - 1)
    assert deviations[:10].max() < 2e-6
    assert deviations.max() < 5e-3
