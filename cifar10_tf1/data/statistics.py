"""What the documents of record print of the data files: counts and extremes."""

from typing import List, NamedTuple

import numpy as np

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
      UserError: as DataSet.read.
    """
    return [_compute_file(*part, len(data_set.class_names))
            for part in data_set.list_parts()]


def _compute_file(name, labels, images, num_classes):
    shown = [ImageStatistics(name, i, int(labels[i]), int(images[i].min()),
                             int(images[i].max()))
             for file, i in _SHOWN if file == name and i < len(images)]
    return FileStatistics(
        name, len(labels),
        np.bincount(labels, minlength=num_classes).tolist(),
        labels[:NUM_FIRST_LABELS].tolist(), int(images.min()),
        int(images.max()), shown)
