"""One line instead of a traceback if this Python lacks the project's packages.

The user typed `python test.py` instead of `.venv/bin/python test.py`, for example, or
PYTHONPATH names another Python's packages. Runs on any Python.
"""

import os
import sys

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_FOLDERS = ('.venv', '.venv-tf2', '.venv-tf2-cuda')  # of tools/setup.sh
_PACKAGES = ('certifi', 'numpy', 'requests', 'tensorflow', 'tqdm', 'urllib3')


def install():
    """Makes a failed import end the program with one line.

    A hook, because several commands import NumPy before any code of theirs runs.
    """
    previous = sys.excepthook

    def explain(kind, error, traceback):
        line = isinstance(error, (ImportError, SyntaxError)) and explain_import_error(
            error)
        if not line:
            return previous(kind, error, traceback)
        spec = getattr(sys.modules['__main__'], '__spec__', None)
        name = ('python -m ' + spec.name.replace('.__main__', '') if spec else
                os.path.basename(sys.argv[0]))
        print(f'{name}: error: {line}', file=sys.stderr, flush=True)

    sys.excepthook = explain


def explain_import_error(error):
    """One line on a failed import, if the environment or PYTHONPATH is the cause.

    The error may have any type: another Python's package may raise SyntaxError,
    TypeError, AttributeError.
    """
    if isinstance(error, ModuleNotFoundError) and error.name in _PACKAGES:
        return describe(error.name)
    path = os.environ.get('PYTHONPATH', '')
    if any(os.path.isdir(os.path.join(folder, package))
           for folder in path.split(os.pathsep) if folder
           for package in ('google', 'numpy', 'tensorflow')):
        return (f'PYTHONPATH={path} replaces packages of this Python ({sys.executable}) '
                f'with some that do not load ({type(error).__name__}); unset PYTHONPATH')
    return None


def describe(package, root=_ROOT):
    """Says that a package is missing, and which Python has it."""
    line = f'{package} is not installed in this Python ({sys.executable}); '
    pythons = [os.path.join(root, folder, 'bin', 'python') for folder in _FOLDERS]
    pythons = [_shorten(python) for python in pythons if os.path.exists(python)]
    if not pythons:
        return line + 'run make setup, then use .venv/bin/python'
    return line + (f'use {" or ".join(pythons)}, or if that is the one, remove its '
                   'environment and run make setup')


def name_python():
    """The running Python as a user types it: '.venv/bin/python' or 'python'."""
    name = _shorten(sys.executable or 'python')
    return 'python' if os.path.isabs(name) else name


def _shorten(path):
    """Makes a path below the current folder relative."""
    try:
        relative = os.path.relpath(path)
    except OSError:  # the current folder is gone
        return path
    return path if relative.startswith(os.pardir) else relative
