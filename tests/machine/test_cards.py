"""Which TensorFlow supports which card and driver: guard, wheels, READMEs."""

import os
import re

import pytest

import cuda_stubs
from cifar10_tf1.machine.cuda import support as supports
from cifar10_tf1.machine.cuda.driver import Card, Driver, format_capability
from cifar10_tf1.machine.cuda.support import TENSORFLOW_1, TENSORFLOW_2
from runs import ROOT

VERDICTS = [
    # card, CUDA of the driver, why not by TensorFlow 1.15, by TensorFlow 2
    (cuda_stubs.GTX_680, 10020, 'no kernels for older', 'no kernels for older'),
    (cuda_stubs.GTX_980, 12020, None, 'no kernels for older'),
    (cuda_stubs.GTX_1080_TI, 10000, None, 'too old'),
    (cuda_stubs.GTX_1080_TI, 9020, 'too old', 'too old'),
    (cuda_stubs.RTX_2080, 12020, None, None),
    (cuda_stubs.RTX_3090, 12020, 'hangs for minutes', None),
    (cuda_stubs.H100, 12040, 'hangs for minutes', 'too old'),
    (cuda_stubs.H100, 12050, 'hangs for minutes', None),
    (cuda_stubs.RTX_5090, 13000, 'hangs for minutes', 'CUDA_ERROR_INVALID_PTX'),
]


def read(name):
    with open(os.path.join(ROOT, name)) as file:
        return file.read()


@pytest.mark.parametrize('card, cuda, by_1, by_2', VERDICTS)
def test_verdicts(card, cuda, by_1, by_2):
    card = Card('0', *card)
    driver = Driver((card,), cuda)
    for support, word in ((TENSORFLOW_1, by_1), (TENSORFLOW_2, by_2)):
        fault = supports.find_fault(card, driver, support)
        if word is None:
            assert fault is None
        else:
            assert str(card) in fault and word in fault, fault
            assert word != 'too old' or support.find_driver_need(card).number in fault
    ways_out = supports.list_ways_out(driver, TENSORFLOW_1)
    if by_2 is None:
        assert ways_out == [TENSORFLOW_2.way_to_it]
    elif by_2 == 'too old':
        number = TENSORFLOW_2.find_driver_need(card).number
        assert ways_out == [
            f'{TENSORFLOW_2.way_to_it} with the NVIDIA driver {number} or newer']
    else:
        assert ways_out == []


@pytest.mark.parametrize('support', [TENSORFLOW_1, TENSORFLOW_2])
def test_the_ways_out_are_there(support):
    text = f'{support.way_to_it}; {support.way_to_libraries}'
    for target in re.findall(r'make ([a-z-]+)', text):
        assert re.search(rf'^{target}:', read('Makefile'), re.MULTILINE), target
    names = re.findall(r'docker/[\w.]*\w', text)
    assert names and all(os.path.exists(os.path.join(ROOT, name)) for name in names)


def test_the_facts_are_the_wheel_s():
    """Compares with the build information of the installed TensorFlow."""
    import tensorflow
    support = supports.find_support()
    assert tensorflow.version.VERSION.startswith(support.name.split()[1])
    if support is TENSORFLOW_1:
        from tensorflow.python.platform import build_info
        assert support.cuda.split('.')[0] == build_info.cuda_version_number
        return
    info = tensorflow.sysconfig.get_build_info()
    if not info.get('is_cuda_build'):
        pytest.skip('this TensorFlow is built without CUDA')
    assert info['cuda_version'].startswith(support.cuda + '.')
    capabilities = sorted(tuple(map(int, divmod(int(name.split('_')[1]), 10)))
                          for name in info['cuda_compute_capabilities'])
    assert (capabilities[0], capabilities[-1]) == (support.lowest,
                                                   support.highest)
    # A newer driver is needed for the kernels that exist as PTX only.
    as_ptx, = [name for name in info['cuda_compute_capabilities']
               if name.startswith('compute_')]
    assert as_ptx == 'compute_{}{}'.format(*support.drivers[-1].capability)


def test_the_readme_names_the_limits_and_the_drivers():
    table = read('README.md').split('# Which card\n')[1].split('\n#')[0]
    for support in (TENSORFLOW_1, TENSORFLOW_2):
        for fact in (*map(format_capability, (support.lowest, support.highest)),
                     *(f'{need.number} or newer' for need in support.drivers)):
            assert fact in table, fact


def test_the_locked_cudnn_has_kernels_for_the_whole_table():
    """cuDNN is the CUDA package that dropped cards within a major version."""
    major, minor, patch = map(int, re.search(
        r'^nvidia-cudnn-cu12==(\d+)\.(\d+)\.(\d+)',
        read('requirements/tf2-cuda.txt'), re.MULTILINE).groups())
    assert (major, minor) >= (9, 3)  # which TensorFlow 2.21 asks for
    version = major * 10000 + minor * 100 + patch
    assert supports.find_cudnn_fault(
        Card('0', 'The oldest', TENSORFLOW_2.lowest), version, TENSORFLOW_2) is None


@pytest.mark.parametrize('version, card, fault', [
    (92800, cuda_stubs.GTX_1080_TI, 'cuDNN 9.28'), (92800, cuda_stubs.RTX_2080, ''),
    (91002, cuda_stubs.GTX_1080_TI, ''), (None, cuda_stubs.GTX_1080_TI, '')])
def test_a_cudnn_that_is_too_new_for_the_card(version, card, fault):
    found = supports.find_cudnn_fault(Card('0', *card), version, TENSORFLOW_2)
    assert fault in found if fault else found is None
