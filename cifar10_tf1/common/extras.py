"""Optional packages, and the command that installs each from its lock."""

import importlib
import importlib.util
import sys

from cifar10_tf1.common import environment
from cifar10_tf1.common.errors import UserError

_ONNX = ('onnx', 'tf2onnx', 'onnxruntime')  # in requirements/onnx-*.txt; others: pictures


def require(package, purpose):
    """Raises UserError if a package that a purpose, like '--figure', needs is missing."""
    if importlib.util.find_spec('tensorflow') is None:
        # Not the project's Python, so installing the package alone would not help.
        raise UserError(environment.describe('tensorflow'))
    if importlib.util.find_spec(package) is None:
        raise _describe(package, purpose, 'is not installed')


def load(module, purpose):
    """Imports a module, such as 'PIL.Image', or raises UserError."""
    package = module.split('.')[0]
    require(package, purpose)
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise _describe(package, purpose, f'does not load ({error})')


def _describe(package, purpose, fault):
    """The UserError with the install commands; 1.15 has one lock per Python version."""
    extra = 'onnx' if package in _ONNX else 'pictures'
    is_tf2 = sys.version_info >= (3, 8)
    lock = 'tf2' if is_tf2 else 'py{}{}'.format(*sys.version_info)
    return UserError(
        f'{purpose} needs {package}, which {fault}; run: make setup EXTRAS={extra}'
        f'{" RUNTIME=tf2" if is_tf2 else ""} (or: pip install --require-hashes '
        f'--no-deps -r requirements/{extra}-{lock}.txt)')
