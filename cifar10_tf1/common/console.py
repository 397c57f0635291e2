"""Standard output and error as a program finds them: closed, full, of any encoding.

While a command runs, what it prints goes through here. What the stream's encoding
lacks, and control characters of foreign text (names of files, records, replies of
servers), are printed as escapes. What can't be printed at all is an OutputError.
"""

import contextlib
import os
import re
import sys

from cifar10_tf1.common.errors import UserError

# All but tabulator, line feed and carriage return; with C1, the escapes of 8 bits.
_CONTROLS = re.compile('[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]')


class OutputError(UserError):
    """Nothing more can be printed: the reader is gone, the disk is full."""


class _Stream:
    """A text stream whose errors are one line."""

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
            # What is still buffered would fail once more when Python ends.
            with contextlib.suppress(OSError, ValueError):
                null = os.open(os.devnull, os.O_WRONLY)
                os.dup2(null, self._stream.fileno())
                os.close(null)
            reason = ('its reader is gone' if isinstance(error, BrokenPipeError)
                      else error.strerror)
            raise OutputError(f'cannot print to {self._name}: {reason}; give it '
                              'a place to go to, such as > /dev/null')

    def __getattr__(self, name):
        return getattr(self._stream, name)


def make_printable(text, encoding=None):
    """Text without control characters, and without what an encoding lacks."""
    text = _CONTROLS.sub(lambda match: f'\\x{ord(match.group()):02x}', text)
    encoding = encoding or 'utf-8'
    return text.encode(encoding, 'backslashreplace').decode(encoding)


def open_missing():
    """Opens what a caller has closed (`2>&-`), so that no file takes its place.

    Before anything else is opened.
    """
    for number, mode in enumerate(('r', 'w', 'w')):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number
        name = ('stdin', 'stdout', 'stderr')[number]
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, closefd=False))


@contextlib.contextmanager
def guarded():
    """Inside, printing raises nothing but OutputError."""
    open_missing()
    streams = sys.stdout, sys.stderr
    sys.stdout = _Stream(sys.stdout, 'standard output')
    sys.stderr = _Stream(sys.stderr, 'standard error')
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
