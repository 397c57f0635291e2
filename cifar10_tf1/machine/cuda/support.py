"""The cards and drivers that each TensorFlow supports.

The facts come from the wheels. Their kernels are machine code (ELF), which runs on
cards of the same major capability and the same or a higher minor one, and PTX, which
the driver compiles at the first start and which should run on every newer card.
"""

from typing import NamedTuple, Optional, Tuple

from cifar10_tf1.machine import description
from cifar10_tf1.machine.cuda.driver import format_capability, format_cuda


class DriverNeed(NamedTuple):
    capability: Tuple[int, int]  # lowest one that this need applies to
    cuda: int                    # lowest sufficient cuDriverGetVersion
    number: str                  # first Linux driver with it


class Support(NamedTuple):
    name: str
    cuda: str                         # version it was built with
    lowest: Tuple[int, int]           # compute capability
    highest: Tuple[int, int]
    drivers: Tuple[DriverNeed, ...]   # in ascending order
    on_newer_cards: str               # what happens there
    way_to_it: str                    # how to get this TensorFlow
    way_to_libraries: str             # how to get its CUDA and cuDNN
    # (version, capability): from this version on, cuDNN has no kernels for older cards.
    cudnn_limit: Optional[Tuple[int, Tuple[int, int]]] = None

    def has_kernels(self, card):
        return self.lowest <= card.capability <= self.highest

    def find_driver_need(self, card):
        return [need for need in self.drivers if need.capability <= card.capability][-1]


TENSORFLOW_1 = Support(
    'TensorFlow 1.15', cuda='10.0',
    # The wheel has ELF and PTX for 3.5, 3.7, 5.2, 6.0, 6.1 and 7.0, but cuBLAS and
    # cuDNN for CUDA 10.0 support nothing newer than 7.5.
    lowest=(3, 5), highest=(7, 5),
    drivers=(DriverNeed((0, 0), 10000, '410.48'),),
    on_newer_cards='hangs for minutes and then computes NaN or wrong numbers',
    way_to_it='TensorFlow 1.15 (make train, or docker/Dockerfile)',
    way_to_libraries='install CUDA 10.0 and cuDNN 7 or use docker/Dockerfile, '
                     'which has them')

TENSORFLOW_2 = Support(
    # From tf.sysconfig.get_build_info(), as a test checks: CUDA 12.5.1, cuDNN 9;
    # sm_60, sm_70, sm_80, sm_89, compute_90.
    'TensorFlow 2', cuda='12.5', lowest=(6, 0), highest=(9, 0),
    drivers=(
        # NVIDIA's "minor version compatibility": any driver for CUDA 12 works, but
        # only with machine code.
        DriverNeed((0, 0), 12000, '525.60.13'),
        # Most kernels for 9.0 are PTX 8.5, which needs a driver for CUDA 12.5.
        DriverNeed((9, 0), 12050, '555.42.02')),
    # Its PTX for 9.0 should run on 10.0 and 12.0, but fails (TensorFlow issues 89272
    # and 101746).
    on_newer_cards='fails with CUDA_ERROR_INVALID_PTX',
    way_to_it='TensorFlow 2 (make train RUNTIME=tf2-cuda, or '
              'docker/Dockerfile.tf2)',
    way_to_libraries='run make setup RUNTIME=tf2-cuda to install CUDA and cuDNN, or '
                     'use docker/Dockerfile.tf2, which has them',
    # cuDNN 9.11 dropped Pascal and Volta, according to its support matrix. The lock
    # has an older one; see requirements/main-tf2-cuda.in.
    cudnn_limit=(91100, (7, 5)))


def find_support():
    """The Support of the installed TensorFlow; 1.15's if none is installed."""
    version = description.find_tensorflow()[1] or '1.'
    return TENSORFLOW_1 if version.startswith('1.') else TENSORFLOW_2


def find_fault(card, driver, support):
    """Why TensorFlow can't use a card with this driver; None if it can."""
    if not support.has_kernels(card):
        span = ' to '.join(map(format_capability, (support.lowest, support.highest)))
        consequence = (f'on newer cards {support.on_newer_cards}'
                       if card.capability > support.highest else
                       'has no kernels for older cards')
        return f'{card}: {support.name} (CUDA {support.cuda}) supports {span}, and {consequence}'
    need = support.find_driver_need(card)
    if driver.cuda >= need.cuda:
        return None
    return (f'{card}: the NVIDIA driver is too old: it supports CUDA {format_cuda(driver.cuda)}, '
            f'but {support.name} needs {format_cuda(need.cuda)} for this card; update the driver '
            f'to {need.number} or newer')


def find_cudnn_fault(card, version, support):
    """Why this version of cuDNN (91002 for 9.10.2, or None) can't use a card, or None."""
    if not support.cudnn_limit or version is None:
        return None
    first, lowest = support.cudnn_limit
    if version < first or card.capability >= lowest:
        return None
    return (f'{card}: cuDNN {version // 10000}.{version % 10000 // 100} has no kernels '
            'for it; run make setup RUNTIME=tf2-cuda to install one that has them')


def list_ways_out(driver, support):
    """How to get the other TensorFlow, if it has kernels for a card: list of str."""
    other = TENSORFLOW_1 if support is TENSORFLOW_2 else TENSORFLOW_2
    needs = [other.find_driver_need(card) for card in driver.cards if other.has_kernels(card)]
    if not needs:
        return []
    need = min(needs)
    if driver.cuda >= need.cuda:
        return [other.way_to_it]
    return [f'{other.way_to_it} with the NVIDIA driver {need.number} or newer']
