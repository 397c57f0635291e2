"""Where the network computes: the CPU, or a GPU that TensorFlow can use."""

import ctypes
import os
import re

from cifar10_tf1 import runtime
from cifar10_tf1.errors import UserError


def prepare(requested):
    """Hides the GPUs where none is wanted or there is no driver.

    Runs before TensorFlow is imported.

    Args:
      requested: 'auto', 'cpu' or 'gpu'.
    Returns:
      'cpu', or 'gpu' where TensorFlow will look for one.
    Raises:
      UserError: where a GPU is asked for and there is no driver.
    """
    if requested != 'cpu' and _has_driver():
        return 'gpu'
    if requested == 'gpu':
        raise UserError('--device gpu: no NVIDIA driver here (libcuda.so.1 does '
                        'not load); in a container pass --gpus all, or use '
                        '--device cpu')
    os.environ['CUDA_VISIBLE_DEVICES'] = '-1'
    # Without a driver 1.15 reports a failed cuInit as an error at each start.
    # Real errors still arrive as Python exceptions, fatal ones are printed.
    if os.environ.get('TF_CPP_MIN_LOG_LEVEL', '2') == '2':
        os.environ['TF_CPP_MIN_LOG_LEVEL'] = '3'
    return 'cpu'


def resolve(requested, threads):
    """The device of the network, once TensorFlow is loaded.

    Args:
      requested: 'auto', 'cpu' or 'gpu'.
      threads: machine.Threads.
    Returns:
      'cpu' or 'gpu'.
    Raises:
      UserError: where a GPU is asked for and TensorFlow can use none.
    """
    if requested == 'cpu' or os.environ.get('CUDA_VISIBLE_DEVICES') == '-1':
        return 'cpu'
    tf = runtime.load_tensorflow()
    with tf.Graph().as_default(), tf.Session(
            config=runtime.session_config(threads)) as session:
        kinds = [device.device_type for device in session.list_devices()]
    if 'GPU' in kinds:
        return 'gpu'
    if requested == 'gpu':
        raise UserError('--device gpu: TensorFlow can use no GPU here; use '
                        '--device cpu')
    return 'cpu'


def find_gpu(device, threads):
    """The card and what drives it, for the record; None on a CPU.

    Returns:
      dict: card (as TensorFlow describes it), driver, cuda, cudnn; or None.
    """
    if device != 'gpu':
        return None
    from tensorflow.python.client import device_lib
    cards = [local.physical_device_desc for local
             in device_lib.list_local_devices(
                 runtime.session_config(threads))
             if local.device_type == 'GPU']
    try:
        with open('/proc/driver/nvidia/version') as file:
            driver = file.readline().strip()
    except OSError:
        driver = None
    # The bus address is of no influence, and tells two like machines apart.
    return {'card': re.sub(r', pci bus id: [^,]*', '', cards[0]),
            'driver': driver, 'cuda': find_cuda(), 'cudnn': find_cudnn()}


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


def _load_library(names):
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _has_driver():
    return _load_library(['libcuda.so.1']) is not None
