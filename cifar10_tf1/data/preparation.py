"""The data folder: its lock, and disk errors in one line."""

import contextlib
import errno
import os
import sys

from cifar10_tf1.common import files
from cifar10_tf1.common.errors import UserError

LOCK_NAME = '.preparing.lock'
_NO_LOCKS = errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP


@contextlib.contextmanager
def explained(action, option='--data-dir'):
    """Turns an OSError during an action, such as 'read /data/x', into a UserError."""
    try:
        yield
    except OSError as error:
        raise UserError(f'Cannot {action}: {error.strerror or error}. Change that, or '
                        f'name another place with {option}.') from error


def check_data_dir(data_dir):
    """Refuses what can't be a data folder; returns it as a str."""
    data_dir = os.fspath(data_dir)
    if not data_dir or os.path.lexists(data_dir) and not os.path.isdir(data_dir):
        raise UserError(f'{data_dir or "An empty name"} is not a folder. Name the '
                        'folder of the data with --data-dir.')
    return data_dir


@contextlib.contextmanager
def locked(folder, option='--data-dir'):
    """Makes a folder and holds its lock: one process at a time prepares data there."""
    with explained(f'prepare data in {folder}', option):
        os.makedirs(folder, exist_ok=True)
        lock = _lock(os.path.join(folder, LOCK_NAME))
    with lock:
        yield


def _lock(path):
    try:
        return files.Lock(path)
    except BlockingIOError:
        print(f'Waiting for another process that holds {path}', file=sys.stderr,
              flush=True)
        return files.Lock(path, wait=True)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        # Some network file systems have no locks. Go on: files are written whole or
        # not at all, and verified.
        print(f'{path}: {error.strerror}; start one process at a time there until the '
              'data is complete', file=sys.stderr, flush=True)
        return open(path)
