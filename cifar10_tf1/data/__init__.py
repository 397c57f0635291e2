"""Data sets: found or downloaded, verified, and read into memory.

The command line reads this table before NumPy is imported.
"""

import importlib
import os
from typing import NamedTuple

from cifar10_tf1.common import paths


class Source(NamedTuple):
    """A documented data set and its generated stand-in."""
    title: str
    module: str           # in this package
    folder: str           # the default data folder
    variable: str         # environment variable that names another folder
    contents: str         # of the data folder, as printed
    num_train: int        # records
    num_test: int
    num_train_files: int  # of equal size
    num_bytes: int        # of disk space for the download and its files

    @property
    def data_dir(self):
        """str, the data folder unless an option names another."""
        folder = os.environ.get(self.variable)
        return paths.check(folder, self.variable) if folder else self.folder

    def load(self, data_dir, synthetic):
        """Loads the data set or its stand-in: data_set.DataSet."""
        if synthetic:
            return _import('synthetic').load_data_set(data_dir, self.module)
        return _import(self.module).load_data_set(data_dir)

    def is_present(self, data_dir, synthetic=False):
        """Whether `load` would neither download nor generate anything."""
        if synthetic:
            return _import('synthetic').is_present(data_dir, self.module)
        return _import(self.module).is_present(data_dir)

    def class_names(self, synthetic):
        """tuple of str: the classes of labels 0, 1, ..."""
        return _import('synthetic' if synthetic else self.module).CLASS_NAMES

    def line_prefix(self, synthetic):
        """Marks every printed line with a figure of generated data."""
        return f'[synthetic, not {self.title}] ' if synthetic else ''


def _import(name):
    return importlib.import_module(f'{__name__}.{name}')


def is_synthetic(data_name):
    """Whether a record's data set is generated."""
    return data_name.startswith('synthetic')


SOURCES = {
    'cifar10': Source('CIFAR-10', 'cifar10', 'dataset/cifar10', 'CIFAR10_DATA_DIR',
                      'cifar-10-batches-bin/ or cifar-10-batches-py/', 50000,
                      10000, 5, 354878071),
    'mnist': Source('MNIST', 'mnist', 'dataset/mnist', 'MNIST_DATA_DIR',
                    'the four files', 60000, 10000, 1, 54950048),
}
