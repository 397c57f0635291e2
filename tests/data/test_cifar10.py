"""CIFAR-10's data folder in every state a user can leave it in."""

import os
import pickle

import numpy as np
import pytest

import data_helpers
from cifar10_tf1.data import cifar10, preparation
from data_helpers import BINARY, CONTENTS, fails
from data_helpers import isolated  # noqa: F401
from data_helpers import load, pack, PACKED, snapshot, VERSIONS, write_files

both_versions = pytest.mark.parametrize('version', ['binary', 'python'])


@both_versions
def test_a_complete_folder(tmp_path, version):
    """Both versions give the same records and digests; a run can switch between them."""
    folder = write_files(tmp_path, version)
    data_set = load(tmp_path)
    assert data_set.name == 'cifar10' and data_set.line_prefix == ''
    assert data_set.sha256 == {file.name: file.digest for file in BINARY.files}
    assert data_set.test_paths == (str(folder / list(VERSIONS[version][1])[-1]),)
    assert (data_set.record_bytes, data_set.num_train_files) == (3073, 5)
    table = data_set.raw_records('train')
    assert table.dtype == np.uint8
    assert table.shape == (data_set.num_train_examples, 3073) == (60, 3073)
    assert table.tobytes() == b''.join(list(CONTENTS.values())[:5])
    assert data_set.raw_records('test').tobytes() == CONTENTS['test_batch.bin']
    # Nothing is written beside it, so it may be read-only.
    assert os.listdir(str(tmp_path)) == [VERSIONS[version][0].folder]


def test_pixels_are_rows_columns_channels(tmp_path):
    write_files(tmp_path)
    record = np.frombuffer(CONTENTS['test_batch.bin'], np.uint8)[:3073]
    labels, images = load(tmp_path).labels_and_images('test')
    assert images.shape == (12, 32, 32, 3) and labels[0] == record[0]
    for channel in range(3):
        assert images[0, 5, 17, channel] == record[1 + 1024 * channel + 5 * 32 + 17]


def test_the_binary_version_comes_first(tmp_path):
    write_files(tmp_path, 'python')
    folder = write_files(tmp_path)
    assert load(tmp_path).test_paths == (str(folder / 'test_batch.bin'),)


@both_versions
@pytest.mark.parametrize('number', [0, 5])
@pytest.mark.parametrize('change', [
    lambda content: content[:-1], lambda content: content[:-1] + b'!',
    lambda content: b''], ids=['cut', 'changed', 'empty'])
def test_a_damaged_file_is_named_and_kept(tmp_path, version, number, change):
    folder = write_files(tmp_path, version)
    load(tmp_path)  # nothing remembers that the files were intact
    name, content = list(VERSIONS[version][1].items())[number]
    (folder / name).write_bytes(change(content))
    before = snapshot(folder)
    with fails(f'{folder / name} is damaged', '--data-dir', '--synthetic'):
        load(tmp_path)
    assert snapshot(folder) == before


def test_a_pipe_in_the_place_of_a_file_is_refused(tmp_path):
    folder = write_files(tmp_path)
    (folder / 'test_batch.bin').unlink()
    os.mkfifo(str(folder / 'test_batch.bin'))  # to open it would wait for ever
    with fails('test_batch.bin', 'not a regular file'):
        load(tmp_path)


@pytest.mark.parametrize('put, words', [
    (os.mkdir, 'not a regular file'),
    (lambda path: os.symlink('nowhere', path), 'No such file')])
def test_what_is_no_file(tmp_path, put, words):
    path = write_files(tmp_path) / 'data_batch_3.bin'
    path.unlink()
    put(str(path))
    with fails(str(path), words):
        load(tmp_path)


RAN = []


class Call:
    """Pickles to a call, which runs when the pickle is loaded."""

    def __reduce__(self):
        return RAN.append, (1,)


@pytest.mark.parametrize('is_checked_before', [False, True])
def test_a_hostile_pickle_is_not_read(tmp_path, is_checked_before):
    path = write_files(tmp_path, 'python') / 'test_batch'
    data_set = load(tmp_path)
    path.write_bytes(pickle.dumps(Call(), protocol=2))
    with fails(str(path), 'md5'):
        data_set.raw_records('test') if is_checked_before else load(tmp_path)
    assert RAN == []


# Archives


ARCHIVES = {'cifar-10-binary.tar.gz': PACKED,
            'cifar-10-python.tar.gz': data_helpers.PACKED_PYTHON,
            'cifar-10-binary.tar': pack(packed=False)}


@pytest.mark.parametrize('name', sorted(ARCHIVES))
@pytest.mark.parametrize('num_missing', [6, 1])
def test_an_archive_fills_the_folder(tmp_path, name, num_missing):
    """Files already present stay; others can read the new ones."""
    described, contents = VERSIONS[name.split('-')[2].split('.')[0]]
    folder = tmp_path / described.folder
    if num_missing < 6:
        write_files(tmp_path, name.split('-')[2].split('.')[0])
        (folder / 'test_batch').unlink() if 'python' in name else (
            folder / 'test_batch.bin').unlink()
    (tmp_path / name).write_bytes(ARCHIVES[name])
    data_set = load(tmp_path)
    assert snapshot(folder) == contents
    assert data_set.raw_records('test').tobytes() == CONTENTS['test_batch.bin']
    assert sorted(os.listdir(str(tmp_path))) == sorted(
        [preparation.LOCK_NAME, described.folder, name])
    mask = os.umask(0)
    os.umask(mask)
    assert (folder.stat().st_mode & 0o777, os.stat(data_set.test_paths[0]).st_mode
            & 0o777) == (0o777 & ~mask, 0o666 & ~mask)


@pytest.mark.parametrize('name, content, words', [
    ('cifar-10-binary.tar.gz', PACKED[:1000], 'damaged'),
    ('cifar-10-binary.tar.gz', b'', 'damaged'),
    ('cifar-10-binary.tar.gz', PACKED[:5000] + b'!' + PACKED[5001:], ''),
    ('cifar-10-binary.tar', pack(packed=False, data_batch_2=None),
     'does not contain cifar-10-batches-bin/data_batch_2'),
    ('cifar-10-binary.tar', pack(packed=False, data_batch_2=b'x'), 'data_batch_2.bin'),
    ('cifar-10-binary.tar', pack(
        packed=False, data_batch_2=CONTENTS['data_batch_3.bin']), 'sha256'),
    ('cifar-10-binary.tar', pack(packed=False)[:50000], 'damaged')],
    ids=['cut', 'empty', 'changed', 'missing', 'short', 'other', 'cut tar'])
def test_a_damaged_archive_is_named_and_kept(tmp_path, name, content, words):
    """A wrong file of it is never put in place."""
    path = tmp_path / name
    path.write_bytes(content)
    with fails(str(path), words):
        load(tmp_path)
    assert path.read_bytes() == content
    extracted = snapshot(tmp_path / BINARY.folder)
    assert len(extracted) < 6 and extracted.items() <= CONTENTS.items()


def test_a_folder_in_the_place_of_the_archive_is_named(tmp_path):
    (tmp_path / 'cifar-10-binary.tar.gz').mkdir()
    with fails(str(tmp_path / 'cifar-10-binary.tar.gz'), 'Is a directory'):
        load(tmp_path)


# The folder's name


@pytest.mark.parametrize('data_dir', ['', __file__])
def test_what_can_be_no_data_folder(data_dir):
    with fails('is not a folder', '--data-dir'):
        load(data_dir)


def test_a_data_dir_below_a_file_is_named(tmp_path):
    (tmp_path / 'x').write_text('mine')
    with fails(str(tmp_path / 'x' / 'y'), 'Not a directory', '--data-dir'):
        load(tmp_path / 'x' / 'y')


@both_versions
@pytest.mark.parametrize('name', [None, 'mine'])
def test_the_folder_itself_is_sent_to_its_parent(tmp_path, version, name, monkeypatch):
    folder = write_files(tmp_path, version)
    if name:
        folder.rename(tmp_path / name)
        folder = tmp_path / name
    (folder / sorted(VERSIONS[version][1])[0]).unlink()
    before = snapshot(tmp_path)
    with fails(str(folder), f'--data-dir {tmp_path}', 'rename it' if name else ''):
        load(folder)
    monkeypatch.chdir(str(folder))
    with fails(f'--data-dir {tmp_path}'):
        load('.')
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize('name, title', [
    ('cifar-100-python/train', 'CIFAR-100'), ('fine_label_names.txt', 'CIFAR-100'),
    ('cifar-100-python.tar.gz', 'CIFAR-100'), ('trainLabels.csv', 'Kaggle')])
def test_another_data_set_is_named_and_nothing_downloaded(tmp_path, name, title, capfd):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text('x')
    with data_helpers.Server(PACKED) as server:
        with fails(str(tmp_path), title, '--data-dir'):
            load(tmp_path, [server.url])
        assert server.requests == [] and capfd.readouterr().err == ''
        # Beside CIFAR-10 it is in nobody's way.
        write_files(tmp_path)
        load(tmp_path)


def test_what_others_have_is_offered_before_a_download(tmp_path, monkeypatch, capfd):
    keras = tmp_path / 'keras 1'
    monkeypatch.setenv('KERAS_HOME', str(keras))
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(str(tmp_path / 'here'))
    new = keras / 'datasets' / 'cifar-10-batches-py-target'
    for data_dir in (keras / 'datasets', new, tmp_path / 'here' / 'data'):
        write_files(data_dir, 'python')
    (new / 'cifar-10-batches-py' / 'test_batch').unlink()  # incomplete
    with data_helpers.Server(PACKED) as server:
        load(tmp_path / 'a', [server.url])
    lines = capfd.readouterr().err.splitlines()
    assert f"--data-dir '{keras}/datasets'" in lines[0]
    assert '--data-dir ./data' in lines[1]
    assert lines[2].startswith('Downloading')
    # What is offered works, and is not offered to whoever has taken it.
    load('data')
    assert capfd.readouterr().err == ''
    monkeypatch.delenv('KERAS_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    write_files(tmp_path / '.keras' / 'datasets', 'python')
    assert f'--data-dir {tmp_path}/.keras/datasets ' in cifar10.list_offers()[0]
