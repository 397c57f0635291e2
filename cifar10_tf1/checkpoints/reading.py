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
from cifar10_tf1.common.errors import one_line, UserError


def load(prefix):
    """{name: array} of a checkpoint; raises UserError if it is missing or damaged."""
    model_dir.check_path(prefix)
    # Until TensorFlow 0.11 a checkpoint was one file, without .index.
    if not (os.path.isfile(prefix + '.index') or os.path.isfile(prefix)):
        raise UserError(f'no checkpoint {prefix} (no file {prefix}.index); name it up '
                        'to the step, as in model/model.ckpt-55000')
    try:
        reader = tf.train.NewCheckpointReader(prefix)
        tensors = {name: np.asarray(reader.get_tensor(name))
                   for name in sorted(reader.get_variable_to_shape_map())}
        if not tensors:
            raise ValueError('it contains no tensors')
        return tensors
    # OpError, ValueError or UnicodeDecodeError, by version and place.
    except Exception as error:  # pylint: disable=broad-except
        raise UserError(f'the checkpoint {prefix} is damaged ({one_line(error)}); move it away')


def find_newest(folder):
    """The undamaged model_dir.Checkpoint with the highest step, or None.

    Warns of each damaged one. Raises UserError if all of them are damaged.
    """
    skipped = []
    for checkpoint in model_dir.list_checkpoints(folder):
        if not checkpoint.holds_tensors:
            continue
        try:
            load(checkpoint.prefix)
        except UserError as error:
            if '.index' in checkpoint.suffixes and not os.path.lexists(
                    checkpoint.prefix + '.index'):
                return find_newest(folder)  # another process, training, has pruned it
            skipped.append(error)
            continue
        for error in skipped:
            print(f'warning: using {checkpoint.name}, because {error}', file=sys.stderr)
        return checkpoint
    if skipped:
        raise UserError(f'every checkpoint in {folder} is damaged: {skipped[0]}, or '
                        'choose another folder with --model-dir')
    return None


def choose(folder, prefix=None):
    """The prefix that a user names, or that of the newest checkpoint in a folder."""
    if prefix is not None:
        load(prefix)
        return prefix
    newest = find_newest(folder)
    if newest is None:
        raise UserError(f'no checkpoint in {folder}; train first, or choose another with '
                        '--checkpoint or --model-dir')
    return newest.prefix


def restore(session, saver, variables, find_step, folder, prefix=None):
    """Restores the checkpoint that a user names, or a folder's newest: (prefix, step).

    find_step maps a tf.train.NewCheckpointReader to the step. Raises UserError if there is
    no checkpoint, or if it is damaged or of another network.
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
    wrong = [name for name, variable in sorted(variables.items())
             if shapes.get(name) != variable.shape.as_list()
             or dtypes[name] != variable.dtype.base_dtype]
    if wrong:
        raise UserError(f'the checkpoint {prefix} belongs to another network: '
                        f'{", ".join(wrong[:3])} missing, or of another shape or type; '
                        'choose another with --checkpoint or --model-dir')


def fingerprint(prefix):
    """The SHA-256 of a checkpoint's tensors: equal if every bit of them is."""
    return fingerprint_tensors(load(prefix))


def fingerprint_tensors(tensors):
    """SHA-256 over names, types, shapes and bytes, in the names' order, in hexadecimal.

    The arrays are little-endian as in a checkpoint; of strings, each is hashed with its length.
    """
    digest = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        digest.update(f'{name} {value.dtype.name} {list(value.shape)}\n'.encode('utf-8'))
        if value.dtype.hasobject:
            for text in value.ravel():
                digest.update(f'{len(text)} '.encode('utf-8') + text)
        else:
            digest.update(value.tobytes())
    return digest.hexdigest()
