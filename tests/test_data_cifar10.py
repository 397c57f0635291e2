"""The record layout, and a folder in every state that a user can leave it in."""

import os

import numpy as np
import pytest

import data_helpers
from cifar10_tf1.data import cifar10
from data_helpers import FILES, NUM_RECORDS, fails, isolated  # noqa: F401

NO_ARCHIVE = data_helpers.describe(b'not to be had')


def load(data_dir):
    return data_helpers.load(data_dir, NO_ARCHIVE)


def golden_record(label):
    """A record whose planes differ: red = column, green = row, blue = 200."""
    pixels = bytes(range(32))
    red = pixels * 32
    green = b''.join(bytes([row]) * 32 for row in range(32))
    return bytes([label]) + red + green + bytes([200]) * 1024


def test_records_have_golden_pixels(tmp_path):
    path = tmp_path / 'x.bin'
    path.write_bytes(golden_record(3) + golden_record(9))
    labels, images = cifar10.load_records(str(path))
    assert labels.dtype == np.uint8 and labels.tolist() == [3, 9]
    assert images.dtype == np.uint8 and images.shape == (2, 32, 32, 3)
    assert images[0, 5, 17].tolist() == [17, 5, 200]  # row 5, column 17
    assert images[1, 31, 0].tolist() == [0, 31, 200]
    assert images.flags['C_CONTIGUOUS']


@pytest.mark.parametrize('size', [0, 3072, 3074])
def test_records_of_another_length_are_refused(tmp_path, size):
    path = tmp_path / 'x.bin'
    path.write_bytes(bytes(size))
    with fails(str(path), f'{size:,} bytes', '3,073'):
        cifar10.load_records(str(path))


def test_a_label_of_10_is_named(tmp_path):
    path = tmp_path / 'x.bin'
    path.write_bytes(golden_record(9) + golden_record(10))
    with fails(str(path), 'record 1 ', 'label 10'):
        cifar10.load_records(str(path))


def test_an_absent_file_of_records_is_named(tmp_path):
    with fails(str(tmp_path / 'x.bin'), 'No such file'):
        cifar10.load_records(str(tmp_path / 'x.bin'))


def test_a_complete_folder_is_described(tmp_path):
    folder = data_helpers.write_files(tmp_path)
    data_set = load(tmp_path)
    assert data_set == cifar10.DataSet(
        name='cifar10',
        train_paths=tuple(str(folder / f'data_batch_{i}.bin')
                          for i in (1, 2, 3, 4, 5)),
        test_paths=(str(folder / 'test_batch.bin'),),
        num_train_examples=5 * NUM_RECORDS, num_test_examples=NUM_RECORDS,
        line_prefix='', sha256={file.name: file.sha256 for file in FILES},
        class_names=cifar10.CLASS_NAMES, image_shape=(32, 32, 3),
        load_bytes=cifar10.load_bytes)
    assert data_set.test_path == str(folder / 'test_batch.bin')
    assert data_set.record_bytes == 3073
    table = data_set.raw_records('train')
    assert table.dtype == np.uint8 and table.shape == (60, 3073)
    assert table.tobytes() == b''.join(
        data_helpers.CONTENTS[name] for name in cifar10.TRAIN_FILES)
    assert data_set.raw_records('test').tobytes() == data_helpers.CONTENTS[
        'test_batch.bin']
    # Nothing is written beside it, so it may be read-only.
    assert os.listdir(str(tmp_path)) == [cifar10.FOLDER]


@pytest.mark.parametrize('number', range(6))
def test_a_missing_file_is_named(tmp_path, number):
    folder = data_helpers.write_files(tmp_path)
    name = data_helpers.NAMES[number]
    (folder / name).unlink()
    before = data_helpers.snapshot(tmp_path)
    with fails(f'incomplete: {name} is missing', str(folder)):
        load(tmp_path)
    assert data_helpers.snapshot(tmp_path) == before


def test_all_missing_files_are_named_and_others_kept(tmp_path):
    folder = tmp_path / cifar10.FOLDER
    folder.mkdir()
    (folder / 'notes.txt').write_text('mine')
    with fails('incomplete', *data_helpers.NAMES):
        load(tmp_path)
    assert (folder / 'notes.txt').read_text() == 'mine'


@pytest.mark.parametrize('number', range(6))
def test_a_truncated_file_is_named(tmp_path, number):
    folder = data_helpers.write_files(tmp_path)
    name = data_helpers.NAMES[number]
    (folder / name).write_bytes(data_helpers.CONTENTS[name][:-1])
    before = data_helpers.snapshot(folder)
    size = NUM_RECORDS * 3073
    with fails(str(folder / name), f'{size - 1:,} bytes instead of {size:,}',
               'move'):
        load(tmp_path)
    assert data_helpers.snapshot(folder) == before


@pytest.mark.parametrize('number', range(6))
def test_a_flipped_bit_is_named(tmp_path, number):
    folder = data_helpers.write_files(tmp_path)
    name = data_helpers.NAMES[number]
    content = bytearray(data_helpers.CONTENTS[name])
    content[-1] ^= 1
    (folder / name).write_bytes(bytes(content))
    before = data_helpers.snapshot(folder)
    with fails(str(folder / name), 'SHA-256', 'move'):
        load(tmp_path)
    assert data_helpers.snapshot(folder) == before


def test_two_damaged_files_are_both_named(tmp_path):
    folder = data_helpers.write_files(tmp_path)
    for name in ('data_batch_2.bin', 'test_batch.bin'):
        (folder / name).write_bytes(b'')
    with fails('data_batch_2.bin', 'test_batch.bin'):
        load(tmp_path)


def test_a_folder_in_the_place_of_a_file_is_named(tmp_path):
    folder = data_helpers.write_files(tmp_path)
    (folder / 'data_batch_2.bin').unlink()
    (folder / 'data_batch_2.bin').mkdir()
    with fails('data_batch_2.bin', 'not a regular file'):
        load(tmp_path)


def test_a_pipe_in_the_place_of_a_file_does_not_block(tmp_path):
    folder = data_helpers.write_files(tmp_path)
    (folder / 'data_batch_2.bin').unlink()
    os.mkfifo(str(folder / 'data_batch_2.bin'))
    with fails('data_batch_2.bin', 'not a regular file'):
        load(tmp_path)


def test_a_dangling_link_is_explained(tmp_path):
    folder = data_helpers.write_files(tmp_path)
    (folder / 'data_batch_2.bin').unlink()
    (folder / 'data_batch_2.bin').symlink_to(tmp_path / 'nowhere')
    with fails(str(folder), 'No such file'):
        load(tmp_path)


def test_a_data_dir_that_is_a_file_is_named(tmp_path):
    path = tmp_path / 'x'
    path.write_text('mine')
    with fails(str(path), 'not a folder', '--data-dir'):
        load(path)
    assert path.read_text() == 'mine'


def test_a_data_dir_below_a_file_is_named(tmp_path):
    (tmp_path / 'x').write_text('mine')
    with fails(str(tmp_path / 'x' / 'y'), 'Not a directory', '--data-dir'):
        load(tmp_path / 'x' / 'y')


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    path = tmp_path / cifar10.FOLDER
    path.write_text('mine')
    with fails(str(path), 'Not a directory'):
        load(tmp_path)
    assert path.read_text() == 'mine'


def test_an_empty_data_dir_name_is_refused():
    with fails('empty name', '--data-dir'):
        load('')


def test_the_folder_itself_is_sent_to_its_parent(tmp_path, monkeypatch):
    folder = data_helpers.write_files(tmp_path)
    with fails(str(folder), f'--data-dir {tmp_path}'):
        load(folder)
    monkeypatch.chdir(str(folder))
    with fails(f'--data-dir {tmp_path}'):
        load('.')
    assert sorted(os.listdir(str(folder))) == sorted(data_helpers.NAMES)


def test_the_folder_itself_is_not_made_within_itself(tmp_path):
    folder = tmp_path / cifar10.FOLDER
    with fails(str(folder), f'--data-dir {tmp_path}'):
        load(folder)
    assert not folder.exists()


def test_the_files_under_another_name_are_sent_to_a_rename(tmp_path):
    data_helpers.write_files(tmp_path).rename(tmp_path / 'mine')
    with fails(f'Rename it to {cifar10.FOLDER}', f'--data-dir {tmp_path}'):
        load(tmp_path / 'mine')
    assert sorted(os.listdir(str(tmp_path))) == ['mine']


def test_one_file_alone_shows_that_it_is_the_folder_itself(tmp_path):
    data_helpers.write_files(tmp_path).rename(tmp_path / 'mine')
    for name in data_helpers.NAMES[1:]:
        (tmp_path / 'mine' / name).unlink()
    with fails('is the folder of the data files itself'):
        load(tmp_path / 'mine')


def test_permission_denied_is_one_line(tmp_path, monkeypatch):
    # Simulated: permissions do not hold back root.
    data_helpers.write_files(tmp_path)

    def refuse(path):
        raise PermissionError(13, 'Permission denied', path)

    monkeypatch.setattr(cifar10.os, 'listdir', refuse)
    with fails(cifar10.FOLDER, 'Permission denied', '--data-dir'):
        load(tmp_path)


def test_the_shipped_table_is_the_layout():
    assert [file.name for file in cifar10.FILES] == [
        *cifar10.TRAIN_FILES, cifar10.TEST_FILE]
    assert {file.size for file in cifar10.FILES} == {30730000}
    assert len({file.sha256 for file in cifar10.FILES}) == 6
    assert cifar10.RECORD_BYTES == 3073
    assert len(cifar10.CLASS_NAMES) == 10
