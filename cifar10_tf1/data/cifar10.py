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
    CLASS_NAMES, IMAGE_SHAPE, PYTHON, RECORD_BYTES, VERSIONS)

LINE_PREFIX = ''  # generated data marks its printed lines
URL_VARIABLE = 'CIFAR10_ARCHIVE_URL'  # mirror of either archive; replaces all addresses

# Files that identify other data sets.
_OTHERS = {
    'CIFAR-100': {'cifar-100-python', 'cifar-100-binary', 'fine_label_names.txt',
                  'cifar-100-python.tar.gz', 'cifar-100-binary.tar.gz'},
    'Kaggle\'s pictures': {'trainLabels.csv', 'train.7z'},
}


def load_data_set(data_dir, versions=VERSIONS):
    """Finds or downloads the six files of either version, and verifies them: DataSet.

    Never changes an existing file.

    Args:
      data_dir: str, the folder for cifar-10-batches-bin or cifar-10-batches-py.
      versions: (binary, python), both cifar10_files.Version.
    Raises:
      UserError: a file is damaged, or can't be downloaded or written.
    """
    data_dir = check_data_dir(data_dir)
    version = _find_version(data_dir, versions)
    if version is None:
        with preparation.locked(data_dir):
            # Another process may have prepared them while this one waited.
            version = _find_version(data_dir, versions) or _prepare(data_dir, versions)
    folder = os.path.join(data_dir, version.folder)
    return build_data_set(
        'cifar10', LINE_PREFIX, CLASS_NAMES, folder, versions[0].files, version,
        f'Put the right files there, move {folder} away to download it again, or use '
        '--data-dir or --synthetic.')


def build_data_set(name, line_prefix, class_names, folder, files, version, way_out):
    """Verifies the files of a Version in a folder: DataSet.

    A record has the digests of `files`, the binary version's.
    """
    paths = tuple(os.path.join(folder, file.name) for file in version.files)
    return data_sets.verify(data_sets.DataSet(
        name=name, line_prefix=line_prefix,
        sha256={file.name: file.digest for file in files},
        class_names=class_names, image_shape=IMAGE_SHAPE,
        train_paths=paths[:-1], test_paths=paths[-1:],
        num_train_examples=sum(file.size for file in files[:-1]) // RECORD_BYTES,
        num_test_examples=files[-1].size // RECORD_BYTES,
        num_train_files=len(files) - 1), version.files, way_out, version.parse)


def is_present(data_dir):
    """Whether load_data_set would download nothing."""
    return _find_version(data_dir) is not None


def list_offers():
    """Lines that name the --data-dir of copies that Keras or torchvision downloaded."""
    keras = os.environ.get('KERAS_HOME') or os.path.expanduser('~/.keras')
    data_dirs = (
        os.path.join(keras, 'datasets'),
        # Keras 3 extracts into a separate folder.
        os.path.join(keras, 'datasets', f'{PYTHON.folder}-target'),
        os.path.join(os.curdir, 'data'))
    return [f'CIFAR-10 is already in {os.path.join(data_dir, PYTHON.folder)}: '
            f'--data-dir {shlex.quote(data_dir)} uses it'
            for data_dir in data_dirs if not _list_missing(data_dir, PYTHON)]


def check_data_dir(data_dir):
    """Refuses a folder that can't be CIFAR-10's, such as another data set's."""
    data_dir = preparation.check_data_dir(data_dir)
    names = set()
    if os.path.isdir(data_dir):
        with preparation.explained(f'look into {data_dir}'):
            names = set(os.listdir(data_dir))
    if _find_archive(data_dir) or names & {version.folder for version in VERSIONS}:
        return data_dir
    parent, name = os.path.split(os.path.abspath(data_dir))
    for version in VERSIONS:
        if name == version.folder or names & {file.name for file in version.files}:
            raise UserError(
                f'{data_dir} contains the data files themselves. Name its parent: '
                f'--data-dir {parent}'
                + ('' if name == version.folder else
                   f', and rename it to {version.folder}'))
    for title, others in _OTHERS.items():
        if names & others:
            raise UserError(
                f'{data_dir} contains {title}, not CIFAR-10. Use --data-dir to name the '
                'folder of CIFAR-10, or an empty one to download it to.')
    return data_dir


def list_archives(versions=VERSIONS):
    """The archives to download, each a DataFile; only the user's mirror, if any."""
    archives = [version.archive for version in versions]
    mirror = os.environ.get(URL_VARIABLE)
    if not mirror:
        return archives
    is_python = mirror.split('?')[0].endswith('python.tar.gz')
    return [archives[is_python]._replace(urls=(mirror,))]


def _find_version(data_dir, versions=VERSIONS):
    """The first complete Version, its files not yet verified, or None."""
    return next((version for version in versions
                 if not _list_missing(data_dir, version)), None)


def _list_missing(data_dir, version):
    return [file for file in version.files if not os.path.lexists(
        os.path.join(data_dir, version.folder, file.name))]


def _find_archive(data_dir, versions=VERSIONS):
    """(path, Version) of the first archive in a folder, or None.

    The path may end in .tar: some programs only undo the compression.
    """
    for version in versions:
        name = version.archive.name
        for path in (os.path.join(data_dir, name),
                     os.path.join(data_dir, name[:-len('.gz')])):
            if os.path.lexists(path):
                return path, version
    return None


def _prepare(data_dir, versions):
    """Extracts an archive, after downloading it if necessary; returns its Version."""
    if _find_archive(data_dir, versions) is None:
        for offer in list_offers():
            print(offer, file=sys.stderr, flush=True)
        download.fetch(
            data_dir, list_archives(versions), 'CIFAR-10',
            f'put {" or ".join(version.archive.name for version in versions)} into '
            f'{data_dir} yourself, use --data-dir to name a folder that has the data, or '
            'use --synthetic for generated data.')
    path, version = _find_archive(data_dir, versions)
    folder = os.path.join(data_dir, version.folder)
    try:
        with preparation.explained(f'extract {path} to {folder}'):
            os.makedirs(folder, exist_ok=True)
            _extract(path, folder, _list_missing(data_dir, version))
    except (tarfile.TarError, EOFError, ValueError, zlib.error) as error:
        raise UserError(
            f'{path} is damaged ({str(error).splitlines()[0]}). Move it away and run '
            'this again to download it, or put the right archive there.')
    return version


def _extract(path, folder, missing):
    """Verifies and writes members of an archive; ValueError if one is wrong."""
    wanted = {f'{os.path.basename(folder)}/{file.name}': file for file in missing}
    with tarfile.open(path) as packed:
        for member in packed:
            file = wanted.pop(member.name, None)
            if file:
                content = packed.extractfile(member).read()
                damage = verification.find_damage(content, file)
                if damage:
                    raise ValueError(f'{member.name}: {damage}')
                files.write_atomically(os.path.join(folder, file.name), content)
    if wanted:
        raise ValueError(f'it does not contain {min(wanted)}')
