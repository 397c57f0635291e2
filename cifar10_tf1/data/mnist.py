"""MNIST: finds, downloads, verifies and reads four IDX files, plain or gzipped.

An IDX file has a header of 4 bytes, 4 more for each dimension, and then the values.
Images are 28 x 28, row by row; 0 is the background and 255 is ink. The original lets a
library download the archives, and verifies nothing.
"""

import os

import numpy as np

from cifar10_tf1.data import data_set as data_sets, download, preparation
from cifar10_tf1.data.verification import DataFile

HEIGHT = 28
WIDTH = 28
IMAGE_HEADER_BYTES = 16
LABEL_HEADER_BYTES = 8
CLASS_NAMES = tuple('0123456789')

URL_VARIABLE = 'MNIST_URL'  # folder on a mirror
URLS = ('https://storage.googleapis.com/cvdf-datasets/mnist/', 'http://yann.lecun.com/exdb/mnist/')

# In the data folder; the last two are torchvision's.
_FOLDERS = ('', 'mnist', 'MNIST/raw', 'raw')

# Training images and labels, then test images and labels.
FILES = tuple(DataFile(name, size, digest, may_be_gzipped=True)
              for name, size, digest in (
    ('train-images-idx3-ubyte', 47040016,
     'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db'),
    ('train-labels-idx1-ubyte', 60008,
     '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5'),
    ('t10k-images-idx3-ubyte', 7840016,
     '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7'),
    ('t10k-labels-idx1-ubyte', 10008,
     'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2')))


def load_data_set(data_dir):
    """Finds or downloads the four files, and verifies them: DataSet.

    They are in data_dir or in its folder mnist/, raw/ or MNIST/raw/. Never changes an
    existing file. Raises UserError if one is damaged or can't be downloaded.
    """
    preparation.prepare(data_dir, lambda: is_present(data_dir),
                        lambda: _download_missing(data_dir))
    return build_data_set([_find(data_dir, file) for file in FILES], FILES,
                          name='mnist', line_prefix='', class_names=CLASS_NAMES)


def build_data_set(paths, files, **fields):
    """Verifies four files, in the order of FILES: DataSet."""
    pairs = list(zip(paths, files))
    return data_sets.verify(
        [pairs[:2], pairs[2:]],
        [file.size - LABEL_HEADER_BYTES for file in files[1::2]], _parse,
        sha256={file.name: file.digest for file in files},
        image_shape=(HEIGHT, WIDTH, 1), **fields)


def is_present(data_dir):
    """Whether load_data_set would download nothing."""
    return all(_find(data_dir, file) for file in FILES)


def _find(data_dir, file):
    """The first existing path of a file, plain before gzipped, or None."""
    paths = (os.path.join(data_dir, folder, name + packing)
             for folder in _FOLDERS
             for name in (file.name, file.name.replace('-idx', '.idx'))
             for packing in ('', '.gz'))
    return next(filter(os.path.lexists, paths), None)


def _download_missing(data_dir):
    mirror = os.environ.get(URL_VARIABLE)
    for file in FILES:
        if _find(data_dir, file):
            continue
        name = file.name + '.gz'
        packed = file._replace(name=name, size=None, urls=tuple(
            f'{url.rstrip("/")}/{name}' for url in ([mirror] if mirror else URLS)))
        download.fetch(
            data_dir, [packed], f'{file.name} of MNIST',
            f'put {name} (or the unpacked file) into {data_dir} yourself, use --data-dir to name '
            'a folder that has it, or use --synthetic for generated data.')


def _parse(images, labels):
    return np.column_stack([
        np.frombuffer(labels, np.uint8, offset=LABEL_HEADER_BYTES),
        np.frombuffer(images, np.uint8, offset=IMAGE_HEADER_BYTES).reshape(-1, HEIGHT * WIDTH)])
