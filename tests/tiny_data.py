"""A data set of a few records in the layout of CIFAR-10."""

import numpy as np

from cifar10_tf1.data import cifar10

_NUM_FILES = 5


def write(folder):
    """Five files of 80 random records (4 batches), 200 test records."""
    random = np.random.RandomState(0)
    for name, num_records in [(f'data_batch_{i + 1}.bin', 80)
                              for i in range(_NUM_FILES)] + [
                                  ('test_batch.bin', 200)]:
        records = random.randint(0, 256, [num_records, cifar10.RECORD_BYTES])
        records[:, 0] = random.randint(0, 10, num_records)
        (folder / name).write_bytes(records.astype(np.uint8).tobytes())


def load(folder):
    """The DataSet of the files that `write` made in a pathlib.Path."""
    return cifar10.DataSet(
        name='tiny', train_paths=tuple(
            str(folder / f'data_batch_{i + 1}.bin') for i in range(_NUM_FILES)),
        test_paths=(str(folder / 'test_batch.bin'),), num_train_examples=400,
        num_test_examples=200, line_prefix='', sha256={},
        class_names=cifar10.CLASS_NAMES, image_shape=(32, 32, 3),
        load_bytes=cifar10.load_bytes)
