"""Downloads from loopback servers: resumed, verified, from several sources."""

import os
import re
import time

import pytest

import data_helpers
from cifar10_tf1.data import cifar10, download, mnist, preparation
from data_helpers import fails, NOWHERE, PACKED, PACKED_PYTHON, Server
from pages import read

GARBAGE = bytes(len(PACKED))
ARCHIVE = 'cifar-10-binary.tar.gz'
PART = ARCHIVE + '.part'
WAYS_OUT = ('yourself', '--data-dir', '--synthetic')


@pytest.fixture
def data_dir(tmp_path):
    folder = tmp_path / 'data'
    folder.mkdir()
    return folder


def load(data_dir, *servers, python=()):
    return data_helpers.load(data_dir, [server.url for server in servers] or [NOWHERE],
                             [server.url for server in python] or [NOWHERE])


def check_complete(data_dir):
    assert data_helpers.snapshot(
        data_dir / cifar10.VERSIONS[0].folder) == data_helpers.CONTENTS
    assert (data_dir / ARCHIVE).read_bytes() == PACKED
    assert sorted(os.listdir(str(data_dir))) == sorted(
        [preparation.LOCK_NAME, cifar10.VERSIONS[0].folder, ARCHIVE])


def test_absent_data_is_downloaded_and_extracted_once(tmp_path, capfd):
    data_dir = tmp_path / 'a' / 'b'
    with Server(PACKED) as server:
        load(data_dir, server)
        load(data_dir, server)
    assert server.requests == [None]
    check_complete(data_dir)
    captured = capfd.readouterr()
    assert captured.out == ''
    assert captured.err == f'Downloading {server.url} to {data_dir}\n'


def test_a_download_that_stays_cut_off_goes_on_next_time(data_dir):
    with Server(PACKED, cuts=[65536, 0]) as server:
        with fails('run this again', *WAYS_OUT):
            load(data_dir, server)
        assert (data_dir / PART).read_bytes() == PACKED[:65536]
        load(data_dir, server)
    assert server.requests[-1] == 'bytes=65536-'
    check_complete(data_dir)


@pytest.mark.parametrize('part, ranges, requested', [
    (PACKED[:1000], True, ['bytes=1000-']), (PACKED, True, []),
    (PACKED + b'x', True, [None]), (b'x' * 1000, True, ['bytes=1000-', None]),
    (PACKED[:1000], False, ['bytes=1000-'])],
    ids=['right', 'whole', 'long', 'wrong', 'no ranges'])
def test_an_earlier_part(data_dir, part, ranges, requested):
    """Continued if that gives the archive, else downloaded from the start."""
    (data_dir / PART).write_bytes(part)
    with Server(PACKED, ranges=ranges) as server:
        load(data_dir, server)
    check_complete(data_dir)
    assert server.requests == requested


@pytest.mark.parametrize('settings, words', [
    ({'content': PACKED[:2000], 'ranges': False}, '2,000 bytes instead of'),
    ({'contents': {}}, 'the server says 404')])
def test_a_refusal_leaves_the_part(data_dir, settings, words, capfd):
    (data_dir / PART).write_bytes(PACKED[:1000])
    with Server(**settings) as server:
        with fails(f'{data_dir} has no CIFAR-10', *WAYS_OUT):
            load(data_dir, server)
    assert (data_dir / PART).read_bytes() == PACKED[:1000]
    line, = [line for line in capfd.readouterr().err.splitlines()
             if server.url in line]
    assert words in line


def test_a_wrong_digest_removes_the_part(data_dir, capfd):
    with Server(PACKED[:5000] + b'!' + PACKED[5001:]) as server:
        with fails('no CIFAR-10', *WAYS_OUT):
            load(data_dir, server)
    assert os.listdir(str(data_dir)) == [preparation.LOCK_NAME]
    assert 'md5' in capfd.readouterr().err


def test_no_network_is_a_line_a_source_and_one_with_the_way_out(data_dir, capfd):
    with Server(PACKED) as one, Server(PACKED) as other:
        pass  # their ports are closed now
    with fails(f'{data_dir} has no CIFAR-10', 'cifar-10-python.tar.gz', *WAYS_OUT):
        load(data_dir, one, other)
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(': ', 1) for line in lines] == [
        [url, 'Connection refused'] for url in (one.url, other.url, NOWHERE)]


@pytest.mark.parametrize('url', ['x', 'file:///x', 'http://[x', 'http://\u2026'])
def test_a_mirror_that_is_no_address(data_dir, monkeypatch, url, capfd):
    monkeypatch.setenv(cifar10.URL_VARIABLE, url)
    with fails(*WAYS_OUT):
        cifar10.load_data_set(str(data_dir))
    line, = capfd.readouterr().err.splitlines()
    assert line.startswith(f'{url}: ')


# Several sources


@pytest.mark.parametrize('chunk, drip', [(1 << 14, None), (16, 0.01)])
def test_a_source_that_stalls_is_left_for_the_next(data_dir, monkeypatch, chunk, drip):
    """Also one of a few bytes a second, which a timeout between bytes would miss."""
    start = time.monotonic()
    monkeypatch.setattr(download, 'TIMEOUT_SECONDS', 0.3)
    monkeypatch.setattr(download, 'FAST_RATE', 1e4)
    monkeypatch.setattr(download, '_CHUNK_BYTES', chunk)
    with Server(PACKED, stalls_after=20000, drip=drip) as stalling, \
            Server(GARBAGE) as wrong, Server(PACKED) as right:
        load(data_dir, stalling, wrong, right)
        # The second goes on after the first; what they sent does not fit together.
        assert wrong.requests[0].startswith('bytes=') and wrong.requests[1:] == []
        assert right.requests == [None]
    assert time.monotonic() - start < 5
    check_complete(data_dir)


def test_a_slow_source_is_waited_for_where_there_is_no_other(data_dir, monkeypatch):
    monkeypatch.setattr(download, 'TIMEOUT_SECONDS', 0.3)
    monkeypatch.setattr(download, 'FAST_RATE', 1e9)
    monkeypatch.setattr(download, 'LEAST_RATE', 1.0)
    monkeypatch.setattr(download, '_CHUNK_BYTES', 16)
    (data_dir / PART).write_bytes(PACKED[:-600])
    with Server(PACKED, stalls_after=1, drip=0.001) as slow:
        data_helpers.load(data_dir, [slow.url], [])
    assert len(slow.requests) == 2
    check_complete(data_dir)


def test_sources_go_on_where_others_were_cut_off(data_dir):
    with Server(PACKED, cuts=[1000]) as first, Server(PACKED, cuts=[2000]) as second:
        load(data_dir, first, second)
    assert first.requests == [None, 'bytes=3000-']
    assert second.requests == ['bytes=1000-']
    check_complete(data_dir)


def test_the_other_archive_is_as_good(data_dir):
    with Server(PACKED, cuts=[1000]) as binary, Server(PACKED_PYTHON) as python:
        data_set = load(data_dir, binary, python=(python,))
    assert data_set.raw_records('test').tobytes() == data_helpers.CONTENTS[
        'test_batch.bin']
    # The part of the other one stays, for whoever wants that.
    assert {PART, 'cifar-10-python.tar.gz'} < set(os.listdir(str(data_dir)))


def test_an_archive_put_there_during_the_download_stays(data_dir):
    with Server(PACKED, before_reply=lambda: (
            data_dir / ARCHIVE).write_bytes(b'mine')) as server:
        with fails(str(data_dir / ARCHIVE), 'damaged'):
            load(data_dir, server)
    assert (data_dir / ARCHIVE).read_bytes() == b'mine'


# The official sources


def test_the_mirror_is_the_only_source(monkeypatch):
    for number, url in enumerate(('https://x/any.tar.gz',
                                  'https://x/cifar-10-python.tar.gz?download=1')):
        monkeypatch.setenv(cifar10.URL_VARIABLE, url)
        assert cifar10.list_archives() == [
            cifar10.VERSIONS[number].archive._replace(urls=(url,))]


def test_the_page_is_right():
    """docs/data.md lists the sources and the limits."""
    text = read('docs/data.md')
    assert re.findall('^[|] (?:binary|Python) [|] `(.*?)`', text, re.M) == [
        url for archive in cifar10.list_archives() for url in archive.urls]
    words = ' '.join(text.split())
    for phrase in (*(f'`{url}`' for url in mnist.URLS),
                   f'{download.TIMEOUT_SECONDS} s without a byte',
                   f'{download.FAST_RATE / 1e3:.0f} kB a second',
                   f'{download.LEAST_RATE / 1e3:.0f} kB a second'):
        assert phrase in words, phrase
