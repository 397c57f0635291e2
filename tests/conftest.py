"""Shared by all tests: the environment before TensorFlow, tiny data."""

import os
import pathlib
import shutil

import numpy as np
import pytest

from cifar10_tf1 import data
from cifar10_tf1.machine import description, resources, runtime

# The suite needs no GPU, and a run's data folder must not leak into it.
# On TensorFlow 2 the variable has it as inception_v3 is trained by default.
runtime.prepare_environment(prefers_onednn=os.environ.get('TF_ENABLE_ONEDNN_OPTS') == '1')
runtime.load_tensorflow()
# The first session decides for all; whichever test comes first, it is as a run
# without options records it.
runtime.start_threads(description.Threads(resources.count_cores(), resources.count_cores(), 2))

import model_helpers  # noqa: E402
import runs  # noqa: E402
from cifar10_tf1.data import cifar10  # noqa: E402
from cifar10_tf1.data.data_set import DataSet  # noqa: E402


def _set_aside(name):
    """Takes a variable out of the environment; gives its value.

    Under another name, pytest-xdist's processes find it, too.
    """
    kept = f'CIFAR10_TF1_TESTS_{name}'
    return os.environ.setdefault(kept, os.environ.pop(name, ''))


REAL_DIRS = {'cifar10': [_set_aside('CIFAR10_DATA_DIR')], 'mnist': [_set_aside('MNIST_DATA_DIR')]}
REAL_DIRS['mnist'] += [*REAL_DIRS['cifar10'], data.SOURCES['mnist'].folder]
os.environ.pop('MNIST_URL', None)
os.environ.pop('CIFAR10_MODEL_DIR', None)


@pytest.fixture(scope='session')
def find_real_data():
    """Function of 'cifar10' or 'mnist' to the folder of the real data; skips if none."""
    def find(name):
        for data_dir in filter(None, REAL_DIRS[name]):
            if data.SOURCES[name].is_present(data_dir):
                return data_dir
        pytest.skip(f'{data.SOURCES[name].variable} names no folder with the real data')

    return find


@pytest.fixture(scope='session')
def real_data_dir(find_real_data):
    return find_real_data('cifar10')


@pytest.fixture(scope='session')
def tiny_data_set(tmp_path_factory):
    """Five files of 80 random records (4 batches), 200 test records."""
    random, folder = np.random.RandomState(0), tmp_path_factory.mktemp('tiny')
    tables, paths = [], []
    for number, num_records in enumerate([80] * 5 + [200]):
        table = random.randint(0, 256, [num_records, cifar10.RECORD_BYTES])
        table[:, 0] = random.randint(0, 10, num_records)
        tables.append(table.astype(np.uint8))
        paths.append(str(folder / f'{number}.bin'))
        tables[-1].tofile(paths[-1])
    records = {'train': np.concatenate(tables[:-1]), 'test': tables[-1]}
    return DataSet(
        name='tiny', train_paths=tuple(paths[:-1]), test_paths=tuple(paths[-1:]), line_prefix='',
        num_train_examples=400, num_test_examples=200, num_train_files=5, sha256={},
        class_names=cifar10.CLASS_NAMES, image_shape=(32, 32, 3), raw_records=records.get)


@pytest.fixture
def tiny_cifar10(monkeypatch, tiny_data_set):
    """The tiny data set, which every command takes for CIFAR-10."""
    monkeypatch.setattr(cifar10, 'load_data_set', lambda data_dir: tiny_data_set)
    return tiny_data_set


@pytest.fixture
def image():
    """PIL.Image; skips without Pillow."""
    return model_helpers.need('PIL.Image')


@pytest.fixture(scope='session')
def finished_run(tiny_data_set, tmp_path_factory):
    """A run of two epochs; a test copies the folder before it changes it."""
    folder = tmp_path_factory.mktemp('finished')
    assert runs.train(folder, tiny_data_set, epochs=2, seed=3) == 0
    return folder


@pytest.fixture
def finished_copy(finished_run, tmp_path):
    """A copy of that run, seed 3, with checkpoints of steps 4 and 8."""
    return pathlib.Path(shutil.copytree(str(finished_run), str(tmp_path / 'finished')))


@pytest.fixture
def record_file(finished_run, tmp_path):
    """The run.json of that run, alone in a folder of its own."""
    return pathlib.Path(shutil.copy(str(finished_run / 'run.json'), str(tmp_path)))


def pytest_addoption(parser):
    parser.addoption('--whole-run', metavar='FOLDER',
                     help='with -m accuracy: train all of the 110 epochs there')
