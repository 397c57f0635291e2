"""A Python without TensorFlow is told in one line which one has it.

Whoever types `python test.py` instead of `.venv/bin/python test.py` would else
read a traceback of imports. Runs on any Python, with nothing installed.
"""

import os
import sys

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
_FOLDERS = ('.venv', '.venv-tf2', '.venv-tf2-cuda')  # of tools/setup.sh
# What only an environment of the project is sure to have.
_PACKAGES = ('certifi', 'numpy', 'requests', 'tensorflow', 'tqdm', 'urllib3')


def install():
    """Makes the line the end of a program that can't import a package."""
    previous = sys.excepthook

    def explain(kind, error, traceback):
        package = (getattr(error, 'name', None) or '').split('.')[0]
        if not issubclass(kind, ModuleNotFoundError) or package not in _PACKAGES:
            return previous(kind, error, traceback)
        print(f'{_name_program()}: error: {describe(package)}', file=sys.stderr,
              flush=True)

    sys.excepthook = explain


def describe(package, root=_ROOT, prefix=sys.prefix):
    """What to do where a package is missing, as the end of a line.

    Args:
      package: str, such as 'tensorflow'.
      root: str, the project's folder.
      prefix: str, of the Python that runs.
    """
    here = f'{package} is not installed in this Python ({sys.executable}); '
    made = [os.path.join(root, folder) for folder in _FOLDERS
            if os.path.exists(os.path.join(root, folder, 'bin', 'python'))]
    if os.path.realpath(prefix) in map(os.path.realpath, made):
        return here + 'remove its folder and run make setup, which makes it anew'
    if not made:
        return here + 'run make setup, then use .venv/bin/python'
    return here + 'use ' + ' or '.join(
        os.path.join(_shorten(folder), 'bin', 'python') for folder in made)


def name_python():
    """What to type for the Python that runs: '.venv/bin/python', or 'python'."""
    name = _shorten(sys.executable or 'python')
    return 'python' if os.path.isabs(name) else name


def _shorten(path):
    """From the current folder where it is below that."""
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
