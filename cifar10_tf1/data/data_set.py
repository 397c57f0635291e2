"""DataSet, the interface between the data files and the rest of the program."""

import mmap
import os
from concurrent import futures
from typing import Callable, Dict, NamedTuple, Optional, Tuple

import numpy as np

from cifar10_tf1.common.errors import UserError
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
    raw_records: Optional[Callable] = None

    @property
    def record_bytes(self):
        return LABEL_BYTES + int(np.prod(self.image_shape))

    def labels_and_images(self, split):
        """Reads a split: uint8 [N]; uint8 [N, height, width, channels]."""
        height, width, channels = self.image_shape
        table = self.raw_records(split)
        planes = table[:, LABEL_BYTES:].reshape(-1, channels, height, width)
        return table[:, 0], np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def verify(data_set, files, way_out, parse):
    """Verifies the files of a DataSet, and adds its raw_records.

    Args:
      data_set: DataSet.
      files: sequence of DataFile, for train_paths and then test_paths.
      way_out: str, end of the message about a damaged file.
      parse: function from a part's contents, bytes, to uint8 [n, record_bytes].
    Raises:
      UserError: a file is damaged or can't be read.
    """
    num_train = len(data_set.train_paths)
    step = num_train // data_set.num_train_files  # files in a part

    def read_file(path, file):
        content = verification.load(path, file)
        damage = verification.find_damage(content, file)
        if damage:
            raise UserError(f'{path} is damaged ({damage}). {way_out}')
        return content

    def raw_records(split):
        paths, described, num_records = (
            (data_set.train_paths, files[:num_train], data_set.num_train_examples)
            if split == 'train' else
            (data_set.test_paths, files[num_train:], data_set.num_test_examples))
        table = _new_table(num_records, data_set.record_bytes)
        first = 0
        for i in range(0, len(paths), step):
            rows = parse(*map(read_file, paths[i:i + step], described[i:i + step]))
            table[first:first + len(rows)] = rows
            first += len(rows)
        return table

    with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for unused_size in pool.map(
                lambda *file: len(read_file(*file)),
                data_set.train_paths + data_set.test_paths, files):
            pass
    return data_set._replace(raw_records=raw_records)


def _new_table(num_records, record_bytes):
    # TensorFlow uses page-aligned memory without a copy. NumPy would ask for huge
    # pages, which can take the kernel a second.
    pages = mmap.mmap(-1, num_records * record_bytes,
                      mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(pages, np.uint8).reshape(num_records, record_bytes)
