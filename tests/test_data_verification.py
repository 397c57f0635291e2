"""What was verified is remembered, and forgotten when the file changes."""

import json
import os
import time

import pytest

import data_helpers
from cifar10_tf1.data import verification
from data_helpers import FILES, isolated  # noqa: F401


@pytest.fixture
def folder(tmp_path):
    return data_helpers.write_files(tmp_path)


@pytest.fixture
def hashed(monkeypatch):
    """list of the names of the files that were hashed."""
    names = []
    original = verification.hash_file

    def hash_file(path, *arguments):
        names.append(os.path.basename(path))
        return original(path, *arguments)

    monkeypatch.setattr(verification, 'hash_file', hash_file)
    return names


@pytest.fixture
def later(monkeypatch):
    """Lets files settle: the clock goes ten seconds ahead."""
    original = time.time
    monkeypatch.setattr(verification.time, 'time', lambda: original() + 10)


def verify(folder):
    return verification.find_damage(str(folder), FILES)


def cache_file(tmp_path):
    return tmp_path / 'cache' / 'cifar10-tf1' / 'verified.json'


def test_an_unchanged_file_is_hashed_once(folder, hashed, later):
    assert verify(folder) == []
    assert hashed == list(data_helpers.NAMES)
    assert verify(folder) == []
    assert len(hashed) == 6


def test_another_path_to_the_same_file_is_not_hashed(folder, tmp_path, hashed,
                                                     later):
    verify(folder)
    (tmp_path / 'link').symlink_to(folder)
    assert verify(tmp_path / 'link') == []
    assert len(hashed) == 6


@pytest.mark.parametrize('keep_times', [False, True])
def test_a_changed_file_is_hashed_again(folder, hashed, later, keep_times):
    verify(folder)
    path = folder / 'data_batch_3.bin'
    status = os.stat(str(path))
    content = bytearray(path.read_bytes())
    content[1] ^= 1
    path.write_bytes(bytes(content))
    if keep_times:  # the change time can't be set back
        os.utime(str(path), ns=(status.st_atime_ns, status.st_mtime_ns))
    (name, reason), = verify(folder)
    assert name == 'data_batch_3.bin' and 'SHA-256' in reason
    assert hashed[6:] == ['data_batch_3.bin']
    assert len(verify(folder)) == 1  # damage is not remembered as right


def test_a_replaced_file_is_hashed_again(folder, hashed, later):
    verify(folder)
    path = folder / 'data_batch_3.bin'
    (folder / 'new').write_bytes(path.read_bytes())
    (folder / 'new').replace(path)
    assert verify(folder) == []
    assert hashed[6:] == ['data_batch_3.bin']


def test_a_file_changed_just_now_is_not_remembered(folder, hashed):
    verify(folder)
    verify(folder)
    assert len(hashed) == 12


def test_a_file_that_changes_while_it_is_hashed_is_not_remembered(
        folder, later, monkeypatch):
    original = verification.hash_file

    def hash_then_touch(path):
        digest = original(path)
        os.utime(path)
        return digest

    monkeypatch.setattr(verification, 'hash_file', hash_then_touch)
    verify(folder)
    assert verification._read_cache() == {}


def test_another_expected_digest_is_hashed_again(folder, hashed, later):
    verify(folder)
    others = [file._replace(sha256='0' * 64) for file in FILES]
    assert len(verification.find_damage(str(folder), others)) == 6


@pytest.mark.parametrize('content', [
    b'', b'{', b'[]', b'{"x": 1}', b'\xff\xfe', b'null'], ids=range(6))
def test_a_corrupt_cache_is_hashed_again_and_mended(folder, tmp_path, hashed,
                                                    later, content):
    cache_file(tmp_path).parent.mkdir(parents=True)
    cache_file(tmp_path).write_bytes(content)
    assert verify(folder) == []
    assert verify(folder) == []
    assert len(hashed) == 6


def test_a_cache_that_cannot_be_written_does_no_harm(folder, tmp_path, hashed,
                                                     later):
    (tmp_path / 'cache').write_text('a file')
    assert verify(folder) == []
    assert verify(folder) == []
    assert len(hashed) == 12
    assert (tmp_path / 'cache').read_text() == 'a file'


def test_a_full_disk_under_the_cache_does_no_harm(folder, tmp_path, later,
                                                  monkeypatch):
    def refuse(*_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(verification.os, 'replace', refuse)
    assert verify(folder) == []
    assert os.listdir(str(cache_file(tmp_path).parent)) == []


@pytest.mark.parametrize('home', [None, '', 'relative', '/proc/nowhere'])
def test_no_home_does_no_harm(folder, hashed, later, monkeypatch, home):
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.delenv('HOME', raising=False)
    if home is not None:
        monkeypatch.setenv('HOME', home)
        monkeypatch.setenv('XDG_CACHE_HOME', 'relative')
    assert verify(folder) == []
    assert verify(folder) == []
    assert len(hashed) == 12


def test_the_cache_is_in_the_home(folder, tmp_path, later, monkeypatch):
    monkeypatch.delenv('XDG_CACHE_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    verify(folder)
    path = tmp_path / '.cache' / 'cifar10-tf1' / 'verified.json'
    assert len(json.loads(path.read_text())) == 6


def test_the_cache_keeps_other_entries_but_not_for_ever(folder, tmp_path,
                                                        later):
    cache_file(tmp_path).parent.mkdir(parents=True)
    cache_file(tmp_path).write_text(json.dumps({'/other': [1]}))
    verify(folder)
    assert '/other' in verification._read_cache()
    many = {f'/other/{i}': [i]
            for i in range(verification.MAX_REMEMBERED_FILES)}
    cache_file(tmp_path).write_text(json.dumps(many))
    verify(folder)
    entries = verification._read_cache()
    assert len(entries) == verification.MAX_REMEMBERED_FILES
    assert str(folder / 'test_batch.bin') in entries
