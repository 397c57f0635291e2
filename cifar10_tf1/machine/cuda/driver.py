"""The NVIDIA cards of this machine and the CUDA version of their driver.

Asks libcuda.so.1, part of every driver and of every container that can compute, in
a child process (probe.py) with a time limit: a broken driver may hang or crash.
"""

import json
import os
import re
import signal
import subprocess
import sys
from typing import NamedTuple
from typing import Optional
from typing import Tuple

# On a large machine that unloads its idle driver, cuInit takes seconds a card.
LIMIT_SECONDS = 60.0
_PROBE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'probe.py')
_VERSION_FILE = '/proc/driver/nvidia/version'

_NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE
# The CUDA toolkit's stub of libcuda answers -1 up to CUDA 10, later 34. In
# TensorFlow's GPU images the loader finds it if the container has no --gpus.
_STUB_CODES = (-1, 34)
_DEVICE_FILES = ('/dev/nvidiactl', '/dev/dxg')  # the second on WSL

_REMEDY = ('reboot, or reinstall the driver; in a container pass --gpus all and keep '
           'stub libraries out of LD_LIBRARY_PATH')


class Card(NamedTuple):
    label: str                   # in CUDA_VISIBLE_DEVICES
    name: str                    # such as 'NVIDIA GeForce RTX 2080'
    capability: Tuple[int, int]  # compute capability

    def __str__(self):
        return (f'{name_label(self.label)}: {self.name}, compute capability '
                f'{format_capability(self.capability)}')


class Driver(NamedTuple):
    is_here: bool = False          # whether there is a libcuda
    cuda: Optional[int] = None     # the newest version it supports, 12020 for 12.2
    number: Optional[str] = None   # its own version, such as '535.54.03'
    cards: Tuple[Card, ...] = ()
    problem: Optional[str] = None  # why it can't be used, and a remedy

    def fail(self, problem):
        """This driver, marked as unusable."""
        return self._replace(is_here=True, cards=(),
                             problem=f'the NVIDIA driver {problem}; {_REMEDY}')


def ask(limit=LIMIT_SECONDS):
    """Asks the driver of this machine: Driver, with a `problem` if anything fails.

    Unless CUDA_VISIBLE_DEVICES is set, numbers the cards as nvidia-smi does; CUDA
    itself would put the fastest card first.

    Args:
      limit: float, seconds.
    """
    if os.environ.get('CUDA_VISIBLE_DEVICES') is None:
        os.environ.setdefault('CUDA_DEVICE_ORDER', 'PCI_BUS_ID')
    driver = Driver(number=find_number())
    status, output = _run_probe(limit)
    if status == -signal.SIGALRM:
        return driver.fail(f'hangs (no answer in {limit:g} s)')
    if status < 0:
        return driver.fail(f'crashes ({signal.Signals(-status).name})')
    try:
        answer = json.loads(output.splitlines()[-1])
        unloadable, cuda, error, cards = (
            answer[name] for name in ('unloadable', 'cuda', 'error', 'cards'))
    except (IndexError, KeyError, TypeError, ValueError):
        return driver.fail(f'gives no answer (exit status {status})')
    driver = driver._replace(cuda=cuda)
    if unloadable is not None:
        # Otherwise one of the libraries that libcuda needs is missing.
        is_absent = (unloadable.startswith('libcuda.so.1:')
                     and 'No such file' in unloadable)
        return driver if is_absent else driver.fail(f'does not load ({unloadable})')
    if error and error['code'] in _STUB_CODES and not any(
            map(os.path.exists, _DEVICE_FILES)):
        return Driver(number=driver.number)
    if error and error['code'] != _NO_DEVICE:
        return driver.fail(f'fails ({error["call"]}: CUDA error {error["code"]})')
    return driver._replace(is_here=True, cards=tuple(
        Card(_label(i), card['name'], tuple(card['capability']))
        for i, card in enumerate(cards)))


def find_number():
    """The version of the loaded driver, such as '535.54.03', or None."""
    try:
        with open(_VERSION_FILE) as file:
            match = re.search(r'\s(\d{3,}(\.\d+)+)\s', file.readline())
    except OSError:
        return None
    return match and match.group(1)


def _run_probe(limit):
    """Runs probe.py, which sets its own alarm: (exit status, output)."""
    process = subprocess.Popen(
        [sys.executable, '-I', '-S', _PROBE, str(limit)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, universal_newlines=True)
    try:
        output = process.communicate(timeout=limit + 1)[0]
        return process.returncode, output
    except subprocess.TimeoutExpired:  # stuck in the kernel, where nothing ends it
        return -signal.SIGALRM, ''


def _label(index):
    """The card's entry in a user's CUDA_VISIBLE_DEVICES, else its number."""
    listed = os.environ.get('CUDA_VISIBLE_DEVICES')
    labels = listed.split(',') if listed else []
    return labels[index].strip() if index < len(labels) else str(index)


def name_label(label):
    """'GPU 1' for '1'; a UUID, 'GPU-...' or 'MIG-...', is unchanged."""
    return f'GPU {label}' if label.isdigit() else label


def format_cuda(number):
    """'12.2' for 12020."""
    return f'{number // 1000}.{number % 1000 // 10}'


def format_capability(capability):
    """'7.5' for (7, 5)."""
    return '{}.{}'.format(*capability)
