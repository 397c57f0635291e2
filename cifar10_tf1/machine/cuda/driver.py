"""Queries the NVIDIA driver for its cards, and the loaded CUDA libraries for versions.

A child process with a time limit asks libcuda.so.1, which comes with every driver and
is in every container that can compute: a broken driver may hang or crash. The child
runs this file as a script, so it imports nothing from the project.
"""

import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import sys
from typing import NamedTuple, Optional, Tuple

# On a large machine that unloads an idle driver, cuInit takes seconds per card.
LIMIT_SECONDS = 60.0
_VERSION_FILE = '/proc/driver/nvidia/version'

_NO_DEVICE = 100  # CUDA_ERROR_NO_DEVICE
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76  # CUdevice_attribute in cuda.h


class Card(NamedTuple):
    label: str                   # in CUDA_VISIBLE_DEVICES: a number or a UUID
    name: str                    # such as 'NVIDIA GeForce RTX 2080'
    capability: Tuple[int, int]  # compute capability

    def __str__(self):
        label = f'GPU {self.label}' if self.label.isdigit() else self.label
        return f'{label}: {self.name}, compute capability {format_capability(self.capability)}'


class Driver(NamedTuple):
    cards: Tuple[Card, ...] = ()
    cuda: Optional[int] = None     # newest version it supports, 12020 for 12.2
    problem: str = 'no NVIDIA driver here'  # why there are no cards
    is_broken: bool = False        # there may be a card, but it can't be used


def ask(limit=LIMIT_SECONDS):
    """Asks this machine's driver for its cards, within `limit` seconds: Driver."""
    visible = os.environ.get('CUDA_VISIBLE_DEVICES')
    if visible is None:
        # Number the cards as nvidia-smi does; CUDA would put the fastest first.
        os.environ.setdefault('CUDA_DEVICE_ORDER', 'PCI_BUS_ID')
    process = subprocess.Popen(
        [sys.executable, '-I', '-S', os.path.abspath(__file__)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, universal_newlines=True)
    try:
        output = process.communicate(timeout=limit)[0]
        answer = json.loads(output.splitlines()[-1])
    except subprocess.TimeoutExpired:
        process.kill()  # without waiting: no signal ends a process stuck in the kernel
        answer = f'no answer in {limit:g} s', None, []
    except (IndexError, ValueError):
        answer = f'no answer, exit status {process.returncode}', None, []
    if answer is None:
        return Driver()
    fault, cuda, found = answer
    if fault:
        return Driver(problem=(
            f'the NVIDIA driver fails ({fault}); reboot, or reinstall it; in a container, pass '
            '--gpus all and keep stub libraries out of LD_LIBRARY_PATH'), is_broken=True)
    labels = visible.split(',') if visible else map(str, range(len(found)))
    cards = tuple(Card(label.strip(), name, tuple(capability))
                  for label, (name, capability) in zip(labels, found))
    return Driver(cards, cuda, 'the NVIDIA driver finds no card'
                  + (f' with CUDA_VISIBLE_DEVICES={visible}' if visible else ''))


def find_number():
    """The version of the loaded driver, such as '535.54.03', or None."""
    try:
        with open(_VERSION_FILE) as file:
            match = re.search(r'\s(\d{3,}(\.\d+)+)\s', file.readline())
    except OSError:
        return None
    return match and match.group(1)


def find_cuda(names=('libcudart.so.10.0', 'libcudart.so.12')):
    """The version of the loaded CUDA runtime, 10000 for 10.0, or None."""
    library, version = _load(names), ctypes.c_int()
    if library is None or library.cudaRuntimeGetVersion(ctypes.byref(version)):
        return None
    return version.value


def find_cudnn(names=('libcudnn.so.7', 'libcudnn.so.9')):
    """The version of cuDNN, 7605 for 7.6.5 and 92800 for 9.28.0, or None."""
    library = _load(names)
    return library and int(library.cudnnGetVersion())


def _load(names):
    """The first library that is found, or None; a loaded one may be in any folder."""
    for name in names:
        with contextlib.suppress(OSError):
            return ctypes.CDLL(name)
    return None


def format_cuda(number):
    """'12.2' for 12020."""
    return f'{number // 1000}.{number % 1000 // 10}'


def format_capability(capability):
    """'7.5' for (7, 5)."""
    return '{}.{}'.format(*capability)


def _describe_driver():
    """In the child: (fault or '', CUDA version, [(name, capability), ...]), or None."""
    def call(name, *arguments):
        code = getattr(library, name)(*arguments)
        if code:
            raise OSError(code, f'{name}: CUDA error {code}')

    try:
        library = ctypes.CDLL('libcuda.so.1')
    except OSError:
        return None  # no driver
    number, cuda, cards = ctypes.c_int(), None, []
    try:
        # Needs no cuInit, so it answers even if cuInit fails.
        call('cuDriverGetVersion', ctypes.byref(number))
        cuda = number.value
        call('cuInit', 0)
        call('cuDeviceGetCount', ctypes.byref(number))
        for index in range(number.value):
            device, text = ctypes.c_int(), ctypes.create_string_buffer(256)
            call('cuDeviceGet', ctypes.byref(device), index)
            call('cuDeviceGetName', text, len(text), device)
            capability = []
            for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR):
                call('cuDeviceGetAttribute', ctypes.byref(number), attribute, device)
                capability.append(number.value)
            cards.append((text.value.decode('utf-8', 'replace'), capability))
    except OSError as error:
        if error.errno != _NO_DEVICE:
            return error.strerror, None, []
    return '', cuda, cards


if __name__ == '__main__':
    # Ctrl-C can then end the child in the middle of a call.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    print('\n' + json.dumps(_describe_driver()), flush=True)
    os._exit(0)  # skips the library's clean-up, which could crash
