"""CIFAR-10's data folder in every state a user can leave it in."""

import os

import numpy as np
import pytest

from data_helpers import (
    BINARY, CONTENTS, fails, load, pack, PACKED, PACKED_PYTHON, Server, snapshot, VERSIONS,
    write_files)

both_versions = pytest.mark.parametrize('version', ['binary', 'python'])


@both_versions
@pytest.mark.parametrize('is_named_itself', [False, True])
def test_a_complete_folder(tmp_path, version, is_named_itself):
    """Both versions give the same records and digests; a run can switch between them."""
    folder = write_files(tmp_path, version)
    data_set = load(folder if is_named_itself else tmp_path)
    assert data_set.name == 'cifar10' and data_set.line_prefix == ''
    assert data_set.sha256 == {file.name: file.digest for file in BINARY.files}
    assert data_set.test_paths == (str(folder / list(VERSIONS[version][1])[-1]),)
    assert (data_set.record_bytes, data_set.num_train_files) == (3073, 5)
    assert (data_set.num_train_examples, data_set.num_test_examples) == (60, 12)
    table = data_set.raw_records('train')
    assert table.dtype == np.uint8 and table.shape == (60, 3073)
    assert table.tobytes() == b''.join(list(CONTENTS.values())[:5])
    assert data_set.raw_records('test').tobytes() == CONTENTS['test_batch.bin']
    # Nothing is written beside it, so it may be read-only.
    assert os.listdir(str(tmp_path)) == [VERSIONS[version][0].folder]


def test_pixels_are_rows_columns_channels(tmp_path):
    write_files(tmp_path)
    record = CONTENTS['test_batch.bin'][:3073]
    labels, images = load(tmp_path).labels_and_images('test')
    assert images.shape == (12, 32, 32, 3) and labels[0] == record[0]
    assert images[0, 5, 17].tolist() == list(record[1 + 5 * 32 + 17::1024])


@both_versions
@pytest.mark.parametrize('change', [
    lambda content: content[:-1], lambda content: content[:-1] + b'!'], ids=['cut', 'changed'])
def test_a_damaged_file_is_named_and_kept(tmp_path, version, change):
    folder = write_files(tmp_path, version)
    load(tmp_path)  # nothing remembers that the files were intact
    name, content = list(VERSIONS[version][1].items())[-1]
    (folder / name).write_bytes(change(content))
    before = snapshot(folder)
    with fails(f'{folder / name} is damaged', 'Move', '--data-dir', '--synthetic'):
        load(tmp_path)
    assert snapshot(folder) == before


@pytest.mark.parametrize('put, words', [
    (os.mkfifo, 'not a regular file'),  # to open it would wait for ever
    (lambda path: os.symlink('nowhere', path), 'No such file')])
def test_what_is_no_file(tmp_path, put, words):
    path = write_files(tmp_path) / 'data_batch_3.bin'
    path.unlink()
    put(str(path))
    with fails(str(path), words):
        load(tmp_path)


@pytest.mark.parametrize('is_checked_before', [False, True])
def test_a_hostile_pickle_is_not_loaded(tmp_path, is_checked_before):
    path = write_files(tmp_path, 'python') / 'test_batch'
    data_set = load(tmp_path)
    path.write_bytes(b'csys\nexit\n(tR.')  # calls sys.exit()
    with fails(str(path), 'md5'):
        data_set.raw_records('test') if is_checked_before else load(tmp_path)


@pytest.mark.parametrize('name, content', [
    ('cifar-10-binary.tar.gz', PACKED), ('cifar-10-python.tar.gz', PACKED_PYTHON),
    ('cifar-10-binary.tar', pack())], ids=['binary', 'python', 'unzipped'])
@pytest.mark.parametrize('is_one_missing', [False, True])
def test_an_archive_fills_the_folder(tmp_path, name, content, is_one_missing):
    """Files already present stay; others can read the new ones."""
    version = 'python' if 'python' in name else 'binary'
    described, contents = VERSIONS[version]
    if is_one_missing:
        folder = write_files(tmp_path, version)
        next(folder.glob('test_batch*')).unlink()
    (tmp_path / name).write_bytes(content)
    data_set = load(tmp_path)
    assert data_set.raw_records('test').tobytes() == CONTENTS['test_batch.bin']
    assert snapshot(tmp_path) == {
        name: content, described.folder: None,
        **{f'{described.folder}/{file}': content for file, content in contents.items()}}
    mask = os.umask(0)
    os.umask(mask)
    assert os.stat(data_set.test_paths[0]).st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize('name, content, words', [
    ('cifar-10-binary.tar.gz', PACKED[:1000], 'damaged'),
    ('cifar-10-binary.tar.gz', PACKED[:5000] + b'!' + PACKED[5001:], ''),
    ('cifar-10-binary.tar', pack()[:50000], 'damaged'),
    ('cifar-10-binary.tar', pack(data_batch_2=None),
     'does not contain cifar-10-batches-bin/data_batch_2'),
    ('cifar-10-binary.tar', pack(data_batch_2=CONTENTS['data_batch_3.bin']), 'sha256')],
    ids=['cut', 'changed', 'cut tar', 'missing', 'other'])
def test_a_damaged_archive_is_named_and_kept(tmp_path, name, content, words):
    """A wrong file of it is never put in place."""
    path = tmp_path / name
    path.write_bytes(content)
    with fails(str(path), words):
        load(tmp_path)
    assert path.read_bytes() == content
    extracted = snapshot(tmp_path / BINARY.folder)
    assert len(extracted) < 6 and extracted.items() <= CONTENTS.items()


@pytest.mark.parametrize('name, words', [('x', 'File exists'), ('x/y', 'Not a directory')])
def test_a_data_dir_that_is_a_file_or_below_one_is_named(tmp_path, name, words):
    (tmp_path / 'x').write_text('mine')
    with fails(str(tmp_path / name), words, '--data-dir'):
        load(tmp_path / name)


@pytest.mark.parametrize('name, title', [
    ('cifar-100-python', 'CIFAR-100'), ('trainLabels.csv', 'Kaggle')])
def test_another_data_set_is_named_and_nothing_downloaded(tmp_path, name, title):
    (tmp_path / name).write_text('x')
    with Server(PACKED) as server:
        with fails(str(tmp_path), title, '--data-dir'):
            load(tmp_path, [server.url])
    assert server.requests == []
    write_files(tmp_path)
    load(tmp_path)  # beside CIFAR-10 it is in nobody's way


def test_what_others_have_is_offered_before_a_download(tmp_path, monkeypatch, capfd):
    keras = tmp_path / 'keras 1'
    monkeypatch.setenv('KERAS_HOME', str(keras))
    monkeypatch.chdir(str(tmp_path))
    incomplete = keras / 'datasets' / 'cifar-10-batches-py-target'
    for data_dir in (keras / 'datasets', incomplete, tmp_path / 'data'):
        write_files(data_dir, 'python')
    (incomplete / 'cifar-10-batches-py' / 'test_batch').unlink()
    with Server(PACKED) as server:
        load('a', [server.url])
    lines = capfd.readouterr().err.splitlines()
    assert f"--data-dir '{keras}/datasets'" in lines[0]
    assert '--data-dir ./data' in lines[1]
    assert lines[2].startswith('Downloading')
    load('data')  # the offered folder works, and is not offered again
    assert capfd.readouterr().err == ''
