"""Reads pickles of dicts, lists, tuples, texts, integers and arrays of bytes.

A pickle is a program, and Python's own reader runs it: it calls what the pickle
names. This one knows the operations that such values need and no other, calls
nothing, imports nothing, and takes no more memory than a multiple of the file.
For protocols 2 to 4, as Python 2 and 3 write them.
"""

import pickletools
import struct
from typing import NamedTuple, Tuple

import numpy as np


class Refused(Exception):
    """The pickle wants something else, or is none; the text says what."""


class _Global(NamedTuple):
    name: str


_RECONSTRUCT = _Global('numpy.core.multiarray._reconstruct')
_ARRAY = _Global('numpy.ndarray')
_TYPE = _Global('numpy.dtype')
_ENCODE = _Global('_codecs.encode')  # bytes, where Python 3 writes protocol 2
_GLOBALS = {known.name: known
            for known in (_RECONSTRUCT, _ARRAY, _TYPE, _ENCODE)}
_GLOBALS['numpy._core.multiarray._reconstruct'] = _RECONSTRUCT  # of NumPy 2


class _Bytes:
    """The type of unsigned bytes."""


class _Array:
    """An array that is being built; `value` is NumPy's in the end."""
    value = None


def load(content):
    """The value of a pickle.

    Args:
      content: bytes.
    Returns:
      a dict or another of the types named above; Python 2's strings as bytes;
      arrays as uint8.
    Raises:
      Refused.
    """
    try:
        return _finish(_Machine(content).run())
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise Refused('it is no whole pickle') from error


def _finish(value):
    """Puts the arrays into a dict that has any."""
    if type(value) is not dict:
        return value
    return {key: item.value if type(item) is _Array else item
            for key, item in value.items()}


class _Machine:
    """The stack machine that a pickle is a program for."""

    def __init__(self, content):
        self._content, self._place = content, 0
        self._stack, self._marks, self._memo = [], [], {}
        self._num_encoded = 0  # bytes

    def run(self):
        while True:
            code = self._take(1)
            if code == b'.':
                return self._stack.pop()
            if code not in _OPERATIONS:
                known = pickletools.code2op.get(code.decode('latin-1'))
                raise Refused('it wants the operation '
                              + (known.name if known else repr(code)))
            _OPERATIONS[code](self)

    def _take(self, size):
        end = self._place + size
        if not 0 <= size <= len(self._content) - self._place:
            raise Refused('it is cut off')
        taken = self._content[self._place:end]
        self._place = end
        return taken

    def _take_number(self, form):
        number, = struct.unpack(form, self._take(struct.calcsize(form)))
        return number

    def _take_line(self):
        end = self._content.index(b'\n', self._place)
        line = self._take(end - self._place)
        self._place += 1
        return line.decode('ascii')

    def _push(self, value):
        self._stack.append(value)

    def _pop(self, number):
        """The last values, in the order in which they came."""
        first = len(self._stack) - number
        if first < (self._marks[-1] if self._marks else 0):
            raise Refused('it takes more than it has')
        values = self._stack[first:]
        del self._stack[first:]
        return values

    def _pop_to_mark(self):
        return self._pop(len(self._stack) - self._marks[-1]), self._marks.pop()

    def _append(self, values):
        if type(self._stack[-1]) is not list:
            raise Refused('it appends to what is no list')
        self._stack[-1].extend(values)

    def _set(self, values):
        if type(self._stack[-1]) is not dict:
            raise Refused('it has a name without a dict')
        for key, value in zip(values[::2], values[1::2]):
            # A tuple of tuples could take for ever to be hashed.
            if type(key) not in (bytes, str):
                raise Refused('it has a name that is no text')
            self._stack[-1][key] = value

    def _find(self, module, name):
        if type(module) is not str or type(name) is not str:
            raise Refused('it names something by what is no text')
        full = f'{module}.{name}'
        if full not in _GLOBALS:
            raise Refused(f'it wants {full[:80]!r}')
        self._push(_GLOBALS[full])

    def _reduce(self):
        function, arguments = self._pop(2)
        if type(function) is not _Global or type(arguments) is not tuple:
            raise Refused('it calls what is no function')
        first, *others = arguments
        if function is _RECONSTRUCT and first is _ARRAY:
            self._push(_Array())
        elif function is _TYPE and type(first) in (bytes, str):
            if first not in (b'u1', 'u1'):
                raise Refused(f'it wants an array of {first[:20]!r}')
            self._push(_Bytes())
        elif function is _ENCODE and type(first) is str:
            # A text may be named again and again, and each time takes memory.
            self._num_encoded += len(first)
            if (others not in (['latin1'], [b'latin1'])
                    or self._num_encoded > len(self._content)):
                raise Refused('it wants another encoding')
            self._push(first.encode('latin-1'))
        else:
            raise Refused(f'it calls {function.name} with something else')

    def _build(self):
        target, state = self._pop(2)
        if type(target) is _Array:
            target.value = _build_array(*state)
        elif type(target) is not _Bytes:
            raise Refused('it sets the state of what has none')
        self._push(target)


def _build_array(unused_version, shape: Tuple, kind, is_fortran, content):
    if type(kind) is not _Bytes or type(content) is not bytes:
        raise Refused('it has an array of something else than bytes')
    if type(shape) is not tuple or len(shape) > 4 or not all(
            type(length) is int and length >= 0 for length in shape):
        raise Refused('it has an array without a shape')
    return np.frombuffer(content, np.uint8).reshape(
        shape, order='F' if is_fortran is True else 'C')


def _constant(value):
    return lambda machine: machine._push(value)


def _number(form):
    return lambda machine: machine._push(machine._take_number(form))


def _bytes(form):
    return lambda machine: machine._push(
        machine._take(machine._take_number(form)))


def _text(form):
    return lambda machine: machine._push(
        machine._take(machine._take_number(form)).decode('utf-8',
                                                         'surrogatepass'))


def _put(form):
    def put(machine):
        machine._memo[machine._take_number(form)] = machine._stack[-1]
    return put


def _get(form):
    return lambda machine: machine._push(
        machine._memo[machine._take_number(form)])


def _tuple(number):
    return lambda machine: machine._push(tuple(machine._pop(number)))


def _memoize(machine):
    machine._memo[len(machine._memo)] = machine._stack[-1]


def _protocol(machine):
    if not 2 <= machine._take_number('<B') <= 4:
        raise Refused('it has a protocol other than 2 to 4')


_OPERATIONS = {
    b'\x80': _protocol,
    b'\x95': lambda machine: machine._take(8),  # the length of a frame
    b'(': lambda machine: machine._marks.append(len(machine._stack)),
    b'N': _constant(None), b'\x88': _constant(True), b'\x89': _constant(False),
    b'K': _number('<B'), b'M': _number('<H'), b'J': _number('<i'),
    b'U': _bytes('<B'), b'T': _bytes('<I'),  # Python 2's strings
    b'C': _bytes('<B'), b'B': _bytes('<I'), b'\x8e': _bytes('<Q'),
    b'\x8c': _text('<B'), b'X': _text('<I'), b'\x8d': _text('<Q'),
    b'q': _put('<B'), b'r': _put('<I'), b'\x94': _memoize,
    b'h': _get('<B'), b'j': _get('<I'),
    b']': lambda machine: machine._push([]),
    b'}': lambda machine: machine._push({}),
    b')': _tuple(0), b'\x85': _tuple(1), b'\x86': _tuple(2), b'\x87': _tuple(3),
    b't': lambda machine: machine._push(tuple(machine._pop_to_mark()[0])),
    b'a': lambda machine: machine._append(machine._pop(1)),
    b'e': lambda machine: machine._append(machine._pop_to_mark()[0]),
    b's': lambda machine: machine._set(machine._pop(2)),
    b'u': lambda machine: machine._set(machine._pop_to_mark()[0]),
    b'c': lambda machine: machine._find(machine._take_line(),
                                        machine._take_line()),
    b'\x93': lambda machine: machine._find(*machine._pop(2)),
    b'R': _Machine._reduce, b'b': _Machine._build,
}
