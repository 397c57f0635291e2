"""MNIST: four IDX files, plain or packed by gzip, and the way to them.

An IDX file is a magic number, the length of each dimension, then the bytes; all
numbers of four bytes, the greatest first. Images are 28 x 28, row by row, 0 the
background and 255 the ink.

What counts is the digest of the content: the same content packed anew passes.
(The original lets a library download the archives, and verifies nothing.)
"""

import gzip
import hashlib
import os
import stat
import struct
import zlib
from typing import NamedTuple, Tuple

import numpy as np

from cifar10_tf1.data import download
from cifar10_tf1.data import preparation
from cifar10_tf1.data.data_set import DataSet
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.data.data_set import new_table
from cifar10_tf1.common.errors import UserError

HEIGHT = 28
WIDTH = 28
CHANNELS = 1
IMAGE_BYTES = HEIGHT * WIDTH * CHANNELS
RECORD_BYTES = LABEL_BYTES + IMAGE_BYTES
CLASS_NAMES = tuple('0123456789')
LINE_PREFIX = ''  # of printed lines; a generated data set has one
NUM_CLASSES = len(CLASS_NAMES)

FOLDER = 'mnist'  # in the data folder, where that does not hold the files itself
DATA_DIR = 'dataset/mnist'
DATA_DIR_VARIABLE = 'MNIST_DATA_DIR'
URL_VARIABLE = 'MNIST_URL'  # a mirror's folder; what it gives is verified too
URLS = ('https://storage.googleapis.com/cvdf-datasets/mnist/',
        'http://yann.lecun.com/exdb/mnist/')

_KINDS = {0x801: 'labels', 0x803: 'images'}  # magic numbers of unsigned bytes


class IdxFile(NamedTuple):
    name: str               # without .gz
    shape: Tuple[int, ...]  # of labels [n], of images [n, 28, 28]
    sha256: str             # of the content, unpacked


# Images and labels to train with, then to test with.
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
    """Finds the four files, or downloads those that are missing; verifies them.

    Args:
      data_dir: str, the folder that holds them, or holds them in mnist/.
      urls: sequence of str, folders on servers; by default the user's mirror,
        or the official ones.
      files: IdxFile for each of the four, in the order of FILES.
    Returns:
      DataSet.
    Raises:
      UserError: what is wrong and the way out. No file that was there before
        is changed.
    """
    data_dir = preparation.check_data_dir(data_dir, 'the four files of MNIST')
    folder = find_folder(data_dir, files)
    if list_missing(folder, files):
        mirror = os.environ.get(URL_VARIABLE)
        urls = urls or ((mirror,) if mirror else URLS)
        with preparation.locked(folder):
            # Another process may have brought them while this one waited.
            for file in list_missing(folder, files):
                download.load_archive(folder, [_archive(file, urls)], 0)
    paths = [find_path(folder, file) for file in files]
    damage = [(path, find_damage(path, file))
              for path, file in zip(paths, files)]
    reasons = [f'{path} is not the official file, or damaged: {reason}'
               for path, reason in damage if reason]
    if reasons:
        raise UserError(f'{"; ".join(reasons)}. Move it away and run this '
                        f'again to have it downloaded, put the right file '
                        f'there, or use --data-dir or --synthetic.')
    return build_data_set('mnist', paths, files, '', CLASS_NAMES)


def count_needed_bytes(data_dir):
    """What the folder still needs, at most: the files are kept packed."""
    return sum(_header_bytes(file.shape) + int(np.prod(file.shape))
               for file in list_missing(find_folder(data_dir)))


def is_at_hand(data_dir):
    """Whether load_data_set finds something there, rather than download it."""
    return not list_missing(find_folder(data_dir))


def find_folder(data_dir, files=FILES):
    """str, data_dir or its mnist/: that which has most of the files."""
    return min((data_dir, os.path.join(data_dir, FOLDER)),
               key=lambda folder: len(list_missing(folder, files)))


def list_missing(folder, files=FILES):
    """The IdxFiles that are there neither plain nor packed."""
    return [file for file in files if find_path(folder, file) is None]


def find_path(folder, file):
    """str, of the plain file before the packed one; None without either."""
    for name in (file.name, file.name + '.gz'):
        path = os.path.join(folder, name)
        if os.path.lexists(path):
            return path
    return None


def find_damage(path, file):
    """What is wrong with a file, plain or packed, or an empty string."""
    try:
        with preparation.explained(f'read {path}'):
            content = _read(path, file.shape)
    except _Damage as damage:
        return str(damage)
    digest = hashlib.sha256(content).hexdigest()
    return '' if digest == file.sha256 else (
        f'SHA-256 {digest[:12]}... of the content instead of '
        f'{file.sha256[:12]}...')


def load_bytes(paths, num_records):
    """The images and labels of two files as one table.

    Args:
      paths: (str, str), of images and of labels; verified.
      num_records: int, in each.
    Returns:
      uint8 [num_records, 785]: the label, then the image row by row.
    Raises:
      UserError: where one can't be read, or is not what it was.
    """
    table = new_table(num_records, RECORD_BYTES)
    shapes = ((num_records, HEIGHT, WIDTH), (num_records,))
    for path, shape, columns in zip(paths, shapes, (
            table[:, LABEL_BYTES:], table[:, :LABEL_BYTES])):
        try:
            with preparation.explained(f'read {path}'):
                content = _read(path, shape)
        except _Damage as damage:
            raise UserError(f'{path} changed after the check ({damage}); '
                            f'start again.') from damage
        columns[...] = np.frombuffer(
            content, np.uint8, offset=_header_bytes(shape)).reshape(
                columns.shape)
    return table


def build_data_set(name, paths, files, line_prefix, class_names):
    """Describes verified files, in the order of FILES, as a DataSet."""
    return DataSet(
        name=name, line_prefix=line_prefix,
        sha256={file.name: file.sha256 for file in files},
        class_names=class_names, image_shape=(HEIGHT, WIDTH, CHANNELS),
        train_paths=tuple(paths[:2]), test_paths=tuple(paths[2:]),
        num_train_examples=files[0].shape[0],
        num_test_examples=files[2].shape[0], load_bytes=load_bytes,
        files_per_part=2)


def build_header(shape):
    """bytes of an IDX file before its values."""
    return struct.pack(f'>{1 + len(shape)}I', 0x800 + len(shape), *shape)


def _archive(file, urls):
    name = file.name + '.gz'
    return download.Archive(
        name, f'{file.name} of MNIST', f'{name} (or the file unpacked)',
        tuple(f'{url.rstrip("/")}/{name}' for url in urls), None,
        find_damage=lambda path: find_damage(path, file))


class _Damage(Exception):
    """A file is not what it should be; the text says why."""


def _read(path, shape):
    """The content of an IDX file, verified but for its digest: bytes."""
    content = _unpack(path, _header_bytes(shape) + int(np.prod(shape)) + 1)
    found = [number for number, in struct.iter_unpack(
        '>I', content[:len(content[:16]) // 4 * 4])]
    kind = _KINDS[0x800 + len(shape)]
    if found[:1] != [0x800 + len(shape)]:
        magic = f'the magic number 0x{found[0]:08x}' if found else 'no header'
        other = _KINDS.get(found[0] if found else None)
        raise _Damage(f'it has {magic}' + (f', of {other},' if other else '')
                      + f' instead of 0x{0x800 + len(shape):08x}, of {kind}')
    lengths = tuple(found[1:1 + len(shape)])
    if lengths != shape:
        raise _Damage(f'its header says {" x ".join(map(str, lengths))} {kind} '
                      f'instead of {" x ".join(map(str, shape))}')
    size = _header_bytes(shape) + int(np.prod(shape))
    if len(content) != size:
        raise _Damage(f'{len(content):,} bytes instead of {size:,}, cut off'
                      if len(content) < size else
                      f'bytes follow after the {size:,} that belong to it')
    if kind == 'labels':
        labels = np.frombuffer(content, np.uint8, offset=_header_bytes(shape))
        wrong = np.flatnonzero(labels >= NUM_CLASSES)
        if wrong.size:
            raise _Damage(f'label {wrong[0]} (counted from 0) is '
                          f'{labels[wrong[0]]}, not one of 0 to '
                          f'{NUM_CLASSES - 1}')
    return content


def _header_bytes(shape):
    return 4 + 4 * len(shape)


def _unpack(path, limit):
    """The first `limit` bytes; unpacked where it begins as gzip does."""
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise _Damage('not a regular file')
    with open(path, 'rb') as stream:
        # By its first bytes: some programs unpack and leave the name.
        if stream.peek(2)[:2] != b'\x1f\x8b':
            return stream.read(limit)
        try:
            with gzip.open(stream) as unpacked:
                return unpacked.read(limit)
        except (EOFError, zlib.error) as error:
            raise _Damage(f'its gzip stream is cut off or damaged ({error})'
                          ) from error
        except OSError as error:
            if error.errno is not None:
                raise  # the disk's, not the file's
            raise _Damage(f'its gzip stream is damaged ({error})') from error
