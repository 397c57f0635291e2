"""The choice of the device, as far as a machine without a GPU shows it."""

import os
import shutil
import subprocess

import pytest

from cifar10_tf1 import devices
from cifar10_tf1 import machine
from cifar10_tf1.errors import UserError

THREADS = machine.Threads(2, 2, 2)
CUDA = 'int cudaRuntimeGetVersion(int* v) { *v = 10000; return %d; }'
CUDNN = '#include <stddef.h>\nsize_t cudnnGetVersion(void) { return 7605; }'


@pytest.fixture(autouse=True)
def environment(monkeypatch):
    for name in ('CUDA_VISIBLE_DEVICES', 'TF_CPP_MIN_LOG_LEVEL'):
        monkeypatch.setenv(name, os.environ.get(name, ''))
    os.environ['TF_CPP_MIN_LOG_LEVEL'] = '2'


@pytest.mark.parametrize('requested', ['cpu', 'auto'])
def test_without_a_driver_the_cpu(requested, monkeypatch):
    monkeypatch.setattr(devices, '_has_driver', lambda: False)
    devices.prepare(requested)
    assert os.environ['CUDA_VISIBLE_DEVICES'] == '-1'
    assert os.environ['TF_CPP_MIN_LOG_LEVEL'] == '3'
    assert devices.resolve(requested, THREADS) == 'cpu'
    assert devices.find_gpu('cpu', THREADS) is None


def test_a_user_s_log_level_stays():
    os.environ['TF_CPP_MIN_LOG_LEVEL'] = '0'
    devices.prepare('cpu')
    assert os.environ['TF_CPP_MIN_LOG_LEVEL'] == '0'


def test_with_a_driver_nothing_is_hidden(monkeypatch):
    monkeypatch.setattr(devices, '_has_driver', lambda: True)
    os.environ['CUDA_VISIBLE_DEVICES'] = '1'
    devices.prepare('auto')
    devices.prepare('gpu')
    assert os.environ['CUDA_VISIBLE_DEVICES'] == '1'


def test_a_gpu_that_is_not_there(monkeypatch):
    monkeypatch.setattr(devices, '_has_driver', lambda: False)
    with pytest.raises(UserError, match='--device gpu: no NVIDIA driver'):
        devices.prepare('gpu')


def build_library(folder, source):
    compiler = shutil.which('cc') or shutil.which('gcc')
    if not compiler:
        pytest.skip('needs a C compiler')
    (folder / 'stub.c').write_text(source)
    path = str(folder / 'stub.so')
    subprocess.run([compiler, '-shared', '-fPIC', '-o', path,
                    str(folder / 'stub.c')], check=True)
    return path


def test_versions_of_the_libraries(tmp_path):
    for name in ('cuda', 'broken', 'cudnn'):
        (tmp_path / name).mkdir()
    cuda = build_library(tmp_path / 'cuda', CUDA % 0)
    assert devices.find_cuda(['libnone.so', cuda]) == 10000
    broken = build_library(tmp_path / 'broken', CUDA % 35)
    assert devices.find_cuda([broken]) is None
    cudnn = build_library(tmp_path / 'cudnn', CUDNN)
    assert devices.find_cudnn([cudnn]) == 7605
    assert devices.find_cuda(['libnone.so']) is None
    assert devices.find_cudnn(['libnone.so']) is None
