"""Memory and cores: those of the container, where it has fewer."""

import os

from cifar10_tf1.machine import description
from cifar10_tf1.machine import memory
from cifar10_tf1 import systems
from cifar10_tf1.doctor.lines import FAIL
from cifar10_tf1.doctor.lines import Line
from cifar10_tf1.doctor.lines import OK
from cifar10_tf1.doctor.lines import WARN

_SPARE_BYTES = 0.6e9  # for all else


def check_memory(root='/', system_name=systems.DEFAULT):
    """What is free, and the limit of the cgroup.

    Args:
      root: str, under which /proc and /sys lie; for tests.
      system_name: str, one of systems.NAMES.
    """
    least = systems.find(system_name).memory_bytes
    wanted = least + _SPARE_BYTES
    found = memory.find_memory(root)
    if found.total is None or found.available is None:
        yield Line(WARN, 'Memory', '/proc/meminfo does not say',
                   f'{wanted / 1e9:.1f} GB should be free')
        return
    status = FAIL if found.usable < least else WARN if found.usable < wanted else OK
    yield Line(status, 'Memory', str(found), f'training takes up to '
               f'{least / 1e9:.1f} GB: end other programs, or give the '
               'container more')


def check_time(system_name):
    """What to know before a training that takes long; else nothing."""
    cost = systems.find(system_name).cost
    if cost:
        yield Line(OK, 'Time', f'the documented run of {system_name} {cost}')


def check_threads():
    """The cores that this process may use."""
    yield Line(OK, 'Threads', f'{description.count_cores()} cores to use (affinity, '
               f'cgroup) of the machine\'s {os.cpu_count()}')
