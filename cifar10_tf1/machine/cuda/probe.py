"""The child process that touches NVIDIA's libraries; prints JSON.

A libcuda that hangs or crashes takes this process with it, not the program. It
is run as a file by a bare Python, python -I -S, and so imports nothing of the
project. driver.py and libraries.py put the questions.
"""

import ctypes
import json
import os
import signal
import sys

# cuDeviceGetAttribute, CUdevice_attribute in cuda.h.
_CAPABILITY_MAJOR = 75
_CAPABILITY_MINOR = 76


class _CudaError(Exception):

    def __init__(self, call, code):
        super().__init__(call, code)
        self.answer = {'call': call, 'code': code}


def ask_driver():
    """The driver's version and cards, in the order of CUDA_VISIBLE_DEVICES.

    Returns:
      dict: `unloadable`, the loader's message where there is no libcuda.so.1;
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
        # It answers without cuInit, and so where cuInit fails.
        call('cuDriverGetVersion', ctypes.byref(number))
        answer['cuda'] = number.value
        call('cuInit', 0)
        call('cuDeviceGetCount', ctypes.byref(number))
        answer['cards'] = [_describe(call, i) for i in range(number.value)]
    except _CudaError as error:
        answer['error'] = error.answer
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


def load_libraries(names, folders):
    """Loads libraries from where the loader looks, else from folders.

    Returns:
      dict: `missing`, name to the loader's message, of those that can't be
      loaded; `cudnn`, 7605 for 7.6.5, or None.
    """
    answer = {'missing': {}, 'cudnn': None}
    for name in names:
        try:
            library = _load(name, folders)
        except OSError as error:
            answer['missing'][name] = str(error)
            continue
        if name.startswith('libcudnn.'):
            library.cudnnGetVersion.restype = ctypes.c_size_t
            answer['cudnn'] = library.cudnnGetVersion()
    return answer


def _load(name, folders):
    paths = [name] + [path for path in (os.path.join(folder, name)
                                        for folder in folders)
                      if os.path.exists(path)]
    for path in paths[:-1]:
        try:
            return ctypes.CDLL(path)
        except OSError:
            continue
    return ctypes.CDLL(paths[-1])  # its message is the one that counts


def main():
    question = json.loads(sys.argv[1])
    # Both end it in the middle of a call, and without its parent, too.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, question.pop('seconds'))
    answer = (load_libraries if question else ask_driver)(**question)
    print('\n' + json.dumps(answer), flush=True)
    # The libraries' clean-up must not spoil the answer.
    os._exit(0)


if __name__ == '__main__':
    main()
