"""MNIST's four files: any usual name, gzipped or plain, downloaded, damaged."""

import gzip
import hashlib
import os
import struct

import numpy as np
import pytest

import data_helpers
from cifar10_tf1.data import download
from cifar10_tf1.data import mnist
from cifar10_tf1.data import preparation
from data_helpers import compress
from data_helpers import fails
from data_helpers import isolated  # noqa: F401
from data_helpers import NOWHERE
from data_helpers import Server

NUM_TRAIN, NUM_TEST = 12, 10
SHAPES = ((NUM_TRAIN, 28, 28), (NUM_TRAIN,), (NUM_TEST, 28, 28), (NUM_TEST,))
NAMES = [file.name for file in mnist.FILES]
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES
WAYS_OUT = ('by hand', '--data-dir', '--synthetic')


def build_content(shape, seed):
    """The bytes of an IDX file, assembled by hand."""
    values = np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)
    if len(shape) == 1:
        return struct.pack('>2I', 0x801, *shape) + (values % 10).tobytes()
    return struct.pack('>4I', 0x803, *shape) + values.tobytes()


CONTENTS = {name: build_content(shape, seed)
            for seed, (name, shape) in enumerate(zip(NAMES, SHAPES))}
PACKED = {name + '.gz': compress(content) for name, content in CONTENTS.items()}
FILES = tuple(mnist.IdxFile(name, shape, hashlib.sha256(CONTENTS[name]).hexdigest())
              for name, shape in zip(NAMES, SHAPES))


def load(data_dir, *urls):
    return mnist.load_data_set(str(data_dir), urls or (NOWHERE,), FILES)


def write(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def check(data_set):
    for split, images, labels in (('train', TRAIN_IMAGES, TRAIN_LABELS),
                                  ('test', TEST_IMAGES, TEST_LABELS)):
        table = data_set.raw_records(split)
        assert table.dtype == np.uint8 and table.shape[1] == 785
        assert table[:, 0].tobytes() == CONTENTS[labels][8:]
        assert table[:, 1:].tobytes() == CONTENTS[images][16:]


def check_complete(data_dir, contents):
    assert data_helpers.snapshot(data_dir) == contents
    assert preparation.LOCK_NAME in os.listdir(str(data_dir))


def dotted(contents):
    return {name.replace('-idx', '.idx'): content for name, content in contents.items()}


VARIANTS = {
    'plain': CONTENTS, 'packed': PACKED, 'dotted': dotted(CONTENTS),
    'dotted and packed': dotted(PACKED),
    'half': {**{name: CONTENTS[name] for name in NAMES[:2]},
             **{name + '.gz': PACKED[name + '.gz'] for name in NAMES[2:]}},
    'packed otherwise': {name + '.gz': compress(CONTENTS[name], 1) for name in NAMES},
    'unpacked under the old name': {name + '.gz': CONTENTS[name] for name in NAMES},
    'two members': {name + '.gz': compress(CONTENTS[name][:9]) + compress(CONTENTS[name][9:])
                    for name in NAMES},
    'right beside wrong': {**{name: b'wrong' for name in NAMES}, **PACKED}}


@pytest.mark.parametrize('kind', sorted(VARIANTS))
@pytest.mark.parametrize('place', ['.', 'mnist', 'raw', 'MNIST/raw'])
def test_four_files_are_found_and_read(tmp_path, kind, place):
    write(tmp_path / place, VARIANTS[kind])
    before = data_helpers.snapshot(tmp_path)
    data_set = load(tmp_path)
    check(data_set)
    # What counts is the content; so a run goes on with another packing.
    assert data_set.sha256 == {file.name: file.digest for file in FILES}
    # Nothing is written beside them, so the folder may be read-only.
    assert data_helpers.snapshot(tmp_path) == before


def test_the_data_set_is_described(tmp_path):
    data_set = load(write(tmp_path, CONTENTS))
    assert data_set.name == 'mnist' and data_set.line_prefix == ''
    assert data_set.class_names == tuple('0123456789')
    assert data_set.image_shape == (28, 28, 1) and data_set.record_bytes == 785
    assert (data_set.num_train_examples, data_set.num_test_examples) == (12, 10)
    assert data_set.num_train_files == 1


DAMAGES = {
    'cut': CONTENTS[TEST_LABELS][:-1], 'empty': b'', 'header': b'\0\0\x08',
    'trailing': CONTENTS[TEST_LABELS] + b'\0', 'others': CONTENTS[TRAIN_LABELS],
    'changed': CONTENTS[TEST_LABELS][:-1] + b'\xff'}


@pytest.mark.parametrize('packing', ['', '.gz'])
@pytest.mark.parametrize('damage', sorted(DAMAGES))
def test_damage_is_named_and_the_file_kept(tmp_path, damage, packing):
    write(tmp_path, CONTENTS)
    (tmp_path / TEST_LABELS).unlink()
    content = DAMAGES[damage]
    write(tmp_path, {TEST_LABELS + packing: compress(content) if packing else content})
    before = data_helpers.snapshot(tmp_path)
    with fails(f'{tmp_path / (TEST_LABELS + packing)} is not the official file',
               'Move it away', '--data-dir', '--synthetic'):
        load(tmp_path)
    assert data_helpers.snapshot(tmp_path) == before


@pytest.mark.parametrize('change', [
    lambda packed: packed[:-9], lambda packed: packed[:2],
    lambda packed: packed + b'x', lambda packed: packed[:-8] + bytes(8),
    lambda packed: packed[:10] + b'\xff' * 50],
    ids=['cut', 'two bytes', 'trailing', 'crc', 'deflate'])
def test_a_broken_packing_is_named(tmp_path, change):
    name = TRAIN_IMAGES + '.gz'
    write(tmp_path, dict(PACKED, **{name: change(PACKED[name])}))
    with fails(str(tmp_path / name), 'Move it away'):
        load(tmp_path)


def test_all_damaged_files_are_named(tmp_path):
    write(tmp_path, dict(CONTENTS, **{TRAIN_LABELS: b'', TEST_LABELS: b''}))
    with fails(TRAIN_LABELS, TEST_LABELS):
        load(tmp_path)


@pytest.mark.parametrize('make, words', [
    (os.mkdir, 'not a regular file'), (os.mkfifo, 'not a regular file'),
    (lambda path: os.symlink('nowhere', path), 'No such file')])
def test_what_is_no_file_is_named_and_does_not_block(tmp_path, make, words):
    write(tmp_path, CONTENTS)
    (tmp_path / TEST_LABELS).unlink()
    make(str(tmp_path / TEST_LABELS))
    with fails(TEST_LABELS, words):
        load(tmp_path)


@pytest.mark.parametrize('content', [CONTENTS[TRAIN_LABELS], b'\x1f\x8bx', b''])
def test_a_change_after_the_check_is_noticed(tmp_path, content):
    data_set = load(write(tmp_path, CONTENTS))
    write(tmp_path, {TEST_LABELS: content})
    data_set.raw_records('train')
    with fails(TEST_LABELS, 'start again'):
        data_set.raw_records('test')


# Downloads


@pytest.mark.parametrize('ending', ['', '/'])
def test_absent_files_are_downloaded_once(tmp_path, capfd, ending):
    data_dir = tmp_path / 'a' / 'b'
    with Server(contents=PACKED) as server:
        data_set = load(data_dir, server.url + ending)
        assert load(data_dir, server.url + ending) == data_set
    check(data_set)
    check_complete(data_dir, PACKED)
    assert len(server.requests) == 4
    captured = capfd.readouterr()
    assert captured.out == '' and captured.err.count('Downloading ') == 4


def test_a_mirror_may_have_packed_them_otherwise(tmp_path, monkeypatch):
    packed = {name: compress(gzip.decompress(content), 1)
              for name, content in PACKED.items()}
    with Server(contents=packed) as server:
        monkeypatch.setenv(mnist.URL_VARIABLE, server.url)
        check(mnist.load_data_set(str(tmp_path), files=FILES))
    check_complete(tmp_path, packed)


def test_what_is_there_stays_and_what_is_missing_comes(tmp_path):
    there = {TRAIN_IMAGES: CONTENTS[TRAIN_IMAGES], 'notes.txt': b'mine',
             TEST_LABELS + '.gz': compress(CONTENTS[TEST_LABELS], 1)}
    write(tmp_path, there)
    with Server(contents=PACKED) as server:
        check(load(tmp_path, server.url))
    check_complete(tmp_path, {**there, **{
        name: PACKED[name] for name in (TRAIN_LABELS + '.gz', TEST_IMAGES + '.gz')}})


def test_a_download_that_was_cut_off_goes_on(tmp_path):
    name = TRAIN_IMAGES + '.gz'
    with Server(contents=PACKED, cuts=[100] + [0] * download.MAX_ROUNDS) as server:
        with fails('go on', *WAYS_OUT):
            load(tmp_path, server.url)
        assert (tmp_path / (name + '.part')).read_bytes() == PACKED[name][:100]
        server.cuts = []
        with Server(contents={}) as first:
            check(load(tmp_path, first.url, server.url))
    assert 'bytes=100-' in server.requests
    check_complete(tmp_path, PACKED)


@pytest.mark.parametrize('settings', [
    {'contents': {}}, {'headers': {'Content-Type': 'text/html'}}, {'length': False},
    {'contents': {name: compress(b'something else') for name in PACKED}},
    {'contents': {name: content[:-5] for name, content in PACKED.items()}}],
    ids=['404', 'html', 'no length', 'wrong', 'short'])
def test_a_bad_address_is_followed_by_the_next(tmp_path, settings, capfd):
    with Server(**{'contents': PACKED, **settings}) as first:
        with fails(f'no {TRAIN_IMAGES} of MNIST', f'put {TRAIN_IMAGES}.gz', *WAYS_OUT):
            load(tmp_path, first.url)
        assert os.listdir(str(tmp_path)) == [preparation.LOCK_NAME]
        with Server(contents=PACKED) as second:
            check(load(tmp_path, first.url, second.url))
    check_complete(tmp_path, PACKED)
    assert f'{first.url}/{TRAIN_IMAGES}.gz: ' in capfd.readouterr().err


def test_the_official_addresses_are_tried_in_turn(tmp_path, capfd, monkeypatch):
    def refuse(url, **_):
        raise download.requests.exceptions.ConnectTimeout()

    monkeypatch.setattr(download.requests, 'get', refuse)
    with fails('2 sources', *WAYS_OUT):
        mnist.load_data_set(str(tmp_path))
    assert [line.split(': ')[0] for line in capfd.readouterr().err.splitlines()] == [
        url + TRAIN_IMAGES + '.gz' for url in mnist.URLS]


def test_the_shipped_table_is_the_layout():
    assert [file.shape for file in mnist.FILES] == [
        (60000, 28, 28), (60000,), (10000, 28, 28), (10000,)]
    assert len({file.digest for file in mnist.FILES}) == 4
    for file, content in zip(FILES, CONTENTS.values()):
        assert content.startswith(mnist.build_header(file.shape)) and len(content) == file.size


def test_the_real_files_have_the_known_facts(real_mnist_dir):
    data_set = mnist.load_data_set(real_mnist_dir, [NOWHERE])
    for split, first_labels, counts in (
            ('train', [5, 0, 4, 1, 9, 2, 1, 3, 1, 4],
             [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
            ('test', [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
             [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])):
        table = data_set.raw_records(split)
        assert table[:10, 0].tolist() == first_labels
        assert np.bincount(table[:, 0]).tolist() == counts
        assert table[:, 1:].min() == 0 and table[:, 1:].max() == 255
