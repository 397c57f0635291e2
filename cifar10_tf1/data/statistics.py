"""The counts and extremes of the data files that the documents print."""

from typing import List
from typing import NamedTuple
from typing import Tuple

import numpy as np

NUM_FIRST_LABELS = 20

# Indices of the images that the documents show.
_SHOWN = {'data_batch_1': (0, 1), 'data_batch_2': (0, 1), 'data_batch_3': (0, 1),
          'data_batch_4': (0, 1, 10), 'data_batch_5': (0, 1)}


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
    image_shape: Tuple[int, int, int]  # height, width, channels
    images: List[ImageStatistics]


def compute_statistics(data_set, index=None):
    """Computes the statistics of each file: list of FileStatistics, test last.

    Args:
      data_set: a DataSet.
      index: int, the image of each file to describe, if the file has as many;
        default those that the documents show.
    Raises:
      UserError: as DataSet.raw_records.
    """
    return [_compute_file(*part, len(data_set.class_names), index)
            for part in data_set.list_parts()]


def format_statistics(number, file, image, class_names):
    """Formats a file and one of its images as the documents do, to the character.

    Args:
      number: int, the file's number, from 1.
      file: FileStatistics.
      image: ImageStatistics.
      class_names: sequence of str.
    Returns:
      str of several lines, the first one empty.
    """
    counts = dict(enumerate(file.label_counts))
    return (f'\nStats of batch {number}:\n'
            f'Samples: {file.num_examples}\n'
            f'Label Counts: {counts}\n'
            f'First 20 Labels: {file.first_labels}\n'
            f'\nExample of Image {image.index}:\n'
            f'Image - Min Value: {image.minimum} Max Value: {image.maximum}\n'
            f'Image - Shape: {file.image_shape}\n'
            f'Label - Label Id: {image.label} Name: {class_names[image.label]}')


def _compute_file(name, labels, images, num_classes, index):
    shown = [ImageStatistics(name, i, int(labels[i]), int(images[i].min()),
                             int(images[i].max()))
             for i in (_SHOWN.get(name, ()) if index is None else (index,))
             if i < len(images)]
    return FileStatistics(
        name, len(labels), np.bincount(labels, minlength=num_classes).tolist(),
        labels[:NUM_FIRST_LABELS].tolist(), int(images.min()),
        int(images.max()), images.shape[1:], shown)
