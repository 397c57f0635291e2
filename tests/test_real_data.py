"""Short runs on the real CIFAR-10; CIFAR10_DATA_DIR names it."""

import numpy as np
import pytest

import runs
from cifar10_tf1 import kernels
from cifar10_tf1 import step_losses
from cifar10_tf1.data import cifar10

# Of seed 1, TensorFlow 1.15.0, two threads, on the machine of
# results/record/run.json, with stock kernels.
FIRST_LOSSES = [
    4.684877395629883, 4.6865129470825195, 4.6612725257873535,
    4.666546821594238, 4.680253505706787, 4.659648895263672, 4.665083885192871,
    4.639182090759277, 4.671789169311523, 4.639716148376465, 4.627284049987793,
    4.618222236633301, 4.604459762573242, 4.598959445953369, 4.600467681884766,
    4.595729827880859, 4.549595832824707, 4.55012321472168, 4.577178001403809,
    4.566630840301514, 4.579067230224609, 4.509385108947754, 4.54597282409668,
    4.455630779266357, 4.4186320304870605, 4.58645486831665, 4.685134410858154,
    4.473224639892578, 4.406245231628418, 4.427309989929199, 4.418567180633545,
    4.499115943908691, 4.468435764312744, 4.348355770111084,
    4.4098992347717285, 4.342214584350586, 4.34025764465332, 4.2852783203125,
    4.521600723266602, 4.686212539672852, 4.46042537689209, 4.362039566040039,
    4.338995456695557, 4.337385654449463, 4.358001708984375,
    4.3003411293029785, 4.384085655212402, 4.318669319152832,
    4.305917263031006, 4.1620192527771]


@pytest.fixture
def data_set(real_data_dir):
    return cifar10.load_data_set(real_data_dir)


@pytest.mark.parametrize('name', kernels.NAMES)
def test_first_steps(name, data_set, tmp_path):
    """On any machine, either runtime, by either formulation; the last bits
    differ, and grow."""
    runs.train(tmp_path, data_set, max_steps=50, seed=1, kernels=name)
    losses = np.fromfile(str(tmp_path / step_losses.FILE), '<f4')
    deviations = np.abs(losses / np.float32(FIRST_LOSSES) - 1)
    assert deviations[:10].max() < 2e-6
    assert deviations.max() < 5e-3
