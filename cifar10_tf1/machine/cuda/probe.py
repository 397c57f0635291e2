"""The child process that asks libcuda.so.1; prints JSON.

A libcuda that hangs or crashes takes this process with it, not the program.
driver.py runs it as a file in a bare Python, python -I -S, so it imports nothing
of the project.
"""

import ctypes
import json
import os
import signal
import sys

# cuDeviceGetAttribute, CUdevice_attribute in cuda.h: compute capability.
_CAPABILITY_MAJOR, _CAPABILITY_MINOR = 75, 76


class _CudaError(Exception):
    """(call, code)."""


def ask_driver():
    """The driver's version and cards, in the order of CUDA_VISIBLE_DEVICES.

    Returns:
      dict: `unloadable`, the loader's message if there is no libcuda.so.1;
      `cuda`, 12020 for 12.2, or None; `error`, {call, code} of the first call
      that fails, or None; `cards`, list of {name, capability}.
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
        # It answers without cuInit, and so also when cuInit fails.
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
    # Both end it in the middle of a call, and without its parent, too.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, float(sys.argv[1]))
    print('\n' + json.dumps(ask_driver()), flush=True)
    # The library's clean-up must not spoil the answer.
    os._exit(0)


if __name__ == '__main__':
    main()
