"""The folder of a run: its checkpoints, its lock, the leftovers of a killed save.

A checkpoint `model.ckpt-500` consists of TensorFlow's three files and, if this program
wrote it, a fourth, `.json`, with the settings. Only such checkpoints are pruned or
replaced. Imports no TensorFlow.
"""

import json
import os
import re
import shutil
from typing import NamedTuple

from cifar10_tf1.common import files, record_schema
from cifar10_tf1.common.errors import explained, UserError

PREFIX = 'model.ckpt'
SETTINGS_SUFFIX = '.json'
LOCK = '.lock'
IN_USE = 'another training run uses the model folder'
STATE = 'checkpoint'  # names the newest, for TensorFlow's own programs
SAVING = '.saving'  # unfinished files; complete ones are moved out of it

_SUFFIX = r'\.(index|meta|json|data-\d{5}-of-\d{5})$'
_FILE = re.compile(r'^model\.ckpt-(0|[1-9]\d*)' + _SUFFIX)
# Checkpoints under other names, or in the format before TensorFlow 0.12: a single file.
_FOREIGN = re.compile(r'\.(index|meta|data-\d{5}-of-\d{5})$'
                      r'|\.ckpt(-\d+)?(-\d{5}-of-\d{5})?$')


class Checkpoint(NamedTuple):
    step: int
    prefix: str         # path without the suffixes
    suffixes: tuple     # of the files that exist, such as '.index'

    @property
    def ours(self):
        """Whether this program wrote it."""
        return SETTINGS_SUFFIX in self.suffixes

    @property
    def holds_tensors(self):
        """Whether it should be readable: neither unfinished nor a stray .meta."""
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
    """The prefix of a checkpoint, given it, one of its files or a state file."""
    if os.path.exists(path + '.index'):
        return path
    if os.path.basename(path) == STATE and os.path.isfile(path):
        with open(path, encoding='utf-8', errors='replace') as file:
            named = re.search('^model_checkpoint_path: "(.+)"$', file.read(), re.MULTILINE)
        return os.path.join(os.path.dirname(path), named.group(1)) if named else path
    return re.sub(_SUFFIX, '', path)


def check_path(path):
    """Raises UserError for a path that TensorFlow would misunderstand."""
    is_utf8 = path.encode('utf-8', 'replace').decode('utf-8') == path
    if not is_utf8 or set(path) & set('*?[\\'):
        raise UserError(f'{path} can\'t hold checkpoints, because TensorFlow treats *, ?, '
                        '[ and \\ as a pattern, and accepts only UTF-8; rename the '
                        'folder, or choose another with --model-dir')


def list_checkpoints(folder):
    """Every Checkpoint of a folder, complete or not, highest step first."""
    check_path(folder)
    if not os.path.lexists(folder):
        return []
    with explained(f'read the model folder {folder}', '--model-dir'):
        names = sorted(os.listdir(folder))
    suffixes = {}
    for match in filter(None, map(_FILE.match, names)):
        suffixes.setdefault(int(match.group(1)), []).append('.' + match.group(2))
    return [Checkpoint(step, os.path.join(folder, f'{PREFIX}-{step}'), tuple(found))
            for step, found in sorted(suffixes.items(), reverse=True)]


def find_newest(folder, ours=False):
    """The Checkpoint with the highest step, judging by file names, or None."""
    return next((checkpoint for checkpoint in list_checkpoints(folder)
                 if checkpoint.holds_tensors and (checkpoint.ours or not ours)), None)


def load_settings(prefix):
    """The content of the .json beside a checkpoint; None if there is no such file.

    It has the name of the `data` and, unless it is old, system, step, seed, kernels,
    wheel, the run's record at that step and the losses of its epoch.

    Raises UserError if the file is damaged, or belongs to another step.
    """
    path, step = prefix + SETTINGS_SUFFIX, step_of(prefix)
    try:
        with open(path, encoding='utf-8') as file:
            settings = json.load(file)
        record_schema.check(settings, record_schema.CHECKPOINT)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise UserError(f'{path} is damaged: {error}; restore it, or move the checkpoint away')
    if step is not None and settings.get('step', step) != step:
        raise UserError(f'{path} belongs to step {settings["step"]}; restore the right '
                        'one, or move the checkpoint away')
    return settings


def is_in_use(path):
    """Whether a process is training in a folder; briefly takes the lock."""
    try:
        files.Lock(os.path.join(path, LOCK), shared=True).release()
    except BlockingIOError:
        return True
    except OSError:
        pass  # no such folder, or training will report the problem
    return False


class ModelDir:
    """A model folder that this process trains in, held under its lock."""

    def __init__(self, path):
        """Creates, locks and cleans the folder, or raises UserError."""
        _refuse_foreign_checkpoints(path)
        self.path = path
        try:
            os.makedirs(path, exist_ok=True)
            self._lock = files.Lock(self.join(LOCK))
        except BlockingIOError:
            raise UserError(f'{IN_USE} {path}; wait for it, stop it, or choose '
                            'another folder with --model-dir')
        except OSError as error:
            raise UserError(
                f'cannot write to the model folder {path}: {error.strerror}; choose '
                'another, on a local disk, with --model-dir (in a container: a volume '
                'that its user can write to)')
        shutil.rmtree(self.join(SAVING), ignore_errors=True)
        for checkpoint in list_checkpoints(path):
            # A save or a removal of ours was stopped between two files.
            if checkpoint.ours and '.index' not in checkpoint.suffixes:
                self.remove(checkpoint)

    def close(self):
        self._lock.release()

    def check_identity(self):
        """Raises UserError if the path no longer leads to the locked folder."""
        if not self._lock.is_in_place():
            raise UserError(
                f'someone moved or replaced the model folder {self.path} during training; start '
                'again with --model-dir and its new name to continue from its newest checkpoint')

    def join(self, name):
        return os.path.join(self.path, name)

    def remove(self, checkpoint):
        """Deletes one of our checkpoints, its index first and its settings last.

        Without an index it is no checkpoint, so a reader sees all of it or nothing. As
        long as its settings exist it is ours, so the next start removes what a kill left.
        Raises UserError if another program wrote it.
        """
        if not checkpoint.ours:
            raise UserError(f'{checkpoint.prefix}, which this program did not write, is '
                            'in the way; move it and start again')
        for suffix in sorted(checkpoint.suffixes, key=lambda suffix: (
                suffix != '.index', suffix == SETTINGS_SUFFIX)):
            os.remove(checkpoint.prefix + suffix)


def _refuse_foreign_checkpoints(path):
    """Refuses a folder with only other programs' checkpoints: training would restart."""
    if find_newest(path) is not None or not os.path.isdir(path):
        return
    for name in sorted(os.listdir(path)):
        if _FOREIGN.search(name) and not _FILE.match(name):
            raise UserError(
                f'{path} contains {name}; training continues only from checkpoints named '
                f'{PREFIX}-STEP, in the format of TensorFlow 0.12 or newer; rename or '
                'convert it, or choose another folder with --model-dir')
