"""Kills its process at one of the moments at which files change.

Python imports it where its folder is on PYTHONPATH. KILL_FOLDER is watched;
KILL_AT says at which change the process dies, before it and, where KILL_AFTER is
set, behind it. Without KILL_AT the changes are counted into KILL_COUNT, a file.
"""

import builtins
import os
import signal

_FOLDER = os.environ.get('KILL_FOLDER')
_AT = int(os.environ.get('KILL_AT', 0))
_AFTER = 'KILL_AFTER' in os.environ
_COUNT = os.environ.get('KILL_COUNT')
_num_changes = 0


def _concerns(arguments):
    path = arguments[0] if arguments else None
    if isinstance(path, int):  # a descriptor, of fsync
        try:
            path = os.readlink(f'/proc/self/fd/{path}')
        except OSError:
            return False
    return isinstance(path, str) and os.path.abspath(path).startswith(_FOLDER)


class _Watched:
    """A function of Python's own that is watched; as those, never a method."""

    def __init__(self, real, changes=lambda *arguments: True):
        self._real = real
        self._changes = changes

    def __call__(self, *arguments, **options):
        global _num_changes
        if not (_concerns(arguments) and self._changes(*arguments)):
            return self._real(*arguments, **options)
        _num_changes += 1
        if _num_changes == _AT and not _AFTER:
            os.kill(os.getpid(), signal.SIGKILL)
        result = self._real(*arguments, **options)
        if _num_changes == _AT:
            os.kill(os.getpid(), signal.SIGKILL)
        if _COUNT:
            with _open(_COUNT, 'w') as file:
                file.write(str(_num_changes))
        return result


_open = builtins.open
if _FOLDER:
    for _name in ('rename', 'replace', 'remove', 'fsync', 'mkdir', 'rmdir',
                  'unlink'):
        setattr(os, _name, _Watched(getattr(os, _name)))
    builtins.open = _Watched(_open, lambda path, mode='r', *unused: bool(
        set(mode) & set('wa+')))
