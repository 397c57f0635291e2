"""The data, the disks and the permission to write."""

import errno
import os
import shutil
import tempfile

from cifar10_tf1 import data
from cifar10_tf1 import systems
from cifar10_tf1.doctor.lines import FAIL
from cifar10_tf1.doctor.lines import Line
from cifar10_tf1.doctor.lines import OK
from cifar10_tf1.doctor.lines import WARN

NUM_CHECKPOINTS = 6                 # the five that are kept, and a save


def check_data(data_dir, system_name=systems.DEFAULT):
    """The system's data, by the digests of its files, each time anew."""
    check = {'cifar10': _check_cifar10, 'mnist': _check_mnist}
    return check[systems.find(system_name).data](data_dir)


def _check_mnist(data_dir):
    from cifar10_tf1.data import mnist
    folder = mnist.find_folder(data_dir)
    missing = [file.name for file in mnist.list_missing(folder)]
    damaged = [file.name for file in mnist.FILES if file.name not in missing
               and mnist.find_damage(mnist.find_path(folder, file), file)]
    if damaged:
        yield Line(FAIL, 'Data', f'{", ".join(damaged)} in {folder} '
                   f'{"is" if len(damaged) == 1 else "are"} damaged (SHA-256)',
                   'Move what is damaged away to have it downloaded again, or '
                   'name another folder with --data-dir')
    elif missing:
        yield Line(WARN, 'Data', f'no {", ".join(missing)} of MNIST in '
                   f'{data_dir}', 'train.py downloads it (12 MB). Without '
                   'network: put the four files there, packed by gzip or not, '
                   'name a folder that has them with --data-dir, or use '
                   '--synthetic')
    else:
        yield Line(OK, 'Data', f'MNIST in {folder}, all four files verified '
                   '(SHA-256)')


def _check_cifar10(data_dir):
    from cifar10_tf1.data import cifar10
    version = cifar10.find_version(cifar10.check_data_dir(data_dir),
                                   cifar10.FILES)
    if version is None:
        yield Line(WARN, 'Data', f'no CIFAR-10 in {data_dir}',
                   _explain_absence(data_dir))
        return
    folder = os.path.join(data_dir, version.folder)
    damaged = [name for name, unused_reason
               in version.find_damage(folder, cifar10.FILES)]
    if damaged:
        yield Line(FAIL, 'Data', f'{", ".join(damaged)} in {folder} '
                   f'{"is" if len(damaged) == 1 else "are"} damaged (SHA-256)',
                   f'Move {folder} away to have it downloaded again, or name '
                   'another folder with --data-dir')
    else:
        yield Line(OK, 'Data', f'CIFAR-10 in {folder}, all six files verified '
                   '(SHA-256)')


def _explain_absence(data_dir):
    from cifar10_tf1.data import cifar10
    from cifar10_tf1.data import cifar10_archives
    names = [cifar10_archives.BINARY_NAME, cifar10_archives.PYTHON_NAME]
    for name in names:
        if os.path.exists(os.path.join(data_dir, name)):
            return f'train.py extracts the {name} that lies there'
    offers = cifar10.list_offers()
    return offers[0] if offers else (
        f'train.py downloads it (170 MB). Without network: put '
        f'{" or ".join(names)} there, name a folder that has the data with '
        f'--data-dir, or use --synthetic')


def check_weights(system_name):
    """Published weights that training begins with; nothing where it has none."""
    folder = systems.find(system_name).weights_dir
    if folder and os.path.isdir(folder) and os.listdir(folder):
        yield Line(OK, 'Weights', f'{folder} is there; what is in it is checked '
                   'before the training')
    elif folder:
        yield Line(WARN, 'Weights', f'no published weights in {folder}',
                   'train.py downloads them (89 MB). Without network: name a '
                   'file or a folder with --pretrained, or begin with seeded '
                   'weights, another result, with --from-scratch')


def check_disks(data_dir, model_dir, system_name=systems.DEFAULT):
    """Room for what is still to be written."""
    entry = systems.find(system_name)
    source = data.SOURCES[entry.data]
    if not source.is_at_hand(data_dir):
        need = source.load_module(False).count_needed_bytes(data_dir)
        yield _judge_room('data', data_dir, need, need)
    size = entry.checkpoint_bytes
    yield _judge_room('model', model_dir, size, max(
        size, NUM_CHECKPOINTS * size - _size_of_checkpoints(model_dir)))


def _judge_room(what, folder, least, wanted):
    free = shutil.disk_usage(find_existing(folder)).free
    text = f'{_megabytes(free)} free for the {what} in {folder}'
    if free >= wanted:
        return Line(OK, 'Disk', text)
    return Line(FAIL if free < least else WARN, 'Disk',
                f'{text}, which needs {_megabytes(wanted)} more',
                f'free some, or give a folder on another disk with --{what}-dir')


def check_permissions(data_dir, model_dir, system_name=systems.DEFAULT):
    """Whether what is still to be written may be written; nothing stays."""
    if not data.SOURCES[systems.find(system_name).data].is_at_hand(data_dir):
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


def _size_of_checkpoints(model_dir):
    """Bytes in checkpoints, which new ones take the place of."""
    if not os.path.isdir(model_dir):
        return 0
    return sum(os.path.getsize(os.path.join(model_dir, name))
               for name in os.listdir(model_dir)
               if name.startswith('model.ckpt-'))


def _megabytes(size):
    return f'{size / 1e9:,.1f} GB' if size >= 1e9 else f'{size / 1e6:,.0f} MB'
