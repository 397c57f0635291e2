"""DataSet, the interface between the data files and the rest of the program."""

import mmap
import os
from concurrent import futures
from typing import Callable, Dict, NamedTuple, Tuple

import numpy as np

from cifar10_tf1.data import verification

LABEL_BYTES = 1  # in front of a record's planes


class DataSet(NamedTuple):
    """Verified files, read on demand."""
    name: str                     # 'cifar10', 'mnist', 'synthetic...'
    line_prefix: str              # marks printed lines that contain a figure
    sha256: Dict[str, str]        # file name -> digest, for run.json
    class_names: Tuple[str, ...]  # of labels 0, 1, ...
    image_shape: Tuple[int, int, int]  # height, width, channels
    train_paths: Tuple[str, ...]  # in the order of training
    test_paths: Tuple[str, ...]
    num_train_examples: int
    num_test_examples: int
    num_train_files: int          # parts of the training records, of equal size
    # 'train' or 'test' -> uint8 [num_examples, record_bytes]: a label, then the planes,
    # row by row. Raises UserError if a file can't be read or has changed.
    raw_records: Callable

    @property
    def record_bytes(self):
        return LABEL_BYTES + int(np.prod(self.image_shape))

    def labels_and_images(self, split):
        """Reads a split: uint8 [N]; uint8 [N, height, width, channels]."""
        return split_records(self.raw_records(split), self.image_shape)


def split_records(table, image_shape):
    """Splits records, uint8 [N, record_bytes], into labels and images."""
    height, width, channels = image_shape
    planes = table[:, LABEL_BYTES:].reshape(-1, channels, height, width)
    return table[:, 0], np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def verify(parts, sizes, parse, **fields):
    """Verifies the files of a data set, and describes them: DataSet.

    Args:
      parts: list of a part's list of (path, verification.DataFile); the last part is
        the test set.
      sizes: list of int, each part's number of records.
      parse: function from the contents of a part's files to uint8 [n, record_bytes].
      fields: the other fields of the DataSet.
    Raises:
      UserError: a file is damaged or can't be read.
    """
    def raw_records(split):
        chosen = slice(None, -1) if split == 'train' else slice(-1, None)
        table = _new_table(sum(sizes[chosen]), data_set.record_bytes)
        first = 0
        for part in parts[chosen]:
            rows = parse(*(verification.read(*file) for file in part))
            table[first:first + len(rows)] = rows
            first += len(rows)
        return table

    described = [file for part in parts for file in part]
    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        # Their lengths, because a list would keep the contents.
        list(pool.map(lambda file: len(verification.read(*file)), described))
    num_test = len(parts[-1])
    paths = tuple(path for path, unused_file in described)
    data_set = DataSet(
        train_paths=paths[:-num_test], test_paths=paths[-num_test:],
        num_train_examples=sum(sizes[:-1]), num_test_examples=sizes[-1],
        num_train_files=len(parts) - 1, raw_records=raw_records, **fields)
    return data_set


def _new_table(num_records, record_bytes):
    # TensorFlow uses page-aligned memory without a copy. NumPy would ask for huge
    # pages, which can take the kernel a second.
    pages = mmap.mmap(-1, num_records * record_bytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(pages, np.uint8).reshape(num_records, record_bytes)
