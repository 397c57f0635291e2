"""Which TensorFlow supports which card and driver: guard, wheels, README."""

import os
import re

import pytest

from cards import GTX_1080_TI, GTX_680, GTX_980, H100, RTX_2080, RTX_3090, RTX_5090
from cifar10_tf1.machine.cuda import support as supports
from cifar10_tf1.machine.cuda.driver import Driver, format_capability
from cifar10_tf1.machine.cuda.support import TENSORFLOW_1, TENSORFLOW_2
from pages import read, ROOT


@pytest.mark.parametrize('card, cuda, by_1, by_2', [
    # the newest CUDA of the driver; why not by TensorFlow 1.15, by TensorFlow 2
    (GTX_680, 10020, 'no kernels for older', 'no kernels for older'),
    (GTX_980, 12020, None, 'no kernels for older'),
    (GTX_1080_TI, 10000, None, 'to 525.60.13 or newer'),
    (GTX_1080_TI, 9020, 'to 410.48 or newer', 'to 525.60.13 or newer'),
    (RTX_2080, 12020, None, None),
    (RTX_3090, 12020, 'hangs for minutes', None),
    (H100, 12040, 'hangs for minutes', 'to 555.42.02 or newer'),
    (H100, 12050, 'hangs for minutes', None),
    (RTX_5090, 13000, 'hangs for minutes', 'CUDA_ERROR_INVALID_PTX')])
def test_verdicts(card, cuda, by_1, by_2):
    for support, words in ((TENSORFLOW_1, by_1), (TENSORFLOW_2, by_2)):
        fault = supports.find_fault(card, Driver((card,), cuda), support)
        if words is None:
            assert fault is None
        else:
            assert str(card) in fault and words in fault


@pytest.mark.parametrize('support', [TENSORFLOW_1, TENSORFLOW_2])
def test_the_ways_out_are_there(support):
    text = f'{support.way_to_it}; {support.way_to_libraries}'
    for target in re.findall(r'make ([a-z-]+)', text):
        assert f'\n{target}:' in read('Makefile'), target
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
    capabilities = sorted(divmod(int(name.split('_')[1]), 10)
                          for name in info['cuda_compute_capabilities'])
    assert (capabilities[0], capabilities[-1]) == (support.lowest, support.highest)
    # A newer driver is needed for the kernels that exist as PTX only.
    as_ptx, = [name for name in info['cuda_compute_capabilities'] if name.startswith('compute_')]
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
    oldest = RTX_2080._replace(capability=TENSORFLOW_2.lowest)
    version = major * 10000 + minor * 100 + patch
    assert supports.find_cudnn_fault(oldest, version, TENSORFLOW_2) is None


@pytest.mark.parametrize('version, card, is_fit', [
    (91002, GTX_1080_TI, True), (91100, GTX_1080_TI, False), (91100, RTX_2080, True),
    (None, GTX_1080_TI, True)])
def test_a_cudnn_that_is_too_new_for_the_card(version, card, is_fit):
    assert (supports.find_cudnn_fault(card, version, TENSORFLOW_2) is None) == is_fit
