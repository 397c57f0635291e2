"""Where the network computes: the CPU, or a GPU that this TensorFlow can use.

TensorFlow 1.15 on a card that is newer than its CUDA does not fail: it hangs
for minutes and then computes NaN or wrong numbers. So the cards and the driver
are held against what the installed TensorFlow supports before it is imported.
An unfit card is refused. A driver or libraries that are of no use are named,
and the CPU is taken, unless a GPU was asked for.
"""

import os
import re
import sys
from typing import NamedTuple, Optional, Tuple

from cifar10_tf1.machine import runtime
from cifar10_tf1.machine.cuda import driver as drivers
from cifar10_tf1.machine.cuda import hiding
from cifar10_tf1.machine.cuda import libraries
from cifar10_tf1.machine.cuda import support as supports
from cifar10_tf1.common.errors import UserError


class Choice(NamedTuple):
    """What was decided before TensorFlow was imported."""
    device: str                        # 'cpu' or 'gpu'
    requested: str                     # 'auto', 'cpu' or 'gpu'
    reason: str = ''                   # why it is the CPU
    is_problem: bool = False           # a card may be there, and is not used
    card: Optional[drivers.Card] = None
    driver: Optional[drivers.Driver] = None
    not_used: Tuple[str, ...] = ()     # the other cards, and why


def prepare(requested, allow_unsupported=False, support=None,
            because='as --device says'):
    """Chooses the device and hides from TensorFlow what it is not to use.

    Runs before TensorFlow is imported.

    Args:
      requested: 'auto', 'cpu' or 'gpu'.
      allow_unsupported: bool, takes a card that is refused otherwise.
      support: cuda.support.Support, by default the installed TensorFlow's.
      because: str, of the line of a CPU that is asked for.
    Returns:
      Choice, for resolve.
    Raises:
      UserError: where there is no fit card among those that are there; where a
        GPU is asked for and none can be used.
    """
    if requested == 'cpu':
        return _use_cpu(requested, because)
    hidden = os.environ.get('CUDA_VISIBLE_DEVICES')
    if hidden is not None and hidden.strip() in ('', '-1'):
        return _use_cpu(requested, f'CUDA_VISIBLE_DEVICES={hidden.strip()} '
                        'hides every GPU', 'unset it')
    driver = drivers.ask()
    if not driver.is_here:
        return _use_cpu(requested, 'no NVIDIA driver here',
                        'in a container pass --gpus all')
    if driver.problem:
        return _use_cpu(requested, driver.problem, is_problem=True)
    if not driver.cards:
        return _use_cpu(requested, 'the NVIDIA driver finds no card'
                        + (f' with CUDA_VISIBLE_DEVICES={hidden}' if hidden
                           else ''), 'in a container pass --gpus all')
    support = support or supports.find_support() or supports.TENSORFLOW_1
    choice = _choose_card(requested, driver, support, allow_unsupported)
    fault = libraries.find_fault(libraries.look_for(support), choice.card,
                                 support)
    if fault:
        return _use_cpu(requested, f'{choice.card}, is not used: {fault}',
                        is_problem=True)
    if len(driver.cards) > 1:
        os.environ['CUDA_VISIBLE_DEVICES'] = choice.card.label
    return choice


def resolve(choice, threads):
    """Starts TensorFlow's devices; prints the line about the one that is used.

    Args:
      choice: Choice.
      threads: machine.Threads.
    Returns:
      'cpu' or 'gpu'.
    Raises:
      UserError: where a GPU is asked for and TensorFlow can use none.
    """
    card = _find_card(threads) if choice.device == 'gpu' else None
    if card is None and choice.device == 'gpu':
        choice = _use_cpu(choice.requested, 'TensorFlow can use no GPU here; '
                          'TF_CPP_MIN_LOG_LEVEL=0 shows why', is_problem=True)
    if card is None:
        line = (f'Device: CPU ({choice.reason}), '
                f'{max(threads.intra_op, threads.inter_op)} threads')
    else:
        cuda = libraries.find_cuda()
        number = choice.driver and choice.driver.number
        label = choice.card.label if choice.card else '0'
        line = ', '.join(
            [f'Device: {drivers.name_label(label)}: {_name_of(card)}']
            + ([f'driver {number}'] if number else [])
            + ([f'CUDA {drivers.format_cuda(cuda)}'] if cuda else []))
        line = '; not used: '.join((line,) + choice.not_used)
    # Standard output has the run's story, standard error what to worry about.
    print(('warning: ' if choice.is_problem else '') + line,
          file=sys.stderr if choice.is_problem else sys.stdout, flush=True)
    return 'cpu' if card is None else 'gpu'


def find_gpu(device, threads):
    """The card and what drives it, for the record; None on a CPU.

    Returns:
      dict: card (as TensorFlow describes it), driver, cuda, cudnn; or None.
    """
    if device != 'gpu':
        return None
    # The bus address is of no influence, and tells two like machines apart.
    card = re.sub(r', pci bus id: [^,]*', '', _find_card(threads))
    return {'card': card, 'driver': drivers.find_number(),
            'cuda': libraries.find_cuda(), 'cudnn': libraries.find_cudnn()}


def _use_cpu(requested, reason, way_out='', is_problem=False):
    """The Choice of the CPU; UserError where a GPU was asked for."""
    if requested == 'gpu':
        raise UserError('a GPU is asked for (--device gpu, or the run\'s '
                        f'record): {reason}; '
                        + (f'{way_out}, or ' if way_out else 'or ')
                        + 'use --device cpu')
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
    hiding.hide_driver()
    # Without a driver 1.15 reports a failed cuInit as an error at each start.
    # Real errors still arrive as Python exceptions, fatal ones are printed.
    if os.environ.get('TF_CPP_MIN_LOG_LEVEL', '2') == '2':
        os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
    return Choice('cpu', requested, reason, is_problem)


def _choose_card(requested, driver, support, allow_unsupported):
    """The Choice of the first fit card; UserError where there is none."""
    faults = [supports.find_fault(card, driver, support)
              for card in driver.cards]
    if None not in faults:
        refusal = '; '.join(faults)
        if not allow_unsupported:
            ways_out = supports.list_ways_out(driver, support)
            raise UserError(f'{refusal}. Use '
                            + ', or '.join(ways_out + ['--device cpu'])
                            + ', or try it all the same with '
                            '--allow-unsupported-gpu')
        print(f'warning: {refusal}; going on because of '
              '--allow-unsupported-gpu', file=sys.stderr, flush=True)
        faults[0] = None
    card = driver.cards[faults.index(None)]
    return Choice('gpu', requested, card=card, driver=driver, not_used=tuple(
        fault or str(other) for other, fault in zip(driver.cards, faults)
        if other is not card))


def _find_card(threads):
    """TensorFlow's description of the GPU that its sessions have, or None."""
    runtime.load_tensorflow()
    from tensorflow.python.client import device_lib
    cards = [local.physical_device_desc for local
             in device_lib.list_local_devices(runtime.session_config(threads))
             if local.device_type == 'GPU']
    return cards[0] if cards else None


def _name_of(description):
    """'NVIDIA A100, compute capability 8.0' of TensorFlow's description."""
    match = re.search(r'name: (.*?), (?:pci bus id: [^,]*, )?'
                      r'compute capability: ([\d.]+)', description)
    return (f'{match.group(1)}, compute capability {match.group(2)}' if match
            else description)
