"""How a data folder comes into being: under a lock, whole or not at all.

Files are written into a temporary folder beside the final one, which one rename
then puts into place. A killed process leaves its temporary folder behind; the
next one that holds the lock sweeps it.
"""

import contextlib
import errno
import fcntl
import glob
import os
import shutil
import sys

from cifar10_tf1.common.errors import UserError

LOCK_NAME = '.preparing.lock'

_WAYS_OUT = {
    errno.ENOSPC: 'Free some space, or give a folder on another disk with '
                  '--data-dir.',
    errno.EDQUOT: 'Free some of your quota, or give a folder on another disk '
                  'with --data-dir.',
    errno.EROFS: 'Give a folder that can be written to with --data-dir.',
    errno.EACCES: 'Change its permissions, or give another folder with '
                  '--data-dir.',
    errno.EPERM: 'Change its permissions, or give another folder with '
                 '--data-dir.',
}


@contextlib.contextmanager
def explained(action):
    """Turns an OSError into a UserError of one line.

    Args:
      action: str, what fails, such as 'read /data/x'.
    """
    try:
        yield
    except OSError as error:
        way_out = _WAYS_OUT.get(error.errno,
                                'Mend that, or give another folder with '
                                '--data-dir.')
        raise UserError(f'Cannot {action}: {error.strerror or error}. '
                        f'{way_out}') from error


def check_data_dir(data_dir, content):
    """Refuses what can't be a data folder; returns it as a str.

    Args:
      data_dir: str or path.
      content: str, what it holds, for the message.
    """
    data_dir = os.fspath(data_dir)
    way_out = f'Name the folder that holds {content} with --data-dir.'
    if not data_dir:
        raise UserError(f'The data folder has an empty name. {way_out}')
    if os.path.lexists(data_dir) and not os.path.isdir(data_dir):
        raise UserError(f'{data_dir} is not a folder. {way_out}')
    return data_dir


def is_absent(folder, files, way_out):
    """Whether a folder of data files has yet to be prepared.

    Returns:
      True where there is nothing, or an empty folder; False where all the
      files are there, right or wrong.
    Raises:
      UserError: where some are missing, or it can't be looked at.
    """
    if not os.path.lexists(folder):
        return True
    with explained(f'read the folder {folder}'):
        present = os.listdir(folder)
    if not present:
        return True
    missing = [file.name for file in files if file.name not in present]
    if missing:
        raise UserError(f'{folder} is incomplete: {", ".join(missing)} '
                        f'{"is" if len(missing) == 1 else "are"} missing. '
                        f'{way_out}')
    return False


@contextlib.contextmanager
def locked(parent):
    """Makes the folder `parent` and lets one process at a time prepare in it.

    Raises:
      UserError: where the folder can't be made or written to.
    """
    with explained(f'prepare data in {parent}'):
        os.makedirs(parent, exist_ok=True)
        # The lock file stays: removing one that others wait for splits them.
        handle = os.open(os.path.join(parent, LOCK_NAME),
                         os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _wait_for_lock(handle, parent)
        yield
    finally:
        os.close(handle)  # which unlocks


def _wait_for_lock(handle, parent):
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print(f'Waiting for another process that prepares the data in {parent}',
              file=sys.stderr, flush=True)
        with explained(f'lock {parent}'):
            fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        # Some network file systems have no locks. The temporary names differ
        # and everything is verified, so go on.
        print(f'No lock in {parent} ({error.strerror}): start one process at '
              f'a time there until the data is complete', file=sys.stderr)


@contextlib.contextmanager
def new_folder(folder, num_bytes):
    """Gives a temporary folder, which becomes `folder` if all goes well.

    To be used under the lock of the folder's parent.

    Args:
      folder: str, the final path; absent, or an empty folder.
      num_bytes: int, what will be written, to look for space first.
    Yields:
      str, the path of the temporary folder.
    Raises:
      UserError: no space, no permission; the temporary folder is gone then.
    """
    parent, name = os.path.split(folder)
    for leftover in glob.glob(
            os.path.join(glob.escape(parent), f'.{name}.*.tmp')):
        shutil.rmtree(leftover, ignore_errors=True)
    check_free_space(parent, num_bytes)
    # Not tempfile.mkdtemp, whose folders only their owner can read.
    temporary = os.path.join(parent, f'.{name}.{os.getpid()}.tmp')
    try:
        with explained(f'write {folder}'):
            os.mkdir(temporary)
            yield temporary
            os.rename(temporary, folder)  # fails where it holds anything
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def write_file(path, chunks):
    """Writes bytes to a new file, down to the disk: whole or not at all.

    Args:
      path: str, must not exist.
      chunks: iterable of bytes.
    Raises:
      OSError: among others where the disk is full; what was there is kept.
    """
    with open(path, 'xb') as stream:
        try:
            for chunk in chunks:
                stream.write(chunk)
            stream.flush()
            os.fsync(stream.fileno())
        except BaseException:
            os.remove(path)
            raise


def check_free_space(folder, num_bytes):
    """Raises UserError where the disk of `folder` has too little space."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError:
        return  # not known here; writing will tell
    if free < num_bytes:
        raise UserError(
            f'{folder} needs {num_bytes / 1e6:,.1f} MB more, its disk has '
            f'{free / 1e6:,.1f} MB free. {_WAYS_OUT[errno.ENOSPC]}')
