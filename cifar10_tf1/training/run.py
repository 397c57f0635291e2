"""A training run: its folder, record, settings and device."""

import contextlib
import sys

from cifar10_tf1 import cli, startup, systems
from cifar10_tf1.checkpoints.model_dir import ModelDir
from cifar10_tf1.common.stopping import StopRequest
from cifar10_tf1.machine import resources, runtime
from cifar10_tf1.records import run_record, run_settings


class Run:
    """One process's part of a run.

    Attributes:
      stop: StopRequest.
      folder: ModelDir.
      system: systems.base.System.
      record: run_record.RunRecord, possibly of a run that has not begun.
      resources: contextlib.ExitStack, which gives folder, signals and CUDA_VISIBLE_DEVICES
        back.

    After `settle`:
      data_set: data_set.DataSet.
      settings: run_settings.RunSettings, complete.
      plan: graph.plan.Plan.
      kind: dict, the kind of machine.
      needs_numeric_check: bool, whether this machine has yet to show that this device or
        these kernels compute what the stock ones do.
    """

    def __init__(self, options):
        """Opens folder and record, chooses the device, then imports TensorFlow."""
        self.options = options
        with contextlib.ExitStack() as on_error:
            self.stop = on_error.enter_context(StopRequest())
            on_error.enter_context(runtime.variable_kept('CUDA_VISIBLE_DEVICES'))
            self.folder = ModelDir(cli.find_model_dir(options))
            on_error.callback(self.folder.close)
            record = run_record.load_folder(self.folder.path, for_training=True)
            name = options.system or systems.DEFAULT
            if record:
                name = record.entry.name
                record.refuse_another('system', name, options.system, 'omit --system')
            resources.warn_of_shortage(systems.find(name).memory_bytes, 'training')
            self._given, self._selection = startup.select_device_and_kernels(
                cli.given_settings(options), name, record and record.settings,
                options.allow_unsupported_gpu)
            runtime.load_tensorflow()
            self.system = systems.load(name)
            self.record = record or run_record.new(self.folder.path, self.system)
            self.resources = on_error.pop_all()

    def settle(self, data_set):
        """Completes the settings, and starts and prints the device.

        Raises UserError if the data, an option or the machine would make it another run.
        """
        self.data_set = data_set
        settings = run_settings.resolve(self.record, self._given, data_set, self.system)
        self.settings = startup.start_device(self._selection, settings)
        self.plan = self.system.build_plan(data_set, settings.train_files)
        self.kind = startup.find_kind(self.settings)
        differences = self.record.check_kind(self.kind)
        for difference in differences:
            print('warning: from here on the run can differ from an uninterrupted '
                  f'one: {difference}', file=sys.stderr)
        is_proven = self.record.has_begun and not differences
        self.needs_numeric_check = self.settings.device != 'cpu' or (
            self.settings.kernels != 'stock' and not is_proven)

    @property
    def line_prefix(self):
        """The prefix for every printed line, if data or weights are not as documented."""
        return self.data_set.line_prefix + self.record.line_prefix

    def print(self, lines):
        """Prints lines of the original."""
        for line in lines:
            print(line and self.line_prefix + line)

    def begin(self, step, weights):
        """Records that this process trains from `step`; weights: initial_weights.load."""
        self.record.start_process(cli.describe('train.py', self.options), self.kind,
                                  self.settings, self.data_set, step, weights)
        self.stop.deferred = True

    def describe_checkpoint(self, step, losses):
        """The content of the .json beside the weights, which explains a checkpoint."""
        return {'system': self.system.name, 'step': step, 'data': self.data_set.name,
                'seed': self.settings.seed, 'kernels': self.kind['kernels'],
                'wheel': self.kind['wheel'], 'record': self.record.content,
                'losses': losses}

    def end(self, step, digest):
        """Records how this process ended, with the fingerprint of the weights."""
        self.folder.check_identity()
        reason = 'output closed' if self.stop.error else self.stop.name or 'finished'
        self.record.end_process(step, reason, digest)
