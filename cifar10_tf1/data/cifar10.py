"""CIFAR-10: the layout of its two versions, and the way to its files.

Six files of 10,000 records. One record is 3,073 bytes: the label, then the red,
the green and the blue plane of 32 x 32 bytes each, row by row. So in the binary
version; the Python version has pickles of the same labels and planes, which are
read as records and held against the same digests.

Departs from the originals, which look for the archive and not for the files,
and verify neither.
"""

import os
import sys
from typing import NamedTuple

import numpy as np

from cifar10_tf1.data import cifar10_archives
from cifar10_tf1.data import download
from cifar10_tf1.data import elsewhere
from cifar10_tf1.data import extraction
from cifar10_tf1.data import pickled_batches
from cifar10_tf1.data import preparation
from cifar10_tf1.data import verification
from cifar10_tf1.data.data_set import DataSet
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.data.data_set import load_files
from cifar10_tf1.data.verification import DataFile
from cifar10_tf1.common.errors import UserError

CHANNELS = 3
HEIGHT = 32
WIDTH = 32
PLANE_BYTES = HEIGHT * WIDTH
IMAGE_BYTES = CHANNELS * PLANE_BYTES
RECORD_BYTES = LABEL_BYTES + IMAGE_BYTES
NUM_CLASSES = 10

CLASS_NAMES = ('airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog',
               'horse', 'ship', 'truck')  # labels 0 to 9
LINE_PREFIX = ''  # of printed lines; a generated data set has one

FOLDER = 'cifar-10-batches-bin'
TRAIN_FILES = ('data_batch_1.bin', 'data_batch_2.bin', 'data_batch_3.bin',
               'data_batch_4.bin', 'data_batch_5.bin')
TEST_FILE = 'test_batch.bin'
FILE_BYTES = 10000 * RECORD_BYTES

# TRAIN_FILES in order, then TEST_FILE. Digests of the official archive's files.
FILES = (
    DataFile('data_batch_1.bin', FILE_BYTES,
             'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5'),
    DataFile('data_batch_2.bin', FILE_BYTES,
             'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed'),
    DataFile('data_batch_3.bin', FILE_BYTES,
             'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67'),
    DataFile('data_batch_4.bin', FILE_BYTES,
             '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48'),
    DataFile('data_batch_5.bin', FILE_BYTES,
             '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add'),
    DataFile('test_batch.bin', FILE_BYTES,
             '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b'),
)


class Version(NamedTuple):
    """One of the two forms that the records come in."""
    folder: str        # in the data folder and in the archive
    suffix: str        # of the file names
    is_pickled: bool

    def list_files(self, files=FILES):
        """The DataFiles under the names that they have here."""
        return tuple(file._replace(name=file.name[:-len('.bin')] + self.suffix)
                     for file in files)

    def list_members(self, files=FILES):
        """dict of name in the archive to the binary version's DataFile."""
        return {f'{self.folder}/{here.name}': file
                for here, file in zip(self.list_files(files), files)}

    def find_damage(self, folder, files=FILES):
        """list of (name, reason), both str, of the files that are wrong.

        Raises:
          UserError: where one can't be read.
        """
        if self.is_pickled:
            return pickled_batches.find_damage(
                folder, [file.name for file in self.list_files(files)], files)
        with preparation.explained(f'read the files in {folder}'):
            return verification.find_damage(folder, files)


BINARY = Version(FOLDER, '.bin', is_pickled=False)
PYTHON = Version('cifar-10-batches-py', '', is_pickled=True)


def load_data_set(data_dir, archives=None, files=FILES):
    """Finds the six files, of either version, or downloads them; verifies them.

    Args:
      data_dir: str, the folder that holds or will hold cifar-10-batches-bin,
        or holds cifar-10-batches-py.
      archives: (binary, python), both download.Archive; by default the official
        ones.
      files: DataFile for each of the six, in the order of FILES.
    Returns:
      DataSet; its digests are those of the binary version.
    Raises:
      UserError: what is wrong and the way out. No file that was there before
        is changed.
    """
    data_dir = check_data_dir(data_dir)
    version = find_version(data_dir, files)
    if version is None:
        with preparation.locked(data_dir):
            # Another process may have prepared it while this one waited.
            version = find_version(data_dir, files)
            if version is None:
                _prepare(data_dir, archives or
                         cifar10_archives.official_archives(), files)
                version = BINARY
    folder = os.path.join(data_dir, version.folder)
    check_files(folder, files, _way_out(folder), version)
    data_set = build_data_set('cifar10', folder, version.list_files(files),
                              line_prefix='')
    return data_set if version is BINARY else data_set._replace(
        sha256={file.name: file.sha256 for file in files},
        load_bytes=load_pickled_bytes)


def find_version(data_dir, files=FILES):
    """The Version that is there, right or wrong; None where neither is.

    Raises:
      UserError: where files are missing, or it can't be looked at.
    """
    for version in (BINARY, PYTHON):
        folder = os.path.join(data_dir, version.folder)
        if not preparation.is_absent(folder, version.list_files(files),
                                     _way_out(folder)):
            return version
    return None


def list_offers():
    """list of str, as elsewhere.list_offers."""
    return elsewhere.list_offers(
        PYTHON.folder, [file.name for file in PYTHON.list_files()])


def _prepare(data_dir, archives, files):
    """Makes the binary version out of an archive, of which one is downloaded
    where none is there."""
    if not any(os.path.lexists(os.path.join(data_dir, archive.name))
               for archive in archives):
        for offer in list_offers():
            print(offer, file=sys.stderr, flush=True)
    archive = download.load_archive(data_dir, archives,
                                    sum(file.size for file in files))
    version = (PYTHON if archive.name == cifar10_archives.PYTHON_NAME
               else BINARY)
    extraction.extract_archive(
        os.path.join(data_dir, archive.name), os.path.join(data_dir, FOLDER),
        version.list_members(files),
        pickled_batches.decode if version.is_pickled else None)


def _way_out(folder):
    return (f'Put the right files there, or move {folder} away to have it '
            f'downloaded again, or use --data-dir or --synthetic.')


def load_records(path):
    """Decodes a file.

    Args:
      path: str.
    Returns:
      (labels, images): uint8 [N] in 0..9; uint8 [N, 32, 32, 3] in 0..255,
      rows, columns, channels; N at least 1.
    Raises:
      UserError: where it can't be read, or is not made of such records.
    """
    with preparation.explained(f'read {path}'):
        with open(path, 'rb') as stream:
            content = stream.read()
    if not content or len(content) % RECORD_BYTES:
        raise UserError(f'{path} has {len(content):,} bytes, which is not a '
                        f'whole number of records of {RECORD_BYTES:,} bytes. '
                        f'Put the right file there.')
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD_BYTES)
    labels = records[:, 0].copy()
    wrong = np.flatnonzero(labels >= NUM_CLASSES)
    if wrong.size:
        raise UserError(f'{path}: record {wrong[0]} (counted from 0) has the '
                        f'label {labels[wrong[0]]}, not one of 0 to '
                        f'{NUM_CLASSES - 1}. Put the right file there.')
    planes = records[:, LABEL_BYTES:].reshape(-1, CHANNELS, HEIGHT, WIDTH)
    return labels, np.ascontiguousarray(planes.transpose(0, 2, 3, 1))


def count_needed_bytes(data_dir):
    """What the folder still needs: for the files, and perhaps the archive."""
    need = sum(file.size for file in FILES)
    archives = cifar10_archives.official_archives()
    if not any(os.path.exists(os.path.join(data_dir, archive.name))
               for archive in archives):
        need += max(archive.size for archive in archives)
    return need


def is_at_hand(data_dir):
    """Whether load_data_set finds something there, rather than download it."""
    for version in (BINARY, PYTHON):
        try:
            if os.listdir(os.path.join(data_dir, version.folder)):
                return True
        except OSError:
            pass
    return False


def load_bytes(paths, num_records):
    """The records of several files, as they are, one after the other.

    Args:
      paths: list of str, verified files.
      num_records: int, in all of them.
    Returns:
      uint8 [num_records, 3073].
    Raises:
      UserError: where one can't be read, or is not what it was.
    """
    return load_files(paths, num_records, RECORD_BYTES)


def load_pickled_bytes(paths, num_records):
    """The same of the Python version's files."""
    return pickled_batches.load_bytes(paths, num_records, RECORD_BYTES)


def check_data_dir(data_dir):
    """Refuses what can't be a data folder; returns it as a str."""
    data_dir = preparation.check_data_dir(data_dir, FOLDER)
    parent, name = os.path.split(os.path.abspath(data_dir))
    for version in (BINARY, PYTHON):
        if os.path.exists(os.path.join(data_dir, version.folder)):
            break
        if name == version.folder:
            raise UserError(f'{data_dir} is the folder of the data files '
                            f'itself. Give its parent: --data-dir {parent}')
        if any(os.path.exists(os.path.join(data_dir, file.name))
               for file in version.list_files()):
            raise UserError(f'{data_dir} is the folder of the data files '
                            f'itself. Rename it to {version.folder}, and give '
                            f'its parent: --data-dir {parent}')
    return data_dir


def check_files(folder, files, way_out, version=BINARY):
    """Raises UserError naming every file that is not the right one, and why."""
    reasons = []
    for name, reason in version.find_damage(folder, files):
        if reason.startswith('SHA-256') and not version.is_pickled:
            # A wrong label says more than a wrong digest.
            load_records(os.path.join(folder, name))
        reasons.append(f'{os.path.join(folder, name)} is damaged ({reason})')
    if reasons:
        raise UserError(f'{"; ".join(reasons)}. {way_out}')


def build_data_set(name, folder, files, line_prefix,
                   class_names=CLASS_NAMES):
    """Describes verified files as a DataSet; the last file is the test's."""
    *train_files, test_file = files
    return DataSet(
        name=name, line_prefix=line_prefix,
        sha256={file.name: file.sha256 for file in files},
        class_names=class_names, image_shape=(HEIGHT, WIDTH, CHANNELS),
        train_paths=tuple(os.path.join(folder, file.name)
                          for file in train_files),
        test_paths=(os.path.join(folder, test_file.name),),
        num_train_examples=sum(file.size for file in train_files)
        // RECORD_BYTES,
        num_test_examples=test_file.size // RECORD_BYTES,
        load_bytes=load_bytes)
