"""Safe printing to closed streams, full disks and any encoding.

Everything a command prints passes through here. It escapes control characters, which
file names and servers' replies may contain, and characters that the encoding lacks. A
failure to print raises OutputError.
"""

import contextlib
import os
import re
import sys

from cifar10_tf1.common.errors import UserError

# C0 and C1, except for tab, line feed and carriage return.
_CONTROLS = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]')


class OutputError(UserError):
    """Printing failed: the reader is gone, or the disk is full."""


class _Stream:
    """A text stream that raises OutputError instead of OSError."""

    def __init__(self, stream, name):
        self._stream = stream
        self._name = name

    def write(self, text):
        return self._try(self._stream.write, make_printable(
            text, getattr(self._stream, 'encoding', None)))

    def flush(self):
        self._try(self._stream.flush)

    def _try(self, action, *arguments):
        try:
            return action(*arguments)
        except OSError as error:
            # Otherwise the rest of the buffer would fail again when Python exits.
            with contextlib.suppress(OSError, ValueError), open(os.devnull, 'w') as null:
                os.dup2(null.fileno(), self._stream.fileno())
            raise OutputError(f'cannot print to {self._name}: {error.strerror}; redirect '
                              'it, for example to /dev/null')

    def __getattr__(self, name):
        return getattr(self._stream, name)


def make_printable(text, encoding=None):
    """Escapes control characters, and characters that an encoding lacks."""
    text = _CONTROLS.sub(lambda match: f'\\x{ord(match.group()):02x}', text)
    encoding = encoding or 'utf-8'
    return text.encode(encoding, 'backslashreplace').decode(encoding)


def open_missing():
    """Opens standard streams that the caller closed (`2>&-`).

    Call it first: the next file opened would get a closed stream's number.
    """
    for number, name in enumerate(('stdin', 'stdout', 'stderr')):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, 'w' if number else 'r', closefd=False))


@contextlib.contextmanager
def guarded():
    """A context in which printing raises nothing but OutputError."""
    open_missing()
    streams = sys.stdout, sys.stderr
    sys.stdout = _Stream(sys.stdout, 'standard output')
    sys.stderr = _Stream(sys.stderr, 'standard error')
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
