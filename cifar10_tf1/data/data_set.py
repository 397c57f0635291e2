"""What a data set is to the rest of the program, whatever its files are like."""

import mmap
import os
from typing import Callable
from typing import Dict
from typing import NamedTuple
from typing import Tuple

import numpy as np

from cifar10_tf1.data import preparation
from cifar10_tf1.common.errors import UserError

LABEL_BYTES = 1  # of a record, before the planes


class DataSet(NamedTuple):
    """Verified files, read when they are needed."""
    name: str                     # 'cifar10', 'mnist', 'synthetic...'
    line_prefix: str              # before every printed line with a figure
    sha256: Dict[str, str]        # file name to digest, for the run's record
    class_names: Tuple[str, ...]  # of labels 0, 1, ...
    image_shape: Tuple[int, int, int]  # height, width, channels
    train_paths: Tuple[str, ...]  # in the order of training
    test_paths: Tuple[str, ...]
    num_train_examples: int
    num_test_examples: int
    # (paths, num_records) to uint8 [num_records, record_bytes]
    load_bytes: Callable
    files_per_part: int = 1       # 2 where images and labels have their own

    def list_parts(self):
        """(name, labels, images) of each part, the test files last.

        A name is that of the part's first file, without its ending. All parts of a
        split have as many records. Raises UserError as raw_records.
        """
        parts = []
        for split, paths in (('train', self.train_paths),
                             ('test', self.test_paths)):
            names = [os.path.splitext(os.path.basename(path))[0]
                     for path in paths[::self.files_per_part]]
            labels, images = self.labels_and_images(split)
            parts += zip(names, np.split(labels, len(names)),
                         np.split(images, len(names)))
        return parts

    def labels_and_images(self, split):
        """The records of 'train' or 'test' as labels and pictures.

        Returns:
          (labels, images): uint8 [N]; uint8 [N, height, width, channels].
        Raises:
          UserError: as raw_records.
        """
        height, width, channels = self.image_shape
        table = self.raw_records(split)
        planes = table[:, LABEL_BYTES:].reshape(-1, channels, height, width)
        return table[:, 0], np.ascontiguousarray(planes.transpose(0, 2, 3, 1))

    @property
    def num_train_files(self):
        """int: parts of the training records, all of one size."""
        return len(self.train_paths) // self.files_per_part

    @property
    def record_bytes(self):
        """int: the label, then a plane for each channel."""
        height, width, channels = self.image_shape
        return LABEL_BYTES + height * width * channels

    @property
    def test_path(self):
        """The test file of a data set with images and labels in one file."""
        path, = self.test_paths
        return path

    def raw_records(self, split):
        """Reads a split into memory.

        Args:
          split: 'train' or 'test'.
        Returns:
          uint8 [num_examples, record_bytes]: a label, then the planes, row by
          row.
        Raises:
          UserError: a file cannot be read, or changed since it was verified.
        """
        paths, num_examples = {
            'train': (self.train_paths, self.num_train_examples),
            'test': (self.test_paths, self.num_test_examples)}[split]
        return self.load_bytes(paths, num_examples)


def new_table(num_records, record_bytes):
    """uint8 [num_records, record_bytes], to be filled."""
    # Pages of its own: TensorFlow can use their address without a copy. NumPy's
    # would be huge ones, which the kernel may take a second to provide.
    pages = mmap.mmap(-1, num_records * record_bytes,
                      mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(pages, np.uint8).reshape(num_records, record_bytes)


def load_files(paths, num_records, record_bytes):
    """Files of records, one after the other.

    Args:
      paths: list of str, verified files.
      num_records: int, in all of them.
      record_bytes: int.
    Returns:
      uint8 [num_records, record_bytes].
    Raises:
      UserError: a file cannot be read, or the records are not as many.
    """
    table = new_table(num_records, record_bytes)
    view = memoryview(table.reshape(-1))
    num_bytes = 0
    for path in paths:
        with preparation.explained(f'read {path}'):
            num_bytes += os.path.getsize(path)
            with open(path, 'rb') as stream:
                view = view[stream.readinto(view):]
    if len(view) or num_bytes != table.size:
        raise changed(paths)
    return table


def changed(paths):
    """UserError for files that are no longer what they were when verified."""
    return UserError(f'{", ".join(paths)} changed after the check; start again')
