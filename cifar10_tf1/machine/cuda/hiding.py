"""Keeps TensorFlow from the driver, where the CPU is to be used.

CUDA_VISIBLE_DEVICES=-1 hides the cards only: both TensorFlows load libcuda.so.1
and call cuInit all the same, and a libcuda that hangs or crashes there takes the
program with it. The loader of Linux gives a library that is in the process
already to whoever asks for its name. So a harmless one of that name is loaded
first, and TensorFlow finds no cuInit in it, as on a machine without a driver.
"""

import ctypes
import re

# Of every glibc, next to empty, and its name is as long as the other.
_HARMLESS, _NAME = b'libutil.so.1\0', b'libcuda.so.1\0'


def hide_driver():
    """Loads the C library's libutil under the name of libcuda.

    Returns:
      bool, whether it could be loaded; elsewhere than on Linux it is not.
    """
    try:
        ctypes.CDLL(_HARMLESS[:-1].decode())
        with open('/proc/self/maps') as maps:
            path, = re.search(r'(/\S*/libutil[-.]\S*)', maps.read()).groups()
        # In memory: a container may have no place to write to.
        handle = ctypes.CDLL(None).memfd_create(_NAME, 0)
        with open(path, 'rb') as file, open(handle, 'wb') as copy:
            copy.write(file.read().replace(_HARMLESS, _NAME))
            copy.flush()  # fails where it is cut off, as by ulimit -f
            ctypes.CDLL(f'/proc/self/fd/{handle}')
    except (OSError, AttributeError, ValueError):  # by what the system lacks
        return False
    return True
