"""The graphics cards of this machine and what their driver supports.

libcuda.so.1 is asked, which every driver and every container that can compute
has. A child process (probe.py) with a time limit asks it, because a driver may
hang or crash.
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

# cuInit takes seconds a card on a large machine whose driver is not kept loaded.
LIMIT_SECONDS = 60.0
_PROBE = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'probe.py')
_VERSION_FILE = '/proc/driver/nvidia/version'

_NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE
# The stub that the CUDA toolkit links with answers -1 to CUDA 10, then 34. It
# lies in the loader's path of TensorFlow's official GPU images, behind the real
# libcuda, and so is what is found in a container without --gpus.
_STUB_CODES = (-1, 34)
_DEVICE_FILES = ('/dev/nvidiactl', '/dev/dxg')  # the second: Windows' WSL

_REMEDY = ('reboot, or install the driver again; in a container pass --gpus all '
           'and keep stubs out of LD_LIBRARY_PATH')


class Card(NamedTuple):
    label: str                   # as CUDA_VISIBLE_DEVICES names it
    name: str                    # such as 'NVIDIA GeForce RTX 2080'
    capability: Tuple[int, int]  # compute capability

    def __str__(self):
        return (f'{name_label(self.label)}: {self.name}, compute capability '
                f'{format_capability(self.capability)}')


class Driver(NamedTuple):
    is_here: bool = False          # whether there is a libcuda at all
    cuda: Optional[int] = None     # the newest version it serves, 12020 for 12.2
    number: Optional[str] = None   # its own, such as '535.54.03'
    cards: Tuple[Card, ...] = ()
    problem: Optional[str] = None  # why it can't be used; what helps

    def fail(self, problem):
        """This driver, unusable."""
        return self._replace(is_here=True, cards=(),
                             problem=f'the NVIDIA driver {problem}; {_REMEDY}')


def ask(limit=LIMIT_SECONDS):
    """Asks the driver of this machine.

    If the user lists no cards, they are counted as nvidia-smi counts them, by
    CUDA_DEVICE_ORDER; by default CUDA puts the fastest card first.

    Args:
      limit: float, seconds.
    Returns:
      Driver; its `problem` reports whatever goes wrong.
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
        # One of the libraries that it needs may be missing instead.
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
    """The driver's own version, '535.54.03'; None if none is loaded."""
    try:
        with open(_VERSION_FILE) as file:
            match = re.search(r'\s(\d{3,}(\.\d+)+)\s', file.readline())
    except OSError:
        return None
    return match and match.group(1)


def _run_probe(limit):
    """Runs probe.py, whose own alarm ends it: (exit status, output)."""
    process = subprocess.Popen(
        [sys.executable, '-I', '-S', _PROBE, str(limit)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, universal_newlines=True)
    try:
        output = process.communicate(timeout=limit + 1)[0]
        return process.returncode, output
    except subprocess.TimeoutExpired:  # it hangs in the kernel, and is left behind
        return -signal.SIGALRM, ''


def _label(index):
    """How CUDA_VISIBLE_DEVICES names the card; a user's list stays as it is."""
    listed = os.environ.get('CUDA_VISIBLE_DEVICES')
    labels = listed.split(',') if listed else []
    return labels[index].strip() if index < len(labels) else str(index)


def name_label(label):
    """'GPU 1' for '1'; a UUID, 'GPU-...' or 'MIG-...', stays as it is."""
    return f'GPU {label}' if label.isdigit() else label


def format_cuda(number):
    """'12.2' for 12020."""
    return f'{number // 1000}.{number % 1000 // 10}'


def format_capability(capability):
    """'7.5' for (7, 5)."""
    return '{}.{}'.format(*capability)
