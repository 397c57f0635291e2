"""Checkpoints to write: whole or not at all, the last five kept.

The format is the plain tf.train.Saver's, in the files that it would write; the
`checkpoint` state file has relative paths, so that a folder can be moved.
"""

import json
import os
import re
import sys

import tensorflow.compat.v1 as tf

from cifar10_tf1.checkpoints import reading
from cifar10_tf1.checkpoints import model_dir as model_dirs
from cifar10_tf1.common.errors import UserError

NUM_KEPT = 5
PUBLISHED = 'published'  # in the model folder; see base.System.name_published
_SUFFIXES = ('.index', '.meta', '.data-00000-of-00001')  # an index first


class CheckpointWriter:
    """Saves into a model folder and keeps the last five of this program.

    A save is made in a folder of its own and moved into place file by file,
    the index last: a checkpoint is whole or is none, whenever the process is
    killed.
    """

    def __init__(self, model_dir, saver):
        self._model_dir = model_dir
        self._saver = saver
        self._meta_graph = None  # bytes of the .meta file, always the same

    def save(self, session, step, settings):
        """Writes `model.ckpt-<step>`.

        Args:
          session: tf.Session.
          step: int, the global step.
          settings: dict for JSON, stored beside the weights.
        Returns:
          str, the prefix.
        Raises:
          UserError: where it can't be written; the earlier ones are as before.
            Where the folder is another one by now; nothing is written then.
        """
        folder = self._model_dir
        folder.check_identity()
        try:
            return self._save(session, step, settings)
        except (OSError, tf.errors.OpError) as error:
            folder.remove_saving_dir()
            raise UserError(
                f'cannot save step {step} in {folder.path}: '
                f'{reading.one_line(error)}; free some space or mend the '
                'folder and start again: the run goes on from '
                + self._describe_newest())

    def publish(self, session, saver, name):
        """Writes `published/<name>`; of names with a number, five are kept.

        Args:
          session: tf.Session.
          saver: tf.train.Saver of its graph.
          name: str, such as train-9.
        Raises:
          UserError: as save.
        """
        self._model_dir.check_identity()
        folder = self._model_dir.join(PUBLISHED)
        try:
            os.makedirs(folder, exist_ok=True)
            self._move_into_place(session, saver, name, folder)
            names = _list_numbered(folder, name)
            for old in names[:-NUM_KEPT]:
                for suffix in _SUFFIXES:
                    os.remove(os.path.join(folder, old + suffix))
            self._write_state(folder, names[-NUM_KEPT:])
        except (OSError, tf.errors.OpError) as error:
            self._model_dir.remove_saving_dir()
            raise UserError(f'cannot write {folder}/{name}: '
                            f'{reading.one_line(error)}; free some space or '
                            'mend the folder and start again: the run goes on '
                            'from ' + self._describe_newest())

    def _move_into_place(self, session, saver, name, folder):
        """Saves aside, then moves file by file, the index last."""
        saving = self._model_dir.make_saving_dir()
        saver.save(session, os.path.join(saving, name), write_state=False)
        names = sorted(os.listdir(saving), key=_renaming_order)
        for file_name in names:
            _sync(os.path.join(saving, file_name))
            os.rename(os.path.join(saving, file_name),
                      os.path.join(folder, file_name))
        _sync(folder)
        self._model_dir.remove_saving_dir()

    def _save(self, session, step, settings):
        folder = self._model_dir
        name = f'{model_dirs.PREFIX}-{step}'
        saving = folder.make_saving_dir()
        self._saver.save(session, os.path.join(saving, name),
                         write_state=False, write_meta_graph=False)
        with open(os.path.join(saving, name + '.meta'), 'wb') as file:
            file.write(self._export_meta_graph(session.graph))
        with open(os.path.join(saving, name + '.json'), 'w') as file:
            json.dump(settings, file, indent=1, sort_keys=True)
            file.write('\n')
        names = sorted(os.listdir(saving), key=_renaming_order)
        for file_name in names:
            _sync(os.path.join(saving, file_name))
        for other in model_dirs.list_checkpoints(folder.path):
            if other.step == step and other.ours:
                folder.remove(other)
            elif other.step == step:
                aside = folder.set_aside(other)
                print(f'{other.name} was not written by this program; it is '
                      f'now called {aside}', file=sys.stderr, flush=True)
        for file_name in names:
            os.rename(os.path.join(saving, file_name), folder.join(file_name))
        _sync(folder.path)
        folder.remove_saving_dir()
        self._prune(step)
        names = [checkpoint.name for checkpoint
                 in model_dirs.list_checkpoints(folder.path)
                 if '.index' in checkpoint.suffixes]
        # The newest by its own word: others may have a higher step.
        self._write_state(folder.path, names[::-1], name)
        return folder.join(name)

    def _export_meta_graph(self, graph):
        """Once a process: it takes as long as several steps."""
        if self._meta_graph is None:
            with graph.as_default():
                self._meta_graph = self._saver.export_meta_graph(
                    ).SerializeToString()
        return self._meta_graph

    def _prune(self, newest_step):
        ours = [checkpoint for checkpoint
                in model_dirs.list_checkpoints(self._model_dir.path)
                if checkpoint.ours and checkpoint.step <= newest_step]
        for checkpoint in ours[NUM_KEPT:]:
            self._model_dir.remove(checkpoint)

    def _write_state(self, folder, names, newest=None):
        """The state file that TensorFlow's and the original's readers want."""
        # With a relative folder TensorFlow takes the names for paths from the
        # working folder, and writes ../model.ckpt-500.
        state = tf.train.generate_checkpoint_state_proto(
            os.path.abspath(folder), newest or names[-1], names)
        path = os.path.join(self._model_dir.make_saving_dir(), 'checkpoint')
        with open(path, 'w') as file:
            file.write(str(state))
        os.rename(path, os.path.join(folder, 'checkpoint'))
        self._model_dir.remove_saving_dir()

    def _describe_newest(self):
        for checkpoint in model_dirs.list_checkpoints(self._model_dir.path):
            if reading.find_damage(checkpoint.prefix) is None:
                return checkpoint.prefix
        return 'the beginning, as there is no checkpoint yet'


def _list_numbered(folder, name):
    """The names with numbers up to this one's; itself where it has none."""
    match = re.match(r'^(.*-)(\d+)$', name)
    if match is None:
        return [name]
    return [match.group(1) + str(i) for i in range(int(match.group(2)) + 1)
            if os.path.exists(os.path.join(folder,
                                           f'{match.group(1)}{i}.index'))]


def _renaming_order(name):
    """Settings first, index last: see the docstring of model_dir."""
    return name.endswith('.index'), not name.endswith('.json'), name


def _sync(path):
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
