"""The cores and memory of machine or container, and the warning about a shortage."""

import os

import pytest

import runs
from cifar10_tf1.machine import resources
from cifar10_tf1.machine.resources import Memory

FOLDER = '/sys/fs/cgroup/'


@pytest.fixture
def machine(monkeypatch):
    """A dict of the system's files, on a machine with eight cores."""
    files = {'/proc/meminfo': 'MemTotal:   8000000 kB\nMemAvailable:  6000000 kB\n'
                              'HugePages_Total:       0\n'}
    monkeypatch.setattr(resources, 'read_text', lambda path: files.get(path, ''))
    monkeypatch.setattr(os, 'sched_getaffinity', lambda pid: range(8), raising=False)
    return files


@pytest.mark.parametrize('limits, cores', [
    ({}, 8), ({'cpu.max': 'max 100000\n'}, 8), ({'cpu.max': '250000 100000\n'}, 3),
    ({'cpu.max': '5000 100000\n'}, 1), ({'cpu.max': '900000 100000\n'}, 8),
    ({'cpu/cpu.cfs_quota_us': '-1\n', 'cpu/cpu.cfs_period_us': '100000\n'}, 8),
    ({'cpu/cpu.cfs_quota_us': '250000\n', 'cpu/cpu.cfs_period_us': '100000\n'}, 3)])
def test_the_cores_of_a_container(machine, limits, cores):
    machine.update({FOLDER + name: text for name, text in limits.items()})
    assert resources.count_cores() == cores


@pytest.mark.parametrize('name, limit, found', [
    ('memory.max', 'max\n', (8192000000, 6144000000)),
    ('memory.max', '500000000\n', (500000000, 500000000)),
    ('memory/memory.limit_in_bytes', '500000000\n', (500000000, 500000000)),
    ('memory/memory.limit_in_bytes', '9223372036854771712\n', (8192000000, 6144000000))])
def test_the_memory_of_a_container(machine, name, limit, found):
    machine[FOLDER + name] = limit
    assert resources.find_memory() == found
    del machine['/proc/meminfo']
    assert resources.find_memory() == (None, None)


@pytest.mark.parametrize('program, usable, warning', [
    ('train.py', 4e8, 'warning: training takes up to 1.4 GB'),
    ('test.py', 4e8, 'warning: testing takes up to '),
    ('train.py', 2e9, ''), ('train.py', None, '')])
def test_a_shortage_is_said_first(program, usable, warning, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(resources, 'find_memory', lambda: Memory(8 * 10 ** 9, usable))
    # --device gpu ends them at once, on a machine without a driver.
    assert runs.main(program, ['--device', 'gpu', '--model-dir', str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert error.startswith(warning) and error.count('\n') == 1 + bool(warning)
    assert ('docker run --memory' in error) == bool(warning)
