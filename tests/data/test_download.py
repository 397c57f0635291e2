"""Downloads from loopback servers: resumed, verified, from several sources."""

import os
import re
import socketserver
import threading
import time

import pytest
import requests

import data_helpers
from cifar10_tf1.common import files
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import cifar10_archives
from cifar10_tf1.data import download
from cifar10_tf1.data import mnist
from cifar10_tf1.data import preparation
from data_helpers import describe
from data_helpers import fails
from data_helpers import isolated  # noqa: F401
from data_helpers import NOWHERE
from data_helpers import PACKED
from data_helpers import PACKED_PYTHON
from data_helpers import Server
from pages import read

GARBAGE = bytes(len(PACKED))
ARCHIVE = 'cifar-10-binary.tar.gz'
PART = ARCHIVE + '.part'
WAYS_OUT = ('by hand', '--data-dir', '--synthetic')


@pytest.fixture
def data_dir(tmp_path):
    folder = tmp_path / 'data'
    folder.mkdir()
    return folder


@pytest.fixture
def set_rates(monkeypatch):
    """Shortens the timeout; a function that sets both rates, bytes a second."""
    def set_both(fast, least):
        monkeypatch.setattr(download, 'FAST_RATE', fast)
        monkeypatch.setattr(download, 'LEAST_RATE', least)

    monkeypatch.setattr(download, 'TIMEOUT_SECONDS', 0.3)
    set_both(1000.0, 100.0)
    return set_both


def load(data_dir, *servers, python=()):
    return data_helpers.load(
        data_dir, describe(PACKED, *(server.url for server in servers)),
        describe(PACKED_PYTHON, *(server.url for server in python), version='python'))


def check_complete(data_dir, left=()):
    assert data_helpers.snapshot(data_dir / cifar10.FOLDER) == data_helpers.CONTENTS
    assert (data_dir / ARCHIVE).read_bytes() == PACKED
    assert sorted(os.listdir(str(data_dir))) == sorted(
        [preparation.LOCK_NAME, cifar10.FOLDER, ARCHIVE, *left])


def test_absent_data_is_downloaded_and_extracted_once(tmp_path, capfd):
    data_dir = tmp_path / 'a' / 'b'
    with Server(PACKED) as server:
        first = load(data_dir, server)
        assert load(data_dir, server) == first
    assert server.requests == [None]
    check_complete(data_dir)
    captured = capfd.readouterr()
    assert captured.out == ''
    line, = captured.err.splitlines()
    assert f'Downloading {server.url} to {data_dir}' in line


@pytest.mark.parametrize('length', [True, False])
def test_a_connection_cut_in_the_middle_is_resumed(data_dir, length):
    with Server(PACKED, cuts=[100000, 50000], length=length) as server:
        load(data_dir, server)
    check_complete(data_dir)
    assert server.requests[0] is None and len(server.requests) == 3
    starts = [int(wanted[6:-1]) for wanted in server.requests[1:]]
    # What was under way in a buffer may be lost with the connection.
    assert 0 < starts[0] <= 100000 and starts[0] <= starts[1] <= 150000


def test_a_download_that_stays_cut_off_goes_on_next_time(data_dir):
    with Server(PACKED, cuts=[65536] + [0] * download.MAX_ROUNDS) as server:
        with fails('Run this again to go on from there', *WAYS_OUT):
            load(data_dir, server)
        assert (data_dir / PART).read_bytes() == PACKED[:65536]
        server.cuts = []
        load(data_dir, server)
    assert server.requests[-1] == 'bytes=65536-'
    check_complete(data_dir)


@pytest.mark.parametrize('part, settings, requested', [
    (PACKED[:1000], {}, ['bytes=1000-']),
    (PACKED, {}, []),
    (PACKED + b'x', {}, [None]),
    (b'x' * 1000, {}, ['bytes=1000-', None]),
    (PACKED[:1000], {'ranges': False}, ['bytes=1000-']),
    (PACKED[:1000], {'range_shift': 1}, ['bytes=1000-', None]),
    (PACKED[:1000], {'range_shift': -1}, ['bytes=1000-', None])],
    ids=['right', 'whole', 'long', 'wrong', 'no ranges', 'later', 'earlier'])
def test_an_earlier_part(data_dir, part, settings, requested):
    """Continued if that gives the archive, else downloaded from the start."""
    (data_dir / PART).write_bytes(part)
    with Server(PACKED, **settings) as server:
        load(data_dir, server)
    check_complete(data_dir)
    assert server.requests == requested


@pytest.mark.parametrize('content, settings, words', [
    (PACKED[:2000], {'ranges': False}, '2,000 bytes instead of'),
    (b'<html/>', {'length': False, 'ranges': False, 'headers': {
        'Content-Type': 'text/html; charset=utf-8'}}, 'web page'),
    (b'no', {'status': 403}, '403'), (b'no', {'status': 503}, '503')],
    ids=['short', 'html', '403', '503'])
def test_a_refusal_leaves_the_part(data_dir, content, settings, words, capfd):
    (data_dir / PART).write_bytes(PACKED[:1000])
    with Server(content, **settings) as server:
        with fails('no CIFAR-10', *WAYS_OUT):
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
    assert 'MD5' in capfd.readouterr().err


@pytest.mark.parametrize('settings', [
    {'length': False, 'endless': True}, {'headers': {'Content-Encoding': 'gzip'}}],
    ids=['endless', 'labelled as gzip'])
def test_an_odd_reply(data_dir, settings):
    with Server(PACKED, **settings) as server:
        load(data_dir, server)
    check_complete(data_dir)


def test_no_network_is_a_line_a_source_and_one_with_the_way_out(data_dir, capfd):
    with Server(PACKED) as one, Server(PACKED) as other:
        pass  # their ports are closed now
    with fails(f'no CIFAR-10 in {data_dir}', '3 sources', 'cifar-10-batches-bin',
               'cifar-10-python.tar.gz', *WAYS_OUT):
        load(data_dir, one, other)
    lines = capfd.readouterr().err.splitlines()
    assert [line.split(': ', 1) for line in lines] == [
        [url, 'Connection refused'] for url in (one.url, other.url, NOWHERE)]


@pytest.mark.parametrize('error, words', [
    (requests.exceptions.ConnectTimeout(), '20 s'),
    (requests.exceptions.SSLError(), 'certificate'),
    (ValueError('no address'), 'no address')])
def test_network_errors_are_explained(data_dir, monkeypatch, error, words, capfd):
    def refuse(*_, **settings):
        assert settings['timeout'] == 20
        raise error

    monkeypatch.setattr(requests, 'get', refuse)
    with fails(*WAYS_OUT):
        load(data_dir)
    assert words in capfd.readouterr().err


@pytest.mark.parametrize('url', ['x', 'file:///x', 'http://', 'http://[x',
                                 'http://\u2026', 'http://*'])
def test_a_mirror_that_is_no_address(data_dir, monkeypatch, url, capfd):
    monkeypatch.setenv(cifar10_archives.URL_VARIABLE, url)
    with fails(*WAYS_OUT):
        cifar10.load_data_set(str(data_dir))
    line, = capfd.readouterr().err.splitlines()
    assert line.startswith(f'{url}: ')


class _RawServer(socketserver.ThreadingTCPServer):
    """Answers every request with the same bytes, and closes."""
    allow_reuse_address = True
    daemon_threads = True


@pytest.mark.parametrize('reply', [
    b'', b'\x00\xff garbage\r\n\r\n', b'HTTP/1.1',
    b'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n',
    b'HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe[::1/\r\n'
    b'Content-Length: 0\r\n\r\n',
    b'HTTP/1.1 999 \x1b[31mred\r\nContent-Length: 0\r\n\r\n',
    b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nabcd\r\nzz\r\n'])
def test_answers_of_a_broken_server(reply, data_dir):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(1 << 16)
            self.request.sendall(reply)

    with _RawServer(('127.0.0.1', 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            with fails('no CIFAR-10', *WAYS_OUT):
                data_helpers.load(data_dir, describe(
                    PACKED, f'http://127.0.0.1:{server.server_address[1]}/'))
        finally:
            server.shutdown()


# Several sources


def test_one_stalls_one_sends_garbage_one_is_right(data_dir, capfd, set_rates):
    with Server(PACKED, stalls_after=20000) as stalling, \
            Server(GARBAGE) as wrong, Server(PACKED) as right:
        load(data_dir, stalling, wrong, right)
        # The second goes on after the first, and is given a chance of its own.
        assert wrong.requests[0].startswith('bytes=') and wrong.requests[1:] == [None]
        assert right.requests == [None]
    check_complete(data_dir)
    failures = [line for line in capfd.readouterr().err.splitlines()
                if not line.startswith('Downloading')]
    assert [line.split(': ')[0] for line in failures] == [stalling.url, wrong.url]
    assert '0.3 s' in failures[0] and 'MD5' in failures[1]


def test_a_few_bytes_a_second_are_a_stall(data_dir, set_rates, capfd, monkeypatch):
    """A timeout between bytes would miss it."""
    start = time.monotonic()
    monkeypatch.setattr(download, '_CHUNK_BYTES', 16)
    set_rates(1e6, 100.0)
    with Server(PACKED, stalls_after=1000, drip=0.01) as dripping, \
            Server(PACKED) as right:
        load(data_dir, dripping, right)
    assert int(right.requests[0][len('bytes='):-1]) > 900
    assert time.monotonic() - start < 5
    check_complete(data_dir)
    assert 'kB a second' in capfd.readouterr().err


def test_a_slow_source_is_waited_for_where_there_is_no_other(data_dir, set_rates):
    set_rates(1e9, 1.0)
    (data_dir / PART).write_bytes(PACKED[:-600])
    with Server(PACKED, stalls_after=0, drip=0.001) as slow:
        load(data_dir, slow)
    check_complete(data_dir)


@pytest.mark.parametrize('settings', [
    {}, {'ranges': False}, {'range_shift': 1}])
def test_the_next_goes_on_where_one_was_cut_off(data_dir, settings):
    with Server(PACKED, cuts=[1000]) as first, Server(PACKED, **settings) as second:
        load(data_dir, first, second)
    assert first.requests == [None] and second.requests[0] == 'bytes=1000-'
    check_complete(data_dir)


def test_the_first_goes_on_after_the_next_was_cut_off(data_dir):
    with Server(PACKED, cuts=[1000]) as first, Server(PACKED, cuts=[2000]) as second:
        load(data_dir, first, second)
    assert first.requests == [None, 'bytes=3000-']
    assert second.requests == ['bytes=1000-']
    check_complete(data_dir)


def test_garbage_from_the_first_is_no_fault_of_the_second(data_dir):
    with Server(GARBAGE, cuts=[1000]) as first, Server(PACKED) as second:
        load(data_dir, first, second)
    assert second.requests == ['bytes=1000-', None]
    check_complete(data_dir)


def test_the_other_archive_is_as_good(data_dir):
    with Server(PACKED, cuts=[1000]) as binary, Server(PACKED_PYTHON) as python:
        data_set = load(data_dir, binary, python=(python,))
    assert data_set.raw_records('test').tobytes() == data_helpers.CONTENTS[
        'test_batch.bin']
    # The part of the other one stays, for whoever wants that.
    assert sorted(os.listdir(str(data_dir))) == sorted([
        preparation.LOCK_NAME, PART, 'cifar-10-python.tar.gz',
        'cifar-10-batches-py'])


# Disks and other processes


def test_an_archive_put_there_during_the_download_stays(data_dir):
    with Server(PACKED, before_reply=lambda: (
            data_dir / ARCHIVE).write_bytes(b'mine')) as server:
        with fails(str(data_dir / ARCHIVE), 'bytes instead of'):
            load(data_dir, server)
    assert (data_dir / ARCHIVE).read_bytes() == b'mine'


def test_too_little_space_is_said_before_the_download(data_dir, monkeypatch):
    usage = preparation.shutil.disk_usage('/')
    need = len(PACKED) + sum(map(len, data_helpers.CONTENTS.values()))
    with Server(PACKED) as server:
        for free in (need - 1, need):
            monkeypatch.setattr(preparation.shutil, 'disk_usage',
                                lambda _, free=free: usage._replace(free=free))
            if free < need:
                with fails('MB free', '--data-dir'):
                    load(data_dir, server)
                assert server.requests == []
            else:
                load(data_dir, server)


def test_a_full_disk_is_one_line_and_keeps_the_part(data_dir, monkeypatch):
    def refuse(_):
        raise OSError(28, 'No space left on device')

    with Server(PACKED) as server:
        with monkeypatch.context() as patch:
            patch.setattr(os, 'fsync', refuse)
            with fails(PART, 'No space left', '--data-dir'):
                load(data_dir, server)
        assert (data_dir / PART).exists()
        load(data_dir, server)
    check_complete(data_dir)


def test_a_file_system_without_locks_is_said(data_dir, monkeypatch, capfd):
    def refuse(*_):
        raise OSError(37, 'No locks available')

    monkeypatch.setattr(files.fcntl, 'flock', refuse)
    with Server(PACKED) as server:
        load(data_dir, server)
    check_complete(data_dir)
    assert 'No locks available' in capfd.readouterr().err


# The official sources


def test_the_official_archives(monkeypatch):
    binary, python = cifar10_archives.list_archives()
    assert (binary.name, binary.size, binary.digest) == (
        'cifar-10-binary.tar.gz', 170052171, 'c32a1d4ab5d03f1284b67883e8d87530')
    assert (python.name, python.size, python.digest) == (
        'cifar-10-python.tar.gz', 170498071, 'c58f30108f718f92721af3b95e74349a')
    for archive in (binary, python):
        for url in archive.urls:
            assert url.startswith('https://') and f'/{archive.name}' in url
    for url, urls in (('https://x/cifar-10-python.tar.gz?download=1', ((), 1)),
                      ('https://x/any.tar.gz', (1, ()))):
        monkeypatch.setenv(cifar10_archives.URL_VARIABLE, url)
        assert [archive.urls for archive in cifar10_archives.list_archives()] == [
            (url,) if there else () for there in urls]


def test_a_mirror_is_verified_all_the_same(data_dir, monkeypatch, capfd):
    with Server(PACKED) as server:
        monkeypatch.setenv(cifar10_archives.URL_VARIABLE, server.url)
        with fails('no CIFAR-10', 'its source'):
            cifar10.load_data_set(str(data_dir))
    assert server.requests == [None]
    assert f'{len(PACKED):,} bytes instead of 170,052,171' in capfd.readouterr().err


def test_the_page_is_right():
    """docs/data.md lists the sources and the limits."""
    text = read('docs/data.md')
    assert re.findall('^[|] (?:binary|Python) [|] `(.*?)`', text, re.M) == [
        url for archive in cifar10_archives.list_archives() for url in archive.urls]
    words = ' '.join(text.split())
    for phrase in (*(f'`{url}`' for url in mnist.URLS),
                   f'{download.TIMEOUT_SECONDS} s without a byte',
                   f'{download.FAST_RATE / 1e3:.0f} kB a second',
                   f'{download.LEAST_RATE / 1e3:.0f} kB a second',
                   f'{download.MAX_ROUNDS} rounds'):
        assert phrase in words, phrase
