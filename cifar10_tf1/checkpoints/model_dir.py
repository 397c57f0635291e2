"""The folder of a run: its checkpoints, its lock, the leftovers of a killed save.

A checkpoint `model.ckpt-500` is three files of TensorFlow's (`.index`,
`.data-00000-of-00001`, `.meta`) and, if this program wrote it, a fourth, `.json`,
which holds the settings. That file marks the checkpoints that this program prunes
to the last five; it never deletes or replaces any other. Imports no TensorFlow.
"""

import contextlib
import errno
import json
import os
import re
import shutil
from typing import NamedTuple

from cifar10_tf1.common import files
from cifar10_tf1.common.errors import UserError

PREFIX = 'model.ckpt'
SETTINGS_SUFFIX = '.json'
LOCK = '.lock'
IN_USE = 'another training run uses the model folder'
_SAVING = '.saving'    # files in the making; complete ones are moved out of it
_STATE_FILE = 'checkpoint'

_SUFFIX = r'\.(index|meta|json|data-\d{5}-of-\d{5})$'
_FILE = re.compile(r'^model\.ckpt-(0|[1-9]\d*)' + _SUFFIX)
# Checkpoints of other names, and those of TensorFlow before 0.12: a single file.
_FOREIGN = re.compile(r'\.(index|meta|data-\d{5}-of-\d{5})$'
                      r'|\.ckpt(-\d+)?(-\d{5}-of-\d{5})?$')
# Files that TensorFlow's Saver and write_atomically rename when they are complete,
# and the folder of the shards that the Saver merges.
_LEFTOVER = re.compile(
    r'^(model\.ckpt-\d+.*\.tempstate\d+|model\.ckpt-\d+_temp_[0-9a-f]+'
    r'|(model\.ckpt-\d+\.meta|checkpoint)\.tmp[0-9a-f]{32}'
    r'|step_losses\.f32\.\d+\.tmp)$')
_KNOWN_SETTINGS = {'data': str, 'system': str, 'step': int, 'seed': int,
                   'kernels': str, 'wheel': str}
_REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)


class Checkpoint(NamedTuple):
    step: int
    prefix: str         # path without the suffixes
    suffixes: tuple     # of the files that are there, such as '.index'

    @property
    def ours(self):
        """Whether this program wrote it."""
        return SETTINGS_SUFFIX in self.suffixes

    @property
    def holds_tensors(self):
        """Whether it should read: neither in the making nor a stray .meta."""
        has_data = any(suffix.startswith('.data') for suffix in self.suffixes)
        return '.index' in self.suffixes or (has_data and not self.ours)

    @property
    def name(self):
        return os.path.basename(self.prefix)


def step_of(prefix):
    """The step that a prefix such as model/model.ckpt-500 names, or None."""
    match = re.match(r'^model\.ckpt-(\d+)$', os.path.basename(prefix))
    return int(match.group(1)) if match else None


def find_prefix(path):
    """The prefix that a user means who names a file of a checkpoint.

    Args:
      path: str, a prefix, a file such as model.ckpt-500.index, or a state file.
    """
    if os.path.exists(path + '.index'):
        return path
    if os.path.basename(path) == _STATE_FILE:
        with contextlib.suppress(OSError):
            with open(path, encoding='utf-8', errors='replace') as file:
                match = re.search('^model_checkpoint_path: "(.+)"$', file.read(),
                                  re.MULTILINE)
            return os.path.join(os.path.dirname(path),
                                match.group(1)) if match else path
    return re.sub(_SUFFIX, '', path)


def check_path(path):
    """Raises UserError for a path that TensorFlow would misunderstand."""
    reason = None
    if set(path) & set('*?[\\'):
        reason = 'takes a name with *, ?, [ or \\ for a pattern'
    try:
        path.encode('utf-8')
    except UnicodeEncodeError:
        reason = 'reads names in UTF-8 only'
    if reason:
        raise UserError(f'{path} can\'t hold checkpoints, because TensorFlow '
                        f'{reason}; rename the folder, or choose another with '
                        '--model-dir')


def list_checkpoints(folder):
    """Every Checkpoint of a folder, whole or not, highest step first.

    Raises:
      UserError: the folder can't be read; as check_path. An absent one is empty.
    """
    suffixes = {}
    for name in _list_names(folder):
        match = _FILE.match(name)
        if match:
            suffixes.setdefault(int(match.group(1)), []).append(
                '.' + match.group(2))
    return [Checkpoint(step, os.path.join(folder, f'{PREFIX}-{step}'),
                       tuple(suffixes[step]))
            for step in sorted(suffixes, reverse=True)]


def find_newest(folder, ours=False):
    """The Checkpoint of the highest step, by the names of its files, or None.

    Args:
      folder: str.
      ours: bool, whether only this program's count.
    """
    return next((checkpoint for checkpoint in list_checkpoints(folder)
                 if checkpoint.holds_tensors and (checkpoint.ours or not ours)),
                None)


def load_settings(prefix):
    """What this program wrote beside a checkpoint's weights.

    Returns:
      dict: system, step, data, seed, kernels, wheel, and in newer ones the record of
      the run at that step and the digest of its losses; None for a checkpoint of
      another program.
    Raises:
      UserError: the file is damaged, or of another step.
    """
    path = prefix + SETTINGS_SUFFIX
    way_out = 'restore it, or move the checkpoint away'
    try:
        with open(path, encoding='utf-8') as file:
            settings = json.load(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f'cannot read {path}: {error.strerror}')
    except (ValueError, RecursionError) as error:
        raise UserError(f'{path} is damaged ({error}); {way_out}')
    if type(settings) is not dict or 'data' not in settings:
        raise UserError(f'{path} is damaged (data is missing); {way_out}')
    for name, kind in _KNOWN_SETTINGS.items():
        if type(settings.get(name, kind())) is not kind:
            raise UserError(f'{path} is damaged ({name} is of another type); '
                            + way_out)
    step = step_of(prefix)
    if step is not None and settings.get('step', step) != step:
        raise UserError(f'{path} is of step {settings["step"]}; {way_out}')
    return settings


def is_in_use(path):
    """Whether a process trains in a folder; takes the lock for a moment."""
    try:
        files.Lock(os.path.join(path, LOCK), shared=True).release()
    except BlockingIOError:
        return True
    except OSError:
        pass  # there is no such folder, or training will say what is wrong
    return False


class ModelDir:
    """A model folder that this process trains in, held under its lock."""

    def __init__(self, path):
        """Makes the folder, locks it and sweeps it.

        Raises:
          UserError: the folder can't be written, another process trains in it, or it
            holds checkpoints that training can't go on from; as check_path.
        """
        _refuse_other_formats(path)
        self.path = path
        self._is_new = not os.path.lexists(path)
        try:
            os.makedirs(path, exist_ok=True)
            self._lock = files.Lock(self.join(LOCK))
        except BlockingIOError:
            raise UserError(f'{IN_USE} {path}; wait for it, stop it, or choose '
                            'another folder with --model-dir')
        except OSError as error:
            raise UserError(
                f'cannot write to the model folder {path}: {error.strerror}; '
                + ('change its permissions, or choose another with --model-dir; in '
                   'a container mount a volume or folder that its user can write'
                   if error.errno in _REFUSED else
                   'choose another, on a local disk, with --model-dir'))
        self._sweep()

    def __enter__(self):
        return self

    def __exit__(self, *unused_exception):
        self.close()

    def close(self):
        """Gives the lock back; so does the end of the process."""
        self._lock.release()

    def discard(self):
        """Gives the lock back, and removes the folder if it was made for it."""
        if self._is_new:
            with contextlib.suppress(OSError):  # something is in it by now
                os.remove(self.join(LOCK))
                os.rmdir(self.path)
        self.close()

    def check_identity(self):
        """Raises UserError if the path no longer leads to the locked folder.

        Called before each save: another run's folder may be there by now.
        """
        if not self._lock.is_in_place():
            raise UserError(
                f'the model folder {self.path} was moved away or replaced during '
                'the training, and what is there now is left alone; start again '
                'with --model-dir and the new name of the old one: the run goes on '
                'from its newest checkpoint')

    def join(self, name):
        return os.path.join(self.path, name)

    @contextlib.contextmanager
    def saving(self):
        """Yields an empty folder beside the checkpoints for files in the making."""
        path = self.join(_SAVING)
        shutil.rmtree(path, ignore_errors=True)
        os.mkdir(path)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def remove(self, checkpoint):
        """Deletes one of our checkpoints, its index first and its settings last.

        Without an index it is no checkpoint, so a reader sees it whole or not at
        all. As long as its settings are there it is ours, so a sweep removes what a
        kill leaves of it.
        """
        assert checkpoint.ours, checkpoint
        order = {'.index': 0, SETTINGS_SUFFIX: 2}
        for suffix in sorted(checkpoint.suffixes,
                             key=lambda suffix: order.get(suffix, 1)):
            os.remove(checkpoint.prefix + suffix)

    def make_room(self, step):
        """Removes our checkpoint of a step, which is saved again.

        Raises:
          UserError: another program's files are in the way.
        """
        for checkpoint in list_checkpoints(self.path):
            if checkpoint.step == step and not checkpoint.ours:
                raise UserError(
                    f'{checkpoint.prefix}{checkpoint.suffixes[0]} stands where step '
                    f'{step} has to be saved, and this program did not write it; '
                    f'move {checkpoint.name} away and start again')
            if checkpoint.step == step:
                self.remove(checkpoint)

    def _sweep(self):
        """Removes what killed saves left; only ever called under the lock."""
        shutil.rmtree(self.join(_SAVING), ignore_errors=True)
        for name in os.listdir(self.path):
            if _LEFTOVER.match(name):
                if os.path.isdir(self.join(name)):
                    shutil.rmtree(self.join(name), ignore_errors=True)
                else:
                    os.remove(self.join(name))
        for checkpoint in list_checkpoints(self.path):
            # A save or a removal of ours was stopped between two files.
            if checkpoint.ours and '.index' not in checkpoint.suffixes:
                self.remove(checkpoint)


def _refuse_other_formats(folder):
    """Refuses a folder whose checkpoints all have another name or format."""
    if find_newest(folder) is not None:
        return
    for name in _list_names(folder):
        if _FOREIGN.search(name) and not _FILE.match(name) and os.path.isfile(
                os.path.join(folder, name)):
            raise UserError(
                f'{folder} holds {name}, and training goes on only from checkpoints '
                f'named {PREFIX}-STEP, in the format of TensorFlow 0.12 or newer; '
                'rename or convert it, or choose another folder with --model-dir')


def _list_names(folder):
    check_path(folder)
    try:
        return sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise UserError(f'cannot read the model folder {folder}: '
                        f'{error.strerror}; choose another with --model-dir')
