"""What the documents of record print of the data files: counts and extremes."""

import os
from typing import List, NamedTuple

import numpy as np

from cifar10_tf1.data import cifar10

NUM_FIRST_LABELS = 20

# The images that the documents show, by file and index.
_SHOWN = (('data_batch_1.bin', 0), ('data_batch_1.bin', 1),
          ('data_batch_4.bin', 10))


class ImageStatistics(NamedTuple):
    file: str
    index: int    # from 0
    label: int
    minimum: int  # of all bytes of the image
    maximum: int


class FileStatistics(NamedTuple):
    name: str
    num_examples: int
    label_counts: List[int]  # of classes 0 to 9
    first_labels: List[int]
    minimum: int             # of all bytes of all images
    maximum: int
    images: List[ImageStatistics]


def compute_statistics(data_set):
    """Of every file of a data set.

    Args:
      data_set: a DataSet.
    Returns:
      list of FileStatistics, the test file last.
    Raises:
      UserError: as cifar10.load_records.
    """
    return [_compute_file(path)
            for path in data_set.train_paths + (data_set.test_path,)]


def _compute_file(path):
    labels, images = cifar10.load_records(path)
    name = os.path.basename(path)
    shown = [ImageStatistics(name, i, int(labels[i]), int(images[i].min()),
                             int(images[i].max()))
             for file, i in _SHOWN if file == name and i < len(images)]
    return FileStatistics(
        name, len(labels),
        np.bincount(labels, minlength=cifar10.NUM_CLASSES).tolist(),
        labels[:NUM_FIRST_LABELS].tolist(), int(images.min()),
        int(images.max()), shown)
