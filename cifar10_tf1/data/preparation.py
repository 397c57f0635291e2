"""The data folder: its lock, its free space, and errors of the disk in one line."""

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
      action: str, what fails, such as 'read /data/x'.
      option: str, the option that names the place.
    """
    try:
        yield
    except OSError as error:
        way_out = _WAYS_OUT.get(error.errno, 'Name another place with {}.')
        raise UserError(f'Cannot {action}: {error.strerror or error}. '
                        + way_out.format(option)) from error


def check_data_dir(data_dir, content):
    """Refuses what cannot be a data folder.

    Args:
      data_dir: str or path.
      content: str, what the folder holds, for the message.
    Returns:
      str.
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
    """Makes a folder and lets one process at a time prepare data in it.

    Args:
      folder: str.
      option: str, the option that names it, for messages.
    Raises:
      UserError: the folder cannot be made or written to.
    """
    path = os.path.join(folder, LOCK_NAME)
    with explained(f'prepare data in {folder}', option):
        os.makedirs(folder, exist_ok=True)
        with open(path, 'a'):  # tells a missing permission from a missing lock
            pass
    with _lock(path, folder):
        yield


def _lock(path, folder):
    try:
        return files.Lock(path)
    except BlockingIOError:
        print(f'Waiting for another process that prepares the data in {folder}',
              file=sys.stderr, flush=True)
        return files.Lock(path, wait=True)
    except OSError as error:
        # Some network file systems have no locks. Files are written whole or not
        # at all, and verified.
        print(f'No lock in {folder} ({error.strerror}): start one process at a '
              'time there until the data is complete', file=sys.stderr, flush=True)
        return open(path)


def check_free_space(folder, num_bytes, option='--data-dir'):
    """Raises UserError where the disk of a folder has too little space."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # unknown here; a write will fail
    if free < num_bytes:
        raise UserError(
            f'{folder} needs {num_bytes / 1e6:,.1f} MB more, its disk has '
            f'{free / 1e6:,.1f} MB free. '
            + _WAYS_OUT[errno.ENOSPC].format(option))
