"""From the archive to the folder; nothing in the archive decides where."""

import gzip
import hashlib
import os
import tarfile
import zlib

from cifar10_tf1.data import preparation
from cifar10_tf1.data import safe_pickle
from cifar10_tf1.common.errors import UserError

_WAY_OUT = 'Move it away and run this again, or put the right archive there.'


def extract_archive(archive_path, folder, members, decode=None):
    """Extracts the known files of an archive that was verified before.

    Everything is read from the archive in one pass into a temporary folder.
    Other members are looked at and left out; one that could lead out of the
    folder condemns the whole archive.

    Args:
      archive_path: str, a .tar.gz file.
      folder: str, the final folder.
      members: dict of name in the archive to DataFile, what it has to become;
        all of them must be there and right.
      decode: function of a member's bytes that gives the file's, or raises
        safe_pickle.Refused; by default they are the same.
    Raises:
      UserError: with nothing of the archive left on disk.
    """
    missing = dict(members)
    with preparation.new_folder(folder, sum(
            file.size for file in members.values())) as temporary:
        try:
            with gzip.open(archive_path) as unpacked, tarfile.open(
                    fileobj=_Limited(unpacked, archive_path, members),
                    mode='r:') as archive:
                for member in archive:
                    _check_member(archive_path, member)
                    file = missing.get(member.name)
                    if member.isreg() and file is not None:
                        preparation.write_file(
                            os.path.join(temporary, file.name),
                            [_read_file(archive_path, archive, member, file,
                                        decode)])
                        del missing[member.name]  # a second one is left out
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise _broken(archive_path, error) from error
        except OSError as error:
            if error.errno is not None:
                raise  # the disk's, not the archive's
            raise _broken(archive_path, error) from error
        if missing:
            raise UserError(f'{archive_path} has no {sorted(missing)[0]}. '
                            f'{_WAY_OUT}')


class _Limited:
    """A stream that goes forward only, and no further than such an archive can.

    A few kilobytes can unpack to gigabytes; tarfile reads the long name of a
    member into memory, as long as it is said to be; and sizes below zero lead
    it back for ever.
    """

    def __init__(self, stream, archive_path, members):
        self._stream, self._path = stream, archive_path
        self._limit = sum(file.most_bytes for file in members.values())

    def read(self, size):
        self._check(size, self.tell() + size)
        return self._stream.read(size)

    def seek(self, place):
        self._check(place - self.tell(), place)
        self._stream.seek(place)

    def tell(self):
        return self._stream.tell()

    def _check(self, num_bytes, place):
        if num_bytes < 0 or place > self._limit:
            raise UserError(f'{self._path} is refused: one of its members '
                            f'would take {num_bytes:,} bytes. {_WAY_OUT}')


def _check_member(archive_path, member):
    reason = None
    if member.name.startswith('/'):
        reason = 'an absolute path'
    elif '..' in member.name.split('/'):
        reason = 'a path that leads out of its folder'
    elif not member.isreg() and not member.isdir():
        reason = 'a link or a device'
    if reason is not None:
        raise UserError(f'{archive_path} is refused: its member '
                        f'{member.name[:200]!r} is {reason}. {_WAY_OUT}')


def _read_file(archive_path, archive, member, file, decode):
    """bytes of a file that a member holds, verified."""
    # The size first, so that a wrong one can't fill the memory.
    if decode is None and member.size != file.size:
        raise UserError(f'{file.name} has {member.size:,} bytes instead of '
                        f'{file.size:,} in {archive_path}. {_WAY_OUT}')
    if member.size > file.most_bytes:
        raise UserError(f'{member.name} has {member.size:,} bytes in '
                        f'{archive_path}, too many. {_WAY_OUT}')
    content = archive.extractfile(member).read()
    if decode is not None:
        try:
            content = decode(content)
        except safe_pickle.Refused as error:
            raise UserError(f'{member.name} in {archive_path} is refused: '
                            f'{error}. {_WAY_OUT}') from error
    if hashlib.sha256(content).hexdigest() != file.sha256:
        raise UserError(f'{file.name} has the wrong SHA-256 in {archive_path}. '
                        f'{_WAY_OUT}')
    return content


def _broken(archive_path, error):
    return UserError(f'{archive_path} is cut off or damaged '
                     f'({error or type(error).__name__}). {_WAY_OUT}')
