"""CIFAR-10 in its two versions: finds, downloads, verifies and reads the files.

Six files of 10,000 records. In the binary version a record is 3,073 bytes: the
label, then the red, the green and the blue plane of 32 x 32 bytes, row by row.
The Python version pickles the same labels and planes; they are read into the
same layout.

Departs from the originals, which look for the archive instead of the files and
verify neither.
"""

import os
import pickle
import shlex
import sys
from typing import Callable
from typing import NamedTuple
from typing import Tuple

from cifar10_tf1.data import cifar10_archives
from cifar10_tf1.data import download
from cifar10_tf1.data import preparation
from cifar10_tf1.data import verification
from cifar10_tf1.data.data_set import changed
from cifar10_tf1.data.data_set import DataSet
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.data.data_set import load_files
from cifar10_tf1.data.data_set import new_table
from cifar10_tf1.data.verification import DataFile
from cifar10_tf1.common.errors import UserError

CHANNELS = 3
HEIGHT = 32
WIDTH = 32
RECORD_BYTES = LABEL_BYTES + CHANNELS * HEIGHT * WIDTH
NUM_CLASSES = 10
CLASS_NAMES = ('airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog',
               'horse', 'ship', 'truck')  # labels 0 to 9
LINE_PREFIX = ''  # generated data marks its printed lines

FOLDER = 'cifar-10-batches-bin'
# Five training files, in order, then the test file; SHA-256 of the official
# archive's members.
FILES = tuple(DataFile(name, 10000 * RECORD_BYTES, digest) for name, digest in (
    ('data_batch_1.bin',
     'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5'),
    ('data_batch_2.bin',
     'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed'),
    ('data_batch_3.bin',
     'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67'),
    ('data_batch_4.bin',
     '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48'),
    ('data_batch_5.bin',
     '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add'),
    ('test_batch.bin',
     '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b')))
# The same records pickled; MD5 as torchvision publishes it.
PICKLES = tuple(DataFile(name, None, digest) for name, digest in (
    ('data_batch_1', 'c99cafc152244af753f735de768cd75f'),
    ('data_batch_2', 'd4bba439e000b95fd0a9bffe97cbabec'),
    ('data_batch_3', '54ebc095f3ab1f0389bbae665268c751'),
    ('data_batch_4', '634d18415352ddfa80567beed471001a'),
    ('data_batch_5', '482c414d41f54cd18b22e5b47cb7c3cb'),
    ('test_batch', '40351d587109b95175f43aff81a1287e')))

# Files by which to recognise other data sets.
_OTHERS = {
    'CIFAR-100': ('cifar-100-python', 'cifar-100-binary', 'fine_label_names.txt',
                  'cifar-100-python.tar.gz', 'cifar-100-binary.tar.gz'),
    'Kaggle\'s pictures': ('trainLabels.csv', 'train/1.png', 'train.7z'),
}


class Version(NamedTuple):
    """The binary or the Python version."""
    folder: str                  # in the data folder and in the archive
    files: Tuple[DataFile, ...]
    load_bytes: Callable         # DataSet.load_bytes


def load_data_set(data_dir, versions=None, archives=None):
    """Finds or downloads the six files of either version, and verifies them.

    Never changes a file that was there before.

    Args:
      data_dir: str, the folder for cifar-10-batches-bin or cifar-10-batches-py.
      versions: (binary, python), both Version; default VERSIONS.
      archives: (binary, python), both download.Archive; default the official ones.
    Returns:
      DataSet, with the digests of the binary version.
    Raises:
      UserError: a file is damaged, or can't be downloaded or written.
    """
    versions = versions or VERSIONS
    data_dir = check_data_dir(data_dir)
    version = find_version(data_dir, versions)
    if version is None:
        with preparation.locked(data_dir):
            # Another process may have prepared them while this one waited.
            version = find_version(data_dir, versions)
            if version is None:
                version = _prepare(data_dir, versions,
                                   archives or cifar10_archives.list_archives())
    folder = os.path.join(data_dir, version.folder)
    verification.check_files(
        folder, version.files, f'Put the right files there, or move {folder} away '
        'to have it downloaded again, or use --data-dir or --synthetic.')
    data_set = build_data_set('cifar10', folder, versions[0].files, LINE_PREFIX)
    paths = tuple(os.path.join(folder, file.name) for file in version.files)
    return data_set._replace(train_paths=paths[:-1], test_paths=paths[-1:],
                             load_bytes=version.load_bytes)


def find_version(data_dir, versions=None):
    """The first complete Version, its files not yet verified, or None."""
    for version in versions or VERSIONS:
        folder = os.path.join(data_dir, version.folder)
        with preparation.explained(f'look into {folder}'):
            if not _list_missing(folder, version.files):
                return version
    return None


def is_present(data_dir):
    """Whether load_data_set would find the files instead of downloading them."""
    return find_version(data_dir) is not None


def count_needed_bytes(data_dir):
    """Counts the bytes still to be written: the files, and perhaps the archive."""
    archives = cifar10_archives.list_archives()
    need = sum(file.size for file in FILES)
    return need if cifar10_archives.find(data_dir, archives) else (
        need + max(archive.size for archive in archives))


def list_offers():
    """Looks for copies, not verified here, that Keras or torchvision downloaded.

    Returns:
      list of str, lines that name the --data-dir to give.
    """
    keras = os.environ.get('KERAS_HOME') or os.path.expanduser('~/.keras')
    data_dirs = (
        os.path.join(keras, 'datasets'),
        # Keras 3 extracts into a folder of its own.
        os.path.join(keras, 'datasets', f'{PYTHON.folder}-target'),
        os.path.join(os.curdir, 'data'))
    return [f'CIFAR-10 is already in {os.path.join(data_dir, PYTHON.folder)}: '
            f'--data-dir {shlex.quote(data_dir)} uses it'
            for data_dir in data_dirs
            if not _list_missing(os.path.join(data_dir, PYTHON.folder), PICKLES)]


def check_data_dir(data_dir):
    """Refuses what can't be the data folder; returns it as a str.

    Refuses the folder of another data set too: its user would not want CIFAR-10
    downloaded there.
    """
    data_dir = preparation.check_data_dir(data_dir, FOLDER)

    def has(name):
        return os.path.exists(os.path.join(data_dir, name))

    if any(has(version.folder) for version in VERSIONS) or cifar10_archives.find(
            data_dir, cifar10_archives.list_archives()):
        return data_dir
    parent, name = os.path.split(os.path.abspath(data_dir))
    for version in VERSIONS:
        if name == version.folder or any(has(file.name) for file in version.files):
            raise UserError(
                f'{data_dir} holds the data files themselves. '
                + ('' if name == version.folder else
                   f'Rename it to {version.folder}. ')
                + f'Name its parent: --data-dir {parent}')
    for title, names in _OTHERS.items():
        if any(map(has, names)):
            raise UserError(
                f'{data_dir} holds {title}, not CIFAR-10. Name the folder of '
                'CIFAR-10, or an empty one to download it to, with --data-dir.')
    return data_dir


def _list_missing(folder, files):
    """The names of absent files; verification refuses what is not a file."""
    missing = []
    for file in files:
        try:
            os.lstat(os.path.join(folder, file.name))
        except (FileNotFoundError, NotADirectoryError):
            missing.append(file.name)
    return missing


def _prepare(data_dir, versions, archives):
    """Extracts an archive, downloading it first if absent; returns its Version."""
    for version in versions:
        folder = os.path.join(data_dir, version.folder)
        if os.path.isdir(folder):
            missing = ', '.join(_list_missing(folder, version.files))
            print(f'{folder} lacks {missing}', file=sys.stderr, flush=True)
    found = cifar10_archives.find(data_dir, archives)
    if found is None:
        for offer in list_offers():
            print(offer, file=sys.stderr, flush=True)
        path, archive = download.fetch(
            data_dir, archives, 'CIFAR-10', f'put '
            f'{" or ".join(archive.name for archive in archives)} (or {FOLDER} or '
            f'{PYTHON.folder}, unpacked) into {data_dir} by hand, name a folder that '
            'has it with --data-dir, or use generated data with --synthetic.',
            sum(file.size for file in versions[0].files))
        found = path, archives.index(archive)
    path, number = found
    version = versions[number]
    cifar10_archives.extract(path, archives[number],
                             os.path.join(data_dir, version.folder), version.files)
    return version


def build_data_set(name, folder, files, line_prefix, class_names=CLASS_NAMES):
    """Describes verified files as a DataSet; the last file is the test file."""
    paths = tuple(os.path.join(folder, file.name) for file in files)
    return DataSet(
        name=name, line_prefix=line_prefix,
        sha256={file.name: file.digest for file in files},
        class_names=class_names, image_shape=(HEIGHT, WIDTH, CHANNELS),
        train_paths=paths[:-1], test_paths=paths[-1:],
        num_train_examples=sum(file.size for file in files[:-1]) // RECORD_BYTES,
        num_test_examples=files[-1].size // RECORD_BYTES, load_bytes=load_bytes)


def load_bytes(paths, num_records):
    """Reads the binary version: as data_set.load_files, with 3,073 bytes a record."""
    return load_files(paths, num_records, RECORD_BYTES)


def load_pickled_bytes(paths, num_records, files=PICKLES):
    """Reads the Python version into the binary layout; otherwise as load_bytes."""
    digests = {file.name: file.digest for file in files}
    table = new_table(num_records, RECORD_BYTES)
    first = 0
    for path in paths:
        with preparation.explained(f'read {path}'), open(path, 'rb') as stream:
            content = stream.read()
        # A pickle can run code, so verify exactly the bytes that are unpickled.
        if verification.find_content_damage(
                content, digests[os.path.basename(path)]):
            raise changed(paths)
        batch = pickle.loads(content, encoding='latin1')
        last = first + len(batch['labels'])
        table[first:last, 0] = batch['labels']
        table[first:last, LABEL_BYTES:] = batch['data']
        first = last
    return table


BINARY = Version(FOLDER, FILES, load_bytes)
PYTHON = Version('cifar-10-batches-py', PICKLES, load_pickled_bytes)
VERSIONS = BINARY, PYTHON
