"""The stand-in data set: the same bytes everywhere, and verified like the real."""

import hashlib
import os

import numpy as np
import pytest

import data_helpers
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import preparation
from cifar10_tf1.data import synthetic
from cifar10_tf1.data import synthetic_images
from cifar10_tf1.data import verification
from data_helpers import fails, isolated  # noqa: F401


@pytest.fixture(scope='module')
def generated(tmp_path_factory):
    """A data folder with the generated files, which tests leave as they are."""
    data_dir = tmp_path_factory.mktemp('generated')
    synthetic.load_data_set(str(data_dir))
    return data_dir


@pytest.fixture
def folder(generated, tmp_path):
    """A copy by links, in which a test replaces files."""
    folder = tmp_path / 'synthetic' / cifar10.FOLDER
    folder.mkdir(parents=True)
    source = generated / 'synthetic' / cifar10.FOLDER
    for name in data_helpers.NAMES:
        os.link(str(source / name), str(folder / name))
    return folder


def replace(path, content):
    path.unlink()  # the link, not the bytes that others share
    path.write_bytes(content)


def load(folder):
    return synthetic.load_data_set(str(folder.parent.parent))


def test_it_is_generated_with_the_shipped_digests(generated):
    folder = generated / 'synthetic' / cifar10.FOLDER
    for file in synthetic.FILES:
        content = (folder / file.name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == file.sha256
    assert sorted(os.listdir(str(folder))) == sorted(data_helpers.NAMES)
    assert sorted(os.listdir(str(generated / 'synthetic'))) == sorted(
        [preparation.LOCK_NAME, cifar10.FOLDER])


def test_it_is_described(folder, capfd):
    data_set = load(folder)
    assert data_set.name == 'synthetic'
    assert data_set.line_prefix == '[synthetic, not CIFAR-10] '
    assert data_set.num_train_examples == 10000
    assert data_set.num_test_examples == 2000
    assert data_set.train_paths[4] == str(folder / 'data_batch_5.bin')
    assert data_set.test_path == str(folder / 'test_batch.bin')
    assert data_set.sha256['test_batch.bin'] == synthetic.FILES[-1].sha256
    assert capfd.readouterr().err == ''  # not generated again


def test_classes_are_balanced_and_shuffled(folder):
    labels, images = cifar10.load_records(str(folder / 'test_batch.bin'))
    assert np.bincount(labels).tolist() == [200] * 10
    assert (np.diff(labels.astype(int)) == 0).mean() < 0.2
    assert len(synthetic.CLASS_NAMES) == 10
    assert images.min() == 0 and images.max() == 255


def test_no_two_files_share_an_image(folder):
    seen = set()
    for name in data_helpers.NAMES:
        _, images = cifar10.load_records(str(folder / name))
        seen.update(image.tobytes() for image in images)
    assert len(seen) == 12000


def test_brightness_does_not_tell_the_classes(folder):
    """The nearest class mean of the images' mean brightness is near chance."""
    labels, images = cifar10.load_records(str(folder / 'data_batch_1.bin'))
    brightness = images.mean(axis=(1, 2, 3))
    means = np.array([brightness[labels == k].mean() for k in range(10)])
    nearest = abs(brightness[:, None] - means).argmin(axis=1)
    assert (nearest == labels).mean() < 0.2


def test_a_label_of_10_names_the_record(folder):
    path = folder / 'data_batch_4.bin'
    content = bytearray(path.read_bytes())
    content[17 * cifar10.RECORD_BYTES] = 10
    replace(path, bytes(content))
    with fails(str(path), 'record 17 ', 'label 10'):
        load(folder)


def test_a_flipped_bit_is_named(folder):
    path = folder / 'test_batch.bin'
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    replace(path, bytes(content))
    with fails(str(path), 'SHA-256', str(folder), 'generated again'):
        load(folder)
    assert path.read_bytes() == bytes(content)


def test_a_truncated_file_is_named(folder):
    path = folder / 'data_batch_1.bin'
    replace(path, path.read_bytes()[:-3073])
    with fails(str(path), '6,142,927 bytes instead of 6,146,000'):
        load(folder)


def test_a_missing_file_is_named_and_nothing_generated(folder, capfd):
    (folder / 'data_batch_1.bin').unlink()
    with fails('data_batch_1.bin is missing', 'generated again'):
        load(folder)
    assert len(os.listdir(str(folder))) == 5
    assert capfd.readouterr().err == ''


def test_it_leaves_real_data_alone(tmp_path, monkeypatch):
    real = data_helpers.write_files(tmp_path)
    before = data_helpers.snapshot(real)
    use_small_files(monkeypatch)
    data_set = synthetic.load_data_set(str(tmp_path))
    assert data_helpers.snapshot(real) == before
    assert os.path.dirname(data_set.test_path) == str(
        tmp_path / 'synthetic' / cifar10.FOLDER)


def use_small_files(monkeypatch):
    """Makes the set ten records a file, for what is not about its content."""
    files = []
    for file in synthetic.FILES:
        content = synthetic_images.build_records(file.name, 10).tobytes()
        files.append(verification.DataFile(
            file.name, len(content), hashlib.sha256(content).hexdigest()))
    monkeypatch.setattr(synthetic, 'FILES', tuple(files))


def test_it_says_in_one_line_that_it_generates(tmp_path, monkeypatch, capfd):
    use_small_files(monkeypatch)
    synthetic.load_data_set(str(tmp_path))
    captured = capfd.readouterr()
    assert captured.out == ''
    line, = captured.err.splitlines()
    assert line.startswith('Generating') and str(tmp_path) in line


def test_leftovers_of_a_killed_generation_are_swept(tmp_path, monkeypatch):
    use_small_files(monkeypatch)
    leftover = tmp_path / 'synthetic' / '.cifar-10-batches-bin.123.tmp'
    leftover.mkdir(parents=True)
    (leftover / 'data_batch_1.bin').write_text('half')
    synthetic.load_data_set(str(tmp_path))
    assert not leftover.exists()


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuse(_):
        raise OSError(28, 'No space left on device')

    use_small_files(monkeypatch)
    monkeypatch.setattr(preparation.os, 'fsync', refuse)
    with fails('synthetic', 'No space left', '--data-dir'):
        synthetic.load_data_set(str(tmp_path))
    assert os.listdir(str(tmp_path / 'synthetic')) == [preparation.LOCK_NAME]


def test_a_wrong_generator_is_noticed(tmp_path, monkeypatch):
    use_small_files(monkeypatch)
    monkeypatch.setattr(synthetic_images, 'NOISE', 31)
    with fails('SHA-256'):
        synthetic.load_data_set(str(tmp_path))


def test_a_data_dir_that_is_a_file_is_named(tmp_path):
    (tmp_path / 'x').write_text('mine')
    with fails(str(tmp_path / 'x'), 'not a folder', '--data-dir'):
        synthetic.load_data_set(str(tmp_path / 'x'))
