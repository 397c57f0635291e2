"""Selects the device: the CPU, or a GPU that the installed TensorFlow supports.

On a card newer than its CUDA, TensorFlow 1.15 does not fail: it hangs for minutes
and then computes NaN or wrong numbers. So cards and driver are checked before the
import, and an unfit card is refused. If the driver or TensorFlow's libraries don't
work, a warning says so and the CPU is used, unless the user asked for a GPU.
"""

import os
import re
import sys
from typing import NamedTuple
from typing import Optional
from typing import Tuple

from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import runtime
from cifar10_tf1.machine.cuda import driver as drivers
from cifar10_tf1.machine.cuda import libraries
from cifar10_tf1.machine.cuda import support as supports

_VISIBLE = 'CUDA_VISIBLE_DEVICES'
# Variables that an earlier run in this process changed: name to (old, new) value.
_changed = {}


class DeviceSelection(NamedTuple):
    """The decision made before the import of TensorFlow."""
    device: str                        # 'cpu' or 'gpu'
    requested: str                     # 'auto', 'cpu' or 'gpu'
    reason: str = ''                   # for the CPU
    is_problem: bool = False           # a card may be there but can't be used
    card: Optional[drivers.Card] = None
    driver: Optional[drivers.Driver] = None
    not_used: Tuple[str, ...] = ()     # the other cards, and why


def select(requested, allow_unsupported=False, support=None,
           because='as --device says'):
    """Selects the device and hides the other cards from TensorFlow.

    Call it before the import of TensorFlow.

    Args:
      requested: 'auto', 'cpu' or 'gpu'.
      allow_unsupported: bool, whether to use an unfit card.
      support: cuda.support.Support; default the installed TensorFlow's.
      because: str, the reason to print if the CPU was requested.
    Returns:
      DeviceSelection, for resolve.
    Raises:
      UserError: every card is unfit, or no GPU is usable and one was requested.
    """
    restore_environment()
    if requested == 'cpu':
        return _select_cpu(requested, because)
    hidden = os.environ.get(_VISIBLE)
    if hidden is not None and hidden.strip() in ('', '-1'):
        return _select_cpu(requested, f'{_VISIBLE}={hidden.strip()} hides every '
                           'GPU', 'unset it')
    driver = drivers.ask()
    if not driver.is_here:
        return _select_cpu(requested, 'no NVIDIA driver here',
                           'in a container pass --gpus all')
    if driver.problem:
        return _select_cpu(requested, driver.problem, is_problem=True)
    if not driver.cards:
        return _select_cpu(requested, 'the NVIDIA driver finds no card'
                           + (f' with {_VISIBLE}={hidden}' if hidden else ''),
                           'in a container pass --gpus all')
    support = support or supports.find_support() or supports.TENSORFLOW_1
    selection = _select_card(requested, driver, support, allow_unsupported)
    if len(driver.cards) > 1:
        _change(_VISIBLE, selection.card.label)
    return selection


def resolve(selection, threads):
    """Starts TensorFlow's threads and devices; prints the device.

    Args:
      selection: DeviceSelection.
      threads: description.Threads.
    Returns:
      'cpu' or 'gpu'.
    Raises:
      UserError: TensorFlow can't use the GPU that was requested.
    """
    runtime.start_threads(threads)
    name = None
    if selection.device == 'gpu':
        name, fault = _check_card(threads)
        if fault:
            selection = _select_cpu(selection.requested, fault, is_problem=True)
    if selection.device == 'cpu':
        count = max(threads.intra_op, threads.inter_op)
        line = (f'Device: CPU ({selection.reason}), {count} '
                f'thread{"" if count == 1 else "s"}')
    else:
        cuda = libraries.find_cuda()
        number = selection.driver.number
        line = ', '.join(
            [f'Device: {drivers.name_label(selection.card.label)}: {name}']
            + ([f'driver {number}'] if number else [])
            + ([f'CUDA {drivers.format_cuda(cuda)}'] if cuda else []))
        line = '; not used: '.join((line,) + selection.not_used)
    print(('warning: ' if selection.is_problem else '') + line,
          file=sys.stderr if selection.is_problem else sys.stdout, flush=True)
    return selection.device


def find_gpu(device, threads):
    """Describes the card and its software for run.json; None on a CPU.

    Returns:
      dict: card (as TensorFlow describes it), driver, cuda, cudnn; or None.
    """
    if device != 'gpu':
        return None
    # Without the bus address, which would make equal machines differ.
    card = re.sub(r', pci bus id: [^,]*', '', _find_card(threads))
    return {'card': card, 'driver': drivers.find_number(),
            'cuda': libraries.find_cuda(), 'cudnn': libraries.find_cudnn()}


def _select_cpu(requested, reason, way_out='', is_problem=False):
    """Selects the CPU; UserError if a GPU was requested."""
    if requested == 'gpu':
        raise UserError('no GPU is usable, but --device or the run\'s record asks for '
                        f'one: {reason}; ' + (f'{way_out}, or ' if way_out else 'or ')
                        + 'use --device cpu')
    _change(_VISIBLE, '-1')
    # Without a driver 1.15 logs a failed cuInit as an error at each start. Level 3
    # hides it; other errors still become Python exceptions.
    if os.environ.get('TF_CPP_MIN_LOG_LEVEL', '2') == '2':
        os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
    return DeviceSelection('cpu', requested, reason, is_problem)


def _select_card(requested, driver, support, allow_unsupported):
    """Selects the first fit card; UserError if there is none."""
    faults = [supports.find_fault(card, driver, support)
              for card in driver.cards]
    if None not in faults:
        refusal = '; '.join(faults)
        if not allow_unsupported:
            ways_out = supports.list_ways_out(driver, support)
            raise UserError(f'{refusal}. Use '
                            + ', or '.join(ways_out + ['--device cpu'])
                            + ', or try the card anyway with --allow-unsupported-gpu')
        print(f'warning: {refusal}; used because of --allow-unsupported-gpu',
              file=sys.stderr, flush=True)
        faults[0] = None
    card = driver.cards[faults.index(None)]
    return DeviceSelection('gpu', requested, card=card, driver=driver, not_used=tuple(
        fault or str(other) for other, fault in zip(driver.cards, faults)
        if other is not card))


def _change(name, value):
    _changed[name] = os.environ.get(name), value
    os.environ[name] = value


def restore_environment():
    """Undoes the changes of an earlier run in this process, as in a notebook."""
    for name, (before, value) in _changed.items():
        if os.environ.get(name) == value:
            os.environ.pop(name)
            if before is not None:
                os.environ[name] = before
    _changed.clear()


def _check_card(threads):
    """(name of TensorFlow's card, None), or (None, why it can't use one)."""
    support = supports.find_support() or supports.TENSORFLOW_1
    described = _find_card(threads)
    if described is None:
        return None, ('TensorFlow finds no usable GPU; set TF_CPP_MIN_LOG_LEVEL=0 to '
                      f'see which library it lacks; {support.way_to_libraries}')
    match = re.search(r'name: (.*?), (?:pci bus id: [^,]*, )?'
                      r'compute capability: (\d+)\.(\d+)', described)
    if not match:
        return described, None
    capability = int(match.group(2)), int(match.group(3))
    name = f'{match.group(1)}, compute capability {match.group(2)}.{match.group(3)}'
    fault = supports.find_cudnn_fault(capability, libraries.find_cudnn(), support)
    return (None, f'{name}: {fault}') if fault else (name, None)


def _find_card(threads):
    """TensorFlow's description of its first GPU, or None."""
    runtime.load_tensorflow()
    from tensorflow.python.client import device_lib
    cards = [local.physical_device_desc for local
             in device_lib.list_local_devices(runtime.session_config(threads))
             if local.device_type == 'GPU']
    return cards[0] if cards else None
