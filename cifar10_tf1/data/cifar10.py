"""CIFAR-10, the binary version: its layout, and the way to its files.

Six files of 10,000 records. One record is 3,073 bytes: the label, then the red,
the green and the blue plane of 32 x 32 bytes each, row by row.

Departs from the original, which looks for the archive and not for the files,
and verifies neither.
"""

import os

import numpy as np

from cifar10_tf1.data import download
from cifar10_tf1.data import extraction
from cifar10_tf1.data import preparation
from cifar10_tf1.data import verification
from cifar10_tf1.data.data_set import DataSet
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.data.data_set import load_files
from cifar10_tf1.data.verification import DataFile
from cifar10_tf1.errors import UserError

CHANNELS = 3
HEIGHT = 32
WIDTH = 32
PLANE_BYTES = HEIGHT * WIDTH
IMAGE_BYTES = CHANNELS * PLANE_BYTES
RECORD_BYTES = LABEL_BYTES + IMAGE_BYTES
NUM_CLASSES = 10

CLASS_NAMES = ('airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog',
               'horse', 'ship', 'truck')
LINE_PREFIX = ''  # of printed lines; a generated data set has one  # labels 0 to 9

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


ARCHIVE_NAME = 'cifar-10-binary.tar.gz'
URL = 'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz'
URL_VARIABLE = 'CIFAR10_ARCHIVE_URL'  # a mirror; what it gives is verified too


def official_archive():
    """The archive of record, from where the user wants it: download.Archive."""
    return download.Archive(
        ARCHIVE_NAME, 'CIFAR-10',
        f'{ARCHIVE_NAME} (or {FOLDER} with the six .bin files)',
        (os.environ.get(URL_VARIABLE) or URL,), 170052171,
        md5='c32a1d4ab5d03f1284b67883e8d87530')


def load_data_set(data_dir, archive=None, files=FILES):
    """Finds the six files, or downloads them; verifies them.

    Args:
      data_dir: str, the folder that holds or will hold cifar-10-batches-bin.
      archive: download.Archive; by default the official one.
      files: DataFile for each of the six, in the order of FILES.
    Returns:
      DataSet.
    Raises:
      UserError: what is wrong and the way out. No file that was there before
        is changed.
    """
    data_dir = check_data_dir(data_dir)
    folder = os.path.join(data_dir, FOLDER)
    way_out = (f'Put the right files there, or move {folder} away to have it '
               f'downloaded again, or use --data-dir or --synthetic.')
    if preparation.is_absent(folder, files, way_out):
        with preparation.locked(data_dir):
            # Another process may have prepared it while this one waited.
            if preparation.is_absent(folder, files, way_out):
                archive_path = download.load_archive(
                    data_dir, archive or official_archive(),
                    sum(file.size for file in files))
                extraction.extract_archive(archive_path, folder, files)
    check_files(folder, files, way_out)
    return build_data_set('cifar10', folder, files, line_prefix='')


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
    if not os.path.exists(os.path.join(data_dir, ARCHIVE_NAME)):
        need += official_archive().size
    return need


def is_at_hand(data_dir):
    """Whether load_data_set finds something there, rather than download it."""
    try:
        return bool(os.listdir(os.path.join(data_dir, FOLDER)))
    except OSError:
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


def check_data_dir(data_dir):
    """Refuses what can't be a data folder; returns it as a str."""
    data_dir = preparation.check_data_dir(data_dir, FOLDER)
    named_like_it = os.path.basename(os.path.abspath(data_dir)) == FOLDER
    if not os.path.exists(os.path.join(data_dir, FOLDER)) and (
            named_like_it or any(os.path.exists(os.path.join(data_dir, name))
                                 for name in TRAIN_FILES + (TEST_FILE,))):
        parent = os.path.dirname(os.path.abspath(data_dir))
        raise UserError(
            f'{data_dir} is the folder of the data files itself. '
            + (f'Give its parent: --data-dir {parent}' if named_like_it else
               f'Rename it to {FOLDER}, and give its parent: '
               f'--data-dir {parent}'))
    return data_dir


def check_files(folder, files, way_out):
    """Raises UserError naming every file that is not the right one, and why."""
    with preparation.explained(f'read the files in {folder}'):
        damage = verification.find_damage(folder, files)
    reasons = []
    for name, reason in damage:
        if reason.startswith('SHA-256'):
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
