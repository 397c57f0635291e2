"""Are the files on disk the right ones, byte for byte?

Each is compared by size and SHA-256, at each start: nothing that a file system
says of a file tells for certain that its content is as it was.
"""

import hashlib
import os
import stat
from typing import NamedTuple

CHUNK_BYTES = 1 << 20


class DataFile(NamedTuple):
    name: str    # within its folder
    size: int    # bytes
    sha256: str  # lower-case hexadecimal digits

    @property
    def most_bytes(self):
        """int, more than the same content takes in any other form."""
        return 2 * self.size + 4096


def find_damage(folder, files):
    """Compares files with what they should be.

    Args:
      folder: str, where they lie.
      files: sequence of DataFile.
    Returns:
      list of (name, reason), both str, of those that are wrong; else empty.
    Raises:
      OSError: where a file can't be read.
    """
    damage = []
    for file in files:
        path = os.path.join(folder, file.name)
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            damage.append((file.name, 'not a regular file'))
        elif status.st_size != file.size:
            damage.append((file.name, f'{status.st_size:,} bytes instead of '
                                      f'{file.size:,}'))
        else:
            digest = hash_file(path)
            if digest != file.sha256:
                damage.append((file.name, f'SHA-256 {digest[:12]}... instead '
                                          f'of {file.sha256[:12]}...'))
    return damage


def hash_file(path, algorithm='sha256'):
    """The digest of a file, in lower-case hexadecimal digits."""
    digest = hashlib.new(algorithm)
    with open(path, 'rb') as stream:
        for chunk in iter(lambda: stream.read(CHUNK_BYTES), b''):
            digest.update(chunk)
    return digest.hexdigest()
