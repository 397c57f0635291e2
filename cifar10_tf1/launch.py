"""From what a user asks for to a running training, in the right order.

The folder is locked and its record read before the device is known, the device
before TensorFlow is imported, TensorFlow before the graph is built.
"""

import os
import sys
from typing import NamedTuple

from cifar10_tf1 import devices
from cifar10_tf1 import kernels
from cifar10_tf1 import machine
from cifar10_tf1 import run_record
from cifar10_tf1 import runtime
from cifar10_tf1 import systems
from cifar10_tf1.errors import UserError
from cifar10_tf1.model_dir import ModelDir
from cifar10_tf1.stopping import StopRequest


class Prepared(NamedTuple):
    """What was decided before TensorFlow was imported."""
    choice: devices.Choice
    kernels: str            # 'stock' or 'fast'


def prepare(model_dir, given, allow_unsupported_gpu=False):
    """Chooses device and kernels; before a download, and before TensorFlow.

    Args:
      model_dir: str, whose record has what a run to go on with was begun with;
        None where there is none to go on with.
      given: run_record.RunSettings, None where the user says nothing.
      allow_unsupported_gpu: bool.
    Returns:
      Prepared, for train and test.
    Raises:
      UserError: as devices.prepare and kernels.choose.
    """
    record = _find_record(model_dir) if model_dir else None
    recorded = record.settings if record else run_record.RunSettings()
    choice = devices.prepare(given.device or recorded.device or 'auto',
                             allow_unsupported_gpu)
    chosen = kernels.choose(given.kernels or recorded.kernels or 'auto',
                            choice.device)
    runtime.prepare_environment(chosen)
    return Prepared(choice, chosen)


def train(data_set, model_dir, given, max_steps=None, command='',
          stop_request=None, on_epoch=None, system=None, prepared=None,
          with_summaries=False):
    """Trains in a model folder, from its newest checkpoint where it has one.

    Args:
      data_set: a data.data_set.DataSet.
      model_dir: str, the folder; made where there is none.
      given: run_record.RunSettings, None where the user says nothing.
      max_steps: int, stop at this global step; None: at the last epoch's.
      command: str, for the record.
      stop_request: stopping.StopRequest, or None.
      on_epoch: called with each epoch's entry of the record, or None.
      system: a systems.base.System, by default deep_cnn.
      prepared: Prepared, by default by `prepare`.
      with_summaries: bool, whether event files for TensorBoard are written.
    Returns:
      int, the exit status: 0, or 130 or 143 where a signal ended it.
    Raises:
      UserError: where the folder is in use, can't be written, or holds another
        run; where its checkpoints don't fit; where the loss is not finite; where
        the GPU can't be used, or computes wrong numbers.
      KernelsDisagree: where the fast kernels compute wrong numbers.
    """
    with ModelDir(model_dir) as folder:
        prepared = prepared or prepare(folder.path, given)
        record = _find_record(folder.path)
        if record and not os.path.exists(folder.join(run_record.FILE)):
            print(f'warning: {folder.join(run_record.FILE)} is lost; it is '
                  'written again from what lies beside the newest checkpoint',
                  file=sys.stderr, flush=True)
        given = given._replace(kernels=prepared.kernels)
        runtime.load_tensorflow()
        from cifar10_tf1 import training
        system = system or systems.load(systems.DEFAULT)
        record = record or run_record.new(folder.path, system)
        run_record.check_system_name(record, system.name)
        settings = run_record.resolve_settings(record, given, data_set, system)
        device = _start_device(prepared.choice, settings.threads)
        settings = settings._replace(device=device)
        kind = machine.find_kind(device, settings.kernels, settings.threads,
                                 devices.find_gpu(device, settings.threads))
        for difference in run_record.check_kind(record, kind):
            print('warning: from here on the run is not bit-exact: '
                  + difference, file=sys.stderr, flush=True)
        run = training.Run(system, data_set, folder, settings, record, kind,
                           command, stop_request or StopRequest(), on_epoch,
                           with_summaries)
        return run.train(max_steps)


def test(data_set, model_dir, checkpoint, seed, crop, given, prepared=None):
    """Tests a checkpoint, and notes the result where its folder has a record.

    Args:
      data_set: a data.data_set.DataSet.
      model_dir: str, the folder whose newest checkpoint is taken, unless
      checkpoint: str, a prefix, names one.
      seed: int, of the test crops.
      crop: 'random' or 'central'.
      given: run_record.RunSettings, of which the device and threads count.
      prepared: Prepared, by default by `prepare`.
    Returns:
      evaluation.Evaluation.
    Raises:
      UserError: as evaluation.run_evaluation; where the GPU can't be used.
    """
    prepared = prepared or prepare(None, given)
    given = given._replace(kernels=prepared.kernels)
    runtime.load_tensorflow()
    from cifar10_tf1 import evaluation
    system = systems.load(systems.DEFAULT)
    settings = run_record.complete(given, system, data_set)
    device = _start_device(prepared.choice, settings.threads)
    result = evaluation.run_evaluation(
        system, data_set, model_dir, checkpoint, seed, crop, device,
        settings.threads, settings.kernels)
    folder = os.path.dirname(result.checkpoint)
    try:
        record = run_record.load_folder(folder)
        if record:
            kind = machine.find_kind(device, settings.kernels,
                                     settings.threads,
                                     devices.find_gpu(device, settings.threads))
            record.add_test(
                step=result.step, data=data_set.name, crop=crop, seed=seed,
                num_correct=result.num_correct,
                num_examples=result.num_examples,
                predictions_sha256=result.predictions_sha256, kind=kind)
    except UserError as error:
        # A read-only or foreign folder: the result counts all the same.
        print(f'warning: the result is not recorded: {error}', file=sys.stderr,
              flush=True)
    return result


def _find_record(folder):
    """The record of the run to go on with, or None."""
    return run_record.load_folder(folder) or run_record.recover(folder)


def _start_device(choice, threads):
    """'cpu' or 'gpu'; says which."""
    runtime.start_threads(threads)
    return devices.resolve(choice, threads)
