"""The doctor on cards and drivers: the right verdict for each."""

import pytest

import cuda_stubs
from cifar10_tf1.machine.cuda import driver as drivers
from cifar10_tf1.machine.cuda import libraries
from cifar10_tf1.machine.cuda import support as supports
from cifar10_tf1.doctor import gpu
from cifar10_tf1.doctor import lines as report
from cifar10_tf1.doctor.lines import FAIL
from cifar10_tf1.doctor.lines import OK
from cifar10_tf1.doctor.lines import WARN


TWO = (drivers.Card('0', *cuda_stubs.RTX_3090),
       drivers.Card('1', *cuda_stubs.RTX_2080))


def statuses(monkeypatch, driver, requested='auto',
             support=supports.TENSORFLOW_1, found=libraries.Libraries({}, 7605)):
    monkeypatch.setattr(drivers, 'ask', lambda: driver)
    monkeypatch.setattr(supports, 'find_support', lambda: support)
    monkeypatch.setattr(libraries, 'look_for', lambda support: found)
    lines = report.run_check('GPU', gpu.check_gpu, requested)
    return [line.status for line in lines], report.format_lines(lines)


@pytest.mark.parametrize('requested, status', [
    ('auto', OK), ('cpu', OK), ('gpu', FAIL)])
def test_no_driver(monkeypatch, requested, status):
    found, text = statuses(monkeypatch, drivers.Driver(), requested)
    assert found == [status, OK] and 'no NVIDIA driver here' in text


@pytest.mark.parametrize('requested, status', [
    ('auto', WARN), ('cpu', OK), ('gpu', FAIL)])
def test_a_broken_driver(monkeypatch, requested, status):
    driver = drivers.Driver(True, problem='the NVIDIA driver fails (999); do x')
    found, text = statuses(monkeypatch, driver, requested)
    assert found[0] == status and 'the NVIDIA driver fails (999)' in text
    assert ('-> do x' in text) == (status != OK)


def test_a_fit_card(monkeypatch):
    found, text = statuses(monkeypatch, drivers.Driver(
        True, 12020, '535.54', TWO[1:]))
    assert found == [OK, OK, OK]
    assert 'NVIDIA 535.54, serves CUDA 12.2' in text
    assert 'compute capability 7.5: fit for TensorFlow 1.15' in text
    assert 'cuDNN 7.6.5' in text


@pytest.mark.parametrize('requested, status', [
    ('auto', FAIL), ('cpu', OK), ('gpu', FAIL)])
def test_an_unfit_card(monkeypatch, requested, status):
    found, text = statuses(monkeypatch, drivers.Driver(
        True, 12020, '535.54', TWO[:1]), requested)
    assert found == [OK, status, OK]
    assert ('docker/Dockerfile.tf2' in text) == (status != OK)


def test_a_fit_card_beside_an_unfit_one(monkeypatch):
    found, text = statuses(monkeypatch, drivers.Driver(True, 12020, None, TWO))
    assert found == [OK] * 4 and 'so it is not used' in text


def test_cards_without_tensorflow(monkeypatch):
    found, text = statuses(monkeypatch, drivers.Driver(True, 12020, None, TWO),
                           support=None)
    assert found == [OK] * 4
    assert '8.6: fit for TensorFlow 2\n' in text
    assert '7.5: fit for TensorFlow 1.15 and TensorFlow 2\n' in text


def test_an_old_driver_without_tensorflow(monkeypatch):
    found, text = statuses(monkeypatch, drivers.Driver(True, 9020, None, TWO),
                           support=None)
    assert found == [OK, FAIL, FAIL, OK]
    assert 'fit for neither TensorFlow\n' in text
    assert '-> use --device cpu' in text


@pytest.mark.parametrize('requested, status', [
    ('auto', WARN), ('cpu', OK), ('gpu', FAIL)])
def test_missing_libraries(monkeypatch, requested, status):
    found, text = statuses(
        monkeypatch, drivers.Driver(True, 12020, None, TWO[1:]), requested,
        found=libraries.Libraries({'libcudnn.so.7': 'not found'}))
    assert found == [OK, OK, status]
    assert 'libcudnn.so.7 cannot be loaded: the CPU is used' in text
    assert ('docker/Dockerfile' in text) == (status != OK)
