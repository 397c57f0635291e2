"""Which cards are here, and what the driver serves: libcuda.so.1 is asked.

It answers on every driver and in every container that can compute; nvidia-smi
may be absent, and knows compute capabilities only on newer drivers. The question
is put by a child process (probe.py) with a time limit.
"""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from typing import NamedTuple, Optional, Tuple

# cuInit takes seconds a card on a large machine whose driver is not kept loaded.
LIMIT_SECONDS = 60.0
_PATIENCE_SECONDS = 5.0  # then the user is told what is waited for
_PROBE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'probe.py')
_VERSION_FILE = '/proc/driver/nvidia/version'
NO_DEVICE = 100

# The stub that the CUDA toolkit links with answers -1 to CUDA 10, then 34. It
# lies in the loader's path of TensorFlow's official GPU images, behind the real
# libcuda, and so is what is found in a container without --gpus.
_STUB_CODES = (-1, 34)
_STUB_IN_THE_WAY = ('CUDA_ERROR_STUB_LIBRARY', 'the stub of libcuda.so.1 from '
                    'the CUDA toolkit hides the real one: take its folder out '
                    'of LD_LIBRARY_PATH')
_DEVICE_FILES = ('/dev/nvidiactl', '/dev/dxg')  # the second: Windows' WSL

# CUresult in cuda.h: name, what helps.
_ERRORS = {
    -1: _STUB_IN_THE_WAY,
    2: ('CUDA_ERROR_OUT_OF_MEMORY', 'free memory of the card or the machine'),
    3: ('CUDA_ERROR_NOT_INITIALIZED', 'reboot, or install the driver again'),
    34: _STUB_IN_THE_WAY,
    35: ('cudaErrorInsufficientDriver', 'update the driver'),
    46: ('CUDA_ERROR_DEVICE_UNAVAILABLE', 'wait for the process that has the '
         'card for itself'),
    NO_DEVICE: ('CUDA_ERROR_NO_DEVICE', 'in a container pass --gpus all'),
    101: ('CUDA_ERROR_INVALID_DEVICE', 'look at CUDA_VISIBLE_DEVICES'),
    304: ('CUDA_ERROR_OPERATING_SYSTEM', 'look at the permissions of '
          '/dev/nvidia*'),
    802: ('CUDA_ERROR_SYSTEM_NOT_READY', 'start the NVIDIA fabric manager, or '
          'wait until it is up'),
    803: ('CUDA_ERROR_SYSTEM_DRIVER_MISMATCH', 'libcuda and the kernel module '
          'are of different drivers, as after an update: reboot, or start the '
          'container anew'),
    804: ('CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE', 'take the folder of the '
          'cuda-compat package out of LD_LIBRARY_PATH'),
    999: ('CUDA_ERROR_UNKNOWN', 'load the module nvidia_uvm (modprobe '
          'nvidia_uvm), or reboot'),
}


class ProbeError(Exception):
    """The child process gave no answer; the text says why."""


class Card(NamedTuple):
    label: str                   # as CUDA_VISIBLE_DEVICES names it
    name: str                    # such as 'NVIDIA GeForce RTX 2080'
    capability: Tuple[int, int]  # compute capability

    def __str__(self):
        return (f'{name_label(self.label)}: {self.name}, compute capability '
                f'{format_capability(self.capability)}')


class Driver(NamedTuple):
    is_here: bool = False          # whether there is a libcuda at all
    cuda: Optional[int] = None     # the newest that it serves, 12020 for 12.2
    number: Optional[str] = None   # its own, such as '535.54.03'
    cards: Tuple[Card, ...] = ()
    problem: Optional[str] = None  # why it is of no use, and what helps


def ask(limit=LIMIT_SECONDS):
    """Asks the driver of this machine.

    Where the user lists no cards, they are counted as nvidia-smi counts them, by
    CUDA_DEVICE_ORDER; by default CUDA puts the fastest card first.

    Args:
      limit: float, seconds.
    Returns:
      Driver; whatever happens, its `problem` says it.
    """
    if os.environ.get('CUDA_VISIBLE_DEVICES') is None:
        os.environ.setdefault('CUDA_DEVICE_ORDER', 'PCI_BUS_ID')
    number = find_number()
    try:
        unloadable, cuda, error, cards = run_probe(
            ('unloadable', 'cuda', 'error', 'cards'), {}, limit)
    except ProbeError as failure:
        return Driver(True, None, number, (), f'the NVIDIA driver {failure}; '
                      'reboot, or install it again')
    if unloadable is not None:
        return _without_library(unloadable, number)
    if error and error['code'] in _STUB_CODES and not any(
            map(os.path.exists, _DEVICE_FILES)):
        return Driver(number=number)
    if error and error['code'] != NO_DEVICE:
        name, remedy = _ERRORS.get(error['code'], (
            'an unknown one', 'reboot, or install the driver again'))
        return Driver(True, cuda, number, (), 'the NVIDIA driver fails '
                      f'({error["call"]}: error {error["code"]}, {name}); '
                      f'{remedy}')
    return Driver(True, cuda, number, tuple(
        Card(_label(i), card['name'], tuple(card['capability']))
        for i, card in enumerate(cards)))


def find_number():
    """The driver's own version, '535.54.03'; None where none is loaded."""
    try:
        with open(_VERSION_FILE) as file:
            match = re.search(r'\s(\d{3,}(\.\d+)+)\s', file.readline())
    except OSError:
        return None
    return match and match.group(1)


def run_probe(names, question, limit=LIMIT_SECONDS):
    """Runs probe.py.

    The child's own alarm ends it. One that hangs in the kernel, where no signal
    arrives, is left behind.

    Args:
      names: of the parts of the answer.
      question: dict, the arguments of probe.load_libraries, or an empty one.
      limit: float, seconds.
    Returns:
      list, these parts.
    Raises:
      ProbeError: where it hangs, crashes or says something else.
    """
    process = subprocess.Popen(
        [sys.executable, '-I', '-S', _PROBE,
         json.dumps(dict(question, seconds=limit))],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, universal_newlines=True)
    notice = threading.Timer(
        _PATIENCE_SECONDS, print,
        [f'Waiting for the NVIDIA driver, {limit:.0f} s at most'],
        {'file': sys.stderr, 'flush': True})
    notice.start()
    try:
        output = process.communicate(timeout=limit + 1)[0]
        status = process.returncode
    except subprocess.TimeoutExpired:
        status = -signal.SIGALRM
    finally:
        notice.cancel()
    if status == -signal.SIGALRM:
        raise ProbeError(f'hangs (no answer in {limit:g} s)')
    if status < 0:
        raise ProbeError(f'crashes ({signal.Signals(-status).name})')
    try:
        answer = json.loads(output.splitlines()[-1])
        return [answer[name] for name in names]
    except (IndexError, KeyError, TypeError, ValueError):
        raise ProbeError(f'gives no answer (exit status {status})')


def _label(index):
    """How CUDA_VISIBLE_DEVICES names the card: a user's list is kept as it is."""
    listed = os.environ.get('CUDA_VISIBLE_DEVICES')
    labels = [label.strip() for label in (listed or '').split(',')]
    if listed is None or index >= len(labels):
        return str(index)
    return labels[index]


def _without_library(message, number):
    """Driver where libcuda.so.1 does not load: absent, or there and broken."""
    # One of the libraries that it needs may be what is not there.
    if message.startswith('libcuda.so.1:') and 'No such file' in message:
        return Driver(number=number)
    return Driver(True, None, number, (), f'libcuda.so.1 does not load '
                  f'({message}); install the driver again, or start the '
                  'container with --gpus all')


def name_label(label):
    """'GPU 1' of '1'; a UUID, 'GPU-...' or 'MIG-...', stays as it is."""
    return f'GPU {label}' if label.isdigit() else label


def format_cuda(number):
    """'12.2' of 12020."""
    return f'{number // 1000}.{number % 1000 // 10}'


def format_capability(capability):
    """'7.5' of (7, 5)."""
    return '{}.{}'.format(*capability)
