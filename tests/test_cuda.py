"""What is asked of the driver and the libraries, and the tables, on stubs."""

import json
import os
import re
import subprocess
import sys
import time

import pytest

import cuda_stubs
from cifar10_tf1.machine.cuda import driver as drivers
from cifar10_tf1.machine.cuda import libraries
from cifar10_tf1.machine.cuda import support as supports
from cifar10_tf1.machine.cuda.driver import Card
from cifar10_tf1.machine.cuda.driver import Driver
from cifar10_tf1.machine.cuda.support import TENSORFLOW_1
from cifar10_tf1.machine.cuda.support import TENSORFLOW_2

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
CUDA = 'int cudaRuntimeGetVersion(int* v) { *v = 10000; return %d; }'
CUDNN = '#include <stddef.h>\nsize_t cudnnGetVersion(void) { return 7605; }'


@pytest.fixture
def stub(stub_folder, monkeypatch):
    """Function of cards and STUB_... variables: puts that driver into place."""
    monkeypatch.setenv('LD_LIBRARY_PATH', str(stub_folder))
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    monkeypatch.setenv('CUDA_DEVICE_ORDER', 'PCI_BUS_ID')
    monkeypatch.setattr(drivers, '_VERSION_FILE', os.devnull)

    def put(*cards, **settings):
        monkeypatch.setenv('STUB_CARDS', cuda_stubs.describe_cards(*cards))
        for name, value in settings.items():
            monkeypatch.setenv(f'STUB_{name.upper()}', str(value))

    return put


def test_two_cards(stub):
    stub(cuda_stubs.RTX_3090, cuda_stubs.RTX_2080, cuda=12020)
    driver = drivers.ask()
    assert driver == Driver(True, 12020, None, (
        Card('0', 'NVIDIA GeForce RTX 3090', (8, 6)),
        Card('1', 'NVIDIA GeForce RTX 2080', (7, 5))), None)
    assert str(driver.cards[1]) == (
        'GPU 1: NVIDIA GeForce RTX 2080, compute capability 7.5')
    assert drivers.format_cuda(driver.cuda) == '12.2'


def test_a_users_list_keeps_its_names(stub, monkeypatch):
    stub(cuda_stubs.RTX_3090, cuda_stubs.RTX_2080)
    monkeypatch.setenv('CUDA_VISIBLE_DEVICES', 'GPU-1, 0')
    assert [str(card) for card in drivers.ask().cards] == [
        'GPU-1: NVIDIA GeForce RTX 2080, compute capability 7.5',
        'GPU 0: NVIDIA GeForce RTX 3090, compute capability 8.6']


def test_no_driver(monkeypatch, tmp_path):
    monkeypatch.setenv('LD_LIBRARY_PATH', str(tmp_path))
    if os.path.exists('/proc/driver/nvidia/version'):
        pytest.skip('there is an NVIDIA driver here')
    assert drivers.ask() == Driver()


def test_a_libcuda_that_is_no_library(monkeypatch, tmp_path):
    """Some containers have an empty file in its place."""
    (tmp_path / 'libcuda.so.1').write_bytes(b'')
    monkeypatch.setenv('LD_LIBRARY_PATH', str(tmp_path))
    driver = drivers.ask()
    assert driver.is_here and 'libcuda.so.1 does not load' in driver.problem


def test_no_card(stub):
    stub()
    assert drivers.ask() == Driver(True, 13000)


@pytest.mark.parametrize('how, words', [
    (999, ['cuInit: error 999, CUDA_ERROR_UNKNOWN', 'nvidia_uvm']),
    (803, ['CUDA_ERROR_SYSTEM_DRIVER_MISMATCH', 'reboot']),
    (804, ['CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE', 'LD_LIBRARY_PATH']),
    (4711, ['error 4711', 'reboot']),
    ('segfault', ['crashes (SIGSEGV)']),
    ('abort', ['crashes (SIGABRT)']),
    ('exit', ['gives no answer (exit status 3)']),
    ('garbage', ['gives no answer']),
    ('list', ['gives no answer']),
    ('other', ['gives no answer']),
])
def test_a_driver_that_fails(stub, how, words):
    stub(cuda_stubs.RTX_2080, init=how)
    driver = drivers.ask()
    assert driver.is_here and driver.cards == ()
    for word in ['driver', ';'] + words:
        assert word in driver.problem, driver.problem


@pytest.mark.parametrize('code', [-1, 34])
def test_the_stub_of_the_cuda_toolkit(stub, monkeypatch, tmp_path, code):
    """No driver, where there is no card; in the way of one, where there is."""
    stub(init=code)
    monkeypatch.setattr(drivers, '_DEVICE_FILES', [str(tmp_path / 'nvidiactl')])
    assert drivers.ask() == Driver()
    (tmp_path / 'nvidiactl').write_bytes(b'')
    driver = drivers.ask()
    assert driver.is_here and 'LD_LIBRARY_PATH' in driver.problem


def test_a_driver_that_hangs(stub):
    stub(cuda_stubs.RTX_2080, init='hang')
    start = time.time()
    driver = drivers.ask(limit=0.4)
    assert time.time() - start < 3
    assert 'hangs (no answer in 0.4 s)' in driver.problem


def test_the_user_is_told_of_the_wait(stub, monkeypatch, capfd):
    monkeypatch.setattr(drivers, '_PATIENCE_SECONDS', 0.1)
    stub(cuda_stubs.RTX_2080, init='hang')
    assert 'hangs' in drivers.ask(limit=0.3).problem
    assert 'Waiting for the NVIDIA driver' in capfd.readouterr().err


def test_a_child_without_a_parent_ends(stub):
    """Its alarm ends it in the middle of a call that hangs."""
    stub(cuda_stubs.RTX_2080, init='hang')
    child = subprocess.Popen([sys.executable, '-I', '-S', drivers._PROBE,
                              json.dumps({'seconds': 1})],
                             stdout=subprocess.DEVNULL)
    assert child.wait(10) < 0


def test_a_hidden_driver(stub_folder):
    """In a process of its own: what is loaded stays."""
    script = ('import ctypes\n'
              'from cifar10_tf1.machine.cuda import hiding\n'
              'assert hiding.hide_driver()\n'
              'assert not hasattr(ctypes.CDLL("libcuda.so.1"), "cuInit")\n')
    for text, status in ((script, 0), (script.replace('assert hiding', '#'), 1)):
        assert subprocess.call(
            [sys.executable, '-c', text], stderr=subprocess.DEVNULL,
            env=dict(os.environ, LD_LIBRARY_PATH=str(stub_folder))) == status


def test_no_room_for_a_copy_hides_nothing():
    """A copy that is cut off would end the process with SIGBUS."""
    assert subprocess.call([sys.executable, '-c', (
        'import resource\n'
        'from cifar10_tf1.machine.cuda import hiding\n'
        'resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n'
        'assert not hiding.hide_driver()\n')]) == 0


@pytest.mark.parametrize('line, number', [
    ('NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 '
     '22:20:39 UTC 2023', '535.54.03'),
    ('NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  '
     'Release Build  (dvs-builder@U16)', '580.65.06'),
    ('NVRM version: NVIDIA UNIX x86_64 Kernel Module  390.157  Wed Oct 12',
     '390.157'),
    ('something else', None), ('', None)])
def test_the_driver_s_own_number(tmp_path, monkeypatch, line, number):
    (tmp_path / 'version').write_text(line + '\nGCC version:  gcc 9.4.0\n')
    monkeypatch.setattr(drivers, '_VERSION_FILE', str(tmp_path / 'version'))
    assert drivers.find_number() == number


VERDICTS = [
    # card, CUDA of the driver, why not by TensorFlow 1.15, by TensorFlow 2
    (cuda_stubs.GTX_680, 10020, 'no kernels for older', 'no kernels for older'),
    (cuda_stubs.GTX_980, 12020, None, 'no kernels for older'),
    (cuda_stubs.GTX_1080_TI, 12020, None, None),
    (cuda_stubs.GTX_1080_TI, 10000, None, 'too old'),
    (cuda_stubs.GTX_1080_TI, 9020, 'too old', 'too old'),
    (cuda_stubs.RTX_2080, 12020, None, None),
    (cuda_stubs.RTX_3090, 12020, 'hangs for minutes', None),
    (cuda_stubs.RTX_4090, 12020, 'hangs for minutes', None),
    (cuda_stubs.H100, 12040, 'hangs for minutes', 'too old'),
    (cuda_stubs.H100, 12050, 'hangs for minutes', None),
    (cuda_stubs.RTX_5090, 13000, 'hangs for minutes', 'CUDA_ERROR_INVALID_PTX'),
]


@pytest.mark.parametrize('card, cuda, by_1, by_2', VERDICTS)
def test_verdicts(card, cuda, by_1, by_2):
    card = Card('0', *card)
    driver = Driver(True, cuda, '470.1', (card,))
    for support, word in ((TENSORFLOW_1, by_1), (TENSORFLOW_2, by_2)):
        fault = supports.find_fault(card, driver, support)
        if word is None:
            assert fault is None
        else:
            assert str(card) in fault and word in fault, fault
    ways_out = supports.list_ways_out(driver, TENSORFLOW_1)
    if by_2 is None:
        assert ways_out == [TENSORFLOW_2.way_to_it]
    elif by_2 == 'too old' and by_1 == 'hangs for minutes':
        assert ways_out == [TENSORFLOW_2.way_to_it + ' with the NVIDIA driver '
                            '555.42.02 or newer']
    else:  # none has kernels for it, or a newer driver helps this one too
        assert ways_out == []


@pytest.mark.parametrize('support', supports.SUPPORTS)
def test_the_ways_out_are_there(support):
    """`make` alone, with RUNTIME or without, would print its targets only."""
    with open(os.path.join(ROOT, 'Makefile')) as file:
        makefile = file.read()
    text = f'{support.way_to_it}; {support.way_to_libraries}'
    assert 'make ' in text and 'docker/' in text
    for target in re.findall(r'make ([a-z-]*)', text):
        assert re.search(rf'^{target}:', makefile, re.MULTILINE), target
    for name in re.findall(r'docker/[\w.]*\w', text):
        assert os.path.exists(os.path.join(ROOT, name)), name


def test_an_old_driver_is_named_with_what_is_needed():
    card = Card('0', *cuda_stubs.H100)
    fault = supports.find_fault(card, Driver(True, 12020, '535.54', (card,)),
                                TENSORFLOW_2)
    assert fault.endswith('the NVIDIA driver 535.54 is too old, it serves CUDA '
                          '12.2, and TensorFlow 2 needs 12.5 for this card; '
                          'update the driver to 555.42.02 or newer')


def test_the_table_is_that_of_the_wheel():
    """Of whichever TensorFlow is installed, by its own build information."""
    import tensorflow
    support = supports.find_support()
    assert tensorflow.version.VERSION.startswith(support.name.split()[1])
    cudnn, = [name for name in support.libraries if 'cudnn' in name]
    if support is TENSORFLOW_1:
        from tensorflow.python.platform import build_info
        assert support.cuda.split('.')[0] == build_info.cuda_version_number
        assert cudnn == f'libcudnn.so.{build_info.cudnn_version_number}'
        return
    info = tensorflow.sysconfig.get_build_info()
    if not info.get('is_cuda_build'):
        pytest.skip('this TensorFlow is built without CUDA')
    assert info['cuda_version'].startswith(support.cuda + '.')
    assert cudnn == f'libcudnn.so.{info["cudnn_version"]}'
    capabilities = sorted(tuple(map(int, divmod(int(name.split('_')[1]), 10)))
                          for name in info['cuda_compute_capabilities'])
    assert (capabilities[0], capabilities[-1]) == (support.lowest,
                                                   support.highest)
    # What is there as PTX only is what needs a newer driver.
    as_ptx, = [name for name in info['cuda_compute_capabilities']
               if name.startswith('compute_')]
    assert as_ptx == 'compute_{}{}'.format(*support.drivers[-1].capability)


@pytest.mark.parametrize('support, cudnn', [(TENSORFLOW_1, 7605),
                                            (TENSORFLOW_2, 91002)])
def test_libraries(support, cudnn, tmp_path, monkeypatch):
    card = Card('0', *cuda_stubs.GTX_1080_TI)
    monkeypatch.setenv('LD_LIBRARY_PATH', str(tmp_path))
    monkeypatch.setattr(libraries, 'find_folders', lambda: [])
    cuda_stubs.build_cuda_libraries(tmp_path, support, cudnn)
    found = libraries.look_for(support)
    assert found == libraries.Libraries({}, cudnn)
    assert libraries.find_fault(found, card, support) is None
    os.remove(str(tmp_path / support.libraries[1]))
    found = libraries.look_for(support)
    assert list(found.missing) == [support.libraries[1]]
    fault = libraries.find_fault(found, card, support)
    assert fault.startswith(f'{support.libraries[1]} cannot be loaded; ')


def test_libraries_in_nvidias_packages(tmp_path, monkeypatch):
    for name in ('cublas', 'cudnn'):
        (tmp_path / 'nvidia' / name / 'lib').mkdir(parents=True)
    (tmp_path / 'tensorflow').mkdir()
    (tmp_path / 'tensorflow' / '__init__.py').write_text('1 / 0')  # not run
    found = subprocess.run(
        [sys.executable, '-c', 'import sys\n'
         f'sys.path[:0] = [{str(tmp_path)!r}, {os.getcwd()!r}]\n'
         'from cifar10_tf1.machine.cuda import libraries\n'
         'print(*libraries.find_folders(), sep="\\n")'],
        stdout=subprocess.PIPE, check=True).stdout.decode().split()
    assert found == [str(tmp_path / 'nvidia' / name / 'lib')
                     for name in ('cublas', 'cudnn')]
    cuda_stubs.build_library(found[1] + '/libcudnn.so.9', CUDNN)
    cudnn, missing = drivers.run_probe(
        ('cudnn', 'missing'), {'names': ['libcudnn.so.9', 'libcublas.so.12'],
                               'folders': found})
    assert cudnn == 7605 and list(missing) == ['libcublas.so.12']


@pytest.mark.parametrize('cudnn, card, fault', [
    (92800, cuda_stubs.GTX_1080_TI, 'cuDNN 9.28.0 supports compute capability '
     '7.5 and newer'),
    (92800, cuda_stubs.RTX_2080, None), (91002, cuda_stubs.GTX_1080_TI, None)])
def test_a_cudnn_that_is_too_new_for_the_card(cudnn, card, fault):
    found = libraries.find_fault(libraries.Libraries({}, cudnn),
                                 Card('0', *card), TENSORFLOW_2)
    assert found is None if fault is None else found.startswith(fault)


def test_libraries_that_crash(tmp_path, monkeypatch):
    monkeypatch.setenv('LD_LIBRARY_PATH', str(tmp_path))
    cuda_stubs.build_library(
        tmp_path / 'libcudart.so.10.0', '#include <stdlib.h>\n'
        '__attribute__((constructor)) static void start(void) { abort(); }')
    found = libraries.look_for(TENSORFLOW_1)
    assert found.problem == 'loading CUDA\'s libraries crashes (SIGABRT)'
    assert libraries.find_fault(found, None, TENSORFLOW_1)


def test_versions_of_loaded_libraries(tmp_path):
    cuda = cuda_stubs.build_library(tmp_path / 'cuda.so', CUDA % 0)
    assert libraries.find_cuda(['libnone.so', cuda]) == 10000
    broken = cuda_stubs.build_library(tmp_path / 'broken.so', CUDA % 35)
    assert libraries.find_cuda([broken]) is None
    cudnn = cuda_stubs.build_library(tmp_path / 'cudnn.so', CUDNN)
    assert libraries.find_cudnn([cudnn]) == 7605
    assert libraries.find_cuda(['libnone.so']) is None
    assert libraries.find_cudnn(['libnone.so']) is None
    assert libraries.format_cudnn(7605) == '7.6.5'
    assert libraries.format_cudnn(92800) == '9.28.0'
