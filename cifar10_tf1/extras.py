"""Packages that only some commands need, from locks of their own.

Each has its lock in requirements/; where it is not installed, the command that
needs it says in one line how to install it.
"""

import importlib
import sys

from cifar10_tf1.errors import UserError

_EXTRAS = {  # module: lock
    'PIL': 'pictures', 'matplotlib': 'pictures',
    'onnx': 'onnx', 'tf2onnx': 'onnx', 'onnxruntime': 'onnx',
}


def load(module, purpose):
    """Imports a module of an optional package.

    Args:
      module: str, such as 'PIL.Image'.
      purpose: str, what needs it, such as '--figure'.
    Returns:
      the module.
    Raises:
      UserError: where the package is not there: how to install it.
    """
    package = module.split('.')[0]
    try:
        return importlib.import_module(module)
    except ImportError as error:
        extra = _EXTRAS[package]
        if (error.name or '').split('.')[0] != package:
            what = f'{package}, which does not load ({error})'
        else:
            what = f'{package}, which is not installed'
        raise UserError(
            f'{purpose} needs {what}; run: make setup EXTRAS={extra}'
            f'{_runtime_option()} (or: pip install --require-hashes --no-deps '
            f'-r requirements/{extra}-{_lock_name()}.txt)')


def _lock_name():
    """'py36', 'py37' or 'tf2': 1.15 has a lock for each Python."""
    version = sys.version_info
    return 'tf2' if version >= (3, 8) else f'py{version[0]}{version[1]}'


def _runtime_option():
    return ' RUNTIME=tf2' if _lock_name() == 'tf2' else ''
