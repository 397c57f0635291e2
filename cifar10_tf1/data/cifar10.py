"""CIFAR-10: finds, downloads, extracts, verifies and reads either version.

The originals look for the archive instead of the files, and verify neither.
"""

import os
import shlex
import sys
import tarfile
import zlib

from cifar10_tf1.common import files
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import data_set as data_sets, download, preparation, verification
from cifar10_tf1.data.cifar10_files import (
    CLASS_NAMES, IMAGE_SHAPE, parse_records, PYTHON, RECORD_BYTES, VERSIONS)

URL_VARIABLE = 'CIFAR10_ARCHIVE_URL'  # mirror of either archive; replaces all addresses


def load_data_set(data_dir):
    """Finds or downloads the six files of either version, and verifies them: DataSet.

    Never changes an existing file.

    Args:
      data_dir: str, the folder for cifar-10-batches-bin or cifar-10-batches-py, or one
        of these.
    Raises:
      UserError: a file is damaged, or can't be downloaded or written.
    """
    preparation.prepare(data_dir, lambda: is_present(data_dir),
                        lambda: _prepare(data_dir))
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
    return [file for file in version.files
            if not os.path.lexists(os.path.join(folder, file.name))]


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
        _print_offers()
        names = ' or '.join(version.archive.name for version in VERSIONS)
        download.fetch(
            data_dir, list_archives(), 'CIFAR-10',
            f'put {names} into {data_dir} yourself, use --data-dir to name a folder that '
            'has the data, or use --synthetic for generated data.')
    path, version = _find_archive(data_dir)
    folder = os.path.join(data_dir, version.folder)
    try:
        with preparation.explained(f'extract {path} to {folder}'):
            os.makedirs(folder, exist_ok=True)
            _extract(path, folder, _list_missing(folder, version))
    except (tarfile.TarError, EOFError, ValueError, zlib.error) as error:
        raise UserError(
            f'{path} is damaged ({str(error).splitlines()[0]}). Move it away and run '
            'this again to download it, or put the right archive there.')


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
                  'uses it', file=sys.stderr, flush=True)


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
