"""The versions of CUDA and cuDNN that TensorFlow has loaded, for run.json."""

import ctypes


def find_cuda(names=('libcudart.so.10.0', 'libcudart.so.12')):
    """The version of the CUDA runtime, 10000 for 10.0, or None."""
    library = _load(names)
    version = ctypes.c_int()
    if library is None or library.cudaRuntimeGetVersion(ctypes.byref(version)):
        return None
    return version.value


def find_cudnn(names=('libcudnn.so.7', 'libcudnn.so.9')):
    """The version of cuDNN, 7605 for 7.6.5 and 92800 for 9.28.0, or None."""
    library = _load(names)
    if library is None:
        return None
    library.cudnnGetVersion.restype = ctypes.c_size_t
    return library.cudnnGetVersion()


def _load(names):
    """Opens the first library found; one already loaded may be in any folder."""
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None
