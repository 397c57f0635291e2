"""CIFAR-10's data folder in every state a user can leave it in."""

import os
import pickle

import numpy as np
import pytest

import data_helpers
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import preparation
from data_helpers import BINARY
from data_helpers import CONTENTS
from data_helpers import describe
from data_helpers import fails
from data_helpers import isolated  # noqa: F401
from data_helpers import load
from data_helpers import pack
from data_helpers import PACKED
from data_helpers import VERSIONS

both_versions = pytest.mark.parametrize('version', ['binary', 'python'])


def put(folder, name, kind):
    """Replaces a file by something else."""
    path = folder / name
    path.unlink()
    if kind == 'folder':
        path.mkdir()
    elif kind == 'pipe':
        os.mkfifo(str(path))
    elif kind == 'dangling link':
        path.symlink_to(folder / 'nowhere')
    else:
        path.write_bytes(kind)


@both_versions
def test_a_complete_folder(tmp_path, version):
    """Both versions give the same records and digests; a run can switch between them."""
    folder = data_helpers.write_files(tmp_path, version)
    data_set = load(tmp_path)
    assert data_set.name == 'cifar10' and data_set.line_prefix == ''
    assert data_set.sha256 == {file.name: file.digest for file in BINARY.files}
    assert data_set.class_names == cifar10.CLASS_NAMES
    assert data_set.test_path == str(folder / list(VERSIONS[version][1])[-1])
    assert (data_set.record_bytes, data_set.num_train_files) == (3073, 5)
    table = data_set.raw_records('train')
    assert table.dtype == np.uint8
    assert table.shape == (data_set.num_train_examples, 3073) == (60, 3073)
    assert table.tobytes() == b''.join(list(CONTENTS.values())[:5])
    assert data_set.raw_records('test').tobytes() == CONTENTS['test_batch.bin']
    assert [part[0] for part in data_set.list_parts()] == [
        name[:-len('.bin')] for name in CONTENTS]
    # Nothing is written beside it, so it may be read-only.
    assert os.listdir(str(tmp_path)) == [VERSIONS[version][0].folder]


def test_pixels_are_rows_columns_channels(tmp_path):
    folder = data_helpers.write_files(tmp_path)
    record = np.frombuffer(CONTENTS['test_batch.bin'], np.uint8)[:3073]
    labels, images = load(tmp_path).labels_and_images('test')
    assert images.shape == (12, 32, 32, 3) and labels[0] == record[0]
    for channel in range(3):
        assert images[0, 5, 17, channel] == record[1 + 1024 * channel + 5 * 32 + 17]
    assert folder.exists()


def test_the_binary_version_comes_first(tmp_path):
    data_helpers.write_files(tmp_path, 'python')
    folder = data_helpers.write_files(tmp_path)
    assert load(tmp_path).test_path == str(folder / 'test_batch.bin')


@both_versions
@pytest.mark.parametrize('number', range(6))
@pytest.mark.parametrize('change', [
    lambda content: content[:-1], lambda content: content[:-1] + b'!',
    lambda content: b''], ids=['cut', 'changed', 'empty'])
def test_a_damaged_file_is_named_and_kept(tmp_path, version, number, change):
    folder = data_helpers.write_files(tmp_path, version)
    name, content = list(VERSIONS[version][1].items())[number]
    put(folder, name, change(content))
    before = data_helpers.snapshot(folder)
    with fails(f'{folder / name} is damaged', '--data-dir', '--synthetic'):
        load(tmp_path)
    assert data_helpers.snapshot(folder) == before


def test_two_damaged_files_are_both_named(tmp_path):
    folder = data_helpers.write_files(tmp_path)
    for name in ('data_batch_2.bin', 'test_batch.bin'):
        put(folder, name, b'')
    with fails('data_batch_2.bin', 'test_batch.bin'):
        load(tmp_path)


@both_versions
@pytest.mark.parametrize('kind, words', [
    ('folder', 'not a regular file'), ('pipe', 'not a regular file'),
    ('dangling link', 'No such file')])
def test_what_is_no_file(tmp_path, version, kind, words):
    folder = data_helpers.write_files(tmp_path, version)
    put(folder, list(VERSIONS[version][1])[2], kind)
    with fails(str(folder), words):
        load(tmp_path)


def test_a_change_that_keeps_size_and_times(tmp_path):
    """A cache of verified files would miss it."""
    folder = data_helpers.write_files(tmp_path)
    load(tmp_path)
    path = folder / 'data_batch_3.bin'
    status = os.stat(str(path))
    path.write_bytes(path.read_bytes()[:-1] + b'!')
    os.utime(str(path), ns=(status.st_atime_ns, status.st_mtime_ns))
    with fails('data_batch_3.bin', 'SHA-256'):
        load(tmp_path)


RAN = []


class Call:
    """Pickles to a call, which runs when the pickle is loaded."""

    def __reduce__(self):
        return RAN.append, (1,)


@pytest.mark.parametrize('when', ['before', 'after the check'])
def test_a_hostile_pickle_is_not_read(tmp_path, when):
    folder = data_helpers.write_files(tmp_path, 'python')
    content = pickle.dumps(Call(), protocol=2)
    if when == 'before':
        put(folder, 'test_batch', content)
        with fails(str(folder / 'test_batch'), 'MD5'):
            load(tmp_path)
    else:
        data_set = load(tmp_path)
        put(folder, 'test_batch', content)
        with fails(str(folder / 'test_batch'), 'changed', 'start again'):
            data_set.raw_records('test')
    assert RAN == []


@pytest.mark.parametrize('change', [-1, 1])
def test_a_change_of_length_after_the_check(tmp_path, change):
    folder = data_helpers.write_files(tmp_path)
    data_set = load(tmp_path)
    content = CONTENTS['test_batch.bin']
    put(folder, 'test_batch.bin', (content + b'x')[:len(content) + change])
    with fails('test_batch.bin', 'start again'):
        data_set.raw_records('test')


# Archives


ARCHIVES = {'cifar-10-binary.tar.gz': PACKED,
            'cifar-10-python.tar.gz': data_helpers.PACKED_PYTHON,
            'cifar-10-binary.tar': pack(packed=False),
            'cifar-10-python.tar': pack('python', packed=False)}


@pytest.mark.parametrize('name', sorted(ARCHIVES))
@pytest.mark.parametrize('lacking', [6, 2, 1])
def test_an_archive_fills_the_folder(tmp_path, name, lacking):
    """A .tar.gz or a .tar; files already present stay."""
    version = name.split('-')[2].split('.')[0]
    described, contents = VERSIONS[version]
    if lacking < 6:
        folder = data_helpers.write_files(tmp_path, version)
        for file in list(contents)[:lacking]:
            (folder / file).unlink()
        (folder / 'data_batch_1.bin.123.tmp').write_text('of a killed process')
    (tmp_path / name).write_bytes(ARCHIVES[name])
    data_set = load(tmp_path, describe(PACKED), describe(
        data_helpers.PACKED_PYTHON, version='python'))
    assert data_helpers.snapshot(tmp_path / described.folder) == contents
    assert data_set.raw_records('test').tobytes() == CONTENTS['test_batch.bin']
    assert sorted(os.listdir(str(tmp_path))) == sorted(
        [preparation.LOCK_NAME, described.folder, name])


def test_others_can_read_what_was_extracted(tmp_path):
    (tmp_path / 'cifar-10-binary.tar.gz').write_bytes(PACKED)
    load(tmp_path, describe(PACKED))
    mask = os.umask(0)
    os.umask(mask)
    folder = tmp_path / cifar10.FOLDER
    assert folder.stat().st_mode & 0o777 == 0o777 & ~mask
    assert (folder / 'test_batch.bin').stat().st_mode & 0o777 == 0o666 & ~mask


@pytest.mark.parametrize('content', [
    PACKED[:1000], PACKED + b'x', PACKED[:-1] + b'x', b''],
    ids=['cut', 'long', 'changed', 'empty'])
def test_a_wrong_archive_is_named_kept_and_not_opened(tmp_path, content):
    path = tmp_path / 'cifar-10-binary.tar.gz'
    path.write_bytes(content)
    with fails(f'{path} is not the official archive', 'Move it away'):
        load(tmp_path, describe(PACKED))
    assert path.read_bytes() == content
    assert not (tmp_path / cifar10.FOLDER).exists()


@pytest.mark.parametrize('packed, words', [
    (pack(packed=False, data_batch_2=None), 'has no cifar-10-batches-bin/data_batch_2'),
    (pack(packed=False, data_batch_2=b'x'), 'data_batch_2.bin'),
    (pack(packed=False, data_batch_2=CONTENTS['data_batch_3.bin']), 'SHA-256'),
    (pack(packed=False)[:50000], 'damaged'), (b'something else' * 1000, 'damaged')],
    ids=['missing', 'short', 'other', 'cut', 'none'])
def test_a_wrong_archive_without_a_published_digest(tmp_path, packed, words):
    """Its wrong file is never put in place."""
    (tmp_path / 'cifar-10-binary.tar').write_bytes(packed)
    with fails(str(tmp_path / 'cifar-10-binary.tar'), words):
        load(tmp_path)
    extracted = data_helpers.snapshot(tmp_path / cifar10.FOLDER)
    assert len(extracted) < 6 and extracted.items() <= CONTENTS.items()


def test_a_folder_in_the_place_of_the_archive_is_named(tmp_path):
    (tmp_path / 'cifar-10-binary.tar.gz').mkdir()
    with fails(str(tmp_path / 'cifar-10-binary.tar.gz'), 'not a regular file'):
        load(tmp_path)


# The folder's name


@pytest.mark.parametrize('data_dir, words', [
    ('', 'empty name'), (__file__, 'is not a folder')])
def test_what_can_be_no_data_folder(data_dir, words):
    with fails(words, '--data-dir'):
        load(data_dir)


def test_a_data_dir_below_a_file_is_named(tmp_path):
    (tmp_path / 'x').write_text('mine')
    with fails(str(tmp_path / 'x' / 'y'), 'Not a directory', '--data-dir'):
        load(tmp_path / 'x' / 'y')


@both_versions
@pytest.mark.parametrize('name', [None, 'mine'])
@pytest.mark.parametrize('is_whole', [True, False])
def test_the_folder_itself_is_sent_to_its_parent(tmp_path, version, name, is_whole,
                                                 monkeypatch):
    folder = data_helpers.write_files(tmp_path, version)
    if name:
        folder.rename(tmp_path / name)
        folder = tmp_path / name
    if not is_whole:
        for path in sorted(folder.iterdir())[1:]:
            path.unlink()
    before = data_helpers.snapshot(tmp_path)
    with fails(str(folder), f'--data-dir {tmp_path}', 'Rename' if name else 'parent'):
        load(folder)
    monkeypatch.chdir(str(folder))
    with fails(f'--data-dir {tmp_path}'):
        load('.')
    assert data_helpers.snapshot(tmp_path) == before


@pytest.mark.parametrize('name, title', [
    ('cifar-100-python/train', 'CIFAR-100'), ('cifar-100-binary/train.bin', 'CIFAR-100'),
    ('fine_label_names.txt', 'CIFAR-100'), ('cifar-100-python.tar.gz', 'CIFAR-100'),
    ('train/1.png', 'Kaggle'), ('trainLabels.csv', 'Kaggle')])
def test_another_data_set_is_named_and_nothing_downloaded(tmp_path, name, title, capfd):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text('x')
    with data_helpers.Server(PACKED) as server:
        with fails(str(tmp_path), title, '--data-dir'):
            load(tmp_path, describe(PACKED, server.url))
        assert server.requests == [] and capfd.readouterr().err == ''
        # Beside CIFAR-10 it is in nobody's way.
        data_helpers.write_files(tmp_path)
        load(tmp_path)


# What others have


def test_what_others_have_is_offered_before_a_download(tmp_path, monkeypatch, capfd):
    keras = tmp_path / 'keras 1'
    monkeypatch.setenv('KERAS_HOME', str(keras))
    (tmp_path / 'here').mkdir()
    monkeypatch.chdir(str(tmp_path / 'here'))
    new = keras / 'datasets' / 'cifar-10-batches-py-target'
    for data_dir in (keras / 'datasets', new, tmp_path / 'here' / 'data'):
        data_helpers.write_files(data_dir, 'python')
    (new / 'cifar-10-batches-py' / 'test_batch').unlink()  # incomplete
    with data_helpers.Server(PACKED) as server:
        load(tmp_path / 'a', describe(PACKED, server.url))
    lines = capfd.readouterr().err.splitlines()
    assert f"--data-dir '{keras}/datasets'" in lines[0]
    assert '--data-dir ./data' in lines[1]
    assert lines[2].startswith('Downloading')
    # What is offered works, and is not offered to whoever has taken it.
    load('data')
    assert capfd.readouterr().err == ''


def test_keras_keeps_it_in_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.delenv('KERAS_HOME')
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.chdir(str(tmp_path))
    assert cifar10.list_offers() == []
    data_dir = tmp_path / '.keras/datasets/cifar-10-batches-py-target'
    data_helpers.write_files(data_dir, 'python')
    offer, = cifar10.list_offers()
    assert f'--data-dir {data_dir} ' in offer
