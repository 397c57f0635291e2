"""The stand-in data sets: same bytes everywhere, generated once, verified."""

import os
from typing import NamedTuple, Tuple

import pytest

from cifar10_tf1 import data
from cifar10_tf1.data import preparation, synthetic, synthetic_images
from data_helpers import fails


class Set(NamedTuple):
    kind: str
    name: str
    folder: str
    num_train: int
    num_test: int
    image_shape: Tuple[int, int, int]
    file: str    # of test images
    digest: str  # its SHA-256


SETS = (
    Set('cifar10', 'synthetic', 'cifar-10-batches-bin', 10000, 2000, (32, 32, 3),
        'test_batch.bin', '3b49bd0a2983f3bbaa9649c2abd4f2053198291fe71021959027dd608d413564'),
    Set('mnist', 'synthetic-mnist', 'mnist', 6000, 1000, (28, 28, 1), 't10k-images-idx3-ubyte',
        'e0b8f1a5244b5932d0497e2f89f9dec79d7c84e0d117e6560af8fc408394df9c'))
both = pytest.mark.parametrize('expected', SETS, ids=[one.kind for one in SETS])


def load(data_dir, kind):
    return data.SOURCES[kind].load(str(data_dir), synthetic=True)


@pytest.fixture(scope='module')
def generated(tmp_path_factory):
    """A data folder with the generated files, which each test leaves as they are."""
    data_dir = tmp_path_factory.mktemp('generated')
    for one in SETS:
        load(data_dir, one.kind)  # verifies the digests
    return data_dir


@both
def test_it_is_generated_once_and_described(generated, expected, capfd):
    assert data.SOURCES[expected.kind].is_present(str(generated), True)
    data_set = load(generated, expected.kind)
    assert capfd.readouterr().err == ''  # not generated again
    assert data_set.name == expected.name and data.is_synthetic(expected.name)
    assert data_set.line_prefix.startswith('[synthetic, not ')
    assert data_set.num_train_examples == expected.num_train
    assert data_set.num_test_examples == expected.num_test
    assert data_set.image_shape == expected.image_shape and len(data_set.class_names) == 10
    assert data_set.sha256[expected.file] == expected.digest
    assert os.path.dirname(data_set.test_paths[0]) == str(
        generated / 'synthetic' / expected.folder)
    assert set(os.listdir(str(generated / 'synthetic'))) == {
        preparation.LOCK_NAME, *(one.folder for one in SETS)}


@both
def test_a_missing_file_is_generated_again(generated, expected, capfd):
    """As after a kill."""
    path = generated / 'synthetic' / expected.folder / expected.file
    path.unlink()
    others = {other: other.stat().st_mtime_ns for other in path.parent.iterdir()}
    load(generated, expected.kind)
    line, = capfd.readouterr().err.splitlines()
    assert line.startswith('Generating') and str(generated) in line
    assert {other: other.stat().st_mtime_ns for other in others} == others


def test_a_wrong_generator_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_images, 'NOISE', 31)
    with fails('sha256'):
        synthetic.load_data_set(str(tmp_path))
