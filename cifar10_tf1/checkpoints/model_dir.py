"""The folder of a run: its lock, its files, the leftovers of a killed save.

A checkpoint `model.ckpt-500` is three files of TensorFlow's (`.index`,
`.data-00000-of-00001`, `.meta`) and, where this program wrote it, a fourth,
`.json`, which holds the settings. That one tells our checkpoints, which are
pruned to the last five, from all others, which are never deleted.
"""

import contextlib
import errno
import fcntl
import json
import os
import re
import shutil
from typing import NamedTuple

from cifar10_tf1.common.errors import UserError

PREFIX = 'model.ckpt'
SAVING = '.saving'    # a save in progress; complete files are moved out of it
SETTINGS_SUFFIX = '.json'
LOCK = '.lock'
IN_USE = 'another training run uses the model folder'

_FILE = re.compile(
    r'^model\.ckpt-(\d+)\.(index|meta|json|data-\d{5}-of-\d{5})$')
# What TensorFlow's own Saver leaves when it is killed: files that it renames
# when they are complete, and the folder of the shards that it merges.
_LEFTOVER = re.compile(
    r'^(model\.ckpt-\d+.*\.tempstate\d+|model\.ckpt-\d+_temp_[0-9a-f]+'
    r'|(model\.ckpt-\d+\.meta|checkpoint)\.tmp[0-9a-f]{32})$')


def step_of(prefix):
    """The step that a prefix such as model/model.ckpt-500 names, or None."""
    match = re.match(r'^model\.ckpt-(\d+)$', os.path.basename(prefix))
    return int(match.group(1)) if match else None


def check_path(path):
    """Raises UserError where TensorFlow can't use a path as it is."""
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


def list_checkpoints(folder):
    """Every `model.ckpt-<step>` of a folder, whole or not, highest step first.

    Returns:
      list of Checkpoint; empty where the folder does not exist.
    Raises:
      UserError: where the folder can't be read, or as check_path.
    """
    check_path(folder)
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        names = []
    except OSError as error:
        raise UserError(f'cannot read the model folder {folder}: '
                        f'{error.strerror}; choose another with --model-dir')
    suffixes = {}
    for name in sorted(names):
        match = _FILE.match(name)
        # The step must be spelled as the Saver does, without leading zeros.
        if match and match.group(1) == str(int(match.group(1))):
            suffixes.setdefault(int(match.group(1)), []).append(
                '.' + match.group(2))
    return [Checkpoint(step, os.path.join(folder, f'{PREFIX}-{step}'),
                       tuple(suffixes[step]))
            for step in sorted(suffixes, reverse=True)]


def load_settings(prefix):
    """What this program has written beside a checkpoint's weights.

    Args:
      prefix: str.
    Returns:
      dict: system, step, data, seed, kernels, wheel and, since there is one,
      the record of the run at that moment and the digest of its losses; None
      where there is no such file: the checkpoint is the original's.
    Raises:
      UserError: where it is damaged, or of another step.
    """
    path = prefix + SETTINGS_SUFFIX
    try:
        with open(path, encoding='utf-8') as file:
            settings = json.load(file)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UserError(f'cannot read {path}: {error.strerror}')
    except (ValueError, RecursionError) as error:
        raise UserError(f'{path} is damaged ({error}); restore it, or move '
                        'the checkpoint away')
    known = {'data': str, 'system': str, 'step': int, 'seed': int}
    for name, kind in known.items():
        if type(settings) is not dict or 'data' not in settings or type(
                settings.get(name, kind())) is not kind:
            raise UserError(f'{path} is damaged ({name} is missing or of another '
                            'type); restore it, or move the checkpoint away')
    step = step_of(prefix)
    if step is not None and settings.get('step', step) != step:
        raise UserError(f'{path} is of step {settings["step"]}; restore the one '
                        'that belongs there, or move the checkpoint away')
    return settings


def is_in_use(path):
    """Whether a process trains in a folder; False where there is none.

    Asked for with a lock that is given back at once: a training that begins at
    this very moment is refused, as beside another one.
    """
    try:
        with open(os.path.join(path, LOCK)) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError as error:
        if error.errno in (errno.EAGAIN, errno.EACCES):
            return True
        raise UserError(f'cannot lock the model folder {path}: '
                        f'{error.strerror}; choose a folder on a local disk')
    return False


class ModelDir:
    """A model folder that this process trains in, held under its lock.

    A lock of the kernel's (flock) rather than a file with a process number:
    it ends with its process, also a killed one, and process numbers repeat
    across containers.
    """

    def __init__(self, path):
        """Makes the folder, locks it and sweeps it.

        Raises:
          UserError: where the folder can't be made or written, or another
            process trains in it; as check_path.
        """
        check_path(path)
        self.path = path
        self._is_new = not os.path.lexists(path)
        try:
            os.makedirs(path, exist_ok=True)
            self._lock = open(os.path.join(path, LOCK), 'a')
        except OSError as error:
            raise UserError(
                f'cannot write to the model folder {path}: {error.strerror}; '
                'choose another with --model-dir')
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise UserError(f'cannot lock the model folder {path}: '
                                f'{error.strerror}; choose a folder on a local '
                                'disk with --model-dir')
            raise UserError(
                f'{IN_USE} {path}; wait for it, stop it, or choose another '
                'folder with --model-dir')
        self._sweep()

    def __enter__(self):
        return self

    def __exit__(self, *unused_exception):
        self.close()

    def close(self):
        """Gives the lock back; so does the end of the process."""
        self._lock.close()

    def discard(self):
        """Gives the lock back, and removes the folder where it was made for it."""
        if self._is_new:
            with contextlib.suppress(OSError):  # something is in it by now
                os.remove(self.join(LOCK))
                os.rmdir(self.path)
        self.close()

    def check_identity(self):
        """Raises UserError where the path no longer leads to the locked folder.

        Asked before each save: what stands there now may be another run's.
        """
        try:
            is_same = os.path.samestat(os.fstat(self._lock.fileno()),
                                       os.stat(self._lock.name))
        except OSError:
            is_same = False
        if not is_same:
            raise UserError(
                f'the model folder {self.path} was moved away or replaced during '
                'the training, and what is there now is left as it is; start '
                'again with --model-dir and the new name of the old one: the '
                'run goes on from its newest checkpoint')

    def join(self, name):
        return os.path.join(self.path, name)

    def make_saving_dir(self):
        """An empty folder on the same file system for a save in progress."""
        self.remove_saving_dir()
        os.mkdir(self.join(SAVING))
        return self.join(SAVING)

    def remove_saving_dir(self):
        shutil.rmtree(self.join(SAVING), ignore_errors=True)

    def remove(self, checkpoint):
        """Deletes one of our checkpoints, its index first and its settings last.

        Without an index it is no checkpoint, so whoever reads the folder at
        this moment sees it whole or not at all. While its settings are there it
        is ours, so what a kill leaves of it is swept.
        """
        assert checkpoint.ours, checkpoint
        order = {'.index': 0, SETTINGS_SUFFIX: 2}
        for suffix in sorted(checkpoint.suffixes,
                             key=lambda suffix: order.get(suffix, 1)):
            os.remove(checkpoint.prefix + suffix)

    def set_aside(self, checkpoint):
        """Renames a foreign checkpoint that stands where we have to write.

        Returns:
          str, the new prefix's last part.
        """
        number = 1
        while True:
            name = f'set-aside-{number}-{checkpoint.name}'
            if not any(other.startswith(name + '.')
                       for other in os.listdir(self.path)):
                break
            number += 1
        for suffix in checkpoint.suffixes:
            os.rename(checkpoint.prefix + suffix, self.join(name + suffix))
        return name

    def _sweep(self):
        """Removes what killed saves left; only ever called under the lock."""
        self.remove_saving_dir()
        for name in os.listdir(self.path):
            if _LEFTOVER.match(name):
                if os.path.isdir(self.join(name)):
                    shutil.rmtree(self.join(name), ignore_errors=True)
                else:
                    os.remove(self.join(name))
        for checkpoint in list_checkpoints(self.path):
            # A save of ours, stopped among the renames that end it, or a removal.
            if checkpoint.ours and '.index' not in checkpoint.suffixes:
                self.remove(checkpoint)
