"""Shared by all tests: the environment before TensorFlow, tiny data."""

import os
import pathlib
import shutil
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import tiny_data  # noqa: E402
from cifar10_tf1.machine import description, resources, runtime  # noqa: E402

# The suite needs no GPU, and a run's data folder must not leak into it.
# On TensorFlow 2 the variable has it as inception_v3 is trained by default.
runtime.prepare_environment(
    prefers_onednn=os.environ.get('TF_ENABLE_ONEDNN_OPTS') == '1')
runtime.load_tensorflow()
# The first session decides for all; whichever test comes first, it is as a run
# without options records it.
runtime.start_threads(description.Threads(resources.count_cores(),
                                          resources.count_cores(), 2))


def _set_aside(name):
    """Takes a variable out of the environment; gives its value.

    Kept under another name for the processes of pytest-xdist, which start in
    an environment from which it has been taken already.
    """
    kept = f'CIFAR10_TF1_TESTS_{name}'
    if name in os.environ:
        os.environ[kept] = os.environ.pop(name)
    return os.environ.get(kept)


REAL_DATA_DIR = _set_aside('CIFAR10_DATA_DIR')
REAL_MNIST_DIR = _set_aside('MNIST_DATA_DIR')
os.environ.pop('MNIST_URL', None)
os.environ.pop('CIFAR10_MODEL_DIR', None)


@pytest.fixture(scope='session')
def find_real_data():
    """Function of 'cifar10' or 'mnist' to the folder of the real data; skips if none."""
    from cifar10_tf1 import data

    def find(name):
        folders = ([REAL_DATA_DIR] if name == 'cifar10' else
                   [REAL_MNIST_DIR, REAL_DATA_DIR, data.SOURCES[name].folder])
        for data_dir in filter(None, folders):
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
    folder = tmp_path_factory.mktemp('tiny')
    tiny_data.write(folder)
    return tiny_data.load(folder)


@pytest.fixture
def tiny_cifar10(monkeypatch, tiny_data_set):
    """The tiny data set, which every command takes for CIFAR-10."""
    from cifar10_tf1.data import cifar10
    monkeypatch.setattr(cifar10, 'load_data_set', lambda data_dir: tiny_data_set)
    return tiny_data_set


@pytest.fixture(scope='session')
def stub_folder(tmp_path_factory):
    """A folder with the stub of libcuda.so.1; skips without a compiler."""
    import cuda_stubs
    folder = tmp_path_factory.mktemp('driver')
    cuda_stubs.build_driver(folder)
    return folder


@pytest.fixture
def image():
    """PIL.Image; skips without Pillow."""
    import model_helpers
    return model_helpers.need('PIL.Image')


@pytest.fixture(scope='session')
def finished_run(tiny_data_set, tmp_path_factory):
    """A run of two epochs; a test copies the folder before it changes it."""
    import runs
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
    path = tmp_path / 'run.json'
    path.write_text((finished_run / 'run.json').read_text())
    return path


def pytest_addoption(parser):
    parser.addoption('--whole-run', metavar='FOLDER',
                     help='with -m accuracy: train all of the 110 epochs there')
