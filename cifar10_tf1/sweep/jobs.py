"""One seed of a sweep: its folder and its next command."""

import contextlib
import os
import sys
from typing import NamedTuple, Optional, Tuple

from cifar10_tf1 import scripts, systems
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.records import run_record
from cifar10_tf1.report import gathering


class Request(NamedTuple):
    """The settings of a sweep, for all its seeds."""
    entry: systems.Entry
    folder: str                      # of the sweep; contains the runs' folders
    epochs: Optional[int] = None     # None: as recorded, or as documented
    options: Tuple[str, ...] = ()    # for train.py and test.py
    training_options: Tuple[str, ...] = ()


class Job:
    """The run of one seed."""

    def __init__(self, request, seed):
        self.seed = seed
        self.name = gathering.name_run(seed)
        self.folder = os.path.join(request.folder, self.name)
        self._request = request
        logs = os.path.join(request.folder, gathering.LOGS)
        self.log = os.path.join(logs, self.name + '.txt')
        self._failure_file = os.path.join(logs, self.name + gathering.FAILURE)

    def find_command(self):
        """The next (stage, arguments), or None if the run is complete.

        The stage is 'training', or 'testing' and a variant.

        Raises:
          UserError: the folder contains another run.
        """
        request, record = self._request, run_record.load_folder(self.folder)
        num_epochs = request.epochs
        if record:
            run_record.check_system_name(record, request.entry.name)
            if record.settings.seed != self.seed:
                raise UserError(f'{self.folder} contains a run of seed '
                                f'{record.settings.seed}, not {self.seed}; rename it, or '
                                'choose another --folder')
            num_epochs = (num_epochs or record.settings.epochs
                          or request.entry.num_epochs)
        run = record and gathering.build_run(record, num_epochs)
        if not record or not run.is_trained:
            return 'training', (
                sys.executable, scripts.path('train'), '--system', request.entry.name,
                '--seed', str(self.seed), '--model-dir', self.folder,
                *(('--epochs', str(num_epochs)) if num_epochs else ()),
                *request.options, *request.training_options)
        return self._test(record, run.missing) if run.missing else None

    def _test(self, record, missing):
        """The command for the missing tests of the first one's variant."""
        request, variant = self._request, missing[0][0]
        prefix = os.path.join(self.folder, f'{model_dir.PREFIX}-'
                              f'{record.content["weights"]["step"]}')
        seeds = ','.join(str(seed) for other, seed in missing if other == variant)
        # test.py chooses the fast kernels by itself if they fit.
        kernels = ('--kernels', 'stock') if (
            record.kind['kernels'] == 'stock'
            and '--kernels' not in request.options) else ()
        return f'testing {variant}', (
            sys.executable, scripts.path('test'), '--system', request.entry.name,
            '--checkpoint', prefix, '--variant', variant, '--seeds', seeds, *kernels,
            *request.options)

    def find_progress(self):
        """A value that changes with each save and each test."""
        steps = {checkpoint.step for checkpoint
                 in model_dir.list_checkpoints(self.folder)}
        with contextlib.suppress(UserError):
            record = run_record.load_folder(self.folder)
            return steps, record and len(record.content['tests'])
        return steps, None

    def note_failure(self, reason):
        """Stores the reason for sweep --merge and for later readers of the folder."""
        with contextlib.suppress(OSError):  # a full disk may be the reason
            with open(self._failure_file, 'w', encoding='utf-8') as file:
                file.write(reason + '\n')

    def forget_failure(self):
        with contextlib.suppress(FileNotFoundError):
            os.remove(self._failure_file)

    def find_last_line(self):
        """The last line printed by its processes, or ''."""
        with contextlib.suppress(FileNotFoundError):
            with open(self.log, encoding='utf-8', errors='replace') as file:
                return ['', *filter(None, map(str.strip, file))][-1]
        return ''
