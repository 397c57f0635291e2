"""MNIST: finds, downloads, verifies and reads four IDX files, plain or gzipped.

An IDX file is a magic number and the length of each dimension, both big-endian
numbers of four bytes, then the values. Images are 28 x 28, row by row; 0 is the
background and 255 is ink.

Files are verified by the digest of their uncompressed content, under any usual
name. Departs from the original, which lets a library download the archives and
verifies nothing.
"""

import gzip
import os
import struct
import zlib
from typing import NamedTuple
from typing import Tuple

import numpy as np

from cifar10_tf1.data import download
from cifar10_tf1.data import preparation
from cifar10_tf1.data import verification
from cifar10_tf1.data.data_set import changed
from cifar10_tf1.data.data_set import DataSet
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.data.data_set import new_table
from cifar10_tf1.common.errors import UserError

HEIGHT = 28
WIDTH = 28
CHANNELS = 1
RECORD_BYTES = LABEL_BYTES + HEIGHT * WIDTH * CHANNELS
CLASS_NAMES = tuple('0123456789')
LINE_PREFIX = ''  # generated data marks its printed lines

URL_VARIABLE = 'MNIST_URL'  # a mirror's folder
URLS = ('https://storage.googleapis.com/cvdf-datasets/mnist/',
        'http://yann.lecun.com/exdb/mnist/')

# In the data folder; the last two are torchvision's.
_FOLDERS = ('', 'mnist', 'MNIST/raw', 'raw')


class IdxFile(NamedTuple):
    name: str               # without .gz
    shape: Tuple[int, ...]  # of labels [n], of images [n, 28, 28]
    digest: str             # SHA-256 of the uncompressed content

    @property
    def size(self):
        """int, bytes, uncompressed."""
        return len(build_header(self.shape)) + int(np.prod(self.shape))


# Training images and labels, then test images and labels.
FILES = (
    IdxFile('train-images-idx3-ubyte', (60000, HEIGHT, WIDTH),
            'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db'),
    IdxFile('train-labels-idx1-ubyte', (60000,),
            '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5'),
    IdxFile('t10k-images-idx3-ubyte', (10000, HEIGHT, WIDTH),
            '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7'),
    IdxFile('t10k-labels-idx1-ubyte', (10000,),
            'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2'),
)


def load_data_set(data_dir, urls=None, files=FILES):
    """Finds or downloads the four files, and verifies them.

    Never changes a file that was there before.

    Args:
      data_dir: str, the folder of the files, or the parent of mnist/ or MNIST/raw/.
      urls: sequence of str, folders on servers; default the user's mirror, or the
        official ones.
      files: sequence of IdxFile, in the order of FILES.
    Returns:
      DataSet.
    Raises:
      UserError: a file is damaged, or can't be downloaded or written.
    """
    data_dir = check_data_dir(data_dir)
    if list_missing(data_dir, files):
        mirror = os.environ.get(URL_VARIABLE)
        urls = urls or ((mirror,) if mirror else URLS)
        with preparation.locked(data_dir):
            # Another process may have downloaded them while this one waited.
            for file in list_missing(data_dir, files):
                _download(data_dir, file, urls)
    found = [find_file(data_dir, file) for file in files]
    reasons = [f'{path} is not the official file, or damaged: {damage}'
               for path, damage in found if damage]
    if reasons:
        raise UserError(f'{"; ".join(reasons)}. Move it away and run this again to '
                        'have it downloaded, put the right file there, or use '
                        '--data-dir or --synthetic.')
    return build_data_set('mnist', [path for path, unused in found], files,
                          LINE_PREFIX, CLASS_NAMES)


def build_header(shape):
    """The bytes of an IDX file before its values."""
    return struct.pack(f'>{1 + len(shape)}I', 0x800 + len(shape), *shape)


def is_present(data_dir):
    """Whether load_data_set would find the files instead of downloading them."""
    return not list_missing(data_dir)


def count_needed_bytes(data_dir):
    """Counts the bytes still to be written, at most: downloads stay packed."""
    return sum(file.size for file in list_missing(data_dir))


def list_offers():
    """Lists nothing: no other program's copies are known, unlike CIFAR-10's."""
    return []


def check_data_dir(data_dir):
    """Refuses what can't be the data folder; returns it as a str."""
    return preparation.check_data_dir(data_dir, 'the four files of MNIST')


def list_missing(data_dir, files=FILES):
    """Lists the IdxFiles that are absent under all of their usual names."""
    return [file for file in files if not _list_paths(data_dir, file)]


def find_file(data_dir, file):
    """(path, ''): the first intact file; (path, damage) of the first if none is."""
    first = None
    for path in _list_paths(data_dir, file):
        damage = find_damage(path, file)
        if not damage:
            return path, ''
        first = first or (path, damage)
    return first


def find_damage(path, file):
    """Describes what is wrong with a file, plain or gzipped; '' if nothing is."""
    if os.path.exists(path) and not os.path.isfile(path):
        return 'not a regular file'
    return verification.find_content_damage(_unpack(path, file.size + 1), file.digest)


def load_bytes(paths, num_records):
    """Reads images and labels into one table.

    Args:
      paths: (str, str), verified files of images and of labels.
      num_records: int, in each.
    Returns:
      uint8 [num_records, 785]: the label, then the image row by row.
    Raises:
      UserError: a file can't be read, or changed since it was verified.
    """
    table = new_table(num_records, RECORD_BYTES)
    for path, shape, columns in zip(
            paths, ((num_records, HEIGHT, WIDTH), (num_records,)),
            (table[:, LABEL_BYTES:], table[:, :LABEL_BYTES])):
        header = len(build_header(shape))
        content = _unpack(path, header + columns.size + 1)
        if len(content) != header + columns.size:
            raise changed([path])
        columns[...] = np.frombuffer(content, np.uint8, offset=header).reshape(
            columns.shape)
    return table


def build_data_set(name, paths, files, line_prefix, class_names):
    """Describes verified files, in the order of FILES, as a DataSet."""
    return DataSet(
        name=name, line_prefix=line_prefix,
        sha256={file.name: file.digest for file in files},
        class_names=class_names, image_shape=(HEIGHT, WIDTH, CHANNELS),
        train_paths=tuple(paths[:2]), test_paths=tuple(paths[2:]),
        num_train_examples=files[0].shape[0],
        num_test_examples=files[2].shape[0], load_bytes=load_bytes,
        files_per_part=2)


def _list_paths(data_dir, file):
    """Existing paths of a file, plain before gzipped."""
    other_name = file.name.replace('-idx', '.idx')
    paths = [os.path.join(data_dir, folder, name + packing)
             for folder in _FOLDERS for name in (file.name, other_name)
             for packing in ('', '.gz')]
    return [path for path in paths if os.path.lexists(path)]


def _download(data_dir, file, urls):
    name = file.name + '.gz'
    archive = download.Archive(
        name, tuple(f'{url.rstrip("/")}/{name}' for url in urls), None, None,
        lambda path: find_damage(path, file))
    download.fetch(
        data_dir, [archive], f'{file.name} of MNIST',
        f'put {name} (or the unpacked file) into {data_dir} by hand, name a folder '
        'that has it with --data-dir, or use generated data with --synthetic.')


def _unpack(path, limit):
    """The first bytes, uncompressed; none if the compression is damaged."""
    with preparation.explained(f'read {path}'), open(path, 'rb') as stream:
        # Don't trust the name: some programs unpack a file and keep its .gz.
        if stream.peek(2)[:2] != b'\x1f\x8b':
            return stream.read(limit)
        try:
            with gzip.open(stream) as unpacked:
                return unpacked.read(limit)
        except (EOFError, zlib.error):
            return b''
        except OSError as error:
            if error.errno is not None:
                raise
            return b''  # gzip's own error
