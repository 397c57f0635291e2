"""MNIST: finds, downloads, verifies and reads four IDX files, plain or gzipped.

An IDX file has a header of 4 bytes, 4 more for each dimension, and then the values.
Images are 28 x 28, row by row; 0 is the background and 255 is ink. The original lets a
library download the archives, and verifies nothing.
"""

import os

import numpy as np

from cifar10_tf1.data import data_set as data_sets, download, preparation, verification
from cifar10_tf1.data.preparation import check_data_dir
from cifar10_tf1.data.verification import DataFile

HEIGHT = 28
WIDTH = 28
IMAGE_HEADER_BYTES = 16
LABEL_HEADER_BYTES = 8
CLASS_NAMES = tuple('0123456789')
LINE_PREFIX = ''  # generated data marks its printed lines

URL_VARIABLE = 'MNIST_URL'  # folder on a mirror
URLS = ('https://storage.googleapis.com/cvdf-datasets/mnist/',
        'http://yann.lecun.com/exdb/mnist/')

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


def load_data_set(data_dir, urls=None, files=FILES):
    """Finds or downloads the four files, and verifies them: DataSet.

    Never changes an existing file.

    Args:
      data_dir: str, the folder of the files, or the parent of mnist/ or MNIST/raw/.
      urls: folders on servers; by default the user's mirror, or the official ones.
      files: sequence of DataFile, in the order of FILES.
    Raises:
      UserError: a file is damaged, or can't be downloaded or written.
    """
    data_dir = check_data_dir(data_dir)
    if list_missing(data_dir, files):
        mirror = os.environ.get(URL_VARIABLE)
        with preparation.locked(data_dir):
            # Another process may have downloaded them while this one waited.
            for file in list_missing(data_dir, files):
                _download(data_dir, file, urls or ((mirror,) if mirror else URLS))
    return build_data_set(
        'mnist', LINE_PREFIX, CLASS_NAMES,
        [_find_intact(data_dir, file) for file in files], files)


def build_data_set(name, line_prefix, class_names, paths, files):
    """Verifies four files, in the order of FILES: DataSet."""
    return data_sets.verify(data_sets.DataSet(
        name=name, line_prefix=line_prefix,
        sha256={file.name: file.digest for file in files},
        class_names=class_names, image_shape=(HEIGHT, WIDTH, 1),
        train_paths=tuple(paths[:2]), test_paths=tuple(paths[2:]),
        num_train_examples=files[1].size - LABEL_HEADER_BYTES,
        num_test_examples=files[3].size - LABEL_HEADER_BYTES, num_train_files=1),
        files, 'Move it away and run this again to download it, replace it with the '
        'right file, or use --data-dir or --synthetic.', _parse)


def is_present(data_dir):
    """Whether load_data_set would download nothing."""
    return not list_missing(data_dir)


def list_offers():
    """No lines: unlike for CIFAR-10, no other program's copies are known."""
    return []


def list_missing(data_dir, files=FILES):
    """Lists the DataFiles that exist under none of their usual names."""
    return [file for file in files if not _list_paths(data_dir, file)]


def _list_paths(data_dir, file):
    """Existing paths of a file, plain before gzipped."""
    paths = [os.path.join(data_dir, folder, name + packing)
             for folder in _FOLDERS
             for name in (file.name, file.name.replace('-idx', '.idx'))
             for packing in ('', '.gz')]
    return [path for path in paths if os.path.lexists(path)]


def _find_intact(data_dir, file):
    """The first intact path of a file, or the first one."""
    paths = _list_paths(data_dir, file)
    for path in paths if len(paths) > 1 else ():
        if not verification.find_damage(verification.load(path, file), file):
            return path
    return paths[0]


def _download(data_dir, file, urls):
    name = file.name + '.gz'
    packed = file._replace(name=name, size=None, urls=tuple(
        f'{url.rstrip("/")}/{name}' for url in urls))
    download.fetch(
        data_dir, [packed], f'{file.name} of MNIST',
        f'put {name} (or the unpacked file) into {data_dir} yourself, use --data-dir to '
        'name a folder that has it, or use --synthetic for generated data.')


def _parse(images, labels):
    return np.column_stack([
        np.frombuffer(labels, np.uint8, offset=LABEL_HEADER_BYTES),
        np.frombuffer(images, np.uint8, offset=IMAGE_HEADER_BYTES).reshape(
            -1, HEIGHT * WIDTH)])
