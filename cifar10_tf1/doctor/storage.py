"""The data, the disks and the permission to write."""

import errno
import os
import shutil
import tempfile

from cifar10_tf1.doctor.lines import FAIL
from cifar10_tf1.doctor.lines import Line
from cifar10_tf1.doctor.lines import OK
from cifar10_tf1.doctor.lines import WARN

CHECKPOINT_BYTES = 9 * 1000 * 1000  # measured: 8.7 MB, and the run's record
NUM_CHECKPOINTS = 6                 # the five that are kept, and a save


def check_data(data_dir):
    """The six files, by size and SHA-256, each time anew."""
    from cifar10_tf1.data import cifar10
    from cifar10_tf1.data import preparation
    from cifar10_tf1.data import verification
    folder = os.path.join(cifar10.check_data_dir(data_dir), cifar10.FOLDER)
    way_out = (f'Move {folder} away to have it downloaded again, or name '
               'another folder with --data-dir')
    if preparation.is_absent(folder, cifar10.FILES, way_out):
        yield Line(WARN, 'Data', f'no CIFAR-10 in {data_dir}',
                   _explain_absence(data_dir))
        return
    damaged = [file.name for file in cifar10.FILES if file.sha256 != (
        verification.hash_file(os.path.join(folder, file.name)))]
    if damaged:
        yield Line(FAIL, 'Data', f'{", ".join(damaged)} in {folder} '
                   f'{"is" if len(damaged) == 1 else "are"} damaged (SHA-256)',
                   way_out)
    else:
        yield Line(OK, 'Data', f'CIFAR-10 in {folder}, all six files verified '
                   '(SHA-256)')


def _explain_absence(data_dir):
    from cifar10_tf1.data import cifar10
    if os.path.exists(os.path.join(data_dir, cifar10.ARCHIVE_NAME)):
        return f'train.py extracts the {cifar10.ARCHIVE_NAME} that lies there'
    return ('train.py downloads it (170 MB). Without network: put '
            f'{cifar10.ARCHIVE_NAME} there, name a folder that has the data '
            'with --data-dir, or use --synthetic')


def check_disks(data_dir, model_dir):
    """Room for what is still to be written."""
    from cifar10_tf1.data import cifar10
    if not _has_content(os.path.join(data_dir, cifar10.FOLDER)):
        need = sum(file.size for file in cifar10.FILES)
        if not os.path.exists(os.path.join(data_dir, cifar10.ARCHIVE_NAME)):
            need += cifar10.official_archive().size
        yield _judge_room('data', data_dir, need, need)
    yield _judge_room('model', model_dir, CHECKPOINT_BYTES, max(
        CHECKPOINT_BYTES, NUM_CHECKPOINTS * CHECKPOINT_BYTES
        - _size_of_checkpoints(model_dir)))


def _judge_room(what, folder, least, wanted):
    free = shutil.disk_usage(find_existing(folder)).free
    text = f'{_megabytes(free)} free for the {what} in {folder}'
    if free >= wanted:
        return Line(OK, 'Disk', text)
    return Line(FAIL if free < least else WARN, 'Disk',
                f'{text}, which needs {_megabytes(wanted)} more',
                f'free some, or give a folder on another disk with --{what}-dir')


def check_permissions(data_dir, model_dir):
    """Whether what is still to be written may be written; nothing stays."""
    from cifar10_tf1.data import cifar10
    if not _has_content(os.path.join(data_dir, cifar10.FOLDER)):
        yield _judge_permission('data', data_dir)
    yield _judge_permission('model', model_dir)


def _judge_permission(what, folder):
    place = find_existing(folder)
    try:
        if not os.path.isdir(place):
            raise NotADirectoryError(errno.ENOTDIR, f'{place} is not a folder')
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b'x')
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return Line(FAIL, 'Writing', f'the {what} folder {folder} cannot be '
                        f'written: {error.strerror}', 'change its permissions, '
                        f'or give another folder with --{what}-dir; in a '
                        'container mount a volume that its user can write')
    return Line(OK, 'Writing', f'the {what} folder {folder} can be written')


def find_existing(folder):
    """The folder, or the nearest one above it that there is."""
    folder = os.path.abspath(folder)
    while not os.path.lexists(folder):
        folder = os.path.dirname(folder)
    return folder


def _has_content(folder):
    return os.path.isdir(folder) and bool(os.listdir(folder))


def _size_of_checkpoints(model_dir):
    """Bytes in checkpoints, which new ones take the place of."""
    if not os.path.isdir(model_dir):
        return 0
    return sum(os.path.getsize(os.path.join(model_dir, name))
               for name in os.listdir(model_dir)
               if name.startswith('model.ckpt-'))


def _megabytes(size):
    return f'{size / 1e9:,.1f} GB' if size >= 1e9 else f'{size / 1e6:,.0f} MB'
