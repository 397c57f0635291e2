"""Safe printing to closed streams, full disks and any encoding.

Everything a command prints passes through here. It escapes control characters, which
file names and servers' replies may contain, and characters that the encoding lacks.
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
    """A text stream that flushes each line and raises OutputError instead of OSError."""

    def __init__(self, stream, name):
        self._stream = stream
        self._name = name

    def write(self, text):
        encoding = getattr(self._stream, 'encoding', None) or 'utf-8'
        self._try(self._stream.write, make_printable(text, encoding))
        if text.endswith(('\n', '\r')):
            self.flush()

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


def make_printable(text, encoding='utf-8'):
    """Escapes control characters, and characters that an encoding lacks."""
    text = _CONTROLS.sub(lambda match: f'\\x{ord(match.group()):02x}', text)
    return text.encode(encoding, 'backslashreplace').decode(encoding)


@contextlib.contextmanager
def guarded():
    """A context in which printing raises nothing but OutputError."""
    for name in ('stdin', 'stdout', 'stderr'):
        if getattr(sys, name) is None:  # closed by the caller (`2>&-`)
            # The first file opened would get the stream's number and what it prints.
            setattr(sys, name, open(os.devnull, 'r' if name == 'stdin' else 'w'))
    streams = sys.stdout, sys.stderr
    sys.stdout = _Stream(sys.stdout, 'standard output')
    sys.stderr = _Stream(sys.stderr, 'standard error')
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
