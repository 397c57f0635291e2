"""Short runs on the real CIFAR-10; CIFAR10_DATA_DIR names it."""

import csv
import os
import subprocess
import sys

import numpy as np
import pytest

from cifar10_tf1 import recorded
from cifar10_tf1 import step_losses

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@pytest.mark.parametrize('name', [
    'fast', pytest.param('stock', marks=pytest.mark.slow)])
def test_first_steps(name, real_data_dir, tmp_path):
    """The record's on any machine, either runtime, by either formulation; the
    last bits differ, and grow.

    A process of its own: the first session of a process decides the threads of
    all, and in this one other tests have had theirs.
    """
    subprocess.run([sys.executable, os.path.join(ROOT, 'train.py'),
                    '--data-dir', real_data_dir, '--model-dir', str(tmp_path),
                    '--max-steps', '50', '--seed', '1', '--kernels', name,
                    '--device', 'cpu'], check=True)
    losses = np.fromfile(str(tmp_path / step_losses.FILE), '<f4')
    with open(os.path.join(recorded.RECORD, 'first_losses.csv'),
              newline='') as file:
        expected = np.array([row['loss'] for row in csv.DictReader(file)][:50],
                            np.float32)
    deviations = np.abs(losses / expected - 1)
    assert deviations[:10].max() < 2e-6
    assert deviations.max() < 5e-3
