"""Compares published files with their digests, at each start.

Size and times do not show whether a file's content has changed.
"""

import hashlib
import os
from concurrent import futures
from typing import NamedTuple
from typing import Optional

from cifar10_tf1.data import preparation
from cifar10_tf1.common.errors import UserError

_CHUNK_BYTES = 1 << 20
_ALGORITHMS = {32: 'MD5', 64: 'SHA-256'}  # by the length of a digest


class DataFile(NamedTuple):
    name: str            # within its folder
    size: Optional[int]  # bytes; None if not published
    digest: str          # lower-case hexadecimal SHA-256, or MD5 with 32 digits


def check_files(folder, files, way_out):
    """Compares files with their digests.

    Args:
      folder: str.
      files: sequence of DataFile.
      way_out: str, the end of the message.
    Raises:
      UserError: one line that names each damaged file; a file can't be read.
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
    """Describes how a file differs from a DataFile; '' if it does not.

    Raises:
      OSError: the file can't be read.
    """
    size = os.stat(path).st_size
    if not os.path.isfile(path):
        return 'not a regular file'
    if file.size not in (None, size):
        return f'{size:,} bytes instead of {file.size:,}'
    algorithm = _ALGORITHMS[len(file.digest)]
    return _compare(hash_file(path, algorithm), file.digest)


def find_content_damage(content, digest):
    """Describes how the digest of bytes differs from the expected one, or ''."""
    return _compare(_new_hash(_ALGORITHMS[len(digest)], content).hexdigest(), digest)


def hash_file(path, algorithm='SHA-256'):
    """The digest of a file, in lower-case hexadecimal digits."""
    digest = _new_hash(algorithm)
    with open(path, 'rb') as stream:
        for chunk in iter(lambda: stream.read(_CHUNK_BYTES), b''):
            digest.update(chunk)
    return digest.hexdigest()


def _new_hash(algorithm, content=b''):
    return hashlib.new(algorithm.replace('-', '').lower(), content)


def _compare(found, expected):
    return '' if found == expected else (
        f'{_ALGORITHMS[len(expected)]} {found[:12]}... instead of {expected[:12]}...')
