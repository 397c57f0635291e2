"""Reads and checks published weights before training starts from them.

They are a checkpoint in TensorFlow's first or second format or a frozen graph, plain or
in a .tar.gz archive. Other weights for the same network may also be an .npz file with
the checkpoint's names or Keras's .h5 file; a run from them is another result.
"""

import glob
import os
import re
import tarfile
import tempfile
from typing import Callable, NamedTuple, Tuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.checkpoints import reading
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import download, preparation, verification

OTHER_PREFIX = '[from weights other than the documented ones] '

_OTHERS = ('.npz', '.h5')  # never documented
_WAY_OUT = 'name another with --pretrained'


class PretrainedWeights(NamedTuple):
    """The weights of a documented result, and how they are stored."""
    title: str                    # as printed
    find_folder: Callable         # () -> folder where they are kept
    mirror_variable: str          # environment variable with a URL to download from
    archives: Tuple[verification.DataFile, ...]  # tried in turn
    checkpoint: str               # name of the checkpoint, also in an archive
    frozen_graph: str             # name of the frozen graph, also in an archive
    # Name and shape of the tensor that identifies these weights; it is not restored.
    mark: Tuple[str, tuple]
    is_restored: Callable         # name -> whether training starts from it
    num_keras_layers: int         # convolutions in Keras's file
    list_name: str                # file in the model folder that lists the variables
    format_list: Callable         # {name: shape} -> lines of that file


def load(published, wanted, path=None):
    """Finds or downloads the weights, and checks the wanted ones.

    Args:
      published: PretrainedWeights.
      wanted: {name: shape} of the variables to restore, in order of creation;
        shape a tuple.
      path: str, a file, the prefix of a checkpoint or a folder with one of them;
        None: the default folder, to which missing weights are downloaded.
    Returns:
      ({name: array}, dict for the record: digests of the files and of the tensors).
    Raises:
      UserError: the weights are missing, damaged, misfit, or not the documented ones.
    """
    folder = path or published.find_folder()
    found = _find(published, folder)
    if found is None and path:
        raise UserError(
            f'--pretrained {path}: no such file, and no folder that contains one; name '
            f'{", ".join(_list_names(published))}, an .npz file with the tensors by '
            'name, or Keras\'s .h5 file')
    if found is None:
        preparation.prepare(folder, lambda: _find(published, folder) is not None,
                            lambda: _download(published, folder), '--pretrained')
        found = _find(published, folder)
    tensors, sha256 = _read(published, found, wanted), _hash_files(found)
    for name, shape in wanted.items():
        tensor = tensors.get(name)
        if tensor is None:
            problem = 'is missing'
        elif tensor.shape != tuple(shape) or tensor.dtype != np.float32:
            problem = (f'is {tensor.dtype} {list(tensor.shape)} instead of float32 '
                       f'{list(shape)}')
        elif not np.isfinite(tensor).all():
            problem = 'contains numbers that are not finite'
        else:
            continue
        raise UserError(f'{found} does not fit {published.title}: {name} {problem}; '
                        f'{_WAY_OUT}')
    documented = _is_documented(published, found, tensors, sha256)
    if not documented and not path:
        raise UserError(f'{found} is not {published.title}; move it away, or use it '
                        f'anyway with --pretrained {found}')
    tensors = {name: tensors[name] for name in wanted}
    return tensors, dict(
        {'sha256': sha256, 'tensors_sha256': reading.fingerprint_tensors(tensors)},
        **{} if documented else {'is_documented': False})


def is_documented(published, path):
    """Whether a path has the documented weights, or no weights at all."""
    found = _find(published, path)
    return found is None or _is_documented(
        published, found, _read(published, found, {}), _hash_files(found))


def _is_documented(published, found, tensors, sha256):
    name, shape = published.mark
    return (not found.endswith(_OTHERS)
            and name in tensors and tensors[name].shape == shape
            and all(archive.digest in (None, sha256.get(archive.name, archive.digest))
                    for archive in published.archives))


def _list_names(published):
    return [published.checkpoint, published.frozen_graph,
            *(archive.name for archive in published.archives)]


def _find(published, path):
    """The path of a file or the prefix of a checkpoint, or None."""
    candidates = [path[:-len('.index')] if path.endswith('.index') else path]
    if os.path.isdir(path):
        candidates = [os.path.join(path, name) for name in _list_names(published)]
    for candidate in candidates:
        if os.path.isfile(candidate) or os.path.isfile(candidate + '.index'):
            return candidate
    return None


def _hash_files(found):
    """{file name: SHA-256} of a file, or of a checkpoint's files."""
    prefix = glob.escape(found)
    with preparation.explained(f'read {found}', '--pretrained'):
        return {os.path.basename(path): verification.hash_file(path)
                for path in ([found] if os.path.isfile(found) else sorted(
                    glob.glob(prefix + '.index') + glob.glob(prefix + '.data-*')))}


def _download(published, folder):
    mirror = os.environ.get(published.mirror_variable)
    archives = [archive._replace(urls=(f'{mirror.rstrip("/")}/{archive.name}',))
                if mirror else archive for archive in published.archives]
    download.fetch(
        folder, archives, published.title, 'get one of '
        + ' and '.join(url for archive in archives for url in archive.urls)
        + ' in another way and name it with --pretrained; or start from seeded weights, '
        'for another result, with --from-scratch.', '--pretrained')


def _read(published, path, wanted):
    """{name: array} of the wanted tensors and the mark, as far as they exist."""
    names = {*wanted, published.mark[0]}
    try:
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
    # What damaged bytes raise depends on the library and its version.
    except Exception as error:  # pylint: disable=broad-except
        raise UserError(f'{path} cannot be read, or is truncated or damaged '
                        f'({reading.one_line(error)}); {_WAY_OUT}') from error


def _extract(published, path, folder):
    """Extracts the members with a known name; returns the path of the weights."""
    found = None
    with tarfile.open(path, 'r:gz') as archive:
        for member in archive:
            member.name = os.path.basename(member.name)
            for name in (published.checkpoint, published.frozen_graph):
                if member.isreg() and (member.name == name or member.name.startswith(
                        (name + '.index', name + '.data-'))):
                    archive.extract(member, folder)
                    found = os.path.join(folder, name)
    if found is None:
        raise ValueError(f'it contains neither {published.checkpoint} nor '
                         f'{published.frozen_graph}')
    return found


def _read_plain(path, names):
    if path.endswith('.pb'):
        with open(path, 'rb') as file:
            graph = tf.GraphDef.FromString(file.read())
        return {node.name: tf.make_ndarray(node.attr['value'].tensor)
                for node in graph.node
                if node.op == 'Const' and node.name in names}
    reader = tf.train.NewCheckpointReader(path)
    return {name: np.asarray(reader.get_tensor(name)) for name in names
            if reader.has_tensor(name)}


def _read_keras(path, num_layers, wanted):
    """{name: array}: Keras's i-th convolution is the network's i-th.

    Keras builds the layers in slim's order and numbers them. It lacks slim's auxiliary
    classifier and, as here, has no factor in batch normalisation.
    """
    import h5py
    layers = {'conv2d': {}, 'batch_normalization': {}}  # number to {value: array}

    def visit(name, item):
        layer, value = ([''] + name.split('/'))[-2:]
        match = re.match(r'(conv2d|batch_normalization)(?:_(\d+))?$', layer)
        if match and isinstance(item, h5py.Dataset):
            kind, number = match.group(1), int(match.group(2) or 0)
            layers[kind].setdefault(number, {})[value.split(':')[0]] = item[()]

    with h5py.File(path, 'r') as file:
        file.visititems(visit)
    pairs = list(zip(*([layer for unused_number, layer in sorted(numbered.items())]
                       for numbered in layers.values())))
    if {num_layers} != {len(numbered) for numbered in layers.values()}:
        raise ValueError(
            f'it has {len(layers["conv2d"])} convolutions and '
            f'{len(layers["batch_normalization"])} batch normalisations instead of '
            f'{num_layers} each')
    scopes = [name[:-len('/weights')] for name in wanted if name.endswith('/weights')]
    tensors = {}
    for scope, (convolution, normalization) in zip(scopes, pairs):
        tensors[f'{scope}/weights'] = convolution.get('kernel')
        for value in ('beta', 'moving_mean', 'moving_variance'):
            tensors[f'{scope}/BatchNorm/{value}'] = normalization.get(value)
    return {name: value for name, value in tensors.items() if value is not None}
