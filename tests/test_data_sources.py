"""Several sources in turn: the next goes on where the last one failed."""

import os
import re
import time

import pytest

import data_helpers
import pickle_helpers
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import cifar10_archives
from cifar10_tf1.data import download
from cifar10_tf1.data import mnist
from cifar10_tf1.data import preparation
from cifar10_tf1.data import transfer
from data_helpers import FILES, Server, fails, isolated  # noqa: F401

PACKED = data_helpers.pack(data_helpers.members())
GARBAGE = bytes(len(PACKED))
PYTHON = data_helpers.pack(pickle_helpers.members())
ARCHIVE = 'cifar-10-binary.tar.gz'
PART = ARCHIVE + '.part'
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
NOWHERE = 'http://127.0.0.1:9/x'


@pytest.fixture(autouse=True)
def set_rates(monkeypatch):
    """A short window; gives a function that sets both rates, bytes a second."""
    def set_both(fast, least):
        monkeypatch.setattr(download, 'FAST_RATE', fast)
        monkeypatch.setattr(download, 'LEAST_RATE', least)

    monkeypatch.setattr(transfer, 'WINDOW_SECONDS', 0.3)
    set_both(1000.0, 100.0)
    return set_both


def load(data_dir, *urls, python_urls=()):
    return data_helpers.load(
        data_dir, data_helpers.describe(PACKED)._replace(urls=urls),
        pickle_helpers.describe(PYTHON)._replace(urls=python_urls))


def check_complete(data_dir, archive=ARCHIVE):
    assert data_helpers.snapshot(data_dir / cifar10.FOLDER) == (
        data_helpers.CONTENTS)
    # No part stays behind.
    assert sorted(os.listdir(str(data_dir))) == sorted(
        [preparation.LOCK_NAME, cifar10.FOLDER, archive])


def test_one_stalls_one_sends_garbage_one_is_right(tmp_path, capfd):
    with Server(PACKED, stalls_after=2000) as stalling, \
            Server(GARBAGE) as wrong, Server(PACKED) as right:
        load(tmp_path, stalling.url, wrong.url, right.url)
        # The second goes on after the first, and is given a chance of its own.
        assert wrong.requests == ['bytes=2000-', None]
        assert right.requests == [None]
    check_complete(tmp_path)
    lines = capfd.readouterr().err.splitlines()
    assert [line for line in lines if 'trying' in line] == [
        f'{stalling.url}: cut off at 2,000 of {len(PACKED):,} bytes (nothing '
        f'came for 0.3 s); trying {wrong.url}',
        f'{wrong.url}: what it sent is not the archive: md5 '
        f'{download.verification.hashlib.md5(GARBAGE).hexdigest()}, not '
        f'{download.verification.hashlib.md5(PACKED).hexdigest()}; it was '
        f'removed; trying {right.url}']


@pytest.mark.parametrize('drip', [0.001, 0.05])
def test_a_few_bytes_a_second_are_a_stall(tmp_path, drip, set_rates, capfd):
    """Which no limit on the time without any byte would see."""
    start = time.monotonic()
    set_rates(20000.0, 100.0)
    with Server(PACKED, stalls_after=1000, drip=drip) as dripping, \
            Server(PACKED) as right:
        load(tmp_path, dripping.url, right.url)
        offset = int(right.requests[0][len('bytes='):-1])
    assert 1000 < offset < 3000 and len(right.requests) == 1
    assert time.monotonic() - start < 5
    check_complete(tmp_path)
    assert 'kB a second came' in capfd.readouterr().err


def test_a_slow_source_is_waited_for_where_there_is_no_other(tmp_path,
                                                             set_rates):
    """First it was left for the others, which are none."""
    set_rates(1e9, 1.0)
    with Server(PACKED, stalls_after=len(PACKED) - 1000, drip=0.001) as slow:
        load(tmp_path, NOWHERE, slow.url)
    assert slow.requests[0] is None and len(slow.requests) == 2
    check_complete(tmp_path)


def test_the_fastest_source_begins_the_next_round(tmp_path, set_rates):
    set_rates(1e9, 1.0)
    (tmp_path / PART).write_bytes(PACKED[:-600])
    with Server(PACKED, stalls_after=0, drip=0.05) as slow, \
            Server(PACKED, stalls_after=0, drip=0.001) as faster:
        load(tmp_path, slow.url, faster.url)
    assert [len(server.requests) for server in (slow, faster)] == [1, 2]
    check_complete(tmp_path)


def test_the_next_goes_on_where_one_was_cut_off(tmp_path):
    with Server(PACKED, cuts=[1000]) as first, Server(PACKED) as second:
        load(tmp_path, first.url, second.url)
    assert first.requests == [None] and second.requests == ['bytes=1000-']
    check_complete(tmp_path)


def test_the_first_goes_on_after_the_next_was_cut_off(tmp_path):
    with Server(PACKED, cuts=[1000]) as first, \
            Server(PACKED, cuts=[2000, 0]) as second:
        load(tmp_path, first.url, second.url)
    starts = [request for server in (first, second)
              for request in server.requests]
    assert starts.count('bytes=1000-') == 1 and 'bytes=3000-' in starts
    check_complete(tmp_path)


@pytest.mark.parametrize('settings', [
    {'ranges': False}, {'range_shift': 1}, {'range_shift': -1}])
def test_one_without_ranges_begins_anew(tmp_path, settings, capfd):
    with Server(PACKED, cuts=[1000]) as first, \
            Server(PACKED, **settings) as second:
        load(tmp_path, first.url, second.url)
    assert second.requests[0] == 'bytes=1000-'
    assert len(first.requests) == 1
    check_complete(tmp_path)
    # Seen by its headers, before any of it is mixed with the rest.
    assert 'was not the archive' not in capfd.readouterr().err


def test_garbage_from_the_first_is_no_fault_of_the_second(tmp_path):
    with Server(GARBAGE, cuts=[1000]) as first, Server(PACKED) as second:
        load(tmp_path, first.url, second.url)
    assert second.requests == ['bytes=1000-', None]
    check_complete(tmp_path)


def test_the_other_archive_is_as_good(tmp_path):
    with Server(PACKED, cuts=[1000]) as binary, Server(PYTHON) as python:
        data_set = load(tmp_path, binary.url, python_urls=(python.url,))
    assert data_set.sha256 == {file.name: file.sha256 for file in FILES}
    assert python.requests == [None]
    # The part of the other one stays, for whoever wants that.
    os.remove(str(tmp_path / PART))
    check_complete(tmp_path, 'cifar-10-python.tar.gz')


def test_an_earlier_archive_of_either_kind_is_taken(tmp_path):
    (tmp_path / 'cifar-10-python.tar.gz').write_bytes(PYTHON)
    load(tmp_path, NOWHERE)
    check_complete(tmp_path, 'cifar-10-python.tar.gz')


def test_no_source_at_all_is_one_line(tmp_path):
    with Server(b'no', status=404) as absent, Server(GARBAGE) as wrong:
        with fails('There is no CIFAR-10 in', f'{absent.url} cannot be '
                   f'downloaded: the server says 404',
                   f'{wrong.url} cannot be downloaded: what it sent is not',
                   # The same reason once.
                   f'{NOWHERE} and {NOWHERE} cannot be downloaded: '
                   f'Connection refused. Mend that, or put', 'cifar-10-python.tar.gz',
                   'by hand', '--data-dir', '--synthetic'):
            load(tmp_path, absent.url, wrong.url, NOWHERE,
                 python_urls=(NOWHERE,))
    assert os.listdir(str(tmp_path)) == [preparation.LOCK_NAME]


def test_what_others_have_is_offered_before_a_download(tmp_path, monkeypatch,
                                                       capfd):
    keras = tmp_path / 'keras 1'
    monkeypatch.setenv('KERAS_HOME', str(keras))
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(str(tmp_path / 'here'))
    new = keras / 'datasets' / f'{pickle_helpers.FOLDER}-target'
    for data_dir in (keras / 'datasets', new, tmp_path / 'here' / 'data'):
        pickle_helpers.write_files(data_dir)
    (new / pickle_helpers.FOLDER / 'test_batch').unlink()  # incomplete

    def check_offers():
        lines = capfd.readouterr().err.splitlines()
        assert lines[:2] == [
            f'CIFAR-10 is in {keras}/datasets/cifar-10-batches-py already: '
            f"--data-dir '{keras}/datasets' takes it from there",
            'CIFAR-10 is in ./data/cifar-10-batches-py already: --data-dir '
            './data takes it from there']
        assert lines[2].startswith('Downloading')

    with Server(PACKED) as server:
        load(tmp_path / 'a', server.url)
    check_offers()
    check_complete(tmp_path / 'a')
    # What is offered works, and is not offered to whoever has taken it.
    data_helpers.load('data', data_helpers.describe(b''))
    assert capfd.readouterr().err == ''


def test_keras_keeps_it_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.delenv('KERAS_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.chdir(str(tmp_path))
    assert cifar10.list_offers() == []
    data_dir = tmp_path / '.keras/datasets/cifar-10-batches-py-target'
    pickle_helpers.write_files(data_dir)
    offer, = cifar10.list_offers()
    assert offer.endswith(f'--data-dir {data_dir} takes it from there')


def test_the_page_is_right(monkeypatch):
    """docs/data.md: the sources, the limits, and the places of others."""
    monkeypatch.undo()  # of the short limits
    monkeypatch.delenv(cifar10_archives.URL_VARIABLE, raising=False)
    with open(os.path.join(ROOT, 'docs', 'data.md')) as file:
        text = file.read()
    assert re.findall('^[|] (?:binary|Python) [|] `(.*?)`', text, re.M) == [
        url for archive in cifar10_archives.official_archives()
        for url in archive.urls]
    for url in mnist.URLS:
        assert f'`{url}`' in text
    words = ' '.join(text.split())
    for phrase in (
            f'{transfer.WINDOW_SECONDS} s without a byte, or less than '
            f'{download.FAST_RATE / 1e3:.0f} kB a second over '
            f'{transfer.WINDOW_SECONDS} s',
            f'{download.LEAST_RATE / 1e3:.0f} kB a second will do',
            f'There are {download.MAX_ROUNDS} rounds'):
        assert phrase in words, phrase
