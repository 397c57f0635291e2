"""Real disks, users and processes: read-only, full, several at once, killed."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

import data_helpers
from cifar10_tf1.data import cifar10, synthetic
from data_helpers import fails, isolated, PACKED, Server  # noqa: F401

pytestmark = pytest.mark.slow

ARCHIVE = 'cifar-10-binary.tar.gz'
TESTS = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
START = f'import sys; sys.path[:0] = [{TESTS!r}, {os.path.dirname(TESTS)!r}]\n'
PREPARE = START + '''
import data_helpers
data_helpers.load({data_dir!r}, [{url!r}])
'''
GENERATE = START + '''
from cifar10_tf1.data import synthetic
synthetic.load_data_set({data_dir!r})
'''


@pytest.fixture
def mount(tmp_path):
    """A function that mounts a tmpfs of so many KiB; skips if mounting fails."""
    mounted = []

    def mount_tmpfs(size):
        path = tmp_path / f'disk{len(mounted)}'
        path.mkdir()
        run_or_skip('mount', '-t', 'tmpfs', '-o', f'size={size}k', 'tmpfs', str(path))
        mounted.append(path)
        return path

    yield mount_tmpfs
    for path in mounted:
        subprocess.call(['umount', '-l', str(path)])


def run_or_skip(*command):
    try:
        subprocess.check_output(command, stderr=subprocess.STDOUT)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f'a tmpfs cannot be mounted here (not root?): {error}')


def load(data_dir, url=data_helpers.NOWHERE):
    return data_helpers.load(data_dir, [url])


def test_a_read_only_folder(mount):
    """Complete data works; incomplete data gives an error that names the folder."""
    data_dir = mount(2048)
    folder = data_helpers.write_files(data_dir)
    run_or_skip('mount', '-o', 'remount,ro', str(data_dir))
    assert load(data_dir).num_train_examples == 60
    run_or_skip('mount', '-o', 'remount,rw', str(data_dir))
    (folder / 'data_batch_5.bin').unlink()
    (data_dir / ARCHIVE).write_bytes(PACKED)
    run_or_skip('mount', '-o', 'remount,ro', str(data_dir))
    for read in (load, lambda path: synthetic.load_data_set(str(path))):
        with fails(str(data_dir), 'Read-only file system', '--data-dir'):
            read(data_dir)


def test_a_full_disk(mount):
    data_dir = mount(120)
    with Server(PACKED) as server:
        with fails('No space left', '.part', '--data-dir'):
            load(data_dir, server.url)
        assert PACKED.startswith((data_dir / (ARCHIVE + '.part')).read_bytes())
        # The archive fits, what is in it does not.
        run_or_skip('mount', '-o', 'remount,size=300k', str(data_dir))
        with fails('No space left', cifar10.VERSIONS[0].folder, '--data-dir'):
            load(data_dir, server.url)
        with fails('No space left', '--data-dir'):
            synthetic.load_data_set(str(data_dir))
        run_or_skip('mount', '-o', 'remount,size=2048k', str(data_dir))
        load(data_dir, server.url)
    assert data_helpers.snapshot(
        data_dir / cifar10.VERSIONS[0].folder) == data_helpers.CONTENTS


def start(script, data_dir, url=''):
    return subprocess.Popen(
        [sys.executable, '-c', script.format(data_dir=str(data_dir), url=url)],
        stderr=subprocess.PIPE, universal_newlines=True)


def finish(processes):
    """Waits for processes, all of which must succeed; returns their standard error."""
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return errors


def test_two_processes_download_once(tmp_path):
    asked, go_on = threading.Event(), threading.Event()

    def hold():
        asked.set()
        assert go_on.wait(60)

    with Server(PACKED, before_reply=hold) as server:
        first = start(PREPARE, tmp_path, server.url)
        assert asked.wait(60)
        second = start(PREPARE, tmp_path, server.url)
        assert 'Waiting for another process' in second.stderr.readline()
        go_on.set()
        finish([first, second])
    assert server.requests == [None]
    assert data_helpers.snapshot(
        tmp_path / cifar10.VERSIONS[0].folder) == data_helpers.CONTENTS


def test_a_killed_generation_goes_on_and_several_generate_once(tmp_path):
    process = start(GENERATE, tmp_path)
    folder = tmp_path / 'synthetic' / cifar10.VERSIONS[0].folder
    deadline = time.time() + 60
    while not list(folder.glob('data_batch_*')) and time.time() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (folder / 'test_batch.bin').exists()
    errors = finish([start(GENERATE, tmp_path) for _ in range(3)])
    assert sum('Generating' in error for error in errors) == 1
    synthetic.load_data_set(str(tmp_path))
