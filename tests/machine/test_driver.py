"""Questions to the driver, on stand-ins for libcuda.so.1."""

import os
import time

import pytest

import cuda_stubs
from cifar10_tf1.machine.cuda import driver as drivers
from cifar10_tf1.machine.cuda.driver import Card, Driver

CUDA = 'int cudaRuntimeGetVersion(int* v) { *v = 10000; return %d; }'
CUDNN = '#include <stddef.h>\nsize_t cudnnGetVersion(void) { return 7605; }'


def test_two_cards(stub):
    """Numbered as nvidia-smi does."""
    stub(cuda_stubs.RTX_3090, cuda_stubs.RTX_2080, cuda=12020)
    assert drivers.ask()[:2] == ((Card('0', 'NVIDIA GeForce RTX 3090', (8, 6)),
                                  Card('1', 'NVIDIA GeForce RTX 2080', (7, 5))), 12020)


def test_a_users_list_keeps_its_names_and_order(stub):
    stub(cuda_stubs.RTX_3090, cuda_stubs.RTX_2080)
    os.environ['CUDA_VISIBLE_DEVICES'] = 'GPU-1, 0'
    assert [str(card) for card in drivers.ask().cards] == [
        'GPU-1: NVIDIA GeForce RTX 2080, compute capability 7.5',
        'GPU 0: NVIDIA GeForce RTX 3090, compute capability 8.6']
    assert 'CUDA_DEVICE_ORDER' not in os.environ


def test_no_driver(clean):
    if os.path.exists('/proc/driver/nvidia/version'):
        pytest.skip('there is an NVIDIA driver here')
    assert drivers.ask() == Driver()


@pytest.mark.parametrize('listed', ['', '7'])
def test_no_card(stub, listed):
    stub()
    os.environ['CUDA_VISIBLE_DEVICES'] = listed
    driver = drivers.ask()
    assert (driver.cards, driver.is_broken) == ((), False)
    assert 'finds no card' in driver.problem and listed in driver.problem


@pytest.mark.parametrize('how, words', [
    (999, 'cuInit: CUDA error 999'), ('segfault', 'exit status -11'),
    ('garbage', 'exit status 3'), ('hang', 'no answer in 0.4 s')])
def test_a_driver_that_fails(stub, how, words):
    stub(cuda_stubs.RTX_2080, init=how)
    start = time.time()
    driver = drivers.ask(limit=0.4 if how == 'hang' else 60)
    assert driver.is_broken and driver.cards == ()
    assert words in driver.problem and '--gpus all' in driver.problem
    assert time.time() - start < 5


@pytest.mark.parametrize('line, number', [
    ('UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 UTC 2023', '535.54.03'),
    ('UNIX Open Kernel Module for x86_64  580.65.06  Release Build', '580.65.06'),
    ('something else', None)])
def test_the_driver_s_own_number(tmp_path, monkeypatch, line, number):
    (tmp_path / 'version').write_text(f'NVRM version: NVIDIA {line}\nGCC version:  9.4\n')
    monkeypatch.setattr(drivers, '_VERSION_FILE', str(tmp_path / 'version'))
    assert drivers.find_number() == number


def test_versions_of_loaded_libraries(tmp_path):
    cuda = cuda_stubs.build_library(tmp_path / 'cuda.so', CUDA % 0)
    assert drivers.find_cuda(['libnone.so', cuda]) == 10000
    broken = cuda_stubs.build_library(tmp_path / 'broken.so', CUDA % 35)
    assert drivers.find_cuda([broken]) is None
    cudnn = cuda_stubs.build_library(tmp_path / 'cudnn.so', CUDNN)
    assert drivers.find_cudnn([cudnn]) == 7605
    assert drivers.find_cudnn(['libnone.so']) is None
