"""The stand-in data sets: same bytes everywhere, generated once, verified."""

import os
import pathlib

import pytest

from cifar10_tf1 import data
from cifar10_tf1.data import preparation


def load(data_dir, kind):
    return data.SOURCES[kind].load(str(data_dir), synthetic=True)


@pytest.fixture(scope='module')
def generated(tmp_path_factory):
    """A data folder with the generated files, which each test leaves as they are."""
    data_dir = tmp_path_factory.mktemp('generated')
    for kind in data.SOURCES:
        load(data_dir, kind)  # verifies the digests
    return data_dir


@pytest.mark.parametrize('kind, name, numbers, shape, file, digest', [
    ('cifar10', 'synthetic', (10000, 2000), (32, 32, 3), 'cifar-10-batches-bin/test_batch.bin',
     '3b49bd0a2983f3bbaa9649c2abd4f2053198291fe71021959027dd608d413564'),
    ('mnist', 'synthetic-mnist', (6000, 1000), (28, 28, 1), 'mnist/t10k-images-idx3-ubyte',
     'e0b8f1a5244b5932d0497e2f89f9dec79d7c84e0d117e6560af8fc408394df9c')])
def test_it_is_generated_once_and_described(generated, kind, name, numbers, shape, file, digest,
                                            capfd):
    assert data.SOURCES[kind].is_present(str(generated), True)
    data_set = load(generated, kind)
    assert capfd.readouterr().err == ''  # not generated again
    assert data_set.name == name and data.is_synthetic(name)
    assert data_set.line_prefix.startswith('[synthetic, not ')
    assert (data_set.num_train_examples, data_set.num_test_examples) == numbers
    assert data_set.image_shape == shape and len(data_set.class_names) == 10
    assert data_set.test_paths[0] == str(generated / 'synthetic' / file)
    assert data_set.sha256[os.path.basename(file)] == digest
    assert set(os.listdir(str(generated / 'synthetic'))) == {
        preparation.LOCK_NAME, 'cifar-10-batches-bin', 'mnist'}


@pytest.mark.parametrize('kind', sorted(data.SOURCES))
def test_a_missing_file_is_generated_again(generated, kind, capfd):
    """As after a kill."""
    path = pathlib.Path(load(generated, kind).test_paths[0])
    path.unlink()
    others = {other: other.stat().st_mtime_ns for other in path.parent.iterdir()}
    load(generated, kind)
    line, = capfd.readouterr().err.splitlines()
    assert line.startswith('Generating') and str(generated) in line
    assert {other: other.stat().st_mtime_ns for other in others} == others
