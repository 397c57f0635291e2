"""Keeps TensorFlow from the driver, where the CPU is to be used.

CUDA_VISIBLE_DEVICES=-1 hides the cards only: TensorFlow loads libcuda.so.1 and
calls cuInit all the same, and a libcuda that hangs or crashes there takes the
program with it. The loader of Linux gives a library that is in the process
already to whoever asks for its name. So an empty one of that name is loaded
first. TensorFlow then finds no cuInit, as on a machine without a driver.
"""

import ctypes
import os
import platform
import struct
import sys
import tempfile

_MACHINES = {'x86_64': 62, 'aarch64': 183}  # e_machine in elf.h
_PAGE = 0x10000  # the largest of these processors


def hide_driver():
    """Loads the empty libcuda.so.1.

    Returns:
      bool, whether it could be loaded; elsewhere than on Linux it is not.
    """
    machine = platform.machine()
    if not sys.platform.startswith('linux') or machine not in _MACHINES:
        return False
    try:
        with _open_file() as file:
            file.write(build_library('libcuda.so.1', machine))
            file.flush()
            ctypes.CDLL(f'/proc/self/fd/{file.fileno()}')
    except (OSError, AttributeError):
        return False
    return True


def build_library(name, machine):
    """The bytes of a shared library without code or symbols.

    Args:
      name: str, by which the loader knows it (DT_SONAME).
      machine: str, of _MACHINES.
    """
    strings = b'\0' + name.encode('ascii') + b'\0'
    symbols = bytes(24)                         # the first one is empty
    hashes = struct.pack('<4I', 1, 1, 0, 0)     # of one bucket, with nothing
    start = 64 + 3 * 56                         # behind the headers
    at_symbols = start + 64
    at_hashes = at_symbols + len(symbols)
    at_dynamic = at_hashes + len(hashes)
    dynamic = b''.join(struct.pack('<qQ', tag, value) for tag, value in (
        (14, 1),               # DT_SONAME, at this place of the strings
        (4, at_hashes),        # DT_HASH
        (5, start),            # DT_STRTAB
        (10, len(strings)),    # DT_STRSZ
        (6, at_symbols),       # DT_SYMTAB
        (11, len(symbols)),    # DT_SYMENT
        (0, 0)))               # DT_NULL
    size = at_dynamic + len(dynamic)
    header = struct.pack(
        '<16sHHIQQQIHHHHHH', b'\x7fELF\x02\x01\x01', 3, _MACHINES[machine], 1,
        0, 64, 0, 0, 64, 56, 3, 64, 0, 0)
    readable_and_writable = 6
    segments = b''.join(
        struct.pack('<IIQQQQQQ', kind, readable_and_writable, offset, offset,
                    offset, length, length, alignment)
        for kind, offset, length, alignment in (
            (1, 0, size, _PAGE),                 # PT_LOAD
            (2, at_dynamic, len(dynamic), 8),    # PT_DYNAMIC
            (0x6474e551, 0, 0, 16)))             # PT_GNU_STACK, not executable
    return (header + segments + strings.ljust(64, b'\0') + symbols + hashes
            + dynamic)


def _open_file():
    """A file in memory: a container may have no place to write to."""
    try:
        handle = ctypes.CDLL(None).memfd_create(b'libcuda.so.1', 1)  # CLOEXEC
        if handle >= 0:
            return os.fdopen(handle, 'wb')
    except AttributeError:  # before glibc 2.27
        pass
    return tempfile.TemporaryFile()
