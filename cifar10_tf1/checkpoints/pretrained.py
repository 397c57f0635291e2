"""Weights that others published, read and checked before a training begins with them.

They come as a checkpoint of TensorFlow's first or second format or as a frozen
graph, plain or in a .tar.gz archive. Other weights for the same network will do
too: a checkpoint, an .npz file with the checkpoint's names, or the .h5 file of
Keras. A run from those is another result than the documented one.

Every tensor must have the name and the shape that the network wants, and finite
values.
"""

import contextlib
import os
import re
import shutil
import tarfile
import tempfile
import zipfile
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

OTHER_PREFIX = '[from other weights than the documented] '

_MOST_NAMED = 3  # tensors, in a message
_OTHERS = ('.npz', '.h5')  # never documented
_WAY_OUT = 'name another with --pretrained'
_DAMAGE = (tarfile.TarError, zipfile.BadZipFile, EOFError, ValueError, KeyError,
           zlib.error)


class PretrainedWeights(NamedTuple):
    """The weights of a documented result, and how they are kept."""
    title: str                    # for people
    find_folder: Callable         # of nothing to the folder where they are kept
    mirror_variable: str          # of the environment: where to download from
    archives: Tuple[download.Archive, ...]  # tried in turn
    checkpoint: str               # name of the checkpoint, also in an archive
    frozen_graph: str             # name of the frozen graph, likewise
    # Name and shape of the tensor that tells these weights from others; it is
    # not restored.
    mark: Tuple[str, tuple]
    is_restored: Callable         # of a name: whether training begins with it
    num_keras_layers: int         # convolutions in Keras's file
    list_name: str                # of a file in the model folder that lists them
    format_list: Callable         # of {name: shape} to its lines


class Weights(NamedTuple):
    """The tensors that were read, all checked."""
    tensors: Dict[str, np.ndarray]
    sha256: Dict[str, str]    # file name to digest
    tensors_sha256: str       # of the wanted tensors, in any packing
    is_documented: bool

    @property
    def for_record(self):
        content = {'sha256': dict(self.sha256),
                   'tensors_sha256': self.tensors_sha256}
        return content if self.is_documented else dict(content, is_documented=False)


def load(published, wanted, path=None):
    """Finds or downloads the weights, and checks the wanted ones.

    Args:
      published: PretrainedWeights.
      wanted: {name: shape} of the variables to restore, in order of creation;
        shape a tuple.
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
                f'with one; it takes {", ".join(_list_names(published))}, an .npz '
                'file of tensors by their names, or the .h5 file of Keras')
        found = _download(published)
    with preparation.explained(f'read {found}', '--pretrained'):
        sha256 = {os.path.basename(file): verification.hash_file(file)
                  for file in _list_files(found)}
    tensors = _read(published, found, wanted)
    _check(published, found, tensors, wanted)
    is_documented = _is_documented(published, found, tensors)
    if path is None and not is_documented:
        raise UserError(f'{found} is not {published.title}; move it away, or begin '
                        f'with it all the same by --pretrained {found}')
    tensors = {name: tensors[name] for name in wanted}
    return Weights(tensors, sha256, reading.fingerprint_tensors(tensors),
                   is_documented)


def is_documented(published, path):
    """Whether a path that a user names has the documented weights, or nothing."""
    found = _find(published, path)
    if found is None or found.endswith(_OTHERS):
        return found is None
    return _is_documented(published, found, _read(published, found, {}))


def _is_documented(published, found, tensors):
    name, shape = published.mark
    return (not found.endswith(_OTHERS)
            and name in tensors and tensors[name].shape == shape
            and not any(archive.name == os.path.basename(found)
                        and archive.find_damage(found)
                        for archive in published.archives))


def _list_names(published):
    return [published.checkpoint, published.frozen_graph,
            *(archive.name for archive in published.archives)]


def _find(published, path):
    """A path of weights, a checkpoint's prefix among them, or None."""
    candidates = [path]
    if os.path.isdir(path):
        candidates = [os.path.join(path, name) for name in _list_names(published)]
    elif path.endswith('.index'):
        candidates = [path[:-len('.index')]]
    for candidate in candidates:
        if os.path.isfile(candidate) or os.path.isfile(candidate + '.index'):
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
    """The path of the first archive that some address has."""
    folder = published.find_folder()
    mirror = os.environ.get(published.mirror_variable)
    archives = [archive._replace(urls=(f'{mirror.rstrip("/")}/{archive.name}',))
                if mirror else archive for archive in published.archives]
    with preparation.locked(folder, '--pretrained'):
        path, unused_archive = download.fetch(
            folder, archives, published.title, 'get one of '
            + ' and '.join(url for archive in archives for url in archive.urls)
            + ' in another way and name it with --pretrained; or begin with seeded '
            'weights, which is another result, with --from-scratch.',
            option='--pretrained')
    return path


def _read(published, path, wanted):
    """{name: array} of the wanted tensors and the mark, those that are there."""
    names = {*wanted, published.mark[0]}
    with _explained(path):
        if path.endswith('.npz'):
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in names & set(file.files)}
        if path.endswith('.h5'):
            return _read_keras(path, published.num_keras_layers, wanted)
        if path.endswith(('.tar.gz', '.tgz')):
            with tempfile.TemporaryDirectory(
                    prefix='cifar10_tf1-weights-') as folder:
                return _read_plain(_extract(published, path, folder), names)
        return _read_plain(path, names)


@contextlib.contextmanager
def _explained(path):
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            raise UserError(f'cannot read {path}: {error.strerror}; {_WAY_OUT}')
        raise _damaged(path, error)
    except _DAMAGE as error:
        raise _damaged(path, error)


def _damaged(path, error):
    return UserError(f'{path} is cut off or damaged ({reading.one_line(error)}); get '
                     f'it again, or {_WAY_OUT}')


def _extract(published, path, folder):
    """Copies the members of a known name; the path of the weights."""
    names = (published.checkpoint, published.frozen_graph)
    pattern = re.compile(f'({"|".join(map(re.escape, names))})'
                         r'(\.index|\.data-\d{5}-of-\d{5})?$')
    found = None
    with tarfile.open(path, 'r:gz') as archive:
        for member in archive:
            match = pattern.match(os.path.basename(member.name))
            if match and member.isreg():
                with open(os.path.join(folder, match.group()), 'wb') as file:
                    shutil.copyfileobj(archive.extractfile(member), file, 1 << 20)
                found = os.path.join(folder, match.group(1))
    if found is None:
        raise UserError(f'{path} has neither {" nor ".join(names)} in it; {_WAY_OUT}')
    return found


def _read_plain(path, names):
    if path.endswith('.pb'):
        with open(path, 'rb') as file:
            content = file.read()
        try:
            graph = tf.GraphDef.FromString(content)
        except Exception as error:  # pylint: disable=broad-except
            # protobuf's DecodeError, and others by version.
            raise ValueError(reading.one_line(error))
        return {node.name: tf.make_ndarray(node.attr['value'].tensor)
                for node in graph.node
                if node.op == 'Const' and node.name in names}
    reason = reading.find_damage(path)
    if reason:
        raise ValueError(reason)
    reader = tf.train.NewCheckpointReader(path)
    return {name: np.asarray(reader.get_tensor(name)) for name in names
            if reader.has_tensor(name)}


def _read_keras(path, num_layers, wanted):
    """{name: array}: Keras's i-th convolution is the network's i-th.

    Keras makes the layers in slim's order and numbers them; it has neither slim's
    auxiliary classifier nor, as here, a factor in batch normalisation.
    """
    import h5py
    layers = {}  # (kind, number) to {name of the value: array}

    def visit(name, item):
        layer, value = ([''] + name.split('/'))[-2:]
        match = re.match(r'(conv2d|batch_normalization)(?:_(\d+))?$', layer)
        if match and isinstance(item, h5py.Dataset):
            number = int(match.group(2) or 0)
            layers.setdefault((match.group(1), number), {})[
                value.split(':')[0]] = item[()]

    with h5py.File(path, 'r') as file:
        file.visititems(visit)
    convolutions, normalizations = (
        [layers[key] for key in sorted(layers) if key[0] == kind]
        for kind in ('conv2d', 'batch_normalization'))
    if not len(convolutions) == len(normalizations) == num_layers:
        raise UserError(
            f'{path} has {len(convolutions)} convolutions and {len(normalizations)} '
            f'batch normalisations instead of {num_layers} each; {_WAY_OUT}')
    scopes = [name[:-len('/weights')] for name in wanted if name.endswith('/weights')]
    tensors = {}
    for scope, convolution, normalization in zip(scopes, convolutions,
                                                 normalizations):
        tensors[f'{scope}/weights'] = convolution.get('kernel')
        for value in ('beta', 'moving_mean', 'moving_variance'):
            tensors[f'{scope}/BatchNorm/{value}'] = normalization.get(value)
    return {name: value for name, value in tensors.items() if value is not None}


def _check(published, path, tensors, wanted):
    """Raises UserError where a tensor is missing, misshapen or not finite."""
    wrong = []
    for name, shape in wanted.items():
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
        raise UserError(f'{path} does not fit {published.title}: '
                        + '; '.join(wrong[:_MOST_NAMED]) + f'{more}; {_WAY_OUT}')
