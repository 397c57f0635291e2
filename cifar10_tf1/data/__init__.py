"""Data sets: found or downloaded, verified, and read into memory.

The command line needs the names before NumPy is imported.
"""

import importlib
import os
from typing import NamedTuple

from cifar10_tf1.common import paths


class Source(NamedTuple):
    """A documented data set, and the generated one that can stand in for it."""
    title: str
    module: str           # of this package, with load_data_set
    stand_in: str         # likewise
    folder: str           # the default data folder
    variable: str         # of the environment, names another data folder
    contents: str
    num_train: int        # records
    num_test: int
    num_train_files: int  # of equal size

    @property
    def data_dir(self):
        """str, the data folder where no option names one.

        Raises:
          UserError: where the variable names no folder of a file system.
        """
        folder = os.environ.get(self.variable)
        return paths.check(folder, self.variable) if folder else self.folder

    def load(self, data_dir, synthetic):
        """The data_set.DataSet, or its stand-in.

        Raises:
          UserError: as the modules' load_data_set.
        """
        return self.load_module(synthetic).load_data_set(data_dir)

    def is_present(self, data_dir, synthetic=False):
        """Whether `load` finds the data without a download or a generation."""
        return self.load_module(synthetic).is_present(data_dir)

    def load_module(self, synthetic):
        """The module of the data set, or of its stand-in.

        It has CLASS_NAMES and LINE_PREFIX, which is empty for documented data.
        """
        return importlib.import_module(
            f'{__name__}.{self.stand_in if synthetic else self.module}')


def is_synthetic(data_name):
    """Whether a record's data set is a generated one."""
    return data_name.startswith('synthetic')


SOURCES = {
    'cifar10': Source('CIFAR-10', 'cifar10', 'synthetic', 'dataset/cifar10',
                      'CIFAR10_DATA_DIR',
                      'cifar-10-batches-bin/ or cifar-10-batches-py/', 50000,
                      10000, 5),
    'mnist': Source('MNIST', 'mnist', 'synthetic_mnist', 'dataset/mnist',
                    'MNIST_DATA_DIR', 'the four files', 60000, 10000, 1),
}
