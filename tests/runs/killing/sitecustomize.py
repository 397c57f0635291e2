"""Kills its process at one of the moments at which files change.

Python imports it where its folder is on PYTHONPATH. KILL_FOLDER is watched; the process dies at
change number KILL_AT, before it or, where KILL_AFTER is set, behind it. KILL_COUNT, a file, gets
a byte a change.
"""

import builtins
import functools
import os
import signal

_FOLDER = os.environ.get('KILL_FOLDER')
_AT = int(os.environ.get('KILL_AT', 0))
_COUNT = os.environ.get('KILL_COUNT', os.devnull)
_open = builtins.open
_num_changes = 0


def _call(real, path, *arguments, **options):
    """Calls a function of Python's own on a path, or on a descriptor, as fsync is."""
    global _num_changes
    if real is not _open or set('wa+') & set(''.join(arguments[:1])):
        name = os.readlink(f'/proc/self/fd/{path}') if isinstance(path, int) else path
        if os.path.abspath(os.fsdecode(name)).startswith(_FOLDER):
            _num_changes += 1
            with _open(_COUNT, 'a') as file:
                file.write('.')
            if _num_changes == _AT:
                if 'KILL_AFTER' in os.environ:
                    real(path, *arguments, **options)
                os.kill(os.getpid(), signal.SIGKILL)
    return real(path, *arguments, **options)


if _FOLDER:
    for _name in ('rename', 'replace', 'remove', 'fsync', 'mkdir', 'rmdir', 'unlink'):
        setattr(os, _name, functools.partial(_call, getattr(os, _name)))
    builtins.open = functools.partial(_call, _open)
