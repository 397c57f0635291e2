"""The archive: downloaded from a loopback server, resumed, verified, refused."""

import io
import os
import socketserver
import sys
import threading
import time

import pytest
import requests

import data_helpers
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import cifar10_archives
from cifar10_tf1.data import download
from cifar10_tf1.data import preparation
from cifar10_tf1.data import transfer
from cifar10_tf1.common.errors import UserError
from data_helpers import Server, fails, isolated  # noqa: F401

PACKED = data_helpers.pack(data_helpers.members())
ARCHIVE = 'cifar-10-binary.tar.gz'
PART = ARCHIVE + '.part'
WAYS_OUT = ('by hand', '--data-dir', '--synthetic')


def load(data_dir, server):
    return data_helpers.load(data_dir, data_helpers.describe(PACKED,
                                                             server.url))


def check_complete(data_dir):
    contents = data_helpers.snapshot(data_dir / cifar10.FOLDER)
    assert contents == data_helpers.CONTENTS
    assert (data_dir / ARCHIVE).read_bytes() == PACKED
    assert sorted(os.listdir(str(data_dir))) == sorted(
        [preparation.LOCK_NAME, cifar10.FOLDER, ARCHIVE])


@pytest.fixture
def data_dir(tmp_path):
    return tmp_path / 'a' / 'b'


def test_absent_data_is_downloaded_and_extracted_once(data_dir, capfd):
    with Server(PACKED) as server:
        first = load(data_dir, server)
        assert load(data_dir, server) == first
    assert server.requests == [None]
    check_complete(data_dir)
    captured = capfd.readouterr()
    assert captured.out == '' and f'Downloading {server.url}' in captured.err
    # And one for each quarter that a piece of the answer does not jump over.
    assert 2 <= len(captured.err.splitlines()) <= 5


def test_an_empty_folder_is_filled(data_dir):
    (data_dir / cifar10.FOLDER).mkdir(parents=True)
    with Server(PACKED) as server:
        load(data_dir, server)
    check_complete(data_dir)


def test_others_can_read_what_was_prepared(data_dir):
    with Server(PACKED) as server:
        load(data_dir, server)
    mask = os.umask(0)
    os.umask(mask)
    folder = data_dir / cifar10.FOLDER
    assert folder.stat().st_mode & 0o777 == 0o777 & ~mask


def test_what_lies_in_the_folder_stays(data_dir):
    data_dir.mkdir(parents=True)
    (data_dir / 'notes.txt').write_text('mine')
    with Server(PACKED) as server:
        load(data_dir, server)
    assert (data_dir / 'notes.txt').read_text() == 'mine'


@pytest.mark.parametrize('length', [True, False])
def test_a_connection_cut_in_the_middle_is_resumed(data_dir, capfd, length):
    with Server(PACKED, cuts=[100000, 50000], length=length) as server:
        load(data_dir, server)
    check_complete(data_dir)
    assert server.requests[0] is None and len(server.requests) == 3
    starts = [int(wanted[6:-1]) for wanted in server.requests[1:]]
    # What was under way in a buffer may be lost with the connection.
    assert 0 < starts[0] <= 100000 and starts[0] <= starts[1] <= 150000
    assert 'trying again' in capfd.readouterr().err


def test_a_download_that_stays_cut_off_goes_on_next_time(data_dir):
    cuts = [65536] + [0] * (download.MAX_ROUNDS - 1)
    with Server(PACKED, cuts=cuts) as server:
        with fails('cut off 5 times', f'{len(PACKED):,} bytes', 'go on',
                   *WAYS_OUT):
            load(data_dir, server)
        assert (data_dir / PART).read_bytes() == PACKED[:65536]
        load(data_dir, server)
    assert server.requests[-1] == 'bytes=65536-'
    check_complete(data_dir)


def test_an_earlier_part_is_continued(data_dir):
    data_dir.mkdir(parents=True)
    (data_dir / PART).write_bytes(PACKED[:1000])
    with Server(PACKED) as server:
        load(data_dir, server)
    assert server.requests == ['bytes=1000-']
    check_complete(data_dir)


@pytest.mark.parametrize('settings', [
    {'ranges': False}, {'range_shift': 1}, {'range_shift': -1}])
def test_a_server_without_the_right_range_starts_anew(data_dir, settings):
    data_dir.mkdir(parents=True)
    (data_dir / PART).write_bytes(PACKED[:1000])
    with Server(PACKED, **settings) as server:
        load(data_dir, server)
    check_complete(data_dir)
    assert server.requests[0] == 'bytes=1000-'


def test_a_complete_part_is_not_downloaded_again(data_dir):
    data_dir.mkdir(parents=True)
    (data_dir / PART).write_bytes(PACKED)
    with Server(PACKED) as server:
        load(data_dir, server)
    assert server.requests == []
    check_complete(data_dir)


def test_a_part_that_is_too_long_starts_anew(data_dir):
    data_dir.mkdir(parents=True)
    (data_dir / PART).write_bytes(PACKED + b'x')
    with Server(PACKED) as server:
        load(data_dir, server)
    assert server.requests == [None]
    check_complete(data_dir)


def test_a_wrong_digest_removes_the_part(data_dir):
    wrong = bytearray(PACKED)
    wrong[5000] ^= 1
    with Server(bytes(wrong)) as server:
        with fails(server.url, 'md5', 'removed', *WAYS_OUT):
            load(data_dir, server)
    assert os.listdir(str(data_dir)) == [preparation.LOCK_NAME]


def test_a_wrong_part_is_begun_anew(data_dir, capfd):
    data_dir.mkdir(parents=True)
    (data_dir / PART).write_bytes(b'x' * 1000)
    with Server(PACKED) as server:
        load(data_dir, server)
    assert server.requests == ['bytes=1000-', None]
    check_complete(data_dir)
    assert 'beginning anew' in capfd.readouterr().err


def test_a_file_of_another_length_is_refused_before_the_part_is_lost(data_dir):
    data_dir.mkdir(parents=True)
    (data_dir / PART).write_bytes(PACKED[:1000])
    with Server(PACKED[:2000], ranges=False) as server:
        with fails(server.url, '2000 bytes', *WAYS_OUT):
            load(data_dir, server)
    assert (data_dir / PART).read_bytes() == PACKED[:1000]


def test_a_web_page_is_refused_before_the_part_is_lost(data_dir):
    data_dir.mkdir(parents=True)
    (data_dir / PART).write_bytes(PACKED[:1000])
    headers = {'Content-Type': 'text/html; charset=utf-8'}
    with Server(b'<html>log in</html>', ranges=False, length=False,
                headers=headers) as server:
        with fails('web page', *WAYS_OUT):
            load(data_dir, server)
    assert (data_dir / PART).read_bytes() == PACKED[:1000]


def test_an_endless_reply_ends(data_dir):
    with Server(PACKED, length=False, endless=True) as server:
        load(data_dir, server)
    check_complete(data_dir)


def test_a_reply_labelled_as_gzip_is_not_unpacked(data_dir):
    with Server(PACKED, headers={'Content-Encoding': 'gzip'}) as server:
        load(data_dir, server)
    check_complete(data_dir)


@pytest.mark.parametrize('status', [403, 404, 503])
def test_a_refusing_server_is_quoted(data_dir, status):
    with Server(b'no', status=status) as server:
        with fails(server.url, str(status), *WAYS_OUT):
            load(data_dir, server)
    assert os.listdir(str(data_dir)) == [preparation.LOCK_NAME]


def test_no_network_names_three_ways_out(data_dir):
    with Server(PACKED) as server:
        pass  # its port is closed now
    # The heart of the error alone, not the ten names that it is wrapped in.
    with fails('no CIFAR-10 in', f'{server.url} cannot be downloaded: '
               'Connection refused. ', ARCHIVE, 'cifar-10-batches-bin',
               *WAYS_OUT):
        load(data_dir, server)


@pytest.mark.parametrize('error, words', [
    (requests.exceptions.ConnectTimeout(), '10 s'),
    (requests.exceptions.ReadTimeout(), '20 s'),
    (requests.exceptions.SSLError(), 'certificate')])
def test_network_errors_are_explained(data_dir, monkeypatch, error, words):
    def refuse(*_, **settings):
        assert settings['timeout'] == (10, 20)
        raise error

    monkeypatch.setattr(transfer.requests, 'get', refuse)
    with fails(words, *WAYS_OUT):
        data_helpers.load(data_dir, data_helpers.describe(PACKED))


@pytest.mark.parametrize('url', ['x', 'file:///x', 'http://', 'http://[x',
                                 'http://\u2026', 'http://*'])
def test_a_mirror_that_is_no_address_is_explained(data_dir, monkeypatch, url):
    monkeypatch.setenv(cifar10_archives.URL_VARIABLE, url)
    archives = cifar10_archives.official_archives()
    assert [archive.urls for archive in archives] == [(url,), ()]
    with fails(url, *WAYS_OUT):
        data_helpers.load(data_dir, *archives)


def test_the_official_archives(monkeypatch):
    monkeypatch.delenv(cifar10_archives.URL_VARIABLE, raising=False)
    binary, python = cifar10_archives.official_archives()
    assert (binary.name, binary.size, binary.md5) == (
        'cifar-10-binary.tar.gz', 170052171, 'c32a1d4ab5d03f1284b67883e8d87530')
    assert (python.name, python.size, python.md5) == (
        'cifar-10-python.tar.gz', 170498071, 'c58f30108f718f92721af3b95e74349a')
    assert binary.urls[0] == (
        'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz')
    for archive in (binary, python):
        for url in archive.urls:
            assert url.startswith('https://') and f'/{archive.name}' in url


def test_a_mirror_of_the_python_version(monkeypatch):
    url = 'https://x/cifar-10-python.tar.gz?download=1'
    monkeypatch.setenv(cifar10_archives.URL_VARIABLE, url)
    assert [archive.urls for archive in cifar10_archives.official_archives()
            ] == [(), (url,)]


def test_the_default_archive_comes_from_the_mirror(data_dir, monkeypatch):
    with Server(PACKED) as server:
        monkeypatch.setenv(cifar10_archives.URL_VARIABLE, server.url)
        # Not of the official size: verified the same, so refused.
        with fails(server.url, f'{len(PACKED)} bytes instead of 170052171'):
            cifar10.load_data_set(str(data_dir))
    assert server.requests == [None]


def test_an_archive_put_by_hand_is_used_and_kept(data_dir):
    data_dir.mkdir(parents=True)
    (data_dir / ARCHIVE).write_bytes(PACKED)
    with Server(PACKED) as server:
        load(data_dir, server)
    assert server.requests == []
    check_complete(data_dir)


@pytest.mark.parametrize('content, words', [
    (PACKED[:1000], 'cut off'), (PACKED + b'x', 'bytes instead of'),
    (PACKED[:-1] + b'x', 'md5'), (b'', 'cut off')],
    ids=['cut', 'long', 'changed', 'empty'])
def test_a_wrong_archive_put_by_hand_is_named_and_kept(data_dir, content,
                                                       words):
    data_dir.mkdir(parents=True)
    (data_dir / ARCHIVE).write_bytes(content)
    with Server(PACKED) as server:
        with fails(str(data_dir / ARCHIVE), words, 'Move it away', *WAYS_OUT):
            load(data_dir, server)
    assert server.requests == []
    assert data_helpers.snapshot(data_dir) == {ARCHIVE: content}


def test_a_folder_in_the_place_of_the_archive_is_named(data_dir):
    (data_dir / ARCHIVE).mkdir(parents=True)
    with fails(str(data_dir / ARCHIVE)):
        data_helpers.load(data_dir, data_helpers.describe(PACKED))


def test_an_archive_put_there_during_the_download_stays(data_dir):
    def put():
        (data_dir / ARCHIVE).write_bytes(b'mine')

    with Server(PACKED, before_reply=put) as server:
        with fails(str(data_dir / ARCHIVE), 'cut off'):
            load(data_dir, server)
    assert (data_dir / ARCHIVE).read_bytes() == b'mine'


def test_too_little_space_is_said_before_the_download(data_dir, monkeypatch):
    usage = preparation.shutil.disk_usage('/')
    need = len(PACKED) + sum(map(len, data_helpers.CONTENTS.values()))
    with Server(PACKED) as server:
        monkeypatch.setattr(preparation.shutil, 'disk_usage',
                            lambda _: usage._replace(free=need - 1))
        with fails('MB free', '--data-dir'):
            load(data_dir, server)
        assert server.requests == []
        monkeypatch.setattr(preparation.shutil, 'disk_usage',
                            lambda _: usage._replace(free=need))
        load(data_dir, server)


def test_a_full_disk_is_one_line_and_keeps_the_part(data_dir, monkeypatch):
    def refuse(_):
        raise OSError(28, 'No space left on device')

    with Server(PACKED) as server:
        with monkeypatch.context() as patch:
            patch.setattr(download.os, 'fsync', refuse)
            with fails(PART, 'No space left', '--data-dir'):
                load(data_dir, server)
        assert (data_dir / PART).exists()
        load(data_dir, server)
    check_complete(data_dir)


def test_a_second_process_waits_and_finds_the_data(data_dir, monkeypatch):
    """Two threads: flock holds between two open files of one process too."""
    printed = io.StringIO()
    monkeypatch.setattr(sys, 'stderr', printed)
    under_way, go_on = threading.Event(), threading.Event()

    def hold():
        under_way.set()
        assert go_on.wait(10)

    with Server(PACKED, before_reply=hold) as server:
        results = []
        threads = [threading.Thread(
            target=lambda: results.append(load(data_dir, server)))
            for _ in range(2)]
        threads[0].start()
        assert under_way.wait(10)
        threads[1].start()
        while 'Waiting for another process' not in printed.getvalue():
            assert threads[1].is_alive()
            time.sleep(0.01)
        go_on.set()
        for thread in threads:
            thread.join(10)
    assert len(results) == 2 and results[0] == results[1]
    assert server.requests == [None]
    check_complete(data_dir)


def test_a_file_system_without_locks_is_said(data_dir, monkeypatch, capfd):
    def refuse(*_):
        raise OSError(37, 'No locks available')

    monkeypatch.setattr(preparation.fcntl, 'flock', refuse)
    with Server(PACKED) as server:
        load(data_dir, server)
    check_complete(data_dir)
    assert 'No locks available' in capfd.readouterr().err


class _RawServer(socketserver.ThreadingTCPServer):
    """Answers every request with the same bytes, and closes."""
    allow_reuse_address = True
    daemon_threads = True


@pytest.mark.parametrize('reply, words', [
    (b'', 'cannot be downloaded'),
    (b'\x00\xff garbage\r\n\r\n', 'cannot be downloaded'),
    (b'HTTP/1.1', 'cannot be downloaded'),
    (b'HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n', 'bytes instead of'),
    (b'HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe[::1/\r\n'
     b'Content-Length: 0\r\n\r\n', 'address'),
    (b'HTTP/1.1 302 Found\r\nLocation: http://[::1\r\n'
     b'Content-Length: 0\r\n\r\n', 'cannot be downloaded'),
    (b'HTTP/1.1 999 \x1b[31mred\r\nContent-Length: 0\r\n\r\n', 'says 999')])
def test_answers_of_a_broken_server(reply, words, data_dir):
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(1 << 16)
            self.request.sendall(reply)

    with _RawServer(('127.0.0.1', 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            archive = data_helpers.describe(
                b'x' * 10, f'http://127.0.0.1:{server.server_address[1]}/')
            with pytest.raises(UserError) as caught:
                data_helpers.load(data_dir, archive)
        finally:
            server.shutdown()
    line = str(caught.value)
    assert words in line and '\n' not in line
    assert 'keyword' not in line and 'buffering' not in line
