"""One line, not a traceback, for a Python that lacks the project's packages.

That is `python test.py` instead of `.venv/bin/python test.py`, or an environment
that PYTHONPATH covers with another Python's packages. Runs on any Python.
"""

import os
import sys

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_FOLDERS = ('.venv', '.venv-tf2', '.venv-tf2-cuda')  # of tools/setup.sh
_PACKAGES = ('certifi', 'numpy', 'requests', 'tensorflow', 'tqdm', 'urllib3')


def install():
    """Makes failed imports end a program in one line.

    A hook, because several commands import NumPy before any of their code runs.
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
    """The user's way out of a failed import of somebody else's package.

    Args:
      error: Exception; any kind, because a package of another Python fails in
        any way: SyntaxError, TypeError, AttributeError.
    Returns:
      str, one line; None if neither the environment nor PYTHONPATH is the reason.
    """
    if isinstance(error, ModuleNotFoundError) and error.name in _PACKAGES:
        return describe(error.name)
    if _comes_from_pythonpath(error):
        return (f'PYTHONPATH={os.environ["PYTHONPATH"]} puts packages before those '
                f'of this Python ({sys.executable}), and they do not load '
                f'({type(error).__name__}); unset PYTHONPATH')
    return None


def describe(package, root=_ROOT, prefix=sys.prefix):
    """What to do about a missing package, as the end of a line.

    Args:
      package: str, such as 'tensorflow'.
      root: str, the project's folder.
      prefix: str, of the Python that runs.
    """
    here = f'{package} is not installed in this Python ({sys.executable}); '
    made = [os.path.join(root, folder) for folder in _FOLDERS
            if os.path.exists(os.path.join(root, folder, 'bin', 'python'))]
    if os.path.realpath(prefix) in map(os.path.realpath, made):
        return here + 'remove its folder and run make setup, which makes a new one'
    if not made:
        return here + 'run make setup, then use .venv/bin/python'
    return here + 'use ' + ' or '.join(
        os.path.join(_shorten(folder), 'bin', 'python') for folder in made)


def name_python():
    """What to type for the Python that runs: '.venv/bin/python', or 'python'."""
    name = _shorten(sys.executable or 'python')
    return 'python' if os.path.isabs(name) else name


def _comes_from_pythonpath(error):
    """Whether PYTHONPATH has replaced a package that takes part in an error."""
    folders = [os.path.realpath(folder) + os.sep for folder
               in os.environ.get('PYTHONPATH', '').split(os.pathsep) if folder]
    folders = [folder for folder in folders if not _is_ours(folder)]
    paths = [getattr(error, 'filename', None)]
    traceback = error.__traceback__
    while traceback:
        paths.append(traceback.tb_frame.f_code.co_filename)
        traceback = traceback.tb_next
    # Not getattr, which would import TensorFlow 1.15's lazy modules.
    paths += [getattr(module, '__dict__', {}).get('__file__')
              for module in list(sys.modules.values())]
    return any(os.path.realpath(path).startswith(folder)
               for path in paths if isinstance(path, str) for folder in folders)


def _is_ours(folder):
    return (_ROOT + os.sep).startswith(folder) or folder.startswith(
        os.path.realpath(sys.prefix) + os.sep)


def _shorten(path):
    """The path relative to the current folder, if it is below that."""
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
