"""A training run: its folder, record, settings and device."""

import os
import sys

from cifar10_tf1 import cli, startup, systems
from cifar10_tf1.checkpoints.model_dir import ModelDir
from cifar10_tf1.common.stopping import StopRequest
from cifar10_tf1.machine import description, resources, runtime
from cifar10_tf1.records import run_record, run_settings


class Run:
    """One process's part of a run; as a context manager, releases what it took.

    Attributes:
      environment: dict, the environment that the process started with.
      settings: run_settings.RunSettings, complete after `settle`.
      record: run_record.RunRecord; after `settle` it may be of a new run.
      kind: dict, the kind of machine, after `settle`.
    """

    def __init__(self, options):
        """Opens folder and record, chooses the device, then imports TensorFlow."""
        self.options = options
        self.environment = dict(os.environ)
        self.stop = StopRequest().install()
        self.folder = None
        self._has_started = False
        try:
            self.folder = ModelDir(cli.find_model_dir(options))
            self.record = run_record.load_folder(self.folder.path, for_training=True)
            self.system_name = options.system or systems.DEFAULT
            if self.record and options.system is None:
                self.system_name = systems.find(self.record.content['system']).name
            if self.record:
                run_record.check_system_name(self.record, self.system_name)
            resources.warn_of_shortage(
                systems.find(self.system_name).memory_bytes, 'training')
            self.settings, self._selection = startup.select_device_and_kernels(
                cli.given_settings(options), self.system_name,
                self.record and self.record.settings, options.allow_unsupported_gpu)
            runtime.load_tensorflow()
        except BaseException:
            self.__exit__()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *unused_exception):
        if self.folder is not None:
            self.folder.close(remove_if_new=not self._has_started)
        self.stop.uninstall()

    def settle(self, system, data_set):
        """Completes the settings, and starts and prints the device."""
        if self.record is None:
            self.record = run_record.new(self.folder.path, system)
        self.settings = startup.start_device(self._selection, run_settings.resolve(
            self.record, self.settings, data_set, system))
        self.kind = startup.find_kind(self.settings)
        for difference in run_record.check_kind(self.record, self.kind):
            print('warning: from here on the run can differ from an uninterrupted '
                  f'one: {difference}', file=sys.stderr, flush=True)

    @property
    def has_begun(self):
        """Whether an earlier process has trained in the folder."""
        return bool(self.record.content['processes'])

    @property
    def needs_numeric_check(self):
        """Whether this device or these kernels still need a check on this machine."""
        return self.settings.device != 'cpu' or self.settings.kernels != 'stock' and (
            not self.has_begun
            or bool(description.list_differences(self.record.kind, self.kind)))

    def begin(self, data_set, step, weights):
        """Records that this process trains from `step`; weights: InitialWeights' dict."""
        self.record.start_process(cli.describe('train.py', self.options), self.kind,
                                  self.settings, data_set, step, weights)
        self._has_started = True
        self.stop.deferred = True

    def describe_checkpoint(self, data_set, step):
        """The content of the .json beside the weights, which explains a checkpoint."""
        return {'system': self.system_name, 'step': step, 'data': data_set.name,
                'seed': self.settings.seed, 'kernels': self.kind['kernels'],
                'wheel': self.kind['wheel'], 'record': self.record.content}

    def end(self, step, digest):
        """Records how this process ended, with the fingerprint of the weights."""
        self.folder.check_identity()
        reason = 'output closed' if self.stop.error else self.stop.name or 'finished'
        self.record.end_process(step, reason, digest)
