"""Files are held against their digests at each start."""

import mmap
import os

import pytest

import data_helpers
from cifar10_tf1.data import verification
from data_helpers import FILES, isolated  # noqa: F401


@pytest.fixture
def folder(tmp_path):
    return data_helpers.write_files(tmp_path)


def verify(folder):
    return verification.find_damage(str(folder), FILES)


def test_the_right_files(folder, tmp_path):
    assert verify(folder) == []
    (tmp_path / 'link').symlink_to(folder)
    assert verify(tmp_path / 'link') == []


@pytest.mark.parametrize('through_memory', [False, True])
def test_a_change_that_keeps_size_and_times(folder, through_memory):
    """Which a memory of verified files would believe, on some file systems."""
    assert verify(folder) == []
    path = folder / 'data_batch_3.bin'
    status = os.stat(str(path))
    with open(str(path), 'r+b') as file:
        if through_memory:
            with mmap.mmap(file.fileno(), 0) as memory:
                memory[1] ^= 1
        else:
            content = bytearray(file.read())
            content[1] ^= 1
            file.seek(0)
            file.write(content)
    os.utime(str(path), ns=(status.st_atime_ns, status.st_mtime_ns))
    (name, reason), = verify(folder)
    assert name == 'data_batch_3.bin' and 'SHA-256' in reason


def test_another_size(folder):
    with open(str(folder / 'data_batch_3.bin'), 'ab') as file:
        file.write(b'x')
    (name, reason), = verify(folder)
    assert name == 'data_batch_3.bin' and 'bytes instead of' in reason


def test_not_a_file(folder):
    (folder / 'test_batch.bin').unlink()
    (folder / 'test_batch.bin').mkdir()
    assert verify(folder) == [('test_batch.bin', 'not a regular file')]


def test_another_expected_digest(folder):
    others = [file._replace(sha256='0' * 64) for file in FILES]
    assert len(verification.find_damage(str(folder), others)) == 6
