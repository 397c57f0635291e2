"""From the archive to the folder; nothing in the archive decides where."""

import hashlib
import os
import tarfile
import zlib

from cifar10_tf1.data import preparation
from cifar10_tf1.data.verification import CHUNK_BYTES
from cifar10_tf1.errors import UserError


def extract_archive(archive_path, folder, files):
    """Extracts the known files of an archive that was verified before.

    Everything is read from the archive in one pass into a temporary folder.
    Other members are looked at and left out; one that could lead out of the
    folder condemns the whole archive.

    Args:
      archive_path: str, a .tar.gz file.
      folder: str, the final folder; its name is that in the archive.
      files: sequence of DataFile, all of which must be there and right.
    Raises:
      UserError: with nothing of the archive left on disk.
    """
    expected = {f'{os.path.basename(folder)}/{file.name}': file
                for file in files}
    num_bytes = sum(file.size for file in files)
    with preparation.new_folder(folder, num_bytes) as temporary:
        try:
            with tarfile.open(archive_path, 'r:gz') as archive:
                for member in archive:
                    _check_member(archive_path, member)
                    file = expected.get(member.name)
                    if member.isreg() and file is not None:
                        _extract_file(archive, member, file, temporary)
                        del expected[member.name]  # a second one is left out
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise _broken(archive_path, error) from error
        except OSError as error:
            if error.errno is not None:
                raise  # the disk's, not the archive's
            raise _broken(archive_path, error) from error
        if expected:
            raise UserError(f'{archive_path} has no {sorted(expected)[0]}. '
                            f'{_WAY_OUT}')


_WAY_OUT = 'Move it away and run this again, or put the right archive there.'


def _check_member(archive_path, member):
    reason = None
    if member.name.startswith('/'):
        reason = 'an absolute path'
    elif '..' in member.name.split('/'):
        reason = 'a path that leads out of its folder'
    elif not member.isreg() and not member.isdir():
        reason = 'a link or a device'
    if reason is not None:
        raise UserError(f'{archive_path} is refused: its member {member.name!r} '
                        f'is {reason}. {_WAY_OUT}')


def _extract_file(archive, member, file, temporary):
    # The size first, so that a wrong one can't fill the disk.
    if member.size != file.size:
        raise UserError(f'{file.name} has {member.size:,} bytes instead of '
                        f'{file.size:,} in {archive.name}. {_WAY_OUT}')
    digest = hashlib.sha256()
    preparation.write_file(
        os.path.join(temporary, file.name),
        _read_chunks(archive.extractfile(member), digest))
    if digest.hexdigest() != file.sha256:
        raise UserError(f'{file.name} has the wrong SHA-256 in {archive.name}. '
                        f'{_WAY_OUT}')


def _read_chunks(stream, digest):
    """Yields a stream's bytes and feeds them to a hash."""
    for chunk in iter(lambda: stream.read(CHUNK_BYTES), b''):
        digest.update(chunk)
        yield chunk


def _broken(archive_path, error):
    return UserError(f'{archive_path} is cut off or damaged '
                     f'({error or type(error).__name__}). {_WAY_OUT}')
