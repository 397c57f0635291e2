"""One seed of a sweep: its folder and its next command."""

import os
import sys

from cifar10_tf1 import scripts
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.records import run_record
from cifar10_tf1.report import gathering

LOGS = 'logs'  # in the folder of a sweep


class Job:
    def __init__(self, entry, folder, seed, epochs=None, options=(), training_options=()):
        """The run of a systems.Entry in a sweep's folder; epochs: None for the recorded ones.

        The options are lists of str, for train.py and test.py and for train.py alone.
        """
        self.name = gathering.name_run(seed)
        self.folder = os.path.join(folder, self.name)
        self.log = os.path.join(folder, LOGS, self.name + '.txt')
        self._entry, self._seed, self._epochs = entry, seed, epochs
        self._options, self._training_options = options, training_options

    def find_command(self):
        """The next (stage, arguments), or None if the run is complete.

        The stage is 'training', or 'testing' and a variant.

        Raises:
          UserError: the folder contains another run.
        """
        record, epochs, run = run_record.load_folder(self.folder), self._epochs, None
        if record:
            system, seed = record.content['system'], record.settings.seed
            if (system, seed) != (self._entry.name, self._seed):
                raise UserError(f'{self.folder} contains a run of {system}, seed {seed}, '
                                f'not of {self._entry.name}, seed {self._seed}; rename '
                                'it, or choose another --folder')
            epochs = epochs or record.settings.epochs
            run = gathering.build_run(record, epochs)
        if not run or not run.is_trained:
            return 'training', [
                sys.executable, scripts.path('train'), '--system', self._entry.name,
                '--seed', str(self._seed), '--model-dir', self.folder,
                *(['--epochs', str(epochs)] if epochs else []),
                *self._options, *self._training_options]
        return self._test(record, run.missing) if run.missing else None

    def _test(self, record, missing):
        """The command for the missing tests of the first one's variant."""
        variant = missing[0][0]
        seeds = ','.join(str(seed) for other, seed in missing if other == variant)
        prefix = f'{model_dir.PREFIX}-{record.content["weights"]["step"]}'
        return f'testing {variant}', [
            sys.executable, scripts.path('test'), '--system', self._entry.name,
            '--checkpoint', os.path.join(self.folder, prefix), '--variant', variant,
            '--seeds', seeds, '--kernels', record.kind['kernels'], *self._options]

    def find_last_line(self):
        """The last line that its processes printed."""
        with open(self.log, encoding='utf-8', errors='replace') as file:
            return [line.strip() for line in file if line.strip()][-1]
