"""Published files, compared with their digests at each start.

Nothing else that a file system says of a file tells whether its content changed.
"""

import hashlib
import os
from concurrent import futures
from typing import NamedTuple
from typing import Optional

from cifar10_tf1.data import preparation
from cifar10_tf1.common.errors import UserError

CHUNK_BYTES = 1 << 20
_NAMES = {32: 'MD5', 64: 'SHA-256'}


class DataFile(NamedTuple):
    name: str            # within its folder
    size: Optional[int]  # bytes, where it is published
    digest: str          # lower-case hexadecimal: SHA-256, or an MD5 of 32 digits


def check_files(folder, files, way_out):
    """Compares files with their digests.

    Args:
      folder: str.
      files: sequence of DataFile.
      way_out: str, the end of the message.
    Raises:
      UserError: one line that names each damaged file; a file cannot be read.
    """
    paths = [os.path.join(folder, file.name) for file in files]
    with preparation.explained(f'read the files in {folder}'):
        with futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            damage = list(pool.map(find_damage, paths, files))
    reasons = [f'{path} is damaged ({reason})'
               for path, reason in zip(paths, damage) if reason]
    if reasons:
        raise UserError(f'{"; ".join(reasons)}. {way_out}')


def find_damage(path, file):
    """What is wrong with a file, or an empty string.

    Args:
      path: str.
      file: DataFile.
    Raises:
      OSError: it cannot be read.
    """
    size = os.stat(path).st_size
    if not os.path.isfile(path):
        return 'not a regular file'
    if file.size not in (None, size):
        return f'{size:,} bytes instead of {file.size:,}'
    return compare(hash_file(path, hash_name(file.digest)), file.digest)


def compare(found, expected):
    """How a digest differs from the expected one, or an empty string."""
    return '' if found == expected else (
        f'{_NAMES[len(expected)]} {found[:12]}... instead of {expected[:12]}...')


def hash_name(digest):
    """hashlib's name of the algorithm that a digest is from."""
    return _NAMES[len(digest)].replace('-', '').lower()


def hash_file(path, algorithm='sha256'):
    """The digest of a file, in lower-case hexadecimal digits."""
    digest = hashlib.new(algorithm)
    with open(path, 'rb') as stream:
        for chunk in iter(lambda: stream.read(CHUNK_BYTES), b''):
            digest.update(chunk)
    return digest.hexdigest()


def hash_bytes(content, expected):
    """The digest of bytes, by the algorithm of the expected digest."""
    return hashlib.new(hash_name(expected), content).hexdigest()
