"""The choice of the device, against stub drivers: there is no card here."""

import os
import subprocess
import sys
import time

import pytest

import cuda_stubs
from cifar10_tf1.machine import devices
from cifar10_tf1 import startup
from cifar10_tf1.machine import description
from cifar10_tf1.machine.cuda import driver as drivers
from cifar10_tf1.machine.cuda import libraries
from cifar10_tf1.machine.cuda.support import TENSORFLOW_1
from cifar10_tf1.machine.cuda.support import TENSORFLOW_2
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.records.run_settings import RunSettings

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
THREADS = description.Threads(2, 2, 2)
BOTH = pytest.mark.parametrize('support', [TENSORFLOW_1, TENSORFLOW_2])


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    """As a user's at the start; whatever a test sets is taken back."""
    for name in ('CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER',
                 'TF_CPP_MIN_LOG_LEVEL', 'LD_LIBRARY_PATH'):
        monkeypatch.setenv(name, '')
        del os.environ[name]
    monkeypatch.setattr(drivers, '_VERSION_FILE', os.devnull)


@pytest.fixture
def stub(stub_folder, monkeypatch):
    """Function of cards: a driver that has them, and all libraries."""
    monkeypatch.setattr(libraries, 'look_for',
                        lambda support: libraries.Libraries({}))

    def put(*cards, **settings):
        os.environ['LD_LIBRARY_PATH'] = str(stub_folder)
        monkeypatch.setenv('STUB_CARDS', cuda_stubs.describe_cards(*cards))
        for name, value in settings.items():
            monkeypatch.setenv(f'STUB_{name.upper()}', str(value))

    return put


@pytest.fixture
def no_driver(monkeypatch):
    monkeypatch.setattr(drivers, 'ask', lambda: drivers.Driver())


def refusal(*arguments):
    """The line that ends the program."""
    with pytest.raises(UserError) as caught:
        devices.prepare(*arguments)
    assert '\n' not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize('requested, reason', [
    ('cpu', 'as --device says'),
    ('auto', 'no NVIDIA driver here')])
def test_without_a_driver_the_cpu(requested, reason, no_driver, capsys):
    choice = devices.prepare(requested)
    assert os.environ['CUDA_VISIBLE_DEVICES'] == '-1'
    assert os.environ['TF_CPP_MIN_LOG_LEVEL'] == '3'
    assert devices.resolve(choice, THREADS) == 'cpu'
    assert devices.find_gpu('cpu', THREADS) is None
    captured = capsys.readouterr()
    assert captured.out == f'Device: CPU ({reason}), 2 threads\n'
    assert captured.err == ''


@pytest.mark.parametrize('given, reason', [
    (RunSettings(device='cpu'), 'as --device says'),
    (RunSettings(), 'as this run began')])
def test_a_line_says_who_asked_for_the_cpu(given, reason, monkeypatch):
    monkeypatch.setattr(startup.runtime, 'prepare_environment',
                        lambda *arguments: None)
    unused_given, choice = startup.select_device_and_kernels(
        given, 'deep_cnn', recorded=RunSettings(device='cpu', kernels='stock'))
    assert choice.reason == reason


def test_a_user_s_log_level_stays():
    os.environ['TF_CPP_MIN_LOG_LEVEL'] = '0'
    devices.prepare('cpu')
    assert os.environ['TF_CPP_MIN_LOG_LEVEL'] == '0'


def test_a_gpu_that_is_not_there(no_driver):
    assert refusal('gpu').endswith('no NVIDIA driver here; in a container pass '
                                   '--gpus all, or use --device cpu')


@pytest.mark.parametrize('hidden', ['', '-1'])
def test_a_user_who_hides_the_cards(stub, hidden):
    stub(cuda_stubs.RTX_2080)
    os.environ['CUDA_VISIBLE_DEVICES'] = hidden
    choice = devices.prepare('auto')
    assert (choice.device, choice.is_problem) == ('cpu', False)
    assert 'CUDA_VISIBLE_DEVICES' in choice.reason
    assert 'CUDA_VISIBLE_DEVICES' in refusal('gpu')


@pytest.mark.parametrize('requested', ['auto', 'gpu'])
@pytest.mark.parametrize('card, support', [
    (cuda_stubs.GTX_1080_TI, TENSORFLOW_1), (cuda_stubs.RTX_2080, TENSORFLOW_1),
    (cuda_stubs.GTX_1080_TI, TENSORFLOW_2), (cuda_stubs.RTX_2080, TENSORFLOW_2),
    (cuda_stubs.RTX_3090, TENSORFLOW_2), (cuda_stubs.RTX_4090, TENSORFLOW_2),
    (cuda_stubs.H100, TENSORFLOW_2)])
def test_fit_cards(stub, requested, card, support):
    stub(card)
    choice = devices.prepare(requested, support=support)
    assert choice.device == 'gpu'
    assert choice.card == drivers.Card('0', *card)
    assert os.environ['CUDA_DEVICE_ORDER'] == 'PCI_BUS_ID'
    assert 'CUDA_VISIBLE_DEVICES' not in os.environ


@pytest.mark.parametrize('requested', ['auto', 'gpu'])
@pytest.mark.parametrize('card, support, other', [
    (cuda_stubs.RTX_3090, TENSORFLOW_1, 'docker/Dockerfile.tf2'),
    (cuda_stubs.RTX_4090, TENSORFLOW_1, 'docker/Dockerfile.tf2'),
    (cuda_stubs.H100, TENSORFLOW_1, 'RUNTIME=tf2-cuda'),
    (cuda_stubs.GTX_980, TENSORFLOW_2, 'TensorFlow 1.15 (make train, or docker/')])
def test_unfit_cards_have_three_ways_out(stub, requested, card, support, other):
    stub(card)
    line = refusal(requested, False, support)
    capability = '{}.{}'.format(*card[1])
    assert f'{card[0]}, compute capability {capability}' in line
    assert f'{support.name} (CUDA {support.cuda}) supports' in line
    for way_out in (other, '--device cpu', '--allow-unsupported-gpu'):
        assert way_out in line


@BOTH
def test_a_card_for_which_there_is_no_runtime(stub, support):
    stub(cuda_stubs.RTX_5090)
    line = refusal('auto', False, support)
    assert 'RTX 5090, compute capability 12.0' in line
    assert '. Use --device cpu, or try' in line and 'docker' not in line


def test_an_unfit_card_all_the_same(stub, capsys):
    stub(cuda_stubs.RTX_3090)
    choice = devices.prepare('auto', True, TENSORFLOW_1)
    assert choice.device == 'gpu'
    error = capsys.readouterr().err
    assert error.startswith('warning: GPU 0: NVIDIA GeForce RTX 3090')
    assert error.count('\n') == 1


def test_the_fit_card_of_two(stub, monkeypatch, capsys):
    stub(cuda_stubs.RTX_3090, cuda_stubs.RTX_2080, cuda=12020)
    choice = devices.prepare('auto', support=TENSORFLOW_1)
    assert choice.card.name == 'NVIDIA GeForce RTX 2080'
    assert os.environ['CUDA_VISIBLE_DEVICES'] == '1'
    choice = choice._replace(driver=choice.driver._replace(number='535.54'))
    monkeypatch.setattr(
        devices, '_find_card', lambda threads: 'device: 0, name: NVIDIA GeForce '
        'RTX 2080, pci bus id: 0000:02:00.0, compute capability: 7.5')
    monkeypatch.setattr(libraries, 'find_cuda', lambda: 10000)
    assert devices.resolve(choice, THREADS) == 'gpu'
    line = capsys.readouterr().out
    assert line.startswith(
        'Device: GPU 1: NVIDIA GeForce RTX 2080, compute capability 7.5, driver '
        '535.54, CUDA 10.0; not used: GPU 0: NVIDIA GeForce RTX 3090, compute '
        'capability 8.6: TensorFlow 1.15 (CUDA 10.0) supports 3.5 to 7.5')
    assert line.count('\n') == 1


@pytest.mark.parametrize('listed, support, chosen', [
    ('1,0', TENSORFLOW_2, '1'), ('1,0', TENSORFLOW_1, '1'),
    ('0,1', TENSORFLOW_1, '1'), ('GPU-0,GPU-1', TENSORFLOW_1, 'GPU-1'),
    ('GPU-0, GPU-1', TENSORFLOW_2, 'GPU-0')])
def test_a_user_s_list_is_not_renumbered(stub, listed, support, chosen):
    stub(cuda_stubs.RTX_3090, cuda_stubs.RTX_2080)
    os.environ['CUDA_VISIBLE_DEVICES'] = listed
    devices.prepare('auto', support=support)
    assert os.environ['CUDA_VISIBLE_DEVICES'] == chosen
    assert 'CUDA_DEVICE_ORDER' not in os.environ


def test_a_user_s_only_card_is_unfit(stub):
    stub(cuda_stubs.RTX_3090, cuda_stubs.RTX_2080)
    os.environ['CUDA_VISIBLE_DEVICES'] = '0'
    assert 'GPU 0: NVIDIA GeForce RTX 3090' in refusal('auto', False,
                                                       TENSORFLOW_1)


def test_the_order_of_a_user_stays(stub):
    stub(cuda_stubs.GTX_1080_TI, cuda_stubs.RTX_2080)
    os.environ['CUDA_DEVICE_ORDER'] = 'FASTEST_FIRST'
    choice = devices.prepare('auto', support=TENSORFLOW_1)
    assert os.environ['CUDA_DEVICE_ORDER'] == 'FASTEST_FIRST'
    assert choice.card == drivers.Card('0', *cuda_stubs.RTX_2080)


@BOTH
def test_an_old_driver(stub, support):
    stub(cuda_stubs.GTX_1080_TI, cuda=9020)
    line = refusal('auto', False, support)
    assert 'driver is too old, it serves CUDA 9.2' in line
    for way_out in (f'update the driver to {support.drivers[0].number}',
                    '--device cpu', '--allow-unsupported-gpu'):
        assert way_out in line


@pytest.mark.parametrize('how, words', [
    (999, 'error 999, CUDA_ERROR_UNKNOWN'), ('segfault', 'crashes (SIGSEGV)'),
    ('hang', 'hangs (no answer in 0.3 s)')])
def test_a_broken_driver(stub, monkeypatch, capsys, how, words):
    """Named; the CPU under auto, an error where a GPU is asked for."""
    monkeypatch.setattr(drivers.ask, '__defaults__', (0.3,))
    stub(cuda_stubs.RTX_2080, init=how)
    assert words in refusal('gpu')
    choice = devices.prepare('auto')
    assert devices.resolve(choice, THREADS) == 'cpu'
    captured = capsys.readouterr()
    assert captured.out == ''
    assert captured.err.startswith('warning: Device: CPU (the NVIDIA driver')
    assert words in captured.err and captured.err.count('\n') == 1


@pytest.mark.parametrize('listed', [None, '7'])
def test_a_driver_without_a_card(stub, listed):
    stub()
    if listed:
        os.environ['CUDA_VISIBLE_DEVICES'] = listed
    choice = devices.prepare('auto')
    assert (choice.device, choice.is_problem) == ('cpu', False)
    assert 'finds no card' in choice.reason
    assert ('CUDA_VISIBLE_DEVICES=7' in choice.reason) == bool(listed)
    os.environ['CUDA_VISIBLE_DEVICES'] = listed or '0'
    assert 'finds no card' in refusal('gpu')


def test_missing_libraries(stub, monkeypatch, capsys):
    stub(cuda_stubs.RTX_2080)
    monkeypatch.setattr(libraries, 'look_for', lambda support: (
        libraries.Libraries({'libcudnn.so.7': 'not found'})))
    line = refusal('gpu', False, TENSORFLOW_1)
    assert 'RTX 2080' in line and 'libcudnn.so.7 cannot be loaded' in line
    assert 'docker/Dockerfile' in line and '--device cpu' in line
    choice = devices.prepare('auto', support=TENSORFLOW_1)
    assert devices.resolve(choice, THREADS) == 'cpu'
    captured = capsys.readouterr()
    assert captured.out == '' and captured.err.count('\n') == 1
    assert captured.err.startswith('warning: Device: CPU (GPU 0: NVIDIA GeForce '
                                   'RTX 2080')
    assert 'libcudnn.so.7 cannot be loaded' in captured.err


def test_a_card_that_tensorflow_does_not_take(stub, monkeypatch, capsys):
    stub(cuda_stubs.RTX_2080)
    monkeypatch.setattr(devices, '_find_card', lambda threads: None)
    choice = devices.prepare('auto', support=TENSORFLOW_1)
    assert devices.resolve(choice, THREADS) == 'cpu'
    error = capsys.readouterr().err
    assert 'TensorFlow can use no GPU' in error and error.count('\n') == 1
    with pytest.raises(UserError, match='TensorFlow can use no GPU'):
        devices.resolve(choice._replace(requested='gpu'), THREADS)


@pytest.mark.slow
@pytest.mark.parametrize('script', ['train.py', 'test.py'])
def test_a_refusal_takes_seconds_and_no_tensorflow(stub_folder, tmp_path,
                                                   script):
    """Before the download, too: 127.0.0.1:9 would be named in its error."""
    environment = dict(
        os.environ, LD_LIBRARY_PATH=str(stub_folder),
        CIFAR10_ARCHIVE_URL='http://127.0.0.1:9/',
        STUB_CARDS=cuda_stubs.describe_cards(cuda_stubs.RTX_5090))
    start = time.time()
    result = subprocess.run(
        [sys.executable, '-v', os.path.join(ROOT, script), '--data-dir',
         str(tmp_path / 'data'), '--model-dir', str(tmp_path / 'model')],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment,
        universal_newlines=True)
    assert time.time() - start < 5
    assert result.returncode == 1 and result.stdout == ''
    assert f'{script}: error: GPU 0: NVIDIA GeForce RTX 5090' in result.stderr
    # -v tells of each import.
    assert 'import \'cifar10_tf1.machine.devices\'' in result.stderr
    assert 'import \'tensorflow' not in result.stderr
    assert not (tmp_path / 'model').exists()


@pytest.mark.slow
@pytest.mark.parametrize('how, device, words', [
    ('999', 'auto', 'CUDA_ERROR_UNKNOWN'), ('abort', 'auto', 'SIGABRT'),
    ('hang', 'cpu', None)])
def test_training_beside_a_broken_driver(stub_folder, tmp_path, how, device,
                                         words):
    """TensorFlow itself would call cuInit, whatever CUDA_VISIBLE_DEVICES says."""
    result = subprocess.run(
        [sys.executable, os.path.join(ROOT, 'train.py'), '--synthetic',
         '--data-dir', str(tmp_path), '--model-dir', str(tmp_path / 'model'),
         '--max-steps', '1', '--device', device], stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True, timeout=120,
        env=dict(os.environ, LD_LIBRARY_PATH=str(stub_folder), STUB_INIT=how,
                 STUB_CARDS=cuda_stubs.describe_cards(cuda_stubs.RTX_2080)))
    assert result.returncode == 0, result.stderr
    told, silent = ((result.stderr, result.stdout) if words else
                    (result.stdout, result.stderr))
    lines = [line for line in told.splitlines() if 'Device: CPU' in line]
    assert len(lines) == 1 and (words or '') in lines[0]
    assert 'Device' not in silent
    assert 'a driver that prints' not in result.stdout
