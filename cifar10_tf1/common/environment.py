"""Prints one line instead of a traceback if this Python lacks the project's packages.

For users who typed `python test.py` instead of `.venv/bin/python test.py`, or whose
PYTHONPATH names another Python's packages. Runs on any Python.
"""

import os
import sys

_PACKAGES = ('certifi', 'numpy', 'requests', 'tensorflow', 'tqdm', 'urllib3')


def install():
    """Installs a hook that reports a failed import in one line.

    Several commands import NumPy before any of their own code could catch the error.
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
    """Explains a failed import if the environment or PYTHONPATH caused it, or None.

    The error may have any type: another Python's package may raise SyntaxError,
    TypeError or AttributeError.
    """
    if isinstance(error, ModuleNotFoundError) and error.name in _PACKAGES:
        return describe(error.name)
    path = os.environ.get('PYTHONPATH', '')
    if any(os.path.isdir(os.path.join(folder, package))
           for folder in path.split(os.pathsep) if folder
           for package in ('google', 'numpy', 'tensorflow')):
        return (f'PYTHONPATH={path} replaces packages of this Python ({sys.executable}) '
                f'with ones that do not load ({type(error).__name__}); unset PYTHONPATH')
    return None


def describe(package):
    """Says that a package is missing, and which Python has it."""
    return (f'{package} is not installed in this Python ({sys.executable}); run make '
            'setup, then use .venv/bin/python (with RUNTIME=tf2, .venv-tf2/bin/python)')


def name_python():
    """The running Python as a user types it: '.venv/bin/python' or 'python'."""
    name = os.path.relpath(sys.executable or '/')
    return 'python' if name.startswith(os.pardir) else name
