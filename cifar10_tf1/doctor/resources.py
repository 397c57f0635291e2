"""Memory and cores: those of the container, where it has fewer."""

import os

from cifar10_tf1.machine import description
from cifar10_tf1 import systems
from cifar10_tf1.doctor.lines import FAIL
from cifar10_tf1.doctor.lines import Line
from cifar10_tf1.doctor.lines import OK
from cifar10_tf1.doctor.lines import WARN

_SPARE_BYTES = 0.6e9      # for all else
_UNLIMITED = 1 << 60  # cgroup v1 says "none" with a number near 2 ** 63


def check_memory(root='/', system_name=systems.DEFAULT):
    """What is free, and the limit of the cgroup.

    Args:
      root: str, under which /proc and /sys lie; for tests.
      system_name: str, one of systems.NAMES.
    """
    least = systems.find(system_name).memory_bytes
    wanted = least + _SPARE_BYTES
    limit = find_memory_limit(root)
    total, free = _find_memory(root)
    if total is None or free is None:
        yield Line(WARN, 'Memory', '/proc/meminfo does not say',
                   f'{wanted / 1e9:.1f} GB should be free')
        return
    text = f'{free / 1e9:.1f} GB free of the machine\'s {total / 1e9:.1f} GB'
    if limit is not None and limit < total:
        text += f', {limit / 1e9:.1f} GB for this container (cgroup)'
        free = min(free, limit)
    status = FAIL if free < least else WARN if free < wanted else OK
    yield Line(status, 'Memory', text, f'training takes up to '
               f'{least / 1e9:.1f} GB: end other programs, or give the '
               'container more')


def find_memory(root='/'):
    """Bytes that the machine has, or the container; None where nothing says it."""
    known = [number for number in (_find_memory(root)[0], find_memory_limit(root))
             if number is not None]
    return min(known) if known else None


def _find_memory(root):
    """(all, free) of the machine, bytes; None for what is not said."""
    fields = {}
    for line in _read(os.path.join(root, 'proc/meminfo')).splitlines():
        name, unused_colon, value = line.partition(':')
        fields[name] = value.split()
    return [int(fields[name][0]) * 1024 if name in fields else None
            for name in ('MemTotal', 'MemAvailable')]


def check_time(system_name):
    """What to know before a training that takes long; else nothing."""
    cost = systems.find(system_name).cost
    if cost:
        yield Line(OK, 'Time', f'the documented run of {system_name} {cost}')


def find_memory_limit(root='/'):
    """Bytes that the cgroup and those above it allow; None for no limit.

    A container sees its own group as the root, or its path in /proc/self/cgroup.
    """
    limits = []
    for line in _read(os.path.join(root, 'proc/self/cgroup')).splitlines():
        unused_number, controllers, path = line.split(':', 2)
        if not controllers:
            folder, name = 'sys/fs/cgroup', 'memory.max'
        elif 'memory' in controllers.split(','):
            folder, name = 'sys/fs/cgroup/memory', 'memory.limit_in_bytes'
        else:
            continue
        while True:
            text = _read(os.path.join(root, folder, path.strip('/'), name))
            if text.strip().isdigit():  # not "max"
                limits.append(int(text))
            if path in ('', '/'):
                break
            path = os.path.dirname(path)
    limits = [limit for limit in limits if limit < _UNLIMITED]
    return min(limits) if limits else None


def check_threads():
    """The cores that this process may use."""
    yield Line(OK, 'Threads', f'{description.count_cores()} cores to use (affinity, '
               f'cgroup) of the machine\'s {os.cpu_count()}')


def _read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ''
