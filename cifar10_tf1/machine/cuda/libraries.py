"""The libraries of CUDA and cuDNN: whether they load, which version they are."""

import ctypes
import glob
import importlib.util
import os
from typing import NamedTuple, Optional

from cifar10_tf1.machine.cuda import driver
from cifar10_tf1.machine.cuda.driver import format_capability


class Libraries(NamedTuple):
    missing: dict                  # name to the loader's message
    cudnn: Optional[int] = None    # 7605 for 7.6.5
    problem: Optional[str] = None  # loading them hangs or crashes


def look_for(support, limit=driver.LIMIT_SECONDS):
    """Tries to load what a TensorFlow needs, in a child process.

    Args:
      support: support.Support.
      limit: float, seconds.
    Returns:
      Libraries.
    """
    try:
        return Libraries(*driver.run_probe(
            ('missing', 'cudnn'), {'names': support.libraries,
                                   'folders': find_folders()}, limit))
    except driver.ProbeError as error:
        return Libraries({}, problem=f'loading CUDA\'s libraries {error}')


def find_fault(found, card, support):
    """Why the libraries are of no use for a card, and what helps; or None.

    Args:
      found: Libraries.
      card: driver.Card.
      support: support.Support.
    Returns:
      str or None.
    """
    if found.problem:
        return f'{found.problem}; {support.way_to_libraries}'
    if found.missing:
        return (f'{", ".join(found.missing)} cannot be loaded; '
                f'{support.way_to_libraries}')
    if support.cudnn_limit:
        version, lowest = support.cudnn_limit
        if (found.cudnn or 0) >= version and card.capability < lowest:
            return (f'cuDNN {format_cudnn(found.cudnn)} supports compute '
                    f'capability {format_capability(lowest)} and newer; make '
                    'setup RUNTIME=tf2-cuda installs one for older cards too, '
                    'as does pip install '
                    f'"nvidia-cudnn-cu12<{format_cudnn(version)}"')
    return None


def find_folders():
    """Where TensorFlow 2 looks besides: the lib folders of NVIDIA's packages."""
    try:
        package = importlib.util.find_spec('tensorflow')
    except (ImportError, ValueError):
        package = None
    if package is None or not package.origin:
        return []
    site = os.path.dirname(os.path.dirname(package.origin))
    return sorted(glob.glob(os.path.join(glob.escape(site), 'nvidia', '*',
                                         'lib')))


def find_cuda(names=('libcudart.so.10.0', 'libcudart.so.12')):
    """The version of the CUDA runtime, 10000 for 10.0; None without one."""
    library = _load_library(names)
    version = ctypes.c_int()
    if library is None or library.cudaRuntimeGetVersion(ctypes.byref(version)):
        return None
    return version.value


def find_cudnn(names=('libcudnn.so.7', 'libcudnn.so.9')):
    """The version of cuDNN, 7605 for 7.6.5; None without one."""
    library = _load_library(names)
    if library is None:
        return None
    library.cudnnGetVersion.restype = ctypes.c_size_t
    return library.cudnnGetVersion()


def format_cudnn(number):
    """'7.6.5' of 7605, '9.28.0' of 92800: the factors changed with 9."""
    thousands = 10000 if number >= 90000 else 1000
    return (f'{number // thousands}.{number % thousands // 100}.'
            f'{number % 100}')


def _load_library(names):
    """One that TensorFlow has loaded already is found wherever it lies."""
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None
