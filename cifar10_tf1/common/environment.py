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
        print(f'{_name_program()}: error: {line}', file=sys.stderr, flush=True)

    sys.excepthook = explain


def explain_import_error(error):
    """Explains the failed import of another project's package.

    Args:
      error: Exception of any type: another Python's package may raise SyntaxError,
        TypeError, AttributeError.
    Returns:
      str, one line with the way out; None if neither the environment nor PYTHONPATH
      is the cause.
    """
    if isinstance(error, ModuleNotFoundError) and error.name in _PACKAGES:
        return describe(error.name)
    if _comes_from_pythonpath(error):
        return (f'PYTHONPATH={os.environ["PYTHONPATH"]} replaces packages of this '
                f'Python ({sys.executable}) with some that do not load '
                f'({type(error).__name__}); unset PYTHONPATH')
    return None


def describe(package, root=_ROOT, prefix=sys.prefix):
    """Says that a package is missing, and what to do.

    Args:
      package: str, such as 'tensorflow'.
      root: str, the project's folder.
      prefix: str, the running Python's sys.prefix.
    """
    here = f'{package} is not installed in this Python ({sys.executable}); '
    made = [os.path.join(root, folder) for folder in _FOLDERS
            if os.path.exists(os.path.join(root, folder, 'bin', 'python'))]
    if os.path.realpath(prefix) in map(os.path.realpath, made):
        return here + 'remove its environment and run make setup to make a new one'
    if not made:
        return here + 'run make setup, then use .venv/bin/python'
    return here + 'use ' + ' or '.join(
        os.path.join(_shorten(folder), 'bin', 'python') for folder in made)


def name_python():
    """The running Python as a user types it: '.venv/bin/python' or 'python'."""
    name = _shorten(sys.executable or 'python')
    return 'python' if os.path.isabs(name) else name


def _comes_from_pythonpath(error):
    """Whether an error involves a package from PYTHONPATH."""
    folders = [os.path.realpath(folder) + os.sep for folder
               in os.environ.get('PYTHONPATH', '').split(os.pathsep) if folder]
    folders = [folder for folder in folders if not _is_ours(folder)]
    paths = [getattr(error, 'filename', None)]
    traceback = error.__traceback__
    while traceback:
        paths.append(traceback.tb_frame.f_code.co_filename)
        traceback = traceback.tb_next
    # getattr would import TensorFlow 1.15's lazy modules.
    paths += [getattr(module, '__dict__', {}).get('__file__')
              for module in list(sys.modules.values())]
    return any(os.path.realpath(path).startswith(folder)
               for path in paths if isinstance(path, str) for folder in folders)


def _is_ours(folder):
    return (_ROOT + os.sep).startswith(folder) or folder.startswith(
        os.path.realpath(sys.prefix) + os.sep)


def _shorten(path):
    """Makes a path below the current folder relative."""
    try:
        relative = os.path.relpath(path)
    except OSError:  # the current folder is gone
        return path
    return path if relative.startswith(os.pardir) else relative


def _name_program():
    spec = getattr(sys.modules['__main__'], '__spec__', None)
    if spec is None:
        return os.path.basename(sys.argv[0])
    name = spec.name
    return 'python -m ' + (name[:-len('.__main__')]
                           if name.endswith('.__main__') else name)
