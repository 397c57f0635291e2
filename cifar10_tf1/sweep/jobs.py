"""One seed of a sweep: what its folder says, and what has to be done next."""

import contextlib
import os
import sys
from typing import NamedTuple
from typing import Optional
from typing import Tuple

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1 import scripts
from cifar10_tf1.records import run_record
from cifar10_tf1 import systems
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.sweep import counts

LOGS = 'logs'  # in the sweep's folder: what the processes printed
# A process that is killed from outside is started again, but not for ever where
# it is killed before it has saved anything.
MAX_KILLS_WITHOUT_PROGRESS = 3


class Request(NamedTuple):
    """What a sweep is to make of each of its seeds."""
    entry: systems.Entry
    folder: str                      # of the sweep; a run's is in it
    epochs: Optional[int] = None     # None: as documented, or as it was begun
    options: Tuple[str, ...] = ()    # of train.py and of test.py
    training_options: Tuple[str, ...] = ()


class Command(NamedTuple):
    stage: str        # 'training', or 'testing' and a variant
    arguments: tuple  # of a process


class Job:
    """The run of one seed."""

    def __init__(self, request, seed):
        self.seed = seed
        self.name = f'seed-{seed:02}'
        self.entry = request.entry
        self.folder = os.path.join(request.folder, self.name)
        self.failure = None  # str, why it can't go on
        self._request = request
        self._num_kills = 0
        self._last_progress = None
        self._identity, self._record = None, None
        logs = os.path.join(request.folder, LOGS)
        self.log = os.path.join(logs, self.name + '.txt')
        self.failure_file = os.path.join(logs, self.name + '.failure')

    def load_record(self):
        """The RunRecord, read again where it has changed; None: not begun.

        Raises:
          UserError: as run_record.load_folder.
        """
        try:
            status = os.stat(os.path.join(self.folder, run_record.FILE))
        except FileNotFoundError:
            return None
        identity = status.st_ino, status.st_mtime_ns, status.st_size
        if identity != self._identity:
            self._record = run_record.load_folder(self.folder)
            self._identity = identity
        return self._record

    @property
    def num_epochs(self):
        """That the run is to reach."""
        record = self.load_record()
        recorded = record and record.settings.epochs
        return (self._request.epochs or recorded
                or self.entry.num_epochs)

    def is_in_use(self):
        """Whether a training holds the folder, of this sweep or another."""
        return model_dir.is_in_use(self.folder)

    def find_command(self):
        """The Command that comes next; None where the run is complete.

        Raises:
          UserError: where the folder holds what is not this run.
        """
        record = self.load_record()
        if record is None or not is_trained(record, self.num_epochs):
            return Command('training', self._train())
        missing = counts.list_missing(record)
        return self._test(record, missing) if missing else None

    def check(self):
        """Raises UserError where the folder holds another run."""
        record = self.load_record()
        if record is None:
            return
        run_record.check_system_name(record, self._request.entry.name)
        if record.settings.seed != self.seed:
            raise UserError(f'{self.folder} holds a run of seed '
                            f'{record.settings.seed}, not {self.seed}; give it '
                            'the name that fits, or choose another --folder')

    def may_try_again(self):
        """After a kill: whether there is hope. Counts the kills."""
        progress = self._find_progress()
        self._num_kills = (self._num_kills + 1
                           if progress == self._last_progress else 1)
        self._last_progress = progress
        return self._num_kills < MAX_KILLS_WITHOUT_PROGRESS

    def fail(self, reason):
        """Notes for this sweep and for whoever looks later why it failed."""
        self.failure = reason
        with contextlib.suppress(OSError):  # a full disk may be the reason
            with open(self.failure_file, 'w', encoding='utf-8') as file:
                file.write(reason + '\n')

    def forget_failure(self):
        self.failure = None
        with contextlib.suppress(FileNotFoundError):
            os.remove(self.failure_file)

    def find_last_line(self):
        """The last line that its processes printed; '' where there is none."""
        try:
            with open(self.log, encoding='utf-8', errors='replace') as file:
                lines = file.read().split('\n')
        except FileNotFoundError:
            return ''
        return next((line.strip() for line in reversed(lines)
                     if line.strip()), '')

    def _find_progress(self):
        """What is another after each save and each test."""
        checkpoints = model_dir.list_checkpoints(self.folder) if os.path.isdir(
            self.folder) else []
        record = self.load_record()
        return (checkpoints and checkpoints[0].step,
                record and len(record.content['tests']))

    def _train(self):
        request = self._request
        epochs = ['--epochs', str(request.epochs)] if request.epochs else []
        return (sys.executable, scripts.path('train'), '--system',
                request.entry.name, '--seed', str(self.seed), '--model-dir',
                self.folder, *epochs, *request.options,
                *request.training_options)

    def _test(self, record, tests):
        """The Command of those tests that are of the first one's variant."""
        request, variant = self._request, tests[0][0]
        prefix = os.path.join(self.folder, f'{model_dir.PREFIX}-'
                              f'{record.content["weights"]["step"]}')
        seeds = ','.join(str(seed) for other, seed in tests if other == variant)
        # The fast ones are what a test takes by itself, if they fit.
        kernels = (['--kernels', 'stock'] if record.kind['kernels'] == 'stock'
                   and '--kernels' not in request.options else [])
        return Command(f'testing {variant}', (
            sys.executable, scripts.path('test'), '--system',
            request.entry.name, '--checkpoint', prefix, '--variant', variant,
            '--seeds', seeds, *kernels, *request.options))


def is_trained(record, num_epochs):
    """Whether a run has come to its end, of which the weights are recorded.

    Args:
      record: run_record.RunRecord.
      num_epochs: int.
    """
    weights, epochs = record.content['weights'] or {}, record.epochs
    if not epochs or weights.get('step') != epochs[-1]['step']:
        return False
    # An epoch may be noted in parts, of which the last may be missing.
    num_parts = [sum(entry['epoch'] == epoch for entry in epochs)
                 for epoch in (epochs[0]['epoch'], epochs[-1]['epoch'])]
    return epochs[-1]['epoch'] >= num_epochs and num_parts[0] == num_parts[1]
