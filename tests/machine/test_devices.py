"""The selection of the device, against stub drivers: no card is needed."""

import os
import subprocess
import sys

import pytest

import cuda_stubs
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description, devices
from cifar10_tf1.machine.cuda import driver as drivers, support as supports
from cifar10_tf1.machine.cuda.support import TENSORFLOW_1, TENSORFLOW_2
from runs import ROOT

THREADS = description.Threads(2, 2, 2)
GTX_1080_TI = ('device: 0, name: NVIDIA GeForce GTX 1080 Ti, pci bus id: '
               '0000:02:00.0, compute capability: 6.1')
pytestmark = pytest.mark.usefixtures('clean')


@pytest.fixture
def installed(monkeypatch):
    """A function that says which TensorFlow is installed."""
    def install(support):
        monkeypatch.setattr(supports, 'find_support', lambda: support)

    return install


def refusal(*arguments):
    """The error line of a refused selection."""
    with pytest.raises(UserError) as caught:
        devices.select(*arguments)
    assert '\n' not in str(caught.value)
    return str(caught.value)


def warning(captured):
    """The only line printed, a warning on standard error."""
    assert captured.out == '' and captured.err.count('\n') == 1
    assert captured.err.startswith('warning: Device: CPU (')
    return captured.err


@pytest.mark.parametrize('requested, reason', [
    ('cpu', 'chosen by --device or the run\'s record'), ('auto', 'no NVIDIA driver here')])
def test_without_a_driver_the_cpu(requested, reason, monkeypatch, capsys):
    monkeypatch.setattr(drivers, 'ask', drivers.Driver)
    assert devices.resolve(devices.select(requested), THREADS) == 'cpu'
    assert devices.find_gpu('cpu', THREADS) is None
    assert '--gpus all' in refusal('gpu')
    assert capsys.readouterr() == (f'Device: CPU ({reason}), 2 threads\n', '')


@pytest.mark.parametrize('hidden', ['', '-1'])
def test_a_user_who_hides_the_cards(stub, hidden):
    stub(cuda_stubs.RTX_2080)
    os.environ['CUDA_VISIBLE_DEVICES'] = hidden
    selection = devices.select('auto')
    assert (selection.device, selection.is_problem) == ('cpu', False)
    assert 'CUDA_VISIBLE_DEVICES' in selection.reason
    assert 'CUDA_VISIBLE_DEVICES' in refusal('gpu')


@pytest.mark.parametrize('card, support, other', [
    (cuda_stubs.RTX_3090, TENSORFLOW_1, 'docker/Dockerfile.tf2'),
    (cuda_stubs.GTX_980, TENSORFLOW_2, 'TensorFlow 1.15 (make train, or docker/'),
    (cuda_stubs.RTX_5090, TENSORFLOW_1, None), (cuda_stubs.RTX_5090, TENSORFLOW_2, None)])
def test_an_unfit_card_is_refused_with_ways_out(stub, installed, card, support, other,
                                                capsys):
    stub(card)
    installed(support)
    line = refusal('auto')
    assert refusal('gpu') == line
    assert str(drivers.Card('0', *card)) in line
    assert '--device cpu' in line and '--allow-unsupported-gpu' in line
    assert other in line if other else 'docker' not in line
    assert devices.select('gpu', allow_unsupported=True).device == 'gpu'
    error = capsys.readouterr().err
    assert error.startswith('warning: GPU 0: ') and error.count('\n') == 1


def test_the_fit_card_of_two(stub, installed, monkeypatch, capsys):
    stub(cuda_stubs.RTX_3090, cuda_stubs.GTX_1080_TI, cuda=12020)
    installed(TENSORFLOW_1)
    selection = devices.select('auto')
    monkeypatch.setattr(drivers, 'find_number', lambda: '535.54')
    monkeypatch.setattr(devices, '_find_card', lambda threads: GTX_1080_TI)
    monkeypatch.setattr(drivers, 'find_cuda', lambda: 10000)
    assert devices.resolve(selection, THREADS) == 'gpu'
    assert capsys.readouterr().out == (
        'Device: GPU 1: NVIDIA GeForce GTX 1080 Ti, compute capability 6.1, driver '
        '535.54, CUDA 10.0\n')
    assert 'pci bus id' not in devices.find_gpu('gpu', THREADS)['card']


@pytest.mark.parametrize('listed, support, chosen', [
    (None, TENSORFLOW_2, '0'), (None, TENSORFLOW_1, '1'), ('1,0', TENSORFLOW_2, '1'),
    ('GPU-0,GPU-1', TENSORFLOW_1, 'GPU-1'), ('0', TENSORFLOW_1, None)])
def test_a_user_s_list_is_not_renumbered(stub, installed, listed, support, chosen):
    stub(cuda_stubs.RTX_3090, cuda_stubs.RTX_2080)
    installed(support)
    if listed:
        os.environ['CUDA_VISIBLE_DEVICES'] = listed
    if chosen:
        assert devices.select('auto').card.label == chosen
    else:
        assert 'GPU 0: NVIDIA GeForce RTX 3090' in refusal('auto')


def test_a_broken_driver(stub, capsys):
    """Warns and uses the CPU; refuses if a GPU was requested."""
    stub(cuda_stubs.RTX_2080, init=999)
    assert 'CUDA error 999' in refusal('gpu')
    assert devices.resolve(devices.select('auto'), THREADS) == 'cpu'
    assert 'CUDA error 999' in warning(capsys.readouterr())


@pytest.mark.parametrize('cudnn, described, words', [
    (None, None, 'TF_CPP_MIN_LOG_LEVEL=0'), (92800, GTX_1080_TI, 'cuDNN 9.28')])
def test_a_card_that_tensorflow_cannot_use(stub, installed, monkeypatch, capsys, cudnn,
                                           described, words):
    stub(cuda_stubs.GTX_1080_TI)
    installed(TENSORFLOW_2)
    monkeypatch.setattr(devices, '_find_card', lambda threads: described)
    monkeypatch.setattr(drivers, 'find_cudnn', lambda: cudnn)
    selection = devices.select('auto')
    assert devices.resolve(selection, THREADS) == 'cpu'
    line = warning(capsys.readouterr())
    assert words in line and 'make setup RUNTIME=tf2-cuda' in line
    with pytest.raises(UserError, match=words):
        devices.resolve(selection._replace(requested='gpu'), THREADS)


@pytest.mark.parametrize('script', ['train.py', 'test.py'])
def test_a_refusal_comes_before_tensorflow_and_a_download(stub_folder, tmp_path, script):
    result = subprocess.run(
        [sys.executable, '-v', os.path.join(ROOT, script), '--data-dir',
         str(tmp_path / 'data'), '--model-dir', str(tmp_path / 'model')],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        env=dict(os.environ, LD_LIBRARY_PATH=str(stub_folder),
                 CIFAR10_ARCHIVE_URL='http://127.0.0.1:9/',
                 STUB_CARDS=cuda_stubs.describe_cards(cuda_stubs.RTX_5090)))
    assert result.returncode == 1 and result.stdout == ''
    assert f'{script}: error: GPU 0: NVIDIA GeForce RTX 5090' in result.stderr
    # -v tells of each import.
    assert 'import \'cifar10_tf1.machine.devices\'' in result.stderr
    assert 'import \'tensorflow' not in result.stderr
    assert not (tmp_path / 'data').exists()
