"""Checkpoints to read: the newest whole one, restoring, the fingerprint.

The format is the plain tf.train.Saver's and the original's: 21 tensors in
`model.ckpt-<global step>`, named by the `checkpoint` state file with a relative
path. A checkpoint of the original program restores here, and ours restore there.

Departs from the original in what it trusts: the state file may be stale or name
another machine's folder, so the folder itself is read.
"""

import hashlib
import os
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common.errors import UserError


def find_newest(folder):
    """The checkpoint of the highest step that reads completely and is finite.

    Names each one that it skips on standard error, unless a training run beside
    this program pruned it meanwhile.

    Returns:
      model_dir.Checkpoint, or None if the folder holds none.
    Raises:
      UserError: there are checkpoints and none is whole.
    """
    skipped = []
    for checkpoint in model_dir.list_checkpoints(folder):
        if not checkpoint.holds_tensors:
            continue
        reason = find_damage(checkpoint.prefix, must_be_finite=True)
        if reason is None:
            for other, why in skipped:
                print(f'warning: {other.prefix} is damaged ({why}); using '
                      f'{checkpoint.name} instead', file=sys.stderr, flush=True)
            return checkpoint
        if _vanished(checkpoint):
            return find_newest(folder)
        skipped.append((checkpoint, reason))
    if skipped:
        raise UserError(
            f'no checkpoint in {folder} is whole: ' + '; '.join(
                f'{checkpoint.name}: {reason}' for checkpoint, reason in skipped)
            + '; move them away, or choose another folder with --model-dir')
    return None


def find_damage(prefix, must_be_finite=False):
    """Reads a checkpoint to its last byte.

    Args:
      prefix: str, the path without `.index`.
      must_be_finite: bool, whether NaN and infinity count as damage.
    Returns:
      None if every tensor reads and every checksum fits, else str, why not.
    """
    try:
        tensors = _load_tensors(prefix)
    except ValueError as error:
        return str(error)
    for name, value in tensors.items():
        if must_be_finite and value.dtype.kind == 'f' and not np.isfinite(
                value).all():
            return f'{name} is not finite'
    return None


def _load_tensors(prefix):
    """{name: array}; raises ValueError with the damage in one line."""
    try:
        reader = tf.train.NewCheckpointReader(prefix)
        tensors = {name: np.asarray(reader.get_tensor(name))
                   for name in sorted(reader.get_variable_to_shape_map())}
    # TensorFlow raises OpError, ValueError or UnicodeDecodeError, by version and
    # place.
    except Exception as error:  # pylint: disable=broad-except
        raise ValueError(one_line(error))
    if not tensors:
        raise ValueError('it holds no tensors')
    return tensors


def _load_whole(prefix):
    """{name: array} of a checkpoint that a user names; raises UserError."""
    model_dir.check_path(prefix)
    # Until TensorFlow 0.11 a checkpoint was one file, without .index.
    if not (os.path.isfile(prefix + '.index') or os.path.isfile(prefix)):
        raise UserError(f'there is no checkpoint {prefix} (no file '
                        f'{prefix}.index); give the path up to the step, as in '
                        'model/model.ckpt-55000')
    try:
        return _load_tensors(prefix)
    except ValueError as error:
        raise UserError(f'the checkpoint {prefix} is damaged ({error}); '
                        'choose another')


def fingerprint(prefix):
    """One hash for a checkpoint: equal if every bit of every tensor is.

    Raises:
      UserError: it is not there, or is damaged.
    """
    return fingerprint_tensors(_load_whole(prefix))


def fingerprint_tensors(tensors):
    """SHA-256 over names, types, shapes and bytes, in the names' order.

    Args:
      tensors: dict of name -> numpy array, little-endian as in a checkpoint; strings
        are an array of bytes objects, each hashed with its length.
    Returns:
      str, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f'{name} {value.dtype.name} {list(value.shape)}\n'
                      .encode('utf-8'))
        if value.dtype.hasobject:
            for text in value.ravel():
                digest.update(f'{len(text)} '.encode('utf-8') + text)
        else:
            digest.update(value.tobytes())
    return digest.hexdigest()


def check_tensors(prefix, variables):
    """Compares a checkpoint with the variables that it shall be restored into.

    Args:
      prefix: str.
      variables: dict of checkpoint name -> tf.Variable.
    Raises:
      UserError: naming tensors that are missing or differ in shape or type.
    """
    reader = tf.train.NewCheckpointReader(prefix)
    shapes = reader.get_variable_to_shape_map()
    dtypes = reader.get_variable_to_dtype_map()
    wrong = []
    for name, variable in sorted(variables.items()):
        expected = (variable.dtype.base_dtype, variable.shape.as_list())
        if name not in shapes:
            wrong.append(f'{name} is missing')
        elif (dtypes[name], shapes[name]) != expected:
            wrong.append(f'{name} is {dtypes[name].name} {shapes[name]}, not '
                         f'{expected[0].name} {expected[1]}')
    if wrong:
        more = f' and {len(wrong) - 3} more' if len(wrong) > 3 else ''
        raise UserError(f'the checkpoint {prefix} is not of this network: '
                        + '; '.join(wrong[:3]) + more
                        + '; choose another with --checkpoint or --model-dir')


def choose(folder, prefix=None):
    """The checkpoint that a user names, or else the newest of a folder.

    Returns:
      str, a prefix that reads completely.
    Raises:
      UserError: there is none, or it is damaged.
    """
    if prefix is not None:
        _load_whole(prefix)
        return prefix
    newest = find_newest(folder)
    if newest is None:
        raise UserError(f'no checkpoint in {folder}; train first, or choose '
                        'one with --checkpoint or --model-dir')
    return newest.prefix


def restore(session, saver, prefix, variables, find_step):
    """Restores one checkpoint after reading and comparing it.

    Args:
      session: tf.Session.
      saver: tf.train.Saver of `variables`.
      prefix: str.
      variables: dict of checkpoint name -> tf.Variable.
      find_step: function of a tf.train.NewCheckpointReader.
    Returns:
      int, the step.
    Raises:
      UserError: it is not there, is damaged or is of another network.
    """
    _load_whole(prefix)
    return _restore(session, saver, prefix, variables, find_step)


def restore_newest(session, saver, folder, variables, find_step):
    """Restores the newest whole checkpoint of a folder.

    Args:
      session, saver, variables, find_step: as restore.
      folder: str.
    Returns:
      (str, int), its prefix and step; (None, 0) if there is none.
    Raises:
      UserError: as find_newest and check_tensors.
    """
    checkpoint = find_newest(folder)
    if checkpoint is None:
        return None, 0
    try:
        return checkpoint.prefix, _restore(session, saver, checkpoint.prefix,
                                           variables, find_step)
    except Exception:  # pylint: disable=broad-except
        if not _vanished(checkpoint):
            raise
    return restore_newest(session, saver, folder, variables, find_step)


def _restore(session, saver, prefix, variables, find_step):
    check_tensors(prefix, variables)
    saver.restore(session, prefix)
    return find_step(tf.train.NewCheckpointReader(prefix))


def _vanished(checkpoint):
    """Whether a training beside this program pruned it since it was listed."""
    return not all(os.path.lexists(checkpoint.prefix + suffix)
                   for suffix in checkpoint.suffixes)


def one_line(error):
    """The first line of an error of Python's or TensorFlow's."""
    text = getattr(error, 'message', None) or str(error)
    return text.strip().splitlines()[0] if text.strip() else repr(error)
