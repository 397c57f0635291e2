"""The interface between the data files and the rest of the program."""

import mmap
import os
from typing import Callable
from typing import Dict
from typing import NamedTuple
from typing import Tuple

import numpy as np

from cifar10_tf1.data import preparation
from cifar10_tf1.common.errors import UserError

LABEL_BYTES = 1  # in front of a record's planes


class DataSet(NamedTuple):
    """Verified files, read on demand."""
    name: str                     # 'cifar10', 'mnist', 'synthetic...'
    line_prefix: str              # marks printed lines that contain a figure
    sha256: Dict[str, str]        # file name to digest, for run.json
    class_names: Tuple[str, ...]  # of labels 0, 1, ...
    image_shape: Tuple[int, int, int]  # height, width, channels
    train_paths: Tuple[str, ...]  # in the order of training
    test_paths: Tuple[str, ...]
    num_train_examples: int
    num_test_examples: int
    # (paths, num_records) to uint8 [num_records, record_bytes]
    load_bytes: Callable
    files_per_part: int = 1       # 2 if images and labels are separate files

    def list_parts(self):
        """Reads each file: (name without its ending, labels, images), test last.

        A part of two files has the name of the first. Raises UserError as
        raw_records.
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
        """Reads 'train' or 'test' as labels and images.

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
        """int: parts of the training records, all of equal size."""
        return len(self.train_paths) // self.files_per_part

    @property
    def record_bytes(self):
        """int, for the label and a plane for each channel."""
        height, width, channels = self.image_shape
        return LABEL_BYTES + height * width * channels

    @property
    def test_path(self):
        """The only test file: images and labels are in one file."""
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
          UserError: a file can't be read, or changed since it was verified.
        """
        if split == 'train':
            return self.load_bytes(self.train_paths, self.num_train_examples)
        return self.load_bytes(self.test_paths, self.num_test_examples)


def new_table(num_records, record_bytes):
    """An empty uint8 [num_records, record_bytes]."""
    # TensorFlow uses page-aligned memory without a copy. NumPy would ask for huge
    # pages, which can take the kernel a second.
    pages = mmap.mmap(-1, num_records * record_bytes,
                      mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    return np.frombuffer(pages, np.uint8).reshape(num_records, record_bytes)


def load_files(paths, num_records, record_bytes):
    """Reads the records of several files in turn.

    Args:
      paths: list of str, verified files.
      num_records: int, in all of them together.
      record_bytes: int.
    Returns:
      uint8 [num_records, record_bytes].
    Raises:
      UserError: a file can't be read, or their size changed.
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
    """UserError for files that changed after they were verified."""
    return UserError(f'{", ".join(paths)} changed after the check; start again')
