"""Downloads from loopback servers: resumed, verified, from several sources."""

import os
import threading
import time
from concurrent import futures

import pytest

import data_helpers
import model_helpers
from cifar10_tf1.data import cifar10, download, preparation, synthetic
from data_helpers import fails, NOWHERE, PACKED, PACKED_PYTHON, Server, WAYS_OUT

ARCHIVE = 'cifar-10-binary.tar.gz'
PART = ARCHIVE + '.part'
FOLDER = data_helpers.BINARY.folder


def load(data_dir, *servers):
    """Loads the data; leaves the archive, its files and the lock."""
    data_helpers.load(data_dir, [server.url for server in servers])
    assert (data_dir / ARCHIVE).read_bytes() == PACKED
    assert data_helpers.snapshot(data_dir / FOLDER) == data_helpers.CONTENTS
    assert set(os.listdir(str(data_dir))) == {preparation.LOCK_NAME, FOLDER, ARCHIVE}


def test_absent_data_is_downloaded_and_extracted_once(tmp_path, capfd):
    data_dir = tmp_path / 'a' / 'b'
    with Server(PACKED) as server:
        load(data_dir, server)
        load(data_dir, server)
    assert server.requests == [None]
    assert capfd.readouterr() == ('', f'Downloading {server.url} to {data_dir}\n')


def test_of_two_processes_one_prepares_the_data(tmp_path, capfd):
    """Threads stand in for processes: each opens the lock file itself."""
    calls, go_on = [], threading.Event()
    error, deadline = '', time.monotonic() + 20
    with futures.ThreadPoolExecutor(2) as pool:
        prepared = [pool.submit(preparation.prepare, str(tmp_path), lambda: calls,
                                lambda: calls.append(go_on.wait(20))) for _ in range(2)]
        while 'Waiting for another process' not in error and time.monotonic() < deadline:
            time.sleep(0.01)
            error += capfd.readouterr().err
        go_on.set()
        assert [one.result() for one in prepared] == [None, None]
    assert 'Waiting for another process' in error and calls == [True]


def test_a_full_disk(tmp_path):
    """One line names what can't be written; the next run continues."""
    with Server(PACKED) as server:
        with model_helpers.file_size_limit(), fails('File too large', '.part', '--data-dir'):
            load(tmp_path, server)
        assert PACKED.startswith((tmp_path / PART).read_bytes())
        load(tmp_path, server)
    path = tmp_path / FOLDER / 'test_batch.bin'
    path.unlink()
    with model_helpers.file_size_limit():
        with fails('File too large', str(path.parent), '--data-dir'):
            load(tmp_path)
        with fails('File too large', 'synthetic', '--data-dir'):
            synthetic.load_data_set(str(tmp_path / FOLDER))
    data_helpers.load(tmp_path)


def test_a_download_that_stays_cut_off_goes_on_next_time(tmp_path):
    with Server(PACKED, cuts=[65536, 0]) as server:
        with fails('run this again', *WAYS_OUT):
            load(tmp_path, server)
        assert (tmp_path / PART).read_bytes() == PACKED[:65536]
        load(tmp_path, server)
    assert server.requests[-1] == 'bytes=65536-'


@pytest.mark.parametrize('part, knows_range, requested', [
    (PACKED[:1000], True, ['bytes=1000-']), (PACKED, True, []),
    (PACKED + b'x', True, [None]), (b'x' * 1000, True, ['bytes=1000-', None]),
    (PACKED[:1000], False, ['bytes=1000-'])],
    ids=['right', 'whole', 'long', 'wrong', 'no ranges'])
def test_an_earlier_part(tmp_path, part, knows_range, requested):
    """Continued if that gives the archive, else downloaded from the start."""
    (tmp_path / PART).write_bytes(part)
    with Server(PACKED, knows_range=knows_range) as server:
        load(tmp_path, server)
    assert server.requests == requested


@pytest.mark.parametrize('content, words', [
    (PACKED[:2000], '2,000 bytes instead of'), ({}, 'the server says 404')],
    ids=['short', 'absent'])
def test_a_refusal_leaves_the_part(tmp_path, content, words, capfd):
    (tmp_path / PART).write_bytes(PACKED[:1000])
    with Server(content, knows_range=False) as server:
        with fails(f'{tmp_path} has no CIFAR-10', *WAYS_OUT):
            load(tmp_path, server)
    assert (tmp_path / PART).read_bytes() == PACKED[:1000]
    line, = [line for line in capfd.readouterr().err.splitlines() if server.url in line]
    assert words in line


def test_no_network_is_a_line_a_source_and_one_with_the_way_out(tmp_path, capfd):
    with Server() as one, Server() as other:
        pass  # their ports are closed now
    with fails(f'{tmp_path} has no CIFAR-10', 'cifar-10-python.tar.gz', *WAYS_OUT):
        load(tmp_path, one, other)
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(': ', 1) for line in lines] == [
        [url, 'Connection refused'] for url in (one.url, other.url, NOWHERE)]


@pytest.mark.parametrize('url', ['x', 'file:///x', 'http://[x', 'http://\u2026'])
def test_a_mirror_that_is_no_address(tmp_path, monkeypatch, url, capfd):
    monkeypatch.setenv(cifar10.URL_VARIABLE, url)
    with fails(*WAYS_OUT):
        cifar10.load_data_set(str(tmp_path))
    line, = capfd.readouterr().err.splitlines()
    assert line.startswith(f'{url}: ')


@pytest.mark.parametrize('chunk, drip', [(1 << 14, None), (16, 0.01)])
def test_a_source_that_stalls_is_left_for_the_next(tmp_path, monkeypatch, chunk, drip):
    """Also one of a few bytes a second, which a timeout between bytes would miss."""
    start = time.monotonic()
    for name, value in (('TIMEOUT_SECONDS', 0.3), ('FAST_RATE', 1e4), ('_CHUNK_BYTES', chunk)):
        monkeypatch.setattr(download, name, value)
    with Server(PACKED, stalls_after=20000, drip=drip) as stalling, \
            Server(bytes(len(PACKED))) as wrong, Server(PACKED) as right:
        load(tmp_path, stalling, wrong, right)
        # The second goes on after the first; what they sent does not fit together.
        assert wrong.requests[0].startswith('bytes=') and wrong.requests[1:] == []
        assert right.requests == [None]
    assert time.monotonic() - start < 5


def test_a_slow_source_is_waited_for_where_there_is_no_other(tmp_path, monkeypatch):
    for name, value in (('TIMEOUT_SECONDS', 0.3), ('FAST_RATE', 1e9), ('LEAST_RATE', 1.0),
                        ('_CHUNK_BYTES', 16)):
        monkeypatch.setattr(download, name, value)
    (tmp_path / PART).write_bytes(PACKED[:-600])
    with Server(PACKED, stalls_after=1, drip=0.001) as slow:
        load(tmp_path, slow)
    assert len(slow.requests) == 2


def test_sources_go_on_where_others_were_cut_off(tmp_path):
    with Server(PACKED, cuts=[1000]) as first, Server(PACKED, cuts=[2000]) as second:
        load(tmp_path, first, second)
    assert first.requests == [None, 'bytes=3000-']
    assert second.requests == ['bytes=1000-']


def test_the_other_archive_is_as_good(tmp_path):
    with Server(PACKED, cuts=[1000]) as binary, Server(PACKED_PYTHON) as python:
        data_set = data_helpers.load(tmp_path, [binary.url], [python.url])
    assert data_set.raw_records('test').tobytes() == data_helpers.CONTENTS['test_batch.bin']
    # The part of the other one stays, for whoever wants that.
    assert {PART, 'cifar-10-python.tar.gz'} < set(os.listdir(str(tmp_path)))


def test_an_archive_put_there_during_the_download_stays(tmp_path):
    path = tmp_path / ARCHIVE
    with Server(PACKED, before_reply=lambda: path.write_bytes(b'mine')) as server:
        with fails(str(path), 'damaged'):
            load(tmp_path, server)
    assert path.read_bytes() == b'mine'


@pytest.mark.parametrize('number, url', enumerate([
    'https://x/any.tar.gz', 'https://x/cifar-10-python.tar.gz?download=1']))
def test_the_mirror_is_the_only_source(monkeypatch, number, url):
    monkeypatch.setenv(cifar10.URL_VARIABLE, url)
    archive, = cifar10.list_archives()
    assert archive.urls == (url,) and archive.digest == cifar10.VERSIONS[number].archive.digest
