"""Published files, whose digests every start verifies."""

import gzip
import hashlib
import zlib
from typing import NamedTuple, Optional, Tuple

from cifar10_tf1.common import files
from cifar10_tf1.common.errors import explained, UserError


class DataFile(NamedTuple):
    """A published file."""
    name: str              # in its folder
    size: Optional[int]    # bytes; None if not published
    digest: Optional[str]  # hexadecimal SHA-256, or MD5 with 32 digits; None as above
    urls: Tuple[str, ...] = ()
    may_be_gzipped: bool = False  # size and digest are those of the content


def load(path, file):
    """Reads the bytes of a DataFile, uncompressed if it may be gzipped."""
    with explained(f'read {path}', '--data-dir'), files.open_regular(path) as stream:
        content = stream.read()
    # Don't trust the name: some programs unpack a file and keep its .gz.
    if file.may_be_gzipped and content.startswith(b'\x1f\x8b'):
        try:
            return gzip.decompress(content)
        except (OSError, EOFError, zlib.error):
            return b''  # which no published file is
    return content


def read(path, file):
    """As load, but raises UserError if the bytes are damaged."""
    content = load(path, file)
    damage = find_damage(content, file)
    if damage:
        raise UserError(f'{path} is damaged ({damage}). Move it away and run this again '
                        'to replace it, or use --data-dir or --synthetic.')
    return content


def find_damage(content, file):
    """Describes how bytes differ from a DataFile; '' if they don't."""
    if file.size not in (None, len(content)):
        return f'{len(content):,} bytes instead of {file.size:,}'
    if file.digest is None:
        return ''
    algorithm = 'md5' if len(file.digest) == 32 else 'sha256'
    found = hashlib.new(algorithm, content).hexdigest()
    return '' if found == file.digest else (
        f'{algorithm} {found[:12]}... instead of {file.digest[:12]}...')


def hash_file(path):
    """The SHA-256 of a file, in lower-case hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, 'rb') as stream:
        for chunk in iter(lambda: stream.read(1 << 20), b''):
            digest.update(chunk)
    return digest.hexdigest()
