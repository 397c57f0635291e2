"""The stand-in data sets: same bytes everywhere, learnable, verified."""

import os

import numpy as np
import pytest

from cifar10_tf1 import data
from cifar10_tf1.data import preparation, synthetic, synthetic_images
from data_helpers import fails

# Folder, name, numbers of records, image shape, an image file, its digest.
SETS = {
    'cifar10': ('cifar-10-batches-bin', 'synthetic', 10000, 2000, (32, 32, 3),
                'test_batch.bin',
                '3b49bd0a2983f3bbaa9649c2abd4f2053198291fe71021959027dd608d413564'),
    'mnist': ('mnist', 'synthetic-mnist', 6000, 1000, (28, 28, 1),
              't10k-images-idx3-ubyte',
              'e0b8f1a5244b5932d0497e2f89f9dec79d7c84e0d117e6560af8fc408394df9c')}
both = pytest.mark.parametrize('kind', sorted(SETS))


def load(data_dir, kind):
    return data.SOURCES[kind].load(str(data_dir), synthetic=True)


@pytest.fixture(scope='module')
def generated(tmp_path_factory):
    """A data folder with the generated files, which no test changes."""
    data_dir = tmp_path_factory.mktemp('generated')
    for kind in SETS:
        load(data_dir, kind)  # verifies the digests
    return data_dir


@pytest.fixture
def data_dir(generated, tmp_path):
    """A copy made of hard links, in which tests replace files."""
    for path in generated.glob('synthetic/*/*'):
        copy = tmp_path / path.relative_to(generated)
        copy.parent.mkdir(parents=True, exist_ok=True)
        os.link(str(path), str(copy))
    return tmp_path


@both
def test_it_is_generated_once_and_described(generated, kind, capfd):
    folder, name, num_train, num_test, shape, file, digest = SETS[kind]
    assert data.SOURCES[kind].is_present(str(generated), True)
    data_set = load(generated, kind)
    assert capfd.readouterr().err == ''  # not generated again
    assert data_set.name == name and data.is_synthetic(name)
    assert data_set.line_prefix.startswith('[synthetic, not ')
    assert (data_set.num_train_examples, data_set.num_test_examples) == (
        num_train, num_test)
    assert data_set.image_shape == shape and len(data_set.class_names) == 10
    assert data_set.sha256[file] == digest
    assert os.path.dirname(data_set.test_paths[0]) == str(
        generated / 'synthetic' / folder)
    assert sorted(os.listdir(str(generated / 'synthetic'))) == sorted(
        [preparation.LOCK_NAME, 'cifar-10-batches-bin', 'mnist'])


@both
def test_classes_are_balanced_and_shuffled(generated, kind):
    data_set = load(generated, kind)
    pictures = set()
    for split, count in (('train', SETS[kind][2]), ('test', SETS[kind][3])):
        table = data_set.raw_records(split)
        assert np.bincount(table[:, 0]).tolist() == [count // 10] * 10
        assert (np.diff(table[:, 0].astype(int)) == 0).mean() < 0.2
        assert table[:, 1:].min() == 0 and table[:, 1:].max() == 255
        pictures.update(row.tobytes() for row in table[:, 1:])
    assert len(pictures) == SETS[kind][2] + SETS[kind][3]


@both
def test_a_missing_file_is_generated_again(data_dir, kind, capfd):
    """As after a kill."""
    folder, *_, file, unused_digest = SETS[kind]
    path = data_dir / 'synthetic' / folder / file
    others = {other: other.stat().st_mtime_ns for other in path.parent.iterdir()
              if other != path}
    path.unlink()
    load(data_dir, kind)
    line, = capfd.readouterr().err.splitlines()
    assert line.startswith('Generating') and str(data_dir) in line
    assert {other: other.stat().st_mtime_ns for other in others} == others


def test_a_wrong_generator_is_noticed(data_dir, monkeypatch):
    monkeypatch.setattr(synthetic_images, 'NOISE', 31)
    (data_dir / 'synthetic' / 'cifar-10-batches-bin' / 'test_batch.bin').unlink()
    with fails('sha256'):
        synthetic.load_data_set(str(data_dir))
