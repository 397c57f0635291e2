"""Packages that are missing or do not load, in one line that says what to do.

Runs on any Python, such as one that a user typed instead of .venv/bin/python.
"""

import importlib
import importlib.util
import os
import sys

from cifar10_tf1.common.errors import UserError

_REQUIRED = ('certifi', 'numpy', 'requests', 'tensorflow', 'tqdm', 'urllib3')
_ONNX = ('onnx', 'tf2onnx', 'onnxruntime')  # in requirements/onnx-*.txt; others: pictures


def install_hook():
    """Installs a hook that reports a failed import in one line.

    Several commands import NumPy before any of their own code could catch the error.
    """
    previous = sys.excepthook

    def report(kind, error, traceback):
        line = explain(error)
        if line is None:
            return previous(kind, error, traceback)
        spec = getattr(sys.modules['__main__'], '__spec__', None)
        name = ('python -m ' + spec.name.replace('.__main__', '') if spec else
                os.path.basename(sys.argv[0]))
        print(f'{name}: error: {line}', file=sys.stderr)

    sys.excepthook = report


def explain(error):
    """Explains a failed import that the environment or PYTHONPATH caused, or None.

    Another Python's packages may have a syntax that is too new.
    """
    if not isinstance(error, (ImportError, SyntaxError)):
        return None
    if isinstance(error, ModuleNotFoundError) and error.name in _REQUIRED:
        return _describe_missing(error.name)
    path = os.environ.get('PYTHONPATH', '')
    if any(os.path.isdir(os.path.join(folder, package))
           for folder in path.split(os.pathsep) if folder
           for package in ('google', 'numpy', 'tensorflow')):
        return (f'PYTHONPATH={path} replaces packages of this Python ({sys.executable}) '
                f'with ones that do not load ({error}); unset PYTHONPATH')
    return None


def _describe_missing(package):
    return (f'{package} is not installed in this Python ({sys.executable}); run make '
            'setup, then use .venv/bin/python (with RUNTIME=tf2, .venv-tf2/bin/python)')


def require(package, purpose):
    """Raises UserError if an optional package is missing.

    The purpose, such as '--figure', says what needs it.
    """
    if importlib.util.find_spec('tensorflow') is None:
        # Not the project's Python, so installing the package alone would not help.
        raise UserError(_describe_missing('tensorflow'))
    if importlib.util.find_spec(package) is None:
        extra = 'onnx' if package in _ONNX else 'pictures'
        # 1.15 has one lock for each version of Python.
        is_tf2 = sys.version_info >= (3, 8)
        lock = 'tf2' if is_tf2 else 'py{}{}'.format(*sys.version_info)
        raise UserError(
            f'{purpose} needs {package}, which is not installed; run: make setup '
            f'EXTRAS={extra}{" RUNTIME=tf2" if is_tf2 else ""} (or: pip install '
            f'--require-hashes --no-deps -r requirements/{extra}-{lock}.txt)')


def load(module, purpose):
    """Imports a module of an optional package, such as 'PIL.Image'; see require."""
    require(module.split('.')[0], purpose)
    return importlib.import_module(module)
