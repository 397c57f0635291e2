"""The data folder: its lock, its free space, and disk errors in one line."""

import contextlib
import errno
import os
import shutil
import sys

from cifar10_tf1.common import files
from cifar10_tf1.common.errors import UserError

LOCK_NAME = '.preparing.lock'

_WAYS_OUT = {
    errno.ENOSPC: 'Free some space, or name another place with {}.',
    errno.EDQUOT: 'Free some of your quota, or name another place with {}.',
    errno.EROFS: 'Name a place that can be written to with {}.',
    errno.EACCES: 'Change its permissions, or name another place with {}.',
    errno.EPERM: 'Change its permissions, or name another place with {}.',
}


@contextlib.contextmanager
def explained(action, option='--data-dir'):
    """Turns an OSError into a UserError of one line.

    Args:
      action: str, such as 'read /data/x'.
      option: str, the option that names the place.
    """
    try:
        yield
    except OSError as error:
        way_out = _WAYS_OUT.get(error.errno, 'Name another place with {}.')
        raise UserError(f'Cannot {action}: {error.strerror or error}. '
                        + way_out.format(option)) from error


def check_data_dir(data_dir, content):
    """Refuses what can't be a data folder; returns it as a str.

    Args:
      data_dir: str or path.
      content: str, the folder's content, for the message.
    """
    data_dir = os.fspath(data_dir)
    way_out = f'Name the folder that holds {content} with --data-dir.'
    if not data_dir:
        raise UserError(f'The data folder has an empty name. {way_out}')
    if os.path.lexists(data_dir) and not os.path.isdir(data_dir):
        raise UserError(f'{data_dir} is not a folder. {way_out}')
    return data_dir


@contextlib.contextmanager
def locked(folder, option='--data-dir'):
    """Makes a folder and holds its lock: one process at a time prepares data there.

    Args:
      folder: str.
      option: str, the option that names it, for messages.
    Raises:
      UserError: the folder can't be made or written.
    """
    path = os.path.join(folder, LOCK_NAME)
    with explained(f'prepare data in {folder}', option):
        os.makedirs(folder, exist_ok=True)
        with open(path, 'a'):  # fails without permission; _lock, without locks
            pass
    with _lock(path, folder):
        yield


def _lock(path, folder):
    try:
        return files.Lock(path)
    except BlockingIOError:
        print(f'Waiting for another process to prepare the data in {folder}',
              file=sys.stderr, flush=True)
        return files.Lock(path, wait=True)
    except OSError as error:
        # Some network file systems have no locks. Go on: files are written whole or
        # not at all, and verified.
        print(f'No lock in {folder} ({error.strerror}): start one process at a '
              'time there until the data is complete', file=sys.stderr, flush=True)
        return open(path)


def check_free_space(folder, num_bytes, option='--data-dir'):
    """Raises UserError if the disk of a folder has too little space."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # unknown; a write on a full disk fails later
    if free < num_bytes:
        raise UserError(
            f'{folder} needs {num_bytes / 1e6:,.1f} MB more, its disk has '
            f'{free / 1e6:,.1f} MB free. '
            + _WAYS_OUT[errno.ENOSPC].format(option))
