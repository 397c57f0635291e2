"""The memory of the machine or of the container, which may have less."""

import os
import sys
from typing import NamedTuple
from typing import Optional

_UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as a number near 2 ** 63


class Memory(NamedTuple):
    """Bytes; None if unknown."""
    total: Optional[int]      # of the machine
    available: Optional[int]  # free, or in caches that the kernel can drop
    limit: Optional[int]      # of the container; None without a limit

    @property
    def size(self):
        """The memory of the machine or the container, used or not."""
        return _smaller(self.total, self.limit)

    @property
    def usable(self):
        """The most that a new process can use."""
        return _smaller(self.available, self.limit)

    def __str__(self):
        limit = ('' if self.limit is None else
                 f', {_gigabytes(self.limit)} for this container (cgroup)')
        return (f'{_gigabytes(self.available)} free of the machine\'s '
                f'{_gigabytes(self.total)}{limit}')


def find_memory(root='/'):
    """Reads /proc/meminfo and the limits of this process's cgroups: Memory.

    Args:
      root: str, the parent of proc and sys; for tests.
    """
    sizes = {}
    for line in _read(root, 'proc/meminfo').splitlines():
        name, unused_colon, value = line.partition(':')
        if value.endswith(' kB'):
            sizes[name] = int(value.split()[0]) * 1024
    total = sizes.get('MemTotal')
    limits = [limit for limit in _list_limits(root)
              if limit < (total or _UNLIMITED)]
    return Memory(total, sizes.get('MemAvailable'), min(limits, default=None))


def warn_of_shortage(needed_bytes, activity):
    """Warns on standard error if a program needs more memory than it can use.

    Args:
      needed_bytes: float, the program's peak; see systems.Entry.
      activity: str, 'training' or 'testing'.
    """
    memory = find_memory()
    if memory.usable is None or memory.usable >= needed_bytes:
        return
    way_out = 'end other programs'
    if memory.limit == memory.usable:
        way_out = 'give the container more (docker run --memory)'
    print(f'warning: {activity} takes up to {_gigabytes(needed_bytes)} of memory, but '
          f'only {_gigabytes(memory.usable)} is usable here, and the system may kill the '
          f'program (exit status 137); {way_out}', file=sys.stderr, flush=True)


def _list_limits(root):
    """Yields the limits of the cgroup and its parents, of versions 1 and 2.

    A container sees its own group as the root or at the path in /proc/self/cgroup.
    """
    for line in _read(root, 'proc/self/cgroup').splitlines():
        unused_number, controllers, path = line.split(':', 2)
        if not controllers:
            folder, name = 'sys/fs/cgroup', 'memory.max'
        elif 'memory' in controllers.split(','):
            folder, name = 'sys/fs/cgroup/memory', 'memory.limit_in_bytes'
        else:
            continue
        parts = path.strip('/').split('/')
        for length in range(len(parts) + 1):
            text = _read(root, folder, *parts[:length], name).strip()
            if text.isdigit():  # not "max"
                yield int(text)


def _smaller(*sizes):
    return min((size for size in sizes if size is not None), default=None)


def _gigabytes(size):
    return 'unknown' if size is None else f'{size / 1e9:.1f} GB'


def _read(*parts):
    try:
        with open(os.path.join(*parts)) as file:
            return file.read()
    except OSError:
        return ''
