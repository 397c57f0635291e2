"""MNIST's four files: any usual name, gzipped or plain, downloaded, damaged."""

import gzip
import hashlib
import struct

import numpy as np
import pytest

from cifar10_tf1.data import mnist
from data_helpers import fails, Server, snapshot, WAYS_OUT, write

NAMES = [file.name for file in mnist.FILES]
TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = NAMES


def build_content(shape, seed):
    """The bytes of an IDX file, assembled by hand."""
    values = np.random.RandomState(seed).randint(0, 256, shape).astype(np.uint8)
    if len(shape) == 1:
        return struct.pack('>2I', 0x801, *shape) + (values % 10).tobytes()
    return struct.pack('>4I', 0x803, *shape) + values.tobytes()


CONTENTS = {name: build_content(shape, seed) for seed, (name, shape) in enumerate(zip(
    NAMES, ((12, 28, 28), (12,), (10, 28, 28), (10,))))}
PACKED = {name + '.gz': gzip.compress(content) for name, content in CONTENTS.items()}
PACKED_OTHERWISE = {name + '.gz': gzip.compress(content, 1) for name, content in CONTENTS.items()}
FILES = tuple(file._replace(size=len(content), digest=hashlib.sha256(content).hexdigest())
              for file, content in zip(mnist.FILES, CONTENTS.values()))


@pytest.fixture(autouse=True)
def small_files(monkeypatch):
    monkeypatch.setattr(mnist, 'FILES', FILES)


def load(data_dir):
    return mnist.load_data_set(str(data_dir))


def check(data_set):
    for split, images, labels in (('train', TRAIN_IMAGES, TRAIN_LABELS),
                                  ('test', TEST_IMAGES, TEST_LABELS)):
        table = data_set.raw_records(split)
        assert table.dtype == np.uint8 and table.shape[1] == 785
        assert table[:, 0].tobytes() == CONTENTS[labels][8:]
        assert table[:, 1:].tobytes() == CONTENTS[images][16:]


@pytest.mark.parametrize('place, contents', [
    ('.', CONTENTS), ('mnist', PACKED),
    ('raw', {name.replace('-idx', '.idx'): content for name, content in CONTENTS.items()}),
    ('MNIST/raw', {TRAIN_IMAGES: CONTENTS[TRAIN_IMAGES], **PACKED_OTHERWISE}),
    ('.', {name + '.gz': content for name, content in CONTENTS.items()})],
    ids=['plain', 'packed', 'dotted', 'mixed', 'unpacked under the old name'])
def test_four_files_are_found_and_read(tmp_path, place, contents):
    write(tmp_path / place, contents)
    before = snapshot(tmp_path)
    data_set = load(tmp_path)
    check(data_set)
    # What counts is the content; so a run goes on with another packing.
    assert data_set.sha256 == {file.name: file.digest for file in FILES}
    # Nothing is written beside them, so the folder may be read-only.
    assert snapshot(tmp_path) == before
    assert data_set.name == 'mnist' and data_set.line_prefix == ''
    assert data_set.image_shape == (28, 28, 1) and data_set.num_train_files == 1
    assert (data_set.num_train_examples, data_set.num_test_examples) == (12, 10)


@pytest.mark.parametrize('ending, content', [
    ('', CONTENTS[TEST_LABELS][:-1]), ('', CONTENTS[TEST_LABELS][:-1] + b'\xff'),
    *(('.gz', content) for content in (
        PACKED[TEST_LABELS + '.gz'][:-9], PACKED[TEST_LABELS + '.gz'][:-8] + bytes(8),
        PACKED[TEST_LABELS + '.gz'][:10] + b'\xff' * 50))],
    ids=['cut', 'changed', 'packed and cut', 'packed and changed', 'not packed'])
def test_damage_is_named_and_the_file_kept(tmp_path, ending, content):
    write(tmp_path, CONTENTS)
    (tmp_path / TEST_LABELS).unlink()
    path = tmp_path / (TEST_LABELS + ending)
    path.write_bytes(content)
    with fails(f'{path} is damaged', 'Move it away', '--data-dir', '--synthetic'):
        load(tmp_path)
    assert path.read_bytes() == content


def test_absent_files_are_downloaded_once(tmp_path, capfd, monkeypatch):
    """A mirror may have packed them otherwise; what is there stays."""
    there = {TRAIN_IMAGES: CONTENTS[TRAIN_IMAGES], 'notes.txt': b'mine'}
    write(tmp_path, there)
    with Server(PACKED_OTHERWISE) as server:
        monkeypatch.setenv(mnist.URL_VARIABLE, server.url + '/')
        for unused_time in range(2):
            check(load(tmp_path))
    assert snapshot(tmp_path) == {**there, **{
        name: content for name, content in PACKED_OTHERWISE.items()
        if name != TRAIN_IMAGES + '.gz'}}
    assert len(server.requests) == 3
    captured = capfd.readouterr()
    assert captured.out == '' and captured.err.count('Downloading ') == 3


def test_a_bad_address_is_followed_by_the_next(tmp_path, capfd, monkeypatch):
    wrong = dict.fromkeys(PACKED, gzip.compress(b'something else'))
    with Server(wrong) as first, Server(PACKED) as second:
        monkeypatch.setattr(mnist, 'URLS', [first.url])
        with fails(f'has no {TRAIN_IMAGES} of MNIST', f'put {TRAIN_IMAGES}.gz', *WAYS_OUT):
            load(tmp_path)
        monkeypatch.setattr(mnist, 'URLS', [first.url, second.url])
        check(load(tmp_path))
    assert snapshot(tmp_path) == PACKED
    assert f'{first.url}/{TRAIN_IMAGES}.gz: ' in capfd.readouterr().err


def test_the_real_files_have_the_known_facts(find_real_data, monkeypatch):
    monkeypatch.undo()
    data_set = load(find_real_data('mnist'))
    for split, first_labels, counts in (
            ('train', [5, 0, 4, 1, 9, 2, 1, 3, 1, 4],
             [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]),
            ('test', [7, 2, 1, 0, 4, 1, 4, 9, 5, 9],
             [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009])):
        table = data_set.raw_records(split)
        assert table[:10, 0].tolist() == first_labels
        assert np.bincount(table[:, 0]).tolist() == counts
        assert table[:, 1:].min() == 0 and table[:, 1:].max() == 255
