"""A data set of a few records in the layout of CIFAR-10."""

import numpy as np

from cifar10_tf1.data import cifar10
from cifar10_tf1.data.data_set import DataSet

_NAMES = [f'data_batch_{i}.bin' for i in range(1, 6)] + ['test_batch.bin']


def write(folder):
    """Five files of 80 random records (4 batches), 200 test records."""
    random = np.random.RandomState(0)
    for name, num_records in zip(_NAMES, [80] * 5 + [200]):
        records = random.randint(0, 256, [num_records, cifar10.RECORD_BYTES])
        records[:, 0] = random.randint(0, 10, num_records)
        (folder / name).write_bytes(records.astype(np.uint8).tobytes())


def load(folder):
    """The DataSet of the files that `write` made in a pathlib.Path."""
    paths = tuple(str(folder / name) for name in _NAMES)

    def raw_records(split):
        return np.concatenate([np.fromfile(path, np.uint8) for path in (
            paths[:-1] if split == 'train' else paths[-1:])]).reshape(
                -1, cifar10.RECORD_BYTES)

    return DataSet(
        name='tiny', train_paths=paths[:-1], test_paths=paths[-1:], line_prefix='',
        num_train_examples=400, num_test_examples=200, num_train_files=5, sha256={},
        class_names=cifar10.CLASS_NAMES, image_shape=(32, 32, 3),
        raw_records=raw_records)
