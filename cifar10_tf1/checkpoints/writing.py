"""Writes checkpoints in the format of a plain tf.train.Saver, and keeps the last five.

The `checkpoint` state file has relative paths, so the folder can be moved.
"""

import contextlib
import json
import os
import re
import shutil

import tensorflow.compat.v1 as tf

from cifar10_tf1.checkpoints import model_dir as model_dirs
from cifar10_tf1.common import files
from cifar10_tf1.common.errors import explained

NUM_KEPT = 5
PUBLISHED = 'published'  # in the model folder; see base.System.name_original_checkpoint
_SUFFIXES = ('.index', '.meta', '.data-00000-of-00001')  # an index first


class CheckpointWriter:
    """Saves into a model folder.

    Each save is written to a separate folder and moved into place file by file, the
    index last, so a checkpoint is complete or absent whenever the process is killed.
    """

    def __init__(self, model_dir, saver):
        self._model_dir = model_dir
        self._saver = saver
        self._meta_graph = None  # bytes of the .meta file, always the same

    def save(self, session, step, settings):
        """Writes `model.ckpt-<step>` and a dict as JSON beside it; returns the prefix.

        Raises UserError if that fails; earlier checkpoints are unchanged.
        """
        folder, name = self._model_dir, f'{model_dirs.PREFIX}-{step}'
        if self._meta_graph is None:  # once: it takes as long as several steps
            with session.graph.as_default():
                self._meta_graph = self._saver.export_meta_graph().SerializeToString()
        with self._saving(f'save step {step} in {folder.path}') as saving:
            path = os.path.join(saving, name)
            self._saver.save(session, path, write_state=False, write_meta_graph=False)
            with open(path + '.meta', 'wb') as file:
                file.write(self._meta_graph)
            with open(path + model_dirs.SETTINGS_SUFFIX, 'w') as file:
                json.dump(settings, file, indent=1, sort_keys=True)
                file.write('\n')
            for checkpoint in model_dirs.list_checkpoints(folder.path):
                if checkpoint.step == step:
                    folder.remove(checkpoint)
            _move(saving, folder.path)
            ours = [checkpoint for checkpoint in model_dirs.list_checkpoints(folder.path)
                    if checkpoint.ours and checkpoint.step <= step]
            for checkpoint in ours[NUM_KEPT:]:
                folder.remove(checkpoint)
            names = [checkpoint.name for checkpoint
                     in model_dirs.list_checkpoints(folder.path)
                     if '.index' in checkpoint.suffixes]
            # The last saved is the newest, even if another has a higher step.
            _write_state(saving, folder.path, names[::-1], name)
        return folder.join(name)

    def publish(self, session, saver, name):
        """Writes `published/<name>`; keeps five of the names that have a number."""
        folder = self._model_dir.join(PUBLISHED)
        with self._saving(f'write {folder}/{name}') as saving:
            os.makedirs(folder, exist_ok=True)
            saver.save(session, os.path.join(saving, name), write_state=False)
            _move(saving, folder)
            number = re.search(r'-(\d+)$', name)
            names = [name] if number is None else [
                other for other in (f'{name[:number.start(1)]}{i}'
                                    for i in range(int(number.group(1)) + 1))
                if os.path.exists(os.path.join(folder, other + '.index'))]
            for old in names[:-NUM_KEPT]:
                for suffix in _SUFFIXES:
                    os.remove(os.path.join(folder, old + suffix))
            _write_state(saving, folder, names[-NUM_KEPT:], name)

    @contextlib.contextmanager
    def _saving(self, action):
        """Yields a folder for unfinished files; turns failures into UserError."""
        self._model_dir.check_identity()
        path = self._model_dir.join(model_dirs.SAVING)
        try:
            with explained(action, '--model-dir', tf.errors.OpError):
                os.mkdir(path)
                yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def _move(saving, folder):
    """Flushes files to disk and moves them into place: settings first, index last."""
    names = sorted(os.listdir(saving), key=lambda name: (
        name.endswith('.index'), not name.endswith('.json'), name))
    for name in names:
        files.sync(os.path.join(saving, name))
    for name in names:
        os.rename(os.path.join(saving, name), os.path.join(folder, name))
    files.sync(folder)


def _write_state(saving, folder, names, newest):
    """Writes the state file that TensorFlow and the original read."""
    # With a relative folder TensorFlow would write ../model.ckpt-500.
    state = tf.train.generate_checkpoint_state_proto(os.path.abspath(folder), newest, names)
    with open(os.path.join(saving, model_dirs.STATE), 'w') as file:
        file.write(str(state))
    _move(saving, folder)
