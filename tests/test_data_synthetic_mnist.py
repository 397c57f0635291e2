"""The stand-in in grey: the same bytes everywhere, and something to learn."""

import os

import numpy as np
import pytest

import data_helpers
from cifar10_tf1.data import mnist
from cifar10_tf1.data import preparation
from cifar10_tf1.data import synthetic_images
from cifar10_tf1.data import synthetic_mnist
from data_helpers import fails, isolated  # noqa: F401

NAMES = sorted(file.name for file in mnist.FILES)


@pytest.fixture(scope='module')
def generated(tmp_path_factory):
    """A data folder with the generated files, which tests leave as they are."""
    data_dir = tmp_path_factory.mktemp('generated')
    synthetic_mnist.load_data_set(str(data_dir))  # verifies the digests
    return data_dir


@pytest.fixture
def folder(generated, tmp_path):
    """A copy by links, in which a test replaces files."""
    folder = tmp_path / 'synthetic' / 'mnist'
    folder.mkdir(parents=True)
    for name in NAMES:
        os.link(str(generated / 'synthetic' / 'mnist' / name),
                str(folder / name))
    return folder


def load(folder):
    return synthetic_mnist.load_data_set(str(folder.parent.parent))


def test_it_is_generated_and_described(generated, capfd):
    data_set = synthetic_mnist.load_data_set(str(generated))
    assert capfd.readouterr().err == ''  # not generated again
    assert data_set.name == 'synthetic-mnist'
    assert data_set.line_prefix == '[synthetic, not MNIST] '
    assert data_set.num_train_examples == 6000
    assert data_set.num_test_examples == 1000
    assert data_set.image_shape == (28, 28, 1)
    assert data_set.record_bytes == 785
    assert len(data_set.class_names) == 10
    assert data_set.sha256[NAMES[0]] == (
        'e0b8f1a5244b5932d0497e2f89f9dec79d7c84e0d117e6560af8fc408394df9c')
    assert sorted(os.listdir(str(generated / 'synthetic' / 'mnist'))) == NAMES
    assert sorted(os.listdir(str(generated / 'synthetic'))) == sorted(
        [preparation.LOCK_NAME, 'mnist'])


def test_classes_are_balanced_and_shuffled(generated):
    data_set = synthetic_mnist.load_data_set(str(generated))
    for split, count in (('train', 600), ('test', 100)):
        table = data_set.raw_records(split)
        assert np.bincount(table[:, 0]).tolist() == [count] * 10
        assert (np.diff(table[:, 0].astype(int)) == 0).mean() < 0.2
        assert table[:, 1:].min() == 0 and table[:, 1:].max() == 255
        assert len({row.tobytes() for row in table[:, 1:]}) == len(table)


def test_a_linear_classifier_learns_it(generated):
    """Clearly better than chance, 0.1; far from all, which takes layers."""
    data_set = synthetic_mnist.load_data_set(str(generated))

    def unpack(split):
        table = data_set.raw_records(split)
        return table[:, 0], table[:, 1:] / np.float32(255) - np.float32(0.4)

    labels, images = unpack('train')
    targets = np.eye(10, dtype=np.float32)[labels]
    weights = np.zeros([784, 10], np.float32)
    for _ in range(100):
        powers = np.exp(images.dot(weights))
        errors = powers / powers.sum(axis=1, keepdims=True) - targets
        weights -= 0.1 / len(images) * images.T.dot(errors)
    labels, images = unpack('test')
    accuracy = (images.dot(weights).argmax(axis=1) == labels).mean()
    assert 0.2 < accuracy < 0.6


def test_the_styles_differ_in_shape_alone_where_they_draw_the_labels():
    color = synthetic_images.build_records('x', 20)
    grey = synthetic_images.build_records('x', 20, synthetic_images.GREY)
    assert color.shape == (20, 3073) and grey.shape == (20, 785)
    assert np.array_equal(color[:, 0], grey[:, 0])


def test_a_damaged_file_is_named_and_kept(folder):
    path = folder / NAMES[0]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()  # the link, not the bytes that others share
    path.write_bytes(bytes(content))
    with fails(str(path), 'SHA-256', str(folder), 'generated again'):
        load(folder)
    assert path.read_bytes() == bytes(content)


def test_a_missing_file_is_named_and_nothing_generated(folder, capfd):
    (folder / NAMES[1]).unlink()
    with fails(f'{NAMES[1]} is missing', 'generated again'):
        load(folder)
    assert len(os.listdir(str(folder))) == 3
    assert capfd.readouterr().err == ''


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def refuse(_):
        raise OSError(28, 'No space left on device')

    monkeypatch.setattr(preparation.os, 'fsync', refuse)
    with fails('synthetic', 'No space left', '--data-dir'):
        synthetic_mnist.load_data_set(str(tmp_path))
    assert data_helpers.snapshot(tmp_path / 'synthetic') == {}
