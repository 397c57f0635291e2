"""A training run as its folder and record know it."""

import os
import sys

from cifar10_tf1 import cli
from cifar10_tf1 import startup
from cifar10_tf1 import systems
from cifar10_tf1.checkpoints.model_dir import ModelDir
from cifar10_tf1.common.stopping import StopRequest
from cifar10_tf1.machine import description
from cifar10_tf1.machine import devices
from cifar10_tf1.machine import memory
from cifar10_tf1.machine import runtime
from cifar10_tf1.records import run_record
from cifar10_tf1.records import run_settings


class Run:
    """One process's part of a run; a context manager.

    Holds the folder's lock, the signals and the choice of a device in the environment,
    and gives them back at the end.

    Attributes:
      options: argparse.Namespace of train.py.
      environment: dict, the environment that the process began with.
      stop: StopRequest.
      folder: ModelDir.
      system_name: str, one of systems.NAMES.
      settings: run_settings.RunSettings, complete after `settle`.
      record: run_record.RunRecord, perhaps of a run that has not begun.
      kind: dict, of machine and runtime, after `settle`.
    """

    def __init__(self, options):
        """Opens the run: its folder, its record and the device.

        Runs before TensorFlow is imported, and imports it.

        Args:
          options: argparse.Namespace of train.py.
        Raises:
          UserError: the folder is in use, can't be written or holds another run;
            as startup.select_device_and_kernels.
        """
        self.options = options
        self.environment = dict(os.environ)
        self.stop = StopRequest().install()
        self.folder = None
        self._has_started = False
        try:
            self.folder = ModelDir(cli.find_model_dir(options))
            self._open()
        except BaseException:
            self.__exit__()
            raise

    def _open(self):
        options, folder = self.options, self.folder
        self.record = run_record.load_folder(folder.path, for_training=True)
        if self.record and options.system is None:
            name = systems.find(self.record.content['system']).name
        else:
            name = options.system or systems.DEFAULT
        if self.record:
            run_record.check_system_name(self.record, name)
        self.system_name = name
        memory.warn_of_shortage(systems.find(name).memory_bytes, 'training')
        self.settings, self._selection = startup.select_device_and_kernels(
            cli.given_settings(options), name, self.record and self.record.settings,
            options.allow_unsupported_gpu)
        runtime.load_tensorflow()

    def __enter__(self):
        return self

    def __exit__(self, *unused_exception):
        if self.folder is not None and self._has_started:
            self.folder.close()
        elif self.folder is not None:
            self.folder.discard()  # if it was made for this run
        self.stop.uninstall()
        devices.restore_environment()

    def settle(self, system, data_set):
        """Completes the settings, starts the device and prints which one it is.

        Args:
          system: systems.base.System.
          data_set: data.data_set.DataSet.
        Raises:
          UserError: the folder holds another run; the GPU can't be used.
        """
        if self.record is None:
            self.record = run_record.new(self.folder.path, system)
        settings = run_settings.resolve(self.record, self.settings, data_set, system)
        self.settings = startup.start_device(self._selection, settings)
        self.kind = startup.find_kind(self.settings)
        for difference in run_record.check_kind(self.record, self.kind):
            print('warning: from here on the run can differ from an uninterrupted '
                  f'one: {difference}', file=sys.stderr, flush=True)

    @property
    def has_begun(self):
        """Whether an earlier process has trained in the folder."""
        return bool(self.record.content['processes'])

    @property
    def is_known_to_compute_right(self):
        """Whether no numeric check is needed: stock CPU kernels, or a known kind."""
        return self.settings.device == 'cpu' and (
            self.settings.kernels == 'stock' or self.has_begun
            and not description.list_differences(self.record.kind, self.kind))

    def begin(self, data_set, step, weights):
        """Notes in the record that this process trains on from a step.

        Args:
          data_set: data.data_set.DataSet.
          step: int, updates done.
          weights: dict for the record's data, of InitialWeights.
        """
        self.record.start_process(cli.describe('train.py', self.options), self.kind,
                                  self.settings, data_set, step, weights)
        self._has_started = True
        self.stop.deferred = True

    def describe_checkpoint(self, data_set, step):
        """dict for the .json beside weights, so that a checkpoint explains itself."""
        return {'system': self.system_name, 'step': step, 'data': data_set.name,
                'seed': self.settings.seed, 'kernels': self.kind['kernels'],
                'wheel': self.kind['wheel'], 'record': self.record.content}

    def end(self, step, digest):
        """Notes in the record how this process ended.

        Args:
          step: int, updates done.
          digest: str, the fingerprint of the weights.
        """
        self.folder.check_identity()
        reason = 'output closed' if self.stop.error else self.stop.name or 'finished'
        self.record.end_process(step, reason, digest)
