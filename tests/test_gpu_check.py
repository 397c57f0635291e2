"""The comparison of the GPU with the CPU, with the CPU in both roles."""

import math

import pytest
import tensorflow.compat.v1 as tf

from cifar10_tf1 import devices
from cifar10_tf1 import gpu_check
from cifar10_tf1 import launch
from cifar10_tf1 import machine
from cifar10_tf1.errors import UserError
from cifar10_tf1.systems import deep_cnn

THREADS = machine.Threads(2, 2, 2)
NORM = 'the gradient norm of model/conv_1/weights'


@pytest.fixture(scope='module')
def figures():
    return gpu_check.compute(deep_cnn, THREADS, '/cpu:0')


def check(monkeypatch, figures, **changed):
    """Runs the check with a GPU that is off in one figure."""
    ours = dict(figures, **changed.pop('replaced', {}))
    monkeypatch.setattr(gpu_check, 'compute', lambda system, threads, device: (
        ours if device == '/gpu:0' else figures))
    gpu_check.check(deep_cnn, THREADS)


def test_figures(figures):
    assert len(figures) == 11 and NORM in figures
    assert all(math.isfinite(value) and value > 0
               for value in figures.values())


def test_equal_devices_pass():
    """Without a GPU the ops of '/gpu:0' are placed on the CPU."""
    gpu_check.check(deep_cnn, THREADS)


@pytest.mark.parametrize('name, factor, passes', [
    (gpu_check.LOSS, 1 + 9e-4, True), (gpu_check.LOSS, 1 - 1.1e-3, False),
    (gpu_check.LOSS, 1 + 1.1e-3, False), (gpu_check.LOSS, math.nan, False),
    (gpu_check.LOSS, math.inf, False), (NORM, 1 + 9e-3, True),
    (NORM, 1 + 1.1e-2, False), (NORM, math.nan, False), (NORM, 0.0, False)])
def test_differences(monkeypatch, figures, name, factor, passes):
    replaced = {name: figures[name] * factor}
    if passes:
        check(monkeypatch, figures, replaced=replaced)
        return
    with pytest.raises(UserError) as caught:
        check(monkeypatch, figures, replaced=replaced)
    assert f'the GPU computes wrong numbers: {name} of one batch' in str(
        caught.value)
    assert '--device cpu' in str(caught.value)


def test_wrong_convolutions_are_seen(monkeypatch, figures):
    """Both convolutions halved, which the loss does not show."""
    real = tf.nn.conv2d
    monkeypatch.setattr(tf.nn, 'conv2d', lambda *arguments, **options: 0.5
                        * real(*arguments, **options))
    wrong = gpu_check.compute(deep_cnn, THREADS, '/cpu:0')
    monkeypatch.undo()
    assert (abs(wrong[gpu_check.LOSS] / figures[gpu_check.LOSS] - 1)
            < gpu_check.LOSS_TOLERANCE / 10)
    with pytest.raises(UserError, match='wrong numbers'):
        check(monkeypatch, figures, replaced=wrong)


def test_training_stops_before_its_first_step(monkeypatch, tmp_path,
                                              tiny_data_set, figures):
    """On a GPU, which the choice pretends here."""
    from cifar10_tf1.run_record import RunSettings
    monkeypatch.setattr(devices, 'resolve', lambda choice, threads: 'gpu')
    monkeypatch.setattr(gpu_check, 'compute', lambda system, threads, device: (
        dict(figures, **{gpu_check.LOSS: math.nan}) if device == '/gpu:0'
        else figures))
    with pytest.raises(UserError, match='the loss of one batch is nan there'):
        launch.train(tiny_data_set, str(tmp_path / 'model'), RunSettings())
    assert not list((tmp_path / 'model').glob('*ckpt*'))
    with pytest.raises(UserError, match='the loss of one batch is nan there'):
        launch.test(tiny_data_set, str(tmp_path / 'model'), None, 1, 'random',
                    RunSettings())
