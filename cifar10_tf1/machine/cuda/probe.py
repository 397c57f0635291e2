"""Asks libcuda.so.1 for the cards, in a child process, and prints JSON.

A libcuda that hangs or crashes kills this process instead of the program. driver.py
runs this file with `python -I -S`, so it imports nothing from the project.
"""

import ctypes
import json
import os
import signal
import sys

# CUdevice_attribute in cuda.h.
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76


class _CudaError(Exception):
    """(call, code)."""


def ask_driver():
    """The driver's CUDA version, and its cards in the order of CUDA_VISIBLE_DEVICES.

    Returns:
      dict: `unloadable`, the loader's message if libcuda.so.1 does not load, or None;
      `cuda`, 12020 for 12.2, or None; `error`, {call, code} of the call that failed,
      or None; `cards`, list of {name, capability}.
    """
    answer = {'unloadable': None, 'cuda': None, 'error': None, 'cards': []}
    try:
        library = ctypes.CDLL('libcuda.so.1')
    except OSError as error:
        answer['unloadable'] = str(error)
        return answer

    def call(name, *arguments):
        code = getattr(library, name)(*arguments)
        if code:
            raise _CudaError(name, code)

    number = ctypes.c_int()
    try:
        # Needs no cuInit, so it answers even if cuInit fails.
        call('cuDriverGetVersion', ctypes.byref(number))
        answer['cuda'] = number.value
        call('cuInit', 0)
        call('cuDeviceGetCount', ctypes.byref(number))
        answer['cards'] = [_describe(call, i) for i in range(number.value)]
    except _CudaError as error:
        answer['error'] = dict(zip(('call', 'code'), error.args))
    return answer


def _describe(call, index):
    device, number = ctypes.c_int(), ctypes.c_int()
    call('cuDeviceGet', ctypes.byref(device), index)
    name = ctypes.create_string_buffer(256)
    call('cuDeviceGetName', name, len(name), device)
    capability = []
    for attribute in (_CAPABILITY_MAJOR, _CAPABILITY_MINOR):
        call('cuDeviceGetAttribute', ctypes.byref(number), attribute, device)
        capability.append(number.value)
    return {'name': name.value.decode('utf-8', 'replace'),
            'capability': capability}


def main():
    # Both can end the process inside a call, even without its parent.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
    print('\n' + json.dumps(ask_driver()), flush=True)
    # Skip the library's clean-up, which could crash after the answer.
    os._exit(0)


if __name__ == '__main__':
    main()
