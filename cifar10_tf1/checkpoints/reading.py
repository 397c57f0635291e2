"""Checkpoints to read: the newest whole one, restoring, the fingerprint.

The format is the plain tf.train.Saver's and the original's: 21 tensors in
`model.ckpt-<global step>`, named by the `checkpoint` state file with a relative
path. A checkpoint of the original program restores here, one from here there.

Departs from the original in what it trusts: the state file is a hint that can
be stale or point to another machine, so the folder itself is read.
"""

import hashlib
import os
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.checkpoints import model_dir as model_dirs
from cifar10_tf1.common.errors import UserError


def find_newest(folder):
    """The checkpoint of the highest step that reads completely.

    Damaged ones are named on standard error. One that vanishes while it is
    read, because a training run beside this program prunes it, is no error.

    Returns:
      model_dir.Checkpoint, or None where the folder holds none.
    Raises:
      UserError: where there are checkpoints and none is whole.
    """
    while True:
        damaged = []
        for checkpoint in model_dirs.list_checkpoints(folder):
            if not checkpoint.holds_tensors:
                continue
            reason = find_damage(checkpoint.prefix)
            if reason is None:
                _report_damaged(damaged, checkpoint)
                return checkpoint
            if _vanished(checkpoint):
                break
            damaged.append((checkpoint, reason))
        else:
            break
    if damaged:
        raise UserError(
            f'no checkpoint in {folder} is whole: ' + '; '.join(
                f'{checkpoint.name}: {reason}' for checkpoint, reason in damaged)
            + '; move them away, or choose another folder with --model-dir')
    return None


def find_newest_finite(folder):
    """The prefix of the newest whole checkpoint without NaN and infinity.

    Returns:
      str, or None.
    """
    for checkpoint in model_dirs.list_checkpoints(folder):
        if checkpoint.holds_tensors and not find_damage(checkpoint.prefix):
            reader = tf.train.NewCheckpointReader(checkpoint.prefix)
            if all(np.isfinite(reader.get_tensor(name)).all()
                   for name in reader.get_variable_to_shape_map()):
                return checkpoint.prefix
    return None


def find_damage(prefix):
    """Reads a checkpoint to its last byte.

    Args:
      prefix: str, the path without `.index`.
    Returns:
      None where every tensor reads and every checksum fits, else str, why not.
    """
    try:
        reader = tf.train.NewCheckpointReader(prefix)
        for name in reader.get_variable_to_shape_map():
            reader.get_tensor(name)
    # Whatever TensorFlow raises at bytes that it can't make sense of: OpError,
    # ValueError, UnicodeDecodeError, by version and by place.
    except Exception as error:  # pylint: disable=broad-except
        return one_line(error)
    return None


def fingerprint_tensors(tensors):
    """SHA-256 over names, types, shapes and bytes, in the names' order.

    Args:
      tensors: dict of name -> numpy array, little-endian as in a checkpoint.
    Returns:
      str, 64 hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f'{name} {value.dtype.name} {list(value.shape)}\n'
                      .encode('utf-8'))
        digest.update(value.tobytes())
    return digest.hexdigest()


def fingerprint(prefix):
    """One hash for a checkpoint: equal where every bit of every tensor is.

    Raises:
      UserError: where it is not there, or is damaged.
    """
    _check_whole(prefix)
    reader = tf.train.NewCheckpointReader(prefix)
    return fingerprint_tensors({
        name: np.asarray(reader.get_tensor(name))
        for name in reader.get_variable_to_shape_map()})


def check_tensors(prefix, variables):
    """Compares a checkpoint with what it shall be restored into.

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
      UserError: where there is none, or it is damaged.
    """
    if prefix is not None:
        _check_whole(prefix)
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
      UserError: where it is not there, is damaged or is of another network.
    """
    _check_whole(prefix)
    check_tensors(prefix, variables)
    saver.restore(session, prefix)
    return find_step(tf.train.NewCheckpointReader(prefix))


def restore_newest(session, saver, folder, variables, find_step):
    """Restores the newest whole checkpoint of a folder.

    Args:
      session, saver, variables, find_step: as restore.
      folder: str.
    Returns:
      (str, int), its prefix and step; (None, 0) where there is none.
    Raises:
      UserError: as find_newest and check_tensors.
    """
    while True:
        checkpoint = find_newest(folder)
        if checkpoint is None:
            return None, 0
        try:
            check_tensors(checkpoint.prefix, variables)
            saver.restore(session, checkpoint.prefix)
            return checkpoint.prefix, find_step(
                tf.train.NewCheckpointReader(checkpoint.prefix))
        except Exception:  # pylint: disable=broad-except
            # Pruned by a training run since it was found: look again.
            if not _vanished(checkpoint):
                raise


def _check_whole(prefix):
    model_dirs.check_path(prefix)
    if not os.path.isfile(_find_index(prefix)):
        raise UserError(f'there is no checkpoint {prefix} (no file '
                        f'{prefix}.index); give the path up to the step, as in '
                        'model/model.ckpt-55000')
    reason = find_damage(prefix)
    if reason:
        raise UserError(f'the checkpoint {prefix} is damaged ({reason}); '
                        'choose another')


def _find_index(prefix):
    """The file with a checkpoint's table; until TensorFlow 0.11 its only one."""
    index = prefix + '.index'
    return prefix if os.path.isfile(prefix) and not os.path.exists(
        index) else index


def _vanished(checkpoint):
    return not all(os.path.lexists(checkpoint.prefix + suffix)
                   for suffix in checkpoint.suffixes)


def _report_damaged(damaged, used):
    for checkpoint, reason in damaged:
        print(f'warning: {checkpoint.prefix} is damaged ({reason}); '
              f'using {used.name} instead', file=sys.stderr, flush=True)


def one_line(error):
    """The first line of an error of Python's or TensorFlow's."""
    text = getattr(error, 'message', None) or str(error)
    return text.strip().splitlines()[0] if text.strip() else repr(error)
