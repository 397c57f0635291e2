"""The memory of machine or container, and the warning if it is too small."""

import os
import subprocess
import sys

import pytest

from cifar10_tf1.machine import memory
from cifar10_tf1.machine.memory import Memory
from runs import ROOT

V1 = 'sys/fs/cgroup/memory/memory.limit_in_bytes'


@pytest.mark.parametrize('cgroup, files, limit', [
    ('', {}, None),
    ('0::/\n', {'sys/fs/cgroup/memory.max': '500000000\n'}, 500000000),
    ('0::/a/b\n', {'sys/fs/cgroup/a/memory.max': '500000000\n',
                   'sys/fs/cgroup/a/b/memory.max': 'max\n'}, 500000000),
    # In a container without a namespace for groups the path is the host's.
    ('9:cpu:/x\n4:memory:/docker/1\n0::/\n', {V1: '500000000\n'}, 500000000),
    ('4:memory:/\n', {V1: '9223372036854771712\n'}, None)])
def test_the_limit_of_a_container(tmp_path, cgroup, files, limit):
    files = {'proc/meminfo': 'MemTotal: 8000000 kB\nMemAvailable: 6000000 kB\n',
             'proc/self/cgroup': cgroup, **files}
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    found = memory.find_memory(str(tmp_path))
    assert found == Memory(8192000000, 6144000000, limit)
    assert found.size == (limit or 8192000000)
    assert found.usable == (limit or 6144000000)


@pytest.mark.parametrize('limit, is_short', [
    (None, False), (10 ** 9, False), (4 * 10 ** 8, True)])
def test_a_shortage_names_the_way_out(limit, is_short, monkeypatch, capsys):
    monkeypatch.setattr(memory, 'find_memory',
                        lambda: Memory(8 * 10 ** 9, 6 * 10 ** 9, limit))
    memory.warn_of_shortage(0.9e9, 'training')
    printed = capsys.readouterr().err
    assert printed.count('\n') == is_short
    assert not is_short or '0.9 GB' in printed and 'docker run --memory' in printed


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
