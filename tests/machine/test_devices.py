"""The selection of the device, with made-up drivers: no card is needed."""

from types import SimpleNamespace

import pytest
from tensorflow.python.client import device_lib

from cards import GTX_1080_TI, GTX_980, H100, RTX_2080, RTX_3090, RTX_5090
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description, devices
from cifar10_tf1.machine.cuda import driver as drivers, support as supports
from cifar10_tf1.machine.cuda.driver import Driver
from cifar10_tf1.machine.cuda.support import TENSORFLOW_1, TENSORFLOW_2

THREADS = description.Threads(2, 2, 2)
DESCRIBED = ('device: 0, name: NVIDIA GeForce GTX 1080 Ti, pci bus id: '
             '0000:02:00.0, compute capability: 6.1')


@pytest.fixture
def install(monkeypatch):
    """A function that installs a TensorFlow, a driver, and a GPU that both can use."""
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    local = SimpleNamespace(device_type='GPU', physical_device_desc=DESCRIBED)

    def install(driver, support=TENSORFLOW_1, is_usable=True, cudnn=None):
        monkeypatch.setattr(drivers, 'ask', lambda: driver)
        monkeypatch.setattr(drivers, 'find_number', lambda: '535.54')
        monkeypatch.setattr(drivers, 'find_cuda', lambda: 10000)
        monkeypatch.setattr(drivers, 'find_cudnn', lambda: cudnn)
        monkeypatch.setattr(supports, 'find_support', lambda: support)
        monkeypatch.setattr(device_lib, 'list_local_devices', lambda config: [local] * is_usable)
    return install


def refusal(*arguments):
    """The error line of a refused selection."""
    with pytest.raises(UserError) as caught:
        devices.select(*arguments)
    assert '\n' not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize('driver, hidden, reason', [
    (Driver(), None, 'no NVIDIA driver here'),
    (Driver(problem='it fails (999)', is_broken=True), None, 'it fails (999)'),
    (Driver((RTX_2080,), 13000), '', 'CUDA_VISIBLE_DEVICES= hides every GPU'),
    (Driver((RTX_2080,), 13000), '-1', 'CUDA_VISIBLE_DEVICES=-1 hides every GPU')])
def test_without_a_card_the_cpu(install, monkeypatch, capsys, driver, hidden, reason):
    install(driver)
    if hidden is not None:
        monkeypatch.setenv('CUDA_VISIBLE_DEVICES', hidden)
    assert reason in refusal('gpu') and '--gpus all' in refusal('gpu')
    assert devices.resolve(devices.select('auto'), THREADS) == 'cpu'
    assert devices.find_gpu('cpu', THREADS) is None
    line = f'Device: CPU ({reason}), 2 threads\n'
    assert capsys.readouterr() == (('', 'warning: ' + line) if driver.is_broken else (line, ''))


@pytest.mark.parametrize('support, card, cuda, way_out', [
    (TENSORFLOW_1, RTX_3090, 13000, 'docker/Dockerfile.tf2)'),
    (TENSORFLOW_1, H100, 12040, 'docker/Dockerfile.tf2) with the NVIDIA driver 555.42.02'),
    (TENSORFLOW_2, GTX_980, 13000, 'docker/Dockerfile)'),
    (TENSORFLOW_1, RTX_5090, 13000, None), (TENSORFLOW_2, RTX_5090, 13000, None)])
def test_an_unfit_card_is_refused_with_ways_out(install, support, card, cuda, way_out, capsys):
    install(Driver((card,), cuda), support)
    line = refusal('auto')
    assert refusal('gpu') == line
    assert str(card) in line
    assert '--device cpu' in line and '--allow-unsupported-gpu' in line
    assert way_out in line if way_out else 'docker' not in line
    assert devices.select('cpu').device == 'cpu'
    assert devices.select('gpu', allow_unsupported=True).device == 'gpu'
    error = capsys.readouterr().err
    assert error.startswith('warning: GPU 0: ') and error.count('\n') == 1


def test_the_fit_card_of_two(install, capsys):
    install(Driver((RTX_3090, GTX_1080_TI._replace(label='1')), 12020))
    assert devices.resolve(devices.select('auto'), THREADS) == 'gpu'
    assert capsys.readouterr().out == (
        'Device: GPU 1: NVIDIA GeForce GTX 1080 Ti, compute capability 6.1, driver '
        '535.54, CUDA 10.0\n')
    # Equal machines must not differ by the slot of the card.
    assert 'pci bus id' not in devices.find_gpu('gpu', THREADS)['card']


@pytest.mark.parametrize('is_usable, cudnn, words', [
    (False, None, 'TF_CPP_MIN_LOG_LEVEL=0'), (True, 92800, 'cuDNN 9.28')])
def test_a_card_that_tensorflow_cannot_use(install, capsys, is_usable, cudnn, words):
    install(Driver((GTX_1080_TI,), 13000), TENSORFLOW_2, is_usable, cudnn)
    assert devices.resolve(devices.select('auto'), THREADS) == 'cpu'
    output, error = capsys.readouterr()
    assert output == '' and error.count('\n') == 1
    assert error.startswith('warning: Device: CPU (')
    assert words in error and 'make setup RUNTIME=tf2-cuda' in error
    with pytest.raises(UserError, match=words):
        devices.resolve(devices.select('gpu'), THREADS)
