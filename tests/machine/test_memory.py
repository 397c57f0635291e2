"""The memory of machine or container, and the warning if it is too small."""

import os
import subprocess
import sys

import pytest

from cifar10_tf1.machine import memory
from cifar10_tf1.machine.memory import Memory
from setup_project import ROOT

MEMINFO = 'MemTotal: 8000000 kB\nMemFree: 9 kB\nMemAvailable: {} kB\n'
V1 = 'sys/fs/cgroup/memory/memory.limit_in_bytes'


def write_system(root, available=6000000, cgroup='', **files):
    """A stand-in for /proc and /sys."""
    files.update({'proc/meminfo': MEMINFO.format(available),
                  'proc/self/cgroup': cgroup})
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return str(root)


@pytest.mark.parametrize('cgroup, files, limit', [
    ('', {}, None),
    ('0::/\n', {'sys/fs/cgroup/memory.max': '500000000\n'}, 500000000),
    ('0::/a/b\n', {'sys/fs/cgroup/a/memory.max': '500000000\n',
                   'sys/fs/cgroup/a/b/memory.max': 'max\n'}, 500000000),
    ('9:cpu:/x\n4:memory:/\n', {V1: '500000000\n'}, 500000000),
    # In a container without a namespace for groups the path is the host's.
    ('4:memory:/docker/1\n0::/\n', {V1: '500000000\n'}, 500000000),
    ('4:memory:/\n', {V1: '9223372036854771712\n'}, None)])
def test_the_limit_of_a_container(tmp_path, cgroup, files, limit):
    found = memory.find_memory(write_system(tmp_path, cgroup=cgroup, **files))
    assert found == Memory(8192000000, 6144000000, limit)
    assert found.size == (limit or 8192000000)
    assert found.usable == (limit or 6144000000)


@pytest.mark.parametrize('found, way_out', [
    (Memory(8 * 10 ** 9, 6 * 10 ** 9, None), None),
    (Memory(8 * 10 ** 9, 6 * 10 ** 9, 10 ** 9), None),
    (Memory(8 * 10 ** 9, 6 * 10 ** 9, 4 * 10 ** 8), 'docker run --memory'),
    (Memory(8 * 10 ** 9, 3 * 10 ** 8, 4 * 10 ** 8), 'docker run --memory'),
    (Memory(None, None, None), None)])
def test_a_shortage_names_the_way_out(found, way_out, monkeypatch, capsys):
    monkeypatch.setattr(memory, 'find_memory', lambda: found)
    memory.warn_of_shortage(0.9e9, 'training')
    printed = capsys.readouterr().err
    if way_out is None:
        assert printed == ''
    else:
        assert '0.9 GB' in printed and way_out in printed
        assert printed.count('\n') == 1


@pytest.mark.parametrize('program, activity', [
    ('train.py', 'training'), ('test.py', 'testing')])
def test_the_programs_say_it_first(program, activity, tmp_path):
    # --device gpu ends them at once, on a machine without a driver.
    script = f'''
import runpy, sys
from cifar10_tf1.machine import memory
memory.find_memory = lambda: memory.Memory(8 * 10 ** 9, 6 * 10 ** 9, 4 * 10 ** 8)
sys.argv = [{program!r}, '--device', 'gpu', '--model-dir', {str(tmp_path)!r}]
runpy.run_path({program!r}, run_name='__main__')
'''
    result = subprocess.run(
        [sys.executable, '-c', script], cwd=ROOT, stderr=subprocess.PIPE,
        universal_newlines=True, env=dict(os.environ, CUDA_VISIBLE_DEVICES='-1'))
    assert result.returncode == 1
    assert result.stderr.startswith(f'warning: {activity} takes up to ')
