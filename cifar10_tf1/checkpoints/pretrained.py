"""Published weights that a training begins with, read and checked before it.

They come as a checkpoint of TensorFlow's, in its first or second format, or as a
frozen graph, whose constants are the same numbers; each of them plain or in the
archive that it is published in. What the file says is believed after every tensor
has the name and the shape that the network wants, and finite values.
"""

import contextlib
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from typing import Callable
from typing import Dict
from typing import NamedTuple
from typing import Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.checkpoints import reading
from cifar10_tf1.data import download
from cifar10_tf1.data import preparation
from cifar10_tf1.data import verification
from cifar10_tf1.common.errors import UserError

_MOST_NAMED = 3  # tensors, in a message


class Published(NamedTuple):
    """Weights that others have published, and how they are kept."""
    title: str                    # for people
    find_folder: Callable         # of nothing to where they are kept
    mirror_variable: str          # of the environment: where to download from
    archives: Tuple[download.Archive, ...]  # tried in turn
    checkpoint: str               # name of the checkpoint, also in an archive
    frozen_graph: str             # the same, of the frozen graph
    # Tensors that are not wanted, and tell these weights from others: name to
    # shape.
    marks: Dict[str, tuple]
    explain_marks: Callable       # of a shape that differs, what is wrong
    is_restored: Callable         # of a name: whether training begins with it
    list_name: str                # of a file in the model folder that says so
    format_list: Callable         # of {name: shape} to its lines


class Weights(NamedTuple):
    """What was read, all checked."""
    tensors: Dict[str, np.ndarray]
    sha256: Dict[str, str]    # file name to digest
    tensors_sha256: str       # of the tensors that are wanted, in any packing

    @property
    def for_record(self):
        return {'sha256': dict(self.sha256),
                'tensors_sha256': self.tensors_sha256}


def load(published, wanted, path=None):
    """Finds or downloads the weights, and checks all that is wanted of them.

    Args:
      published: Published.
      wanted: {name: shape} of the variables that they are for; shape a tuple.
      path: str, a file, the prefix of a checkpoint or a folder that holds one of
        them; None: the default folder, and downloaded where it has none.
    Returns:
      Weights.
    Raises:
      UserError: one line, what is wrong and the way out.
    """
    found = _find(published, path or published.find_folder())
    if found is None:
        if path is not None:
            raise UserError(
                f'--pretrained {path}: there is no such file, and no folder '
                f'with one; it takes {_list_names(published)}')
        found = _download(published)
    files = _list_files(found)
    with preparation.explained(f'read {files[0]}'):
        sha256 = {os.path.basename(file): verification.hash_file(file)
                  for file in files}
    tensors = _read(published, found, set(wanted) | set(published.marks))
    _check(published, found, tensors, wanted)
    tensors = {name: tensors[name] for name in wanted}
    return Weights(tensors, sha256, reading.fingerprint_tensors(tensors))


def _list_names(published):
    return ', '.join([published.checkpoint, published.frozen_graph,
                      *(archive.name for archive in published.archives)])


def _find(published, path):
    """A path of weights, a checkpoint's prefix among them, or None."""
    if os.path.isdir(path):
        candidates = [os.path.join(path, name) for name in (
            published.checkpoint, published.frozen_graph,
            *(archive.name for archive in published.archives))]
    else:
        candidates = [path, path[:-len('.index')]] if path.endswith(
            '.index') else [path]
    for candidate in candidates:
        if os.path.isfile(candidate + '.index'):
            return candidate
        if os.path.isfile(candidate) and not candidate.endswith('.index'):
            return candidate
    return None


def _list_files(found):
    if os.path.isfile(found):
        return [found]
    folder, name = os.path.split(found)
    return [os.path.join(folder, other)
            for other in sorted(os.listdir(folder or '.'))
            if other == name + '.index' or other.startswith(name + '.data-')]


def _download(published):
    """From the first address that has one of the archives; its path."""
    folder = published.find_folder()
    mirror = os.environ.get(published.mirror_variable)
    archives = [archive._replace(urls=(f'{mirror.rstrip("/")}/{archive.name}',))
                if mirror else archive for archive in published.archives]
    try:
        with preparation.locked(folder):
            archive = download.load_archive(folder, archives, 0)
    except UserError as error:
        # Of the folder, which has another option here.
        raise UserError(str(error).replace('--data-dir', '--pretrained'))
    return os.path.join(folder, archive.name)


def _read(published, path, names):
    """{name: array} of those that are there."""
    if not path.endswith(('.tar.gz', '.tgz')):
        return _read_plain(path, names)
    with tempfile.TemporaryDirectory(prefix='cifar10_tf1-weights-') as folder:
        with _explained_archive(path):
            with tarfile.open(path, 'r:gz') as archive:
                extracted = _extract(archive, folder, (
                    published.checkpoint, published.frozen_graph))
        if extracted is None:
            raise UserError(
                f'{path} has neither {published.checkpoint} nor '
                f'{published.frozen_graph} in it; name another with '
                '--pretrained')
        return _read_plain(extracted, names, path)


def _extract(archive, folder, names):
    """Copies the members of a known name; nothing in the archive says where.

    Returns:
      str, a path of weights, or None.
    """
    pattern = re.compile(f'({"|".join(map(re.escape, names))})'
                         r'(\.index|\.data-\d{5}-of-\d{5})?$')
    found = None
    for member in archive:
        match = pattern.match(os.path.basename(member.name))
        if match and member.isreg():
            with open(os.path.join(folder, match.group()), 'wb') as file:
                shutil.copyfileobj(archive.extractfile(member), file, 1 << 20)
            found = os.path.join(folder, match.group(1))
    return found


@contextlib.contextmanager
def _explained_archive(path):
    try:
        yield
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise _damaged(path, error)
    except OSError as error:
        if error.errno is not None:
            raise UserError(f'cannot read {path}: {error.strerror}')
        raise _damaged(path, error)


def _read_plain(path, names, shown=None):
    shown = shown or path
    if path.endswith('.pb'):
        return _read_frozen(path, names, shown)
    reason = reading.find_damage(path)
    if reason:
        raise _damaged(shown, reason)
    reader = tf.train.NewCheckpointReader(path)
    return {name: np.asarray(reader.get_tensor(name)) for name in names
            if reader.has_tensor(name)}


def _read_frozen(path, names, shown):
    try:
        with open(path, 'rb') as file:
            graph = tf.GraphDef.FromString(file.read())
    except OSError as error:
        raise UserError(f'cannot read {shown}: {error.strerror}')
    except Exception as error:  # pylint: disable=broad-except
        # protobuf's DecodeError, and others by version.
        raise _damaged(shown, error)
    return {node.name: tf.make_ndarray(node.attr['value'].tensor)
            for node in graph.node if node.op == 'Const' and node.name in names}


def _damaged(path, error):
    reason = error if isinstance(error, str) else reading.one_line(error)
    return UserError(f'{path} is cut off or damaged ({reason}); get it again, '
                     'or name another with --pretrained')


def _check(published, path, tensors, wanted):
    """Raises UserError where a tensor is missing, misshapen or not finite."""
    for name, shape in published.marks.items():
        if name in tensors and tensors[name].shape != shape:
            raise UserError(
                f'{path} is not {published.title}: '
                f'{published.explain_marks(tensors[name].shape)}; name another '
                'with --pretrained')
    wrong = []
    for name, shape in list(wanted.items()) + list(published.marks.items()):
        if name not in tensors:
            wrong.append(f'{name} is missing')
        elif tensors[name].shape != tuple(shape):
            wrong.append(f'{name} is {list(tensors[name].shape)}, not '
                         f'{list(shape)}')
        elif tensors[name].dtype != np.float32:
            wrong.append(f'{name} is {tensors[name].dtype}, not float32')
        elif not np.isfinite(tensors[name]).all():
            wrong.append(f'{name} holds numbers that are not finite')
    if wrong:
        more = f' and {len(wrong) - _MOST_NAMED} more' if (
            len(wrong) > _MOST_NAMED) else ''
        raise UserError(
            f'{path} is not {published.title}: '
            + '; '.join(wrong[:_MOST_NAMED]) + more
            + '; name another with --pretrained')
