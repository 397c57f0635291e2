"""Atomic writes, and locks that are released when their process ends."""

import contextlib
import errno
import fcntl
import os


def write_atomically(path, content):
    """Replaces a file: the old or the new content is complete, even after a power cut.

    content is str, bytes or a function that writes to an open binary file. After an OSError
    the old file is unchanged and the temporary one removed.
    """
    # A name for each process, as several may write the same file.
    temporary = f'{path}.{os.getpid()}.tmp'
    try:
        with open(temporary, 'wb') as file:
            if callable(content):
                content(file)
            else:
                file.write(content if isinstance(content, bytes) else content.encode('utf-8'))
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.remove(temporary)  # frees its space on a full disk
        raise
    sync(os.path.dirname(path) or '.')


def open_regular(path):
    """Opens a file to read its bytes; a pipe, which would block, is an OSError."""
    if os.path.exists(path) and not os.path.isfile(path):
        raise OSError(errno.EINVAL, 'not a regular file', path)
    return open(path, 'rb')


def sync(path):
    """Flushes a file or the entries of a folder to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class Lock(contextlib.AbstractContextManager):
    """A kernel lock on a file (flock).

    The kernel releases it when the process ends, even if it is killed. It works across
    containers, where process numbers repeat. The file is never removed, because waiting
    processes and new ones would then lock different files.
    """

    def __init__(self, path, shared=False, wait=False):
        """Takes the lock; creates the file, unless the lock is shared.

        Raises BlockingIOError if another process holds it, unless it waits; or OSError
        if the file can't be opened or locked.
        """
        self.path = path
        self._file = open(path, 'r' if shared else 'a')
        mode = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        fcntl.flock(self._file, mode if wait else mode | fcntl.LOCK_NB)

    def is_in_place(self):
        """Whether the path still names the locked file."""
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), os.stat(self.path))
        except OSError:
            return False

    def release(self):
        self._file.close()

    def __exit__(self, *unused_exception):
        self.release()
