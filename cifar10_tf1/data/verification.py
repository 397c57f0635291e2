"""Are the files on disk the right ones, byte for byte?

Each is compared by size and SHA-256. Hashing 180 MB at each start is felt, so
what was found right is remembered in the user's cache folder, for as long as
the file does not change. The data folder itself is only read.

The cache is a convenience: where it can't be read or written, or where two
processes write it at once and one entry is lost, files are hashed again.
"""

import hashlib
import json
import os
import stat
import tempfile
import time
from typing import NamedTuple

CHUNK_BYTES = 1 << 20
# A file that changes twice within the resolution of its timestamps can keep
# them, so what changed this recently is not remembered.
SETTLED_SECONDS = 2.0
MAX_REMEMBERED_FILES = 256


class DataFile(NamedTuple):
    name: str    # within its folder
    size: int    # bytes
    sha256: str  # lower-case hexadecimal digits


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
    remembered = _read_cache()
    damage, verified = [], {}
    for file in files:
        path = os.path.realpath(os.path.join(folder, file.name))
        status = os.stat(path)
        identity = _identify(status) + [file.sha256]
        if not stat.S_ISREG(status.st_mode):
            damage.append((file.name, 'not a regular file'))
        elif status.st_size != file.size:
            damage.append((file.name, f'{status.st_size:,} bytes instead of '
                                      f'{file.size:,}'))
        elif remembered.get(path) != identity:
            settled = (time.time() - max(status.st_mtime, status.st_ctime)
                       > SETTLED_SECONDS)
            digest = hash_file(path)
            if digest != file.sha256:
                damage.append((file.name, f'SHA-256 {digest[:12]}... instead '
                                          f'of {file.sha256[:12]}...'))
            elif settled and _identify(os.stat(path)) == identity[:-1]:
                verified[path] = identity
    if verified:
        _write_cache(verified)
    return damage


def hash_file(path, algorithm='sha256'):
    """The digest of a file, in lower-case hexadecimal digits."""
    digest = hashlib.new(algorithm)
    with open(path, 'rb') as stream:
        for chunk in iter(lambda: stream.read(CHUNK_BYTES), b''):
            digest.update(chunk)
    return digest.hexdigest()


def _identify(status):
    """What stays as it is while a file is not touched: list of int."""
    return [status.st_size, status.st_mtime_ns, status.st_ctime_ns,
            status.st_ino, status.st_dev]


def _cache_path():
    """The file of what was verified, or None where the user has no home."""
    # Not os.path.expanduser: with no HOME and a user id without an account,
    # as in a container, it raises in Python 3.6 and 3.7.
    cache = os.environ.get('XDG_CACHE_HOME', '')
    if not os.path.isabs(cache):
        home = os.environ.get('HOME', '')
        if not os.path.isabs(home):
            return None
        cache = os.path.join(home, '.cache')
    return os.path.join(cache, 'cifar10-tf1', 'verified.json')


def _read_cache():
    """dict of real path to identity; empty where there is none."""
    path = _cache_path()
    try:
        with open(path or os.devnull, encoding='utf-8') as stream:
            remembered = json.load(stream)
    except (OSError, ValueError):
        return {}
    return remembered if isinstance(remembered, dict) else {}


def _write_cache(verified):
    path = _cache_path()
    if path is None:
        return
    entries = _read_cache()
    for key in verified:
        entries.pop(key, None)  # so that the newest come last
    entries.update(verified)
    entries = dict(list(entries.items())[-MAX_REMEMBERED_FILES:])
    temporary = None
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path))
        with open(handle, 'w', encoding='utf-8') as stream:
            json.dump(entries, stream, indent=1)
        os.replace(temporary, path)
    except OSError:
        if temporary is not None and os.path.exists(temporary):
            os.remove(temporary)
