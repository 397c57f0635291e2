"""The counts and extremes of the data files that the documents print."""

import os
from typing import List
from typing import NamedTuple

import numpy as np

_NUM_FIRST_LABELS = 20


class FileStatistics(NamedTuple):
    name: str
    num_examples: int
    label_counts: List[int]  # of classes 0 to 9
    first_labels: List[int]
    minimum: int             # of all bytes of all images
    maximum: int


def compute_statistics(data_set):
    """The statistics of each file of a DataSet: list of FileStatistics, test last."""
    return [FileStatistics(
        name, len(labels),
        np.bincount(labels, minlength=len(data_set.class_names)).tolist(),
        labels[:_NUM_FIRST_LABELS].tolist(), int(images.min()), int(images.max()))
        for name, labels, images in list_parts(data_set)]


def list_parts(data_set):
    """Reads each file: (name without its ending, labels, images), test last.

    A part of two files has the name of the first.
    """
    parts = []
    for split, paths, number in (
            ('train', data_set.train_paths, data_set.num_train_files),
            ('test', data_set.test_paths, 1)):
        names = [os.path.splitext(os.path.basename(path))[0]
                 for path in paths[::len(paths) // number]]
        labels, images = data_set.labels_and_images(split)
        parts += zip(names, np.split(labels, number), np.split(images, number))
    return parts


def format_image(number, labels, images, index, class_names):
    """Formats a file and one of its images as the documents do, to the character.

    Args:
      number: int, the file's number, from 1.
      labels, images: uint8 [N] and [N, height, width, channels], the file.
      index: int, of the image, from 0.
      class_names: sequence of str.
    Returns:
      str of several lines, the first one empty.
    """
    image, label = images[index], int(labels[index])
    counts = np.bincount(labels, minlength=len(class_names)).tolist()
    return (f'\nStats of batch {number}:\n'
            f'Samples: {len(labels)}\n'
            f'Label Counts: {dict(enumerate(counts))}\n'
            f'First 20 Labels: {labels[:_NUM_FIRST_LABELS].tolist()}\n'
            f'\nExample of Image {index}:\n'
            f'Image - Min Value: {image.min()} Max Value: {image.max()}\n'
            f'Image - Shape: {image.shape}\n'
            f'Label - Label Id: {label} Name: {class_names[label]}')
