"""Selects the device: the CPU, or a GPU that the installed TensorFlow supports.

On a card newer than its CUDA, TensorFlow 1.15 does not fail: it hangs for minutes
and then computes NaN or wrong numbers. So cards and driver are checked before the
import, and an unsupported card is refused. If the driver or TensorFlow's libraries
don't work, a warning says so and the CPU is used, unless the user asked for a GPU.
"""

import os
import re
import sys
from typing import NamedTuple, Optional

from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import runtime
from cifar10_tf1.machine.cuda import driver as drivers, support as supports


class DeviceSelection(NamedTuple):
    """The decision made before TensorFlow is imported."""
    requested: str                 # 'auto', 'cpu' or 'gpu'
    card: Optional[drivers.Card]   # None: the CPU
    reason: str = ''               # for using the CPU
    is_problem: bool = False       # a card may be there but can't be used

    @property
    def device(self):
        return 'gpu' if self.card else 'cpu'


def select(requested, allow_unsupported=False):
    """Selects the device before TensorFlow's import: DeviceSelection.

    `requested` is 'auto', 'cpu' or 'gpu'. Raises UserError if no card is supported, unless
    the user allows that, or if no GPU is usable and one was requested.
    """
    if requested == 'cpu':
        return _select_cpu(requested, 'chosen by --device or the run\'s record')
    visible = os.environ.get('CUDA_VISIBLE_DEVICES', '0').strip()
    if visible in ('', '-1'):
        return _select_cpu(requested, f'CUDA_VISIBLE_DEVICES={visible} hides every GPU')
    driver = drivers.ask()
    if not driver.cards:
        return _select_cpu(requested, driver.problem, driver.is_broken)
    support = supports.find_support()
    faults = [supports.find_fault(card, driver, support) for card in driver.cards]
    if None in faults:
        return DeviceSelection(requested, driver.cards[faults.index(None)])
    refusal = '; '.join(faults)
    if not allow_unsupported:
        ways_out = supports.list_ways_out(driver, support) + ['--device cpu']
        raise UserError(f'{refusal}. Use {", or ".join(ways_out)}, or try the card '
                        'anyway with --allow-unsupported-gpu')
    print(f'warning: {refusal}; using it anyway (--allow-unsupported-gpu)', file=sys.stderr)
    return DeviceSelection(requested, driver.cards[0])


def resolve(selection, threads):
    """Starts TensorFlow's threads and devices; prints and returns 'cpu' or 'gpu'.

    Raises UserError if TensorFlow can't use the GPU that was requested.
    """
    runtime.start_threads(threads)
    fault = selection.card and _find_fault(selection.card, threads)
    if fault:
        selection = _select_cpu(selection.requested, fault, is_problem=True)
    if selection.card:
        number, cuda = drivers.find_number(), drivers.find_cuda()
        line = (f'Device: {selection.card}' + (f', driver {number}' if number else '')
                + (f', CUDA {drivers.format_cuda(cuda)}' if cuda else ''))
    else:
        count = max(threads.intra_op, threads.inter_op)
        line = f'Device: CPU ({selection.reason}), {count} thread{"" if count == 1 else "s"}'
    if selection.is_problem:
        print(f'warning: {line}', file=sys.stderr)
    else:
        print(line)
    return selection.device


def find_gpu(device, threads):
    """The card, as TensorFlow describes it, and its software; None on a CPU."""
    if device != 'gpu':
        return None
    # Without the bus address, which would make equal machines differ.
    card = re.sub(r', pci bus id: [^,]*', '', _find_card(threads))
    return {'card': card, 'driver': drivers.find_number(),
            'cuda': drivers.find_cuda(), 'cudnn': drivers.find_cudnn()}


def _select_cpu(requested, reason, is_problem=False):
    if requested == 'gpu':
        raise UserError('no GPU is usable, but --device or the run\'s record asks for one: '
                        f'{reason}; in a container, pass --gpus all, or use --device cpu')
    return DeviceSelection(requested, None, reason, is_problem)


def _find_fault(card, threads):
    """Why TensorFlow can't use the selected card, or None."""
    support = supports.find_support()
    if _find_card(threads) is None:
        return ('TensorFlow finds no usable GPU; set TF_CPP_MIN_LOG_LEVEL=0 to see which '
                f'library it lacks; {support.way_to_libraries}')
    return supports.find_cudnn_fault(card, drivers.find_cudnn(), support)


def _find_card(threads):
    """TensorFlow's description of its first GPU, or None."""
    runtime.load_tensorflow()
    from tensorflow.python.client import device_lib
    config = runtime.session_config(threads)
    return next((local.physical_device_desc
                 for local in device_lib.list_local_devices(config)
                 if local.device_type == 'GPU'), None)
