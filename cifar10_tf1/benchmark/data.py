"""Generated images for the benchmark, as many as the real data set has.

So epochs and tests have their real length and take as much memory.
"""

import os

import numpy as np

from cifar10_tf1 import data, systems
from cifar10_tf1.common import files
from cifar10_tf1.data import preparation

_FOLDER = 'full-size'


def generate(folder, system_name):
    """Writes the records of the generated set several times over.

    Args:
      folder: str, an empty folder with 220 MB of free space.
      system_name: str, one of systems.NAMES.
    Raises:
      UserError: the folder lacks space or can't be written to.
    """
    source = data.SOURCES[systems.find(system_name).data]
    small = source.load(folder, synthetic=True)
    with preparation.explained(f'write to {folder}'):
        os.makedirs(os.path.join(folder, _FOLDER))
        for split, number in (('train', source.num_train),
                              ('test', source.num_test)):
            content = small.raw_records(split).tobytes()
            files.write_atomically(
                os.path.join(folder, _FOLDER, split),
                content * (number * small.record_bytes // len(content)))


def load_data_set(folder, system_name):
    """Loads the DataSet that generate wrote: one file of records for each split."""
    source = data.SOURCES[systems.find(system_name).data]
    small = source.load(folder, synthetic=True)
    train, test = (os.path.join(folder, _FOLDER, split) for split in ('train', 'test'))
    return small._replace(
        train_paths=(train,), test_paths=(test,), num_train_files=1,
        num_train_examples=source.num_train, num_test_examples=source.num_test,
        raw_records=lambda split: np.fromfile(
            train if split == 'train' else test, np.uint8).reshape(
                -1, small.record_bytes))
