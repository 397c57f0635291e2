"""MNIST's four files in every state that a user can leave them in, and brought
from a loopback server."""

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
from cifar10_tf1.data import transfer
from data_helpers import fails, isolated  # noqa: F401

NUM_TRAIN, NUM_TEST = 12, 10
NAMES = [file.name for file in mnist.FILES]
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES
NOWHERE = ('http://127.0.0.1:9/',)  # nothing listens there
WAYS_OUT = ('by hand', '--data-dir', '--synthetic')


def build_images(count):
    """Row times 8 plus the image's number; column 27 is 255."""
    rows = np.arange(28).reshape(1, 28, 1) * 8
    images = (rows + np.arange(count).reshape(-1, 1, 1)
              + np.zeros([1, 1, 28], int))
    images[:, :, 27] = 255
    return images.astype(np.uint8)


def build_contents():
    """dict of file name to bytes, each written out by hand."""
    contents = {}
    for count, images, labels in ((NUM_TRAIN, TRAIN_IMAGES, TRAIN_LABELS),
                                  (NUM_TEST, TEST_IMAGES, TEST_LABELS)):
        contents[images] = (b'\0\0\x08\x03\0\0\0' + bytes([count])
                            + b'\0\0\0\x1c\0\0\0\x1c'
                            + build_images(count).tobytes())
        contents[labels] = (b'\0\0\x08\x01\0\0\0' + bytes([count])
                            + bytes(7 * i % 10 for i in range(count)))
    return contents


CONTENTS = build_contents()
SHAPES = ((NUM_TRAIN, 28, 28), (NUM_TRAIN,), (NUM_TEST, 28, 28), (NUM_TEST,))
FILES = tuple(
    mnist.IdxFile(name, shape, hashlib.sha256(CONTENTS[name]).hexdigest())
    for name, shape in zip(NAMES, SHAPES))


def pack(content, level=9):
    return gzip.compress(content, level)


PACKED = {name + '.gz': pack(CONTENTS[name]) for name in NAMES}


def write(folder, contents):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return folder


def load(data_dir, urls=NOWHERE):
    return mnist.load_data_set(str(data_dir), urls, FILES)


def check(data_set):
    table = data_set.raw_records('train')
    assert table.dtype == np.uint8 and table.shape == (NUM_TRAIN, 785)
    assert table[:, 0].tolist() == [0, 7, 4, 1, 8, 5, 2, 9, 6, 3, 0, 7]
    assert np.array_equal(table[:, 1:],
                          build_images(NUM_TRAIN).reshape(-1, 784))
    assert table[3, 1 + 5 * 28 + 9] == 5 * 8 + 3  # row 5, column 9, of image 3
    table = data_set.raw_records('test')
    assert table.shape == (NUM_TEST, 785)
    assert table[:, 0].tolist() == [0, 7, 4, 1, 8, 5, 2, 9, 6, 3]
    assert table[9, 784] == 255


def variants():
    half = {name: CONTENTS[name] for name in NAMES[:2]}
    half.update({name + '.gz': PACKED[name + '.gz'] for name in NAMES[2:]})
    return {'plain': CONTENTS, 'packed': PACKED, 'half': half,
            'recompressed': {name + '.gz': pack(CONTENTS[name], 1)
                             for name in NAMES},
            'both': dict(CONTENTS, **PACKED),
            'unpacked under the old name': {name + '.gz': CONTENTS[name]
                                            for name in NAMES},
            'two members': {name + '.gz': pack(CONTENTS[name][:9])
                            + pack(CONTENTS[name][9:]) for name in NAMES}}


@pytest.mark.parametrize('kind', sorted(variants()))
@pytest.mark.parametrize('place', ['.', 'mnist'])
def test_four_files_are_found_and_read(tmp_path, kind, place):
    write(tmp_path / place, variants()[kind])
    before = data_helpers.snapshot(tmp_path)
    check(load(tmp_path))
    # Nothing is written beside them, so the folder may be read-only.
    assert data_helpers.snapshot(tmp_path) == before


def test_the_data_set_is_described(tmp_path):
    write(tmp_path, CONTENTS)
    data_set = load(tmp_path)
    assert data_set.name == 'mnist' and data_set.line_prefix == ''
    assert data_set.sha256 == {file.name: file.sha256 for file in FILES}
    assert data_set.class_names == tuple('0123456789')
    assert data_set.image_shape == (28, 28, 1)
    assert data_set.record_bytes == 785
    assert data_set.num_train_examples == NUM_TRAIN
    assert data_set.num_test_examples == NUM_TEST
    assert data_set == load(tmp_path)


def test_the_digests_do_not_depend_on_the_packing(tmp_path):
    plain = load(write(tmp_path / 'a', CONTENTS))
    assert load(write(tmp_path / 'b', PACKED)).sha256 == plain.sha256


def changed(name, at, value):
    content = bytearray(CONTENTS[name])
    content[at] = value
    return bytes(content)


DAMAGES = {
    'cut': (TRAIN_IMAGES, CONTENTS[TRAIN_IMAGES][:-1],
            '9,423 bytes instead of 9,424, cut off'),
    'cut in the header': (TEST_IMAGES, CONTENTS[TEST_IMAGES][:10],
                          'its header says 10 images'),
    'empty': (TEST_LABELS, b'', 'it has no header'),
    'three bytes': (TEST_LABELS, b'\0\0\x08', 'it has no header'),
    'trailing': (TRAIN_LABELS, CONTENTS[TRAIN_LABELS] + b'\0',
                 'bytes follow after the 20 that belong to it'),
    'labels for images': (TRAIN_IMAGES, CONTENTS[TRAIN_LABELS],
                          '0x00000801, of labels, instead of 0x00000803'),
    'images for labels': (TEST_LABELS, CONTENTS[TEST_IMAGES],
                          '0x00000803, of images, instead of 0x00000801'),
    'train for test': (TEST_LABELS, CONTENTS[TRAIN_LABELS],
                       'its header says 12 labels instead of 10'),
    'magic': (TRAIN_IMAGES, changed(TRAIN_IMAGES, 2, 9),
              'the magic number 0x00000903 instead of 0x00000803'),
    'width': (TRAIN_IMAGES, changed(TRAIN_IMAGES, 15, 29),
              '12 x 28 x 29 images instead of 12 x 28 x 28'),
    'label of 10': (TEST_LABELS, changed(TEST_LABELS, 8 + 4, 10),
                    'label 4 (counted from 0) is 10, not one of 0 to 9'),
    'label of 255': (TRAIN_LABELS, changed(TRAIN_LABELS, -1, 255),
                     'label 11 (counted from 0) is 255'),
    'another label': (TRAIN_LABELS, changed(TRAIN_LABELS, -1, 1), 'SHA-256'),
    'flipped bit': (TEST_IMAGES, changed(TEST_IMAGES, -1, 254), 'SHA-256'),
}


@pytest.mark.parametrize('packing', ['', '.gz'])
@pytest.mark.parametrize('damage', sorted(DAMAGES))
def test_damage_is_named_and_the_file_kept(tmp_path, damage, packing):
    name, content, words = DAMAGES[damage]
    write(tmp_path, CONTENTS)
    (tmp_path / name).unlink()
    (tmp_path / (name + packing)).write_bytes(
        pack(content) if packing else content)
    before = data_helpers.snapshot(tmp_path)
    with fails(str(tmp_path / (name + packing)), words, 'Move it away',
               '--data-dir', '--synthetic'):
        load(tmp_path)
    assert data_helpers.snapshot(tmp_path) == before


@pytest.mark.parametrize('content, words', [
    (PACKED[TRAIN_IMAGES + '.gz'][:-9], 'gzip stream is cut off'),
    (PACKED[TRAIN_IMAGES + '.gz'][:-1], 'gzip stream is cut off'),
    (PACKED[TRAIN_IMAGES + '.gz'][:2], 'gzip stream is cut off'),
    (PACKED[TRAIN_IMAGES + '.gz'] + b'x', 'gzip stream is damaged'),
    (PACKED[TRAIN_IMAGES + '.gz'][:-8] + bytes(8), 'CRC'),
    (PACKED[TRAIN_IMAGES + '.gz'][:10] + b'\xff' * 50, 'gzip stream is'),
    (b'<html/>', 'the magic number')],
    ids=['cut', 'last byte', 'two bytes', 'trailing', 'crc', 'deflate', 'html'])
def test_a_broken_packing_is_named_and_kept(tmp_path, content, words):
    write(tmp_path, dict(PACKED, **{TRAIN_IMAGES + '.gz': content}))
    before = data_helpers.snapshot(tmp_path)
    with fails(str(tmp_path / (TRAIN_IMAGES + '.gz')), words, 'Move it away'):
        load(tmp_path)
    assert data_helpers.snapshot(tmp_path) == before


def test_all_damaged_files_are_named(tmp_path):
    write(tmp_path, dict(CONTENTS, **{TRAIN_LABELS: b'', TEST_LABELS: b''}))
    with fails(TRAIN_LABELS, TEST_LABELS):
        load(tmp_path)


def test_a_packed_file_of_endless_zeros_is_read_no_further(tmp_path):
    write(tmp_path, PACKED)
    (tmp_path / (TEST_LABELS + '.gz')).write_bytes(
        pack(CONTENTS[TEST_LABELS] + bytes(1 << 24)))
    shape, sizes = (NUM_TEST,), []
    real = mnist.gzip.GzipFile.read

    def read(self, size=-1):
        sizes.append(size)
        return real(self, size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mnist.gzip.GzipFile, 'read', read)
        reason = mnist.find_damage(str(tmp_path / (TEST_LABELS + '.gz')),
                                   FILES[3])
    assert 'bytes follow' in reason and sizes == [8 + shape[0] + 1]


@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_named_and_does_not_block(tmp_path, make):
    write(tmp_path, CONTENTS)
    (tmp_path / TEST_LABELS).unlink()
    make(str(tmp_path / TEST_LABELS))
    with fails(TEST_LABELS, 'not a regular file'):
        load(tmp_path)


def test_a_dangling_link_is_explained_and_kept(tmp_path):
    write(tmp_path, CONTENTS)
    (tmp_path / TEST_LABELS).unlink()
    (tmp_path / TEST_LABELS).symlink_to(tmp_path / 'nowhere')
    with fails(TEST_LABELS, 'No such file'):
        load(tmp_path)
    assert (tmp_path / TEST_LABELS).is_symlink()


def test_a_change_after_the_check_is_noticed(tmp_path):
    write(tmp_path, CONTENTS)
    data_set = load(tmp_path)
    (tmp_path / TEST_LABELS).write_bytes(CONTENTS[TRAIN_LABELS])
    data_set.raw_records('train')
    with fails(TEST_LABELS, 'changed after the check', 'start again'):
        data_set.raw_records('test')


@pytest.mark.parametrize('data_dir, words', [
    ('', 'empty name'), (__file__, 'is not a folder')])
def test_what_can_be_no_data_folder_is_named(data_dir, words):
    with fails(words, '--data-dir'):
        load(data_dir)


class Mirror(data_helpers.Server):
    """Serves the files of a dict by their names."""

    def __init__(self, contents=PACKED, **settings):
        super().__init__(b'', **settings)
        self.contents, self.paths = contents, []

    def __enter__(self):
        super().__enter__()
        self.url = self.url.rsplit('/', 1)[0] + '/some/folder'
        return self

    def reply(self, handler):
        self.paths.append(handler.path)
        self.content = self.contents.get(handler.path.rsplit('/', 1)[1])
        if self.content is None:
            self.content = b'none'
            old, self.status = self.status, 404
            super().reply(handler)
            self.status = old
        else:
            super().reply(handler)


def check_complete(data_dir, contents=PACKED):
    assert data_helpers.snapshot(data_dir) == contents
    assert preparation.LOCK_NAME in os.listdir(str(data_dir))


@pytest.mark.parametrize('ending', ['', '/'])
def test_absent_files_are_downloaded_once(tmp_path, capfd, ending):
    data_dir = tmp_path / 'a' / 'b'
    with Mirror() as server:
        data_set = load(data_dir, [server.url + ending])
        assert load(data_dir, [server.url + ending]) == data_set
    check(data_set)
    check_complete(data_dir)
    assert sorted(set(server.paths)) == sorted(
        f'/some/folder/{name}.gz' for name in NAMES)
    captured = capfd.readouterr()
    assert captured.out == ''
    assert captured.err.count('Downloading ') == 4


def test_a_mirror_may_have_packed_them_anew(tmp_path):
    packed = {name: pack(gzip.decompress(content), 1)
              for name, content in PACKED.items()}
    with Mirror(packed) as server:
        check(load(tmp_path, [server.url]))
    check_complete(tmp_path, packed)


def test_what_is_there_stays_and_what_is_missing_comes(tmp_path):
    there = {TRAIN_IMAGES: CONTENTS[TRAIN_IMAGES], 'notes.txt': b'mine',
             TEST_LABELS + '.gz': pack(CONTENTS[TEST_LABELS], 1)}
    write(tmp_path / 'mnist', there)
    with Mirror() as server:
        check(load(tmp_path, [server.url]))
    after = data_helpers.snapshot(tmp_path / 'mnist')
    assert {name: after[name] for name in there} == there
    assert sorted(set(after) - set(there)) == sorted(
        [TRAIN_LABELS + '.gz', TEST_IMAGES + '.gz'])


def test_a_download_that_was_cut_off_goes_on_next_time(tmp_path):
    name = TRAIN_IMAGES + '.gz'
    # The first request asks for the length alone.
    cuts = [0, 100] + [0] * (download.MAX_ROUNDS - 1)
    with Mirror(cuts=cuts) as server:
        with fails('cut off 5 times', 'at 100 of', 'go on', *WAYS_OUT):
            load(tmp_path, [server.url])
        assert (tmp_path / (name + '.part')).read_bytes() == PACKED[name][:100]
        check(load(tmp_path, [server.url]))
    assert 'bytes=100-' in server.requests
    check_complete(tmp_path)


def test_the_next_address_goes_on_where_the_first_one_ended(tmp_path, capfd):
    cuts = [0, 100] + [0] * (download.MAX_ROUNDS - 1)
    with Mirror(cuts=cuts + [0] * 99) as first, Mirror() as second:
        check(load(tmp_path, [first.url, second.url]))
    assert second.requests[1] == 'bytes=100-'
    check_complete(tmp_path)
    assert f'; trying {second.url}/{TRAIN_IMAGES}.gz' in capfd.readouterr().err


@pytest.mark.parametrize('settings', [
    {'contents': {}}, {'headers': {'Content-Type': 'text/html'}},
    {'length': False},
    {'contents': {name: pack(b'something else') for name in PACKED}},
    {'contents': {name: content[:-5] for name, content in PACKED.items()}}],
    ids=['404', 'html', 'no length', 'wrong', 'short'])
def test_a_bad_address_is_followed_by_the_next(tmp_path, settings, capfd):
    with Mirror(**settings) as first, Mirror() as second:
        check(load(tmp_path, [first.url, second.url]))
    check_complete(tmp_path)
    assert capfd.readouterr().err.count('; trying ') == 4


@pytest.mark.parametrize('settings, words', [
    ({'contents': {}}, 'the server says 404'),
    ({'length': False}, 'the server does not say how long it is'),
    ({'contents': {name: pack(b'something else') for name in PACKED}},
     'is not the archive: it has the magic number'),
    ({'contents': {name: content[:-5] for name, content in PACKED.items()}},
     'gzip stream is cut off')], ids=['404', 'no length', 'wrong', 'short'])
def test_a_refusal_names_the_file_and_leaves_nothing(tmp_path, settings,
                                                     words):
    with Mirror(**settings) as server:
        with fails(f'{server.url}/{TRAIN_IMAGES}.gz', words, *WAYS_OUT):
            load(tmp_path, [server.url])
    assert os.listdir(str(tmp_path)) == [preparation.LOCK_NAME]


def test_a_part_as_long_as_an_error_page_is_kept(tmp_path):
    part = write(tmp_path, {TRAIN_IMAGES + '.gz.part': b'\x1f\x8b__'})
    with Mirror({}) as server:
        with fails('the server says 404'):
            load(tmp_path, [server.url])
    assert data_helpers.snapshot(part) == {
        TRAIN_IMAGES + '.gz.part': b'\x1f\x8b__'}


def test_an_address_that_a_server_names_may_be_none(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ValueError('no address')

    monkeypatch.setattr(transfer.requests, 'get', refuse)
    with fails('cannot be downloaded', 'no address', *WAYS_OUT):
        load(tmp_path)


def test_no_network_names_the_ways_out(tmp_path):
    with fails(f'There is no {TRAIN_IMAGES} of MNIST in {tmp_path}',
               f'{NOWHERE[0]}{TRAIN_IMAGES}.gz', 'Connection refused',
               f'put {TRAIN_IMAGES}.gz', *WAYS_OUT):
        load(tmp_path)


def test_the_addresses_come_from_the_environment(tmp_path, monkeypatch):
    with Mirror() as server:
        monkeypatch.setenv(mnist.URL_VARIABLE, server.url)
        check(mnist.load_data_set(str(tmp_path), files=FILES))
    check_complete(tmp_path)


def test_the_official_addresses_are_tried_in_turn(tmp_path, monkeypatch):
    tried = []

    def refuse(url, **_):
        tried.append(url)
        raise transfer.requests.exceptions.ConnectTimeout()

    monkeypatch.delenv(mnist.URL_VARIABLE, raising=False)
    monkeypatch.setattr(transfer.requests, 'get', refuse)
    with fails('no connection within 10 s', *WAYS_OUT):
        mnist.load_data_set(str(tmp_path))
    assert tried == [
        'https://storage.googleapis.com/cvdf-datasets/mnist/'
        'train-images-idx3-ubyte.gz',
        'http://yann.lecun.com/exdb/mnist/train-images-idx3-ubyte.gz']


def test_the_header_that_is_written_is_the_one_that_is_read():
    for name, shape in zip(NAMES, SHAPES):
        header = mnist.build_header(shape)
        assert CONTENTS[name].startswith(header)
        assert len(header) == 4 + 4 * len(shape)


def test_the_shipped_table_is_the_layout():
    assert [file.shape for file in mnist.FILES] == [
        (60000, 28, 28), (60000,), (10000, 28, 28), (10000,)]
    assert len({file.sha256 for file in mnist.FILES}) == 4
    assert mnist.RECORD_BYTES == 785


def test_the_real_files_have_the_known_facts(real_mnist_dir):
    data_set = mnist.load_data_set(real_mnist_dir, NOWHERE)
    for split, first_labels, counts in (
            ('train', [5, 0, 4, 1, 9, 2, 1, 3, 1, 4],
             [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
            ('test', [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
             [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])):
        table = data_set.raw_records(split)
        assert table[:10, 0].tolist() == first_labels
        assert np.bincount(table[:, 0]).tolist() == counts
        assert table[:, 1:].min() == 0 and table[:, 1:].max() == 255
        digest = hashlib.sha256()
        images, labels = (data_set.sha256[name] for name in (
            NAMES[:2] if split == 'train' else NAMES[2:]))
        digest.update(struct.pack('>4I', 0x803, len(table), 28, 28))
        digest.update(np.ascontiguousarray(table[:, 1:]).tobytes())
        assert digest.hexdigest() == images
        assert hashlib.sha256(struct.pack('>2I', 0x801, len(table))
                              + table[:, 0].tobytes()).hexdigest() == labels
