"""The memory of the machine, or of the container if its limit is lower."""

import os
import sys
from typing import NamedTuple, Optional

_UNLIMITED = 1 << 60  # cgroup v1 writes "no limit" as a number near 2 ** 63


class Memory(NamedTuple):
    """Bytes; None if unknown."""
    total: Optional[int]      # of the machine
    available: Optional[int]  # free, or used by caches that the kernel can drop
    limit: Optional[int]      # of the container; None without a limit

    @property
    def size(self):
        """The memory of the machine or container, used or not."""
        return min(filter(None, (self.total, self.limit)), default=None)

    @property
    def usable(self):
        """The most that a new process can use."""
        return min(filter(None, (self.available, self.limit)), default=None)


def find_memory(root='/'):
    """Reads /proc/meminfo and the limits of this process's cgroups: Memory."""
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
    """Warns if 'training' or 'testing' may need more memory than is usable."""
    usable = find_memory().usable
    if usable is not None and usable < needed_bytes:
        print(f'warning: {activity} takes up to {needed_bytes / 1e9:.1f} GB of memory, '
              f'but only {usable / 1e9:.1f} GB is available, so the system may kill it '
              '(exit status 137); end other programs, or raise the container\'s limit '
              '(docker run --memory)', file=sys.stderr, flush=True)


def _list_limits(root):
    """Yields the limits of this cgroup and its parents; reads versions 1 and 2."""
    for line in _read(root, 'proc/self/cgroup').splitlines():
        unused_number, controllers, path = line.split(':', 2)
        if not controllers:
            folder, name = 'sys/fs/cgroup', 'memory.max'
        elif 'memory' in controllers.split(','):
            folder, name = 'sys/fs/cgroup/memory', 'memory.limit_in_bytes'
        else:
            continue
        # A container sees its own group at the root or at this path.
        parts = path.strip('/').split('/')
        for length in range(len(parts) + 1):
            text = _read(root, folder, *parts[:length], name).strip()
            if text.isdigit():  # not "max"
                yield int(text)


def _read(*parts):
    try:
        with open(os.path.join(*parts)) as file:
            return file.read()
    except OSError:
        return ''
