"""Real disks, users and processes: read-only and full ones, two at once, a kill."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import pytest

import data_helpers
import pickle_helpers
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import preparation
from cifar10_tf1.data import synthetic
from data_helpers import Server, fails, isolated  # noqa: F401

pytestmark = pytest.mark.slow

PACKED = data_helpers.pack(data_helpers.members())
ARCHIVE = 'cifar-10-binary.tar.gz'

PREPARE = '''
import sys
sys.path[:0] = [{tests!r}, {root!r}]
import data_helpers
archive = data_helpers.describe(b'', {url!r})
data_helpers.load({data_dir!r}, archive._replace(size={size}, md5={md5!r}))
'''
GENERATE = '''
import sys
sys.path[:0] = [{root!r}]
from cifar10_tf1.data import synthetic
synthetic.load_data_set({data_dir!r})
'''


@pytest.fixture
def mount(tmp_path):
    """Function of a size in KiB: a tmpfs of it; skips where none can be had."""
    mounted = []

    def mount_tmpfs(size):
        path = tmp_path / f'disk{len(mounted)}'
        path.mkdir()
        run_or_skip('mount', '-t', 'tmpfs', '-o', f'size={size}k', 'tmpfs',
                    str(path))
        mounted.append(path)
        return path

    yield mount_tmpfs
    for path in mounted:
        subprocess.call(['umount', '-l', str(path)])


def run_or_skip(*command):
    try:
        subprocess.run(command, check=True, stdout=subprocess.PIPE,
                       stderr=subprocess.STDOUT)
    except (OSError, subprocess.CalledProcessError) as error:
        output = getattr(error, 'output', None) or b''
        pytest.skip(f'a tmpfs cannot be mounted here (not root?): {error} '
                    f'{output.decode()}')


def make_read_only(path):
    run_or_skip('mount', '-o', 'remount,ro', str(path))


def load(data_dir, url='http://127.0.0.1:9/'):
    return data_helpers.load(data_dir, data_helpers.describe(PACKED, url))


def without_space_check(monkeypatch):
    """The disk of another process may fill up after the look at it."""
    monkeypatch.setattr(preparation, 'check_free_space', lambda *_: None)


def test_a_complete_read_only_folder_works(mount):
    data_dir = mount(2048)
    data_helpers.write_files(data_dir)
    make_read_only(data_dir)
    assert load(data_dir).num_train_examples == 60


def test_an_incomplete_read_only_folder_is_named(mount):
    data_dir = mount(2048)
    folder = data_helpers.write_files(data_dir)
    (folder / 'data_batch_5.bin').unlink()
    make_read_only(data_dir)
    with fails('data_batch_5.bin is missing', '--data-dir'):
        load(data_dir)


@pytest.mark.parametrize('with_archive', [False, True])
@pytest.mark.parametrize('with_folder', [False, True])
def test_an_empty_read_only_folder_is_named(mount, with_archive, with_folder):
    data_dir = mount(2048)
    if with_archive:
        (data_dir / ARCHIVE).write_bytes(PACKED)
    if with_folder:
        (data_dir / cifar10.FOLDER).mkdir()
    make_read_only(data_dir)
    with fails(str(data_dir), 'Read-only file system', '--data-dir'):
        load(data_dir)
    with fails(str(data_dir), 'Read-only file system', '--data-dir'):
        synthetic.load_data_set(str(data_dir))


def test_a_full_disk_during_the_download(mount, monkeypatch):
    data_dir = mount(120)
    with Server(PACKED) as server:
        with fails('MB free', '--data-dir'):
            load(data_dir, server.url)
        without_space_check(monkeypatch)
        with fails('No space left', '.part', '--data-dir'):
            load(data_dir, server.url)
        part = (data_dir / (ARCHIVE + '.part')).read_bytes()
        assert PACKED.startswith(part)
        # With space again, it goes on from there.
        run_or_skip('mount', '-o', 'remount,size=2048k', str(data_dir))
        load(data_dir, server.url)
    assert data_helpers.snapshot(data_dir / cifar10.FOLDER) == (
        data_helpers.CONTENTS)


def test_a_full_disk_during_the_extraction(mount, monkeypatch):
    data_dir = mount(len(PACKED) // 1024 + 100)
    (data_dir / ARCHIVE).write_bytes(PACKED)
    for _ in range(2):
        with fails(str(data_dir), '--data-dir'):
            load(data_dir)
        assert data_helpers.snapshot(data_dir) == {ARCHIVE: PACKED}
        without_space_check(monkeypatch)
    with fails('No space left'):
        load(data_dir)


def test_a_full_disk_during_the_generation(mount, monkeypatch):
    data_dir = mount(10 * 1024)
    (data_dir / 'notes.txt').write_text('mine')
    with fails('MB free', '--data-dir'):
        synthetic.load_data_set(str(data_dir))
    without_space_check(monkeypatch)
    with fails('No space left', '--data-dir'):
        synthetic.load_data_set(str(data_dir))
    assert data_helpers.snapshot(data_dir) == {'notes.txt': b'mine',
                                               'synthetic': None}


def test_a_full_disk_with_an_empty_file_system_is_one_line(mount):
    data_dir = mount(4)
    with contextlib.suppress(OSError):
        (data_dir / 'filler').write_bytes(bytes(1 << 16))
    with fails(str(data_dir), '--data-dir'):
        load(data_dir / 'new')


@contextlib.contextmanager
def as_nobody():
    """Without root's rights, which read and write everything."""
    if os.geteuid():
        pytest.skip('only root can become another user')
    groups = os.getgroups()
    os.setgroups([])
    os.setegid(65534)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@pytest.fixture
def data_of_root():
    """A folder in reach of every user; pytest's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        yield pathlib.Path(folder)


@pytest.mark.parametrize('helpers', [data_helpers, pickle_helpers])
def test_the_data_of_another_user_is_only_read(data_of_root, helpers):
    helpers.write_files(data_of_root)
    before = data_helpers.snapshot(data_of_root)
    with as_nobody():
        data_set = load(data_of_root)
        assert len(data_set.raw_records('train')) == 60
    assert data_helpers.snapshot(data_of_root) == before
    assert preparation.LOCK_NAME not in os.listdir(str(data_of_root))


@pytest.mark.parametrize('helpers', [data_helpers, pickle_helpers])
def test_data_that_another_user_keeps_to_himself(data_of_root, helpers):
    folder = helpers.write_files(data_of_root)
    name = sorted(helpers.CONTENTS)[2]
    os.chmod(str(folder / name), 0o600)
    with as_nobody(), fails('Cannot read', 'Permission denied', '--data-dir'):
        load(data_of_root)
    os.chmod(str(folder), 0o700)
    with as_nobody(), fails(str(folder), 'Permission denied', '--data-dir'):
        load(data_of_root)


@pytest.mark.parametrize('helpers', [data_helpers, pickle_helpers])
def test_an_archive_in_the_folder_of_another_user(data_of_root, helpers):
    """It can't be unpacked there."""
    packed = data_helpers.pack(helpers.members())
    archive = helpers.describe(packed)
    (data_of_root / archive.name).write_bytes(packed)
    with as_nobody(), fails(str(data_of_root), 'Permission denied',
                            '--data-dir'):
        data_helpers.load(data_of_root, archive)
    assert os.listdir(str(data_of_root)) == [archive.name]


def start(script, data_dir, url=''):
    tests = os.path.dirname(os.path.abspath(__file__))
    archive = data_helpers.describe(PACKED)
    return subprocess.Popen(
        [sys.executable, '-c', script.format(
            tests=tests, root=os.path.dirname(tests), data_dir=str(data_dir),
            url=url, size=archive.size, md5=archive.md5)],
        stderr=subprocess.PIPE, universal_newlines=True)


def finish(processes):
    """Their standard error; all of them succeed."""
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes)
    return errors


def test_two_processes_download_once(tmp_path):
    data_dir = tmp_path / 'data'
    data_dir.mkdir()
    with Server(PACKED, before_reply=lambda: time.sleep(3)) as server:
        errors = finish([start(PREPARE, data_dir, server.url)
                         for _ in range(2)])
    assert server.requests == [None]
    assert sum('Waiting for another process' in error for error in errors) == 1
    assert data_helpers.snapshot(data_dir / cifar10.FOLDER) == (
        data_helpers.CONTENTS)


def test_three_processes_generate_once(tmp_path):
    errors = finish([start(GENERATE, tmp_path) for _ in range(3)])
    assert sum('Generating' in error for error in errors) == 1
    synthetic.load_data_set(str(tmp_path))


def test_a_killed_generation_is_made_good(tmp_path):
    process = start(GENERATE, tmp_path)
    parent = tmp_path / 'synthetic'
    deadline = time.time() + 30
    while not list(parent.glob('.*.tmp')) and time.time() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert list(parent.glob('.*.tmp'))
    assert not (parent / cifar10.FOLDER).exists()
    synthetic.load_data_set(str(tmp_path))
    assert sorted(os.listdir(str(parent))) == sorted(
        [preparation.LOCK_NAME, cifar10.FOLDER])
