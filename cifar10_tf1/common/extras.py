"""Optional packages, and the command that installs each from its lock."""

import importlib
import importlib.util
import sys

from cifar10_tf1.common import environment
from cifar10_tf1.common.errors import UserError

_EXTRAS = {  # module to lock in requirements/
    'PIL': 'pictures', 'matplotlib': 'pictures', 'scipy': 'pictures',
    'jinja2': 'pictures', 'markdown': 'pictures',
    'onnx': 'onnx', 'tf2onnx': 'onnx', 'onnxruntime': 'onnx',
}


def require(package, purpose):
    """Checks that an optional package is installed, without importing it.

    Args:
      package: str, such as 'PIL'.
      purpose: str, what needs it, such as '--figure'.
    Raises:
      UserError: it is not installed.
    """
    if importlib.util.find_spec(package) is None:
        if importlib.util.find_spec('tensorflow') is None:
            # This is not a Python of the project; the package alone would not help.
            raise UserError(environment.describe('tensorflow'))
        raise UserError(f'{purpose} needs {package}, which is not installed; '
                        + _describe_installation(package))


def load(module, purpose):
    """Imports a module of an optional package.

    Args:
      module: str, such as 'PIL.Image'.
      purpose: str, as in require.
    Returns:
      the module.
    Raises:
      UserError: the package is not installed, or does not load.
    """
    package = module.split('.')[0]
    require(package, purpose)
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise UserError(f'{purpose} needs {package}, which does not load '
                        f'({error}); ' + _describe_installation(package))


def _describe_installation(package):
    """The commands to type; TensorFlow 1.15 has a lock for each Python."""
    extra = _EXTRAS[package]
    version = sys.version_info
    is_tf2 = version >= (3, 8)
    lock = 'tf2' if is_tf2 else f'py{version[0]}{version[1]}'
    return (f'run: make setup EXTRAS={extra}{" RUNTIME=tf2" if is_tf2 else ""} '
            '(or: pip install --require-hashes --no-deps -r '
            f'requirements/{extra}-{lock}.txt)')
