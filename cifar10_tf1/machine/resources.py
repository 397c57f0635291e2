"""The cores and the memory that this process may use, as its container limits them."""

import math
import os
import re
import sys
from typing import NamedTuple, Optional

_CGROUP = '/sys/fs/cgroup/'  # where a container sees its own limits


class Memory(NamedTuple):
    """Bytes of the machine, or of the container if it has less; None if unknown."""
    size: Optional[int]
    usable: Optional[int]  # free, or used by caches that the kernel can drop


def count_cores():
    """The number of cores that affinity and cgroup quota leave to this process."""
    cores = (len(os.sched_getaffinity(0)) if hasattr(os, 'sched_getaffinity')
             else os.cpu_count() or 1)
    # Version 2 of cgroups, or version 1: microseconds of computing in each period.
    words = (read_text(_CGROUP + 'cpu.max')
             or read_text(_CGROUP + 'cpu/cpu.cfs_quota_us')
             + read_text(_CGROUP + 'cpu/cpu.cfs_period_us')).split()
    if words and words[0].isdigit():  # "max" and -1 are no limit
        cores = min(cores, max(1, math.ceil(int(words[0]) / int(words[1]))))
    return cores


def find_memory():
    """Reads /proc/meminfo and the container's limit: Memory."""
    sizes = dict(re.findall(r'^(\w+): +(\d+) kB$', read_text('/proc/meminfo'), re.MULTILINE))
    if 'MemAvailable' not in sizes:
        return Memory(None, None)
    limit = (read_text(_CGROUP + 'memory.max')
             or read_text(_CGROUP + 'memory/memory.limit_in_bytes')).strip()
    # "max", or in version 1 a number near 2 ** 63, is no limit.
    limits = [int(limit)] if limit.isdigit() else []
    return Memory(*(min([1024 * int(sizes[name])] + limits)
                    for name in ('MemTotal', 'MemAvailable')))


def warn_of_shortage(needed_bytes, activity):
    """Warns if 'training' or 'testing' may need more memory than is usable."""
    usable = find_memory().usable
    if usable is not None and usable < needed_bytes:
        print(f'warning: {activity} takes up to {needed_bytes / 1e9:.1f} GB of memory, '
              f'but only {usable / 1e9:.1f} GB is available, so the system may kill it '
              '(exit status 137); end other programs, or raise the container\'s limit '
              '(docker run --memory)', file=sys.stderr)


def read_text(path):
    """The text of a file of the system; '' if it can't be read."""
    try:
        with open(path, encoding='utf-8', errors='replace') as file:
            return file.read()
    except OSError:
        return ''
