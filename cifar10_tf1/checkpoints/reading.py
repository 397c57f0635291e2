"""Reads checkpoints: finds the newest undamaged one, restores, computes fingerprints.

The format is that of a plain tf.train.Saver and of the original. Unlike the original,
this reads the folder instead of the `checkpoint` state file, which may be stale.
"""

import hashlib
import os
import sys

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common.errors import UserError


class NoCheckpoint(UserError):

    def __init__(self, folder):
        super().__init__(f'no checkpoint in {folder}; train first, or choose another '
                         'with --checkpoint or --model-dir')


def find_newest(folder):
    """The undamaged model_dir.Checkpoint with the highest step, or None.

    Warns of each damaged one. Raises UserError if all of them are damaged.
    """
    skipped = []
    for checkpoint in model_dir.list_checkpoints(folder):
        if not checkpoint.holds_tensors:
            continue
        reason = find_damage(checkpoint.prefix)
        if reason is None:
            for other in skipped:
                print(f'warning: {other}; using {checkpoint.name} instead',
                      file=sys.stderr, flush=True)
            return checkpoint
        if '.index' in checkpoint.suffixes and not os.path.lexists(
                checkpoint.prefix + '.index'):
            return find_newest(folder)  # another process, training, has pruned it
        skipped.append(f'{checkpoint.prefix} is damaged ({reason})')
    if skipped:
        raise UserError(f'every checkpoint in {folder} is damaged: {"; ".join(skipped)}; '
                        'move them away, or choose another folder with --model-dir')
    return None


def find_damage(prefix):
    """Why a checkpoint can't be read to its last byte, in one line, or None."""
    try:
        _load_tensors(prefix)
    except ValueError as error:
        return str(error)
    return None


def choose(folder, prefix=None):
    """The prefix that a user names, or that of the newest checkpoint in a folder."""
    if prefix is not None:
        _load_whole(prefix)
        return prefix
    newest = find_newest(folder)
    if newest is None:
        raise NoCheckpoint(folder)
    return newest.prefix


def restore(session, saver, variables, find_step, folder, prefix=None):
    """Restores the checkpoint that a user names, or the newest in a folder.

    Args:
      variables: dict of checkpoint name -> tf.Variable.
      find_step: function that maps a tf.train.NewCheckpointReader to the step.
    Returns:
      (prefix, step): str, int.
    Raises:
      UserError: it is damaged, or of another network; NoCheckpoint if there is none.
    """
    chosen = choose(folder, prefix)
    try:
        check_tensors(chosen, variables)
        saver.restore(session, chosen)
        return chosen, find_step(tf.train.NewCheckpointReader(chosen))
    except Exception:  # pylint: disable=broad-except
        # Pruned by a training beside this program since it was chosen?
        if prefix is not None or os.path.exists(chosen + '.index'):
            raise
    return restore(session, saver, variables, find_step, folder)


def check_tensors(prefix, variables):
    """Raises UserError for tensors that are missing or of another shape or type."""
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
        raise UserError(f'the checkpoint {prefix} belongs to another network: '
                        f'{"; ".join(wrong[:3])}; choose another with --checkpoint or '
                        '--model-dir')


def fingerprint(prefix):
    """The SHA-256 of a checkpoint's tensors: equal if every bit of them is."""
    return fingerprint_tensors(_load_whole(prefix))


def fingerprint_tensors(tensors):
    """SHA-256 over names, types, shapes and bytes, in the names' order, in hexadecimal.

    Args:
      tensors: dict of name -> numpy array, little-endian as in a checkpoint; strings
        are an array of bytes objects, each hashed with its length.
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


def one_line(error):
    """The first line of an error's message, from Python or TensorFlow."""
    text = (getattr(error, 'message', None) or str(error)).strip()
    return text.splitlines()[0] if text else repr(error)


def _load_tensors(prefix):
    """{name: array}; raises ValueError with the damage in one line."""
    try:
        reader = tf.train.NewCheckpointReader(prefix)
        tensors = {name: np.asarray(reader.get_tensor(name))
                   for name in sorted(reader.get_variable_to_shape_map())}
    # OpError, ValueError or UnicodeDecodeError, by version and place.
    except Exception as error:  # pylint: disable=broad-except
        raise ValueError(one_line(error))
    if not tensors:
        raise ValueError('it contains no tensors')
    return tensors


def _load_whole(prefix):
    """{name: array} of a checkpoint that a user names; raises UserError."""
    model_dir.check_path(prefix)
    # Until TensorFlow 0.11 a checkpoint was one file, without .index.
    if not (os.path.isfile(prefix + '.index') or os.path.isfile(prefix)):
        raise UserError(f'no checkpoint {prefix} (no file {prefix}.index); name it up '
                        'to the step, as in model/model.ckpt-55000')
    try:
        return _load_tensors(prefix)
    except ValueError as error:
        raise UserError(f'the checkpoint {prefix} is damaged ({error}); choose another')
