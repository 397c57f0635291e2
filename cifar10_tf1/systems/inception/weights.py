"""The weights of Inception v3 that training starts from, trained on 1,001 classes.

They were published on 2016-08-28 in two packings of the same numbers, a checkpoint and a
frozen graph, each in a .tar.gz archive. The digest of the frozen graph's archive is
published with OpenVINO's Open Model Zoo; that of the checkpoint's archive is not known,
so its content is checked. The frozen graph lacks the auxiliary classifier, which
fine-tuning leaves out anyway.

Other weights of this network work too, including an .npz file with the checkpoint's names
or Keras's .h5 file; a run from them is another result.
"""

import glob
import os
import re
import tarfile
import tempfile
import zipfile

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import systems
from cifar10_tf1.checkpoints import model_dir, reading
from cifar10_tf1.common.errors import one_line, UserError
from cifar10_tf1.data import download, preparation, verification

TITLE = 'the Inception v3 of 2016-08-28'
LIST_FILE = 'tf_inception_vars.txt'  # in the model folder, as the original writes it
CHECKPOINT, FROZEN_GRAPH = 'inception_v3.ckpt', 'inception_v3_2016_08_28_frozen.pb'
_HOST = 'https://storage.googleapis.com/download.tensorflow.org/models'
ARCHIVES = (  # tried in turn
    verification.DataFile(
        'inception_v3_2016_08_28_frozen.pb.tar.gz', 88668554,
        '7045b72a954af4dce36346f478610acdccbf149168fa25c78e54e32f0c723d6d',
        (f'{_HOST}/inception_v3_2016_08_28_frozen.pb.tar.gz',)),
    verification.DataFile('inception_v3_2016_08_28.tar.gz', None, None,
                          (f'{_HOST}/inception_v3_2016_08_28.tar.gz',)))
NUM_KERAS_CONVOLUTIONS = 94

_NAMES = (CHECKPOINT, FROZEN_GRAPH, *(archive.name for archive in ARCHIVES))
# Names that begin with one of these are trained from fresh weights.
_LEFT_OUT = ('InceptionV3/Logits', 'InceptionV3/AuxLogits', 'InceptionV3/Mixed_7')
# Not restored, but its shape tells the published weights from others.
_MARK, _MARK_SHAPE = 'InceptionV3/Logits/Conv2d_1c_1x1/weights', (1, 1, 2048, 1001)
_WAY_OUT = 'name another with --pretrained'


def is_restored(name):
    """Whether a variable begins with its published value."""
    return not name.startswith(_LEFT_OUT)


def format_list(shapes):
    """The lines of LIST_FILE, from {name: shape} in order of creation."""
    return [f'Tensor("{name}/read:0", shape={tuple(shape)}, dtype=float32) ::{what}'
            for restored, what in ((True, 'RESTORED FROM CHECKPOINT'),
                                   (False, 'SELECTED FOR RETRAINING'))
            for name, shape in shapes.items()
            if is_restored(name) == restored]


def load(shapes, path=None):
    """Finds or downloads the weights, and checks those that are restored.

    Args:
      shapes: {name: shape} of the network's variables, in order of creation.
      path: str, a file, the prefix of a checkpoint or a folder with one of them;
        None: the default folder, to which missing weights are downloaded.
    Returns:
      ({name: array}, dict for the record: digests of the files and of the tensors, and
      `is_documented`, False, if they are other weights).
    Raises:
      UserError: the weights are missing or damaged or do not fit; or path is None, and
        they are not the published ones.
    """
    wanted = {name: shape for name, shape in shapes.items() if is_restored(name)}
    found = _find(path) if path else _find_or_download()
    if found is None:
        raise UserError(
            f'--pretrained {path}: no such file, and no folder that contains one; name '
            f'{", ".join(_NAMES)}, an .npz file with the tensors by name, or Keras\'s .h5 file')
    tensors = _read(found, wanted)
    mark = tensors.pop(_MARK, None)
    for name, shape in wanted.items():
        problem = _find_problem(tensors.get(name), shape)
        if problem:
            raise UserError(f'{found} does not fit {TITLE}: {name} {problem}; {_WAY_OUT}')
    tensors = {name: tensors[name] for name in wanted}
    record = {'sha256': _hash_files(found), 'tensors_sha256': reading.fingerprint_tensors(tensors)}
    is_documented = (
        mark is not None and mark.shape == _MARK_SHAPE and not found.endswith('.npz')
        and all(archive.digest in (None, record['sha256'].get(archive.name, archive.digest))
                for archive in ARCHIVES))
    if not is_documented:
        record['is_documented'] = False
        if path is None:
            raise UserError(f'{found} is not {TITLE}; move it away, or use it anyway with '
                            f'--pretrained {found}')
    return tensors, record


def _find_problem(tensor, shape):
    if tensor is None:
        return 'is missing'
    if tensor.shape != tuple(shape) or tensor.dtype != np.float32:
        return f'is {tensor.dtype} {list(tensor.shape)} instead of float32 {list(shape)}'
    if not np.isfinite(tensor).all():
        return 'contains numbers that are not finite'
    return None


def _find(path):
    """The path of a file or the prefix of a checkpoint, or None."""
    candidates = ([os.path.join(path, name) for name in _NAMES] if os.path.isdir(path)
                  else [model_dir.find_prefix(path)])
    return next((candidate for candidate in candidates if os.path.isfile(candidate)
                 or os.path.isfile(candidate + '.index')), None)


def _find_or_download():
    folder = systems.find('inception_v3').weights_dir
    mirror = os.environ.get('INCEPTION_V3_URL')
    archives = [archive._replace(urls=(f'{mirror.rstrip("/")}/{archive.name}',))
                if mirror else archive for archive in ARCHIVES]
    preparation.prepare(
        folder, lambda: _find(folder) is not None, lambda: download.fetch(
            folder, archives, TITLE, 'get one of '
            + ' and '.join(url for archive in archives for url in archive.urls)
            + ' in another way and name it with --pretrained; or start from seeded '
            'weights, for another result, with --from-scratch.', '--pretrained'),
        '--pretrained')
    return _find(folder)


def _hash_files(found):
    """{file name: SHA-256} of a file, or of a checkpoint's files."""
    prefix = glob.escape(found)
    paths = [found] if os.path.isfile(found) else sorted(
        glob.glob(prefix + '.index') + glob.glob(prefix + '.data-*'))
    return {os.path.basename(path): verification.hash_file(path) for path in paths}


def _read(path, wanted):
    """{name: array} of the wanted tensors and the mark, as far as they exist."""
    names = {*wanted, _MARK}
    try:
        if path.endswith('.npz'):
            if not zipfile.is_zipfile(path):  # np.load would print a stack trace, too
                raise ValueError('no zip file')
            with np.load(path, allow_pickle=False) as file:
                return {name: file[name] for name in names & set(file.files)}
        if path.endswith('.h5'):
            return _read_keras(path, wanted)
        if path.endswith(('.tar.gz', '.tgz')):
            with tempfile.TemporaryDirectory(prefix='cifar10_tf1-weights-') as folder:
                return _read_plain(_extract(path, folder), names)
        return _read_plain(path, names)
    # What damaged bytes raise depends on the library and its version.
    except Exception as error:  # pylint: disable=broad-except
        raise UserError(f'{path} cannot be read, or is truncated or damaged '
                        f'({one_line(error)}); {_WAY_OUT}') from error


def _extract(path, folder):
    """Extracts the members with a known name; returns the path of the weights."""
    found = None
    with tarfile.open(path, 'r:gz') as archive:
        for member in archive:
            member.name = os.path.basename(member.name)
            prefix = model_dir.find_prefix(member.name)
            if member.isreg() and prefix in (CHECKPOINT, FROZEN_GRAPH):
                archive.extract(member, folder)
                found = os.path.join(folder, prefix)
    if found is None:
        raise ValueError(f'it contains neither {CHECKPOINT} nor {FROZEN_GRAPH}')
    return found


def _read_plain(path, names):
    if path.endswith('.pb'):
        with open(path, 'rb') as file:
            graph = tf.GraphDef.FromString(file.read())
        return {node.name: tf.make_ndarray(node.attr['value'].tensor)
                for node in graph.node
                if node.op == 'Const' and node.name in names}
    reader = tf.train.NewCheckpointReader(path)
    return {name: np.asarray(reader.get_tensor(name)) for name in names if reader.has_tensor(name)}


def _read_keras(path, wanted):
    """{name: array}: Keras's i-th convolution is the network's i-th."""
    # Keras builds the layers in slim's order and numbers them. It lacks slim's auxiliary
    # classifier and, as here, has no factor in batch normalisation.
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
    for kind, numbered in layers.items():
        if len(numbered) != NUM_KERAS_CONVOLUTIONS:
            raise ValueError(f'it has {len(numbered)} layers {kind} instead of '
                             f'{NUM_KERAS_CONVOLUTIONS}')
    scopes = [name[:-len('/weights')] for name in wanted if name.endswith('/weights')]
    convolutions, normalizations = (
        [layer for unused_number, layer in sorted(numbered.items())]
        for numbered in layers.values())
    tensors = {}
    for scope, convolution, normalization in zip(scopes, convolutions, normalizations):
        tensors[f'{scope}/weights'] = convolution.get('kernel')
        for value in ('beta', 'moving_mean', 'moving_variance'):
            tensors[f'{scope}/BatchNorm/{value}'] = normalization.get(value)
    return tensors
