"""Queries to the driver, on a stub compiled here; no card is needed."""

import os
import shutil
import subprocess
import time
from unittest import mock

import pytest

import runs
from cards import RTX_2080, RTX_3090, RTX_5090
from cifar10_tf1.machine.cuda import driver as drivers
from cifar10_tf1.machine.cuda.driver import Driver

STUB = r'''
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char names[8][64];
static int majors[8], minors[8], count;

/* STUB_CARDS is "name:major:minor;name:major:minor;", those that CUDA_VISIBLE_DEVICES
   lists in its order, or all in the order of the bus. */
__attribute__((constructor)) static void read_cards(void) {
  const char* card = getenv("STUB_CARDS");
  while (sscanf(card, "%63[^:]:%d:%d;", names[count], majors + count, minors + count) == 3) {
    card = strchr(card, ';') + 1;
    ++count;
  }
}

int cuInit(unsigned flags) {
  const char* how = getenv("STUB_INIT");
  if (!strcmp(how, "hang")) for (;;) sleep(1000);
  if (!strcmp(how, "segfault")) raise(SIGSEGV);
  if (!strcmp(how, "garbage")) { puts("{]"); fflush(stdout); _exit(3); }
  puts("a driver that prints");
  return atoi(how) ? atoi(how) : count ? 0 : 100;
}

/* Without either variable CUDA puts the fastest card first. */
int cuDeviceGet(int* device, int index) {
  const char* order = getenv("CUDA_DEVICE_ORDER");
  *device = getenv("CUDA_VISIBLE_DEVICES") || (order && !strcmp(order, "PCI_BUS_ID"))
            ? index : count - 1 - index;
  return 0;
}

int cuDeviceGetAttribute(int* value, int attribute, int device) {
  *value = attribute == 75 ? majors[device] : attribute == 76 ? minors[device] : -1;
  return 0;
}

int cuDeviceGetName(char* name, int size, int device) { strcpy(name, names[device]); return 0; }
int cuDeviceGetCount(int* number) { *number = count; return 0; }
int cuDriverGetVersion(int* version) { *version = 12020; return 0; }
int cudaRuntimeGetVersion(int* version) { *version = 10000; return atoi(getenv("STUB_INIT")); }
size_t cudnnGetVersion(void) { return 7605; }
'''


@pytest.fixture(scope='module')
def library(tmp_path_factory):
    """The path of the compiled stub; skips without a C compiler."""
    path = str(tmp_path_factory.mktemp('driver') / 'libcuda.so.1')
    compiler = shutil.which('cc') or shutil.which('gcc')
    if not compiler:
        pytest.skip('needs a C compiler (cc or gcc) for a stub library')
    subprocess.run([compiler, '-shared', '-fPIC', '-x', 'c', '-o', path, '-'],
                   input=STUB.encode(), check=True)
    return path


@pytest.fixture(autouse=True)
def clean():
    """A user's environment; changes are undone, and so are those of the program."""
    with mock.patch.dict(os.environ):
        for name in ('CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER', 'LD_LIBRARY_PATH'):
            os.environ.pop(name, None)
        yield


@pytest.fixture
def stub(library):
    """A function that installs a driver with these cards."""
    def install(*cards, init='0'):
        listed = ''.join('{}:{}:{};'.format(card.name, *card.capability) for card in cards)
        os.environ.update(LD_LIBRARY_PATH=os.path.dirname(library), STUB_CARDS=listed,
                          STUB_INIT=init)

    return install


def test_cards_are_numbered_as_nvidia_smi_does(stub):
    stub(RTX_3090, RTX_2080)
    assert drivers.ask()[:2] == ((RTX_3090, RTX_2080._replace(label='1')), 12020)


def test_a_users_list_keeps_its_names_and_order(stub):
    stub(RTX_2080, RTX_3090)
    os.environ['CUDA_VISIBLE_DEVICES'] = 'GPU-1, 0'
    assert [str(card) for card in drivers.ask().cards] == [
        'GPU-1: NVIDIA GeForce RTX 2080, compute capability 7.5',
        'GPU 0: NVIDIA GeForce RTX 3090, compute capability 8.6']
    assert 'CUDA_DEVICE_ORDER' not in os.environ


def test_no_driver():
    if os.path.exists('/proc/driver/nvidia/version'):
        pytest.skip('there is an NVIDIA driver here')
    assert drivers.ask() == Driver()


@pytest.mark.parametrize('cards, init, words', [
    ([], '0', 'the NVIDIA driver finds no card with CUDA_VISIBLE_DEVICES=7'),
    ([RTX_2080], '999', 'cuInit: CUDA error 999'), ([RTX_2080], 'segfault', 'exit status -11'),
    ([RTX_2080], 'garbage', 'exit status 3'), ([RTX_2080], 'hang', 'no answer in 0.4 s')])
def test_a_driver_without_a_usable_card(stub, cards, init, words):
    stub(*cards, init=init)
    os.environ['CUDA_VISIBLE_DEVICES'] = '7'
    start = time.time()
    driver = drivers.ask(limit=0.4 if init == 'hang' else 60)
    assert driver.cards == () and words in driver.problem
    assert driver.is_broken == ('--gpus all' in driver.problem) == bool(cards)
    assert time.time() - start < 5


@pytest.mark.parametrize('script', ['train.py', 'test.py'])
def test_a_refusal_comes_before_tensorflow_and_a_download(stub, tmp_path, script):
    stub(RTX_5090)
    status, output, error = runs.run_python(
        '-v', script, '--data-dir', str(tmp_path / 'data'), '--model-dir',
        str(tmp_path / 'model'), CIFAR10_ARCHIVE_URL='http://127.0.0.1:9/')
    assert (status, output) == (1, '')
    assert f'{script}: error: {RTX_5090}' in error
    # -v tells of each import.
    assert 'import \'cifar10_tf1.machine.devices\'' in error
    assert 'import \'tensorflow' not in error
    assert not (tmp_path / 'data').exists()


@pytest.mark.parametrize('line, number', [
    ('UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 UTC 2023', '535.54.03'),
    ('UNIX Open Kernel Module for x86_64  580.65.06  Release Build', '580.65.06'),
    ('something else', None)])
def test_the_driver_s_own_number(tmp_path, monkeypatch, line, number):
    (tmp_path / 'version').write_text(f'NVRM version: NVIDIA {line}\nGCC version:  9.4\n')
    monkeypatch.setattr(drivers, '_VERSION_FILE', str(tmp_path / 'version'))
    assert drivers.find_number() == number


def test_versions_of_loaded_libraries(stub, library):
    stub()
    names = ['libnone.so', library]
    assert (drivers.find_cuda(names), drivers.find_cudnn(names)) == (10000, 7605)
    stub(init='35')
    assert drivers.find_cuda(names) is None
    assert drivers.find_cudnn(names[:1]) is None
