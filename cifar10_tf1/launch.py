"""How a program starts: the folder, its record, the device, then the data.

The folder is locked and its record read before the device is known, and the
device is known before TensorFlow is imported, whose environment it decides.
"""

import os
import sys
from typing import Any
from typing import NamedTuple
from typing import Optional
from typing import Tuple

from cifar10_tf1.machine import devices
from cifar10_tf1 import kernels
from cifar10_tf1.machine import description
from cifar10_tf1.machine import memory
from cifar10_tf1.records import run_record
from cifar10_tf1.records import run_settings
from cifar10_tf1.machine import runtime
from cifar10_tf1 import systems
from cifar10_tf1.checkpoints.model_dir import ModelDir
from cifar10_tf1.common.stopping import StopRequest


class TrainingStart(NamedTuple):
    """What is decided before TensorFlow is imported."""
    system_name: str
    folder: ModelDir                  # held by this process
    record: Optional[run_record.RunRecord]  # of the run to go on with
    given: run_settings.RunSettings     # the kernels are chosen
    choice: devices.Choice
    data_set: Any                     # data.data_set.DataSet; it needs NumPy
    max_steps: Optional[int]          # stop at this global step
    command: str                      # for the record
    stop_request: Optional[StopRequest]
    with_summaries: bool              # write event files for TensorBoard
    test_command: Optional[str] = None  # what to type for the accuracy
    pretrained: Optional[str] = None  # path of published weights
    is_from_scratch: bool = False     # seeded weights in their place


class TestStart(NamedTuple):
    """The same, of testing."""
    system_name: str
    model_dir: str                    # whose newest checkpoint is taken, unless
    checkpoint: Optional[str]         # a prefix, names one
    given: run_settings.RunSettings     # the kernels are chosen
    choice: devices.Choice
    data_set: Any                     # data.data_set.DataSet; it needs NumPy
    seeds: Tuple[int, ...]            # of the test crops, a test for each
    variant: str                      # one of the system's
    with_classes: bool = False        # print the accuracy of each class
    max_images: Optional[int] = None  # test the first alone, which is not recorded


def begin_training(system_name, load_data_set, model_dir, given, max_steps=None,
                   command='', stop_request=None, with_summaries=False,
                   allow_unsupported_gpu=False, test_command=None,
                   pretrained=None, is_from_scratch=False):
    """Locks the folder, reads its record, chooses the device, finds the data.

    Args:
      system_name: str, one of systems.NAMES; None: the folder's, or the
        default.
      load_data_set: function of the system's name that gives a DataSet; called
        last, because it may have to download it.
      model_dir: str, the folder; made where there is none.
      given: run_settings.RunSettings, None where the user says nothing.
      max_steps, command, stop_request, with_summaries, test_command: as in
        TrainingStart.
      allow_unsupported_gpu: bool.
      pretrained, is_from_scratch: as in TrainingStart.
    Returns:
      TrainingStart.
    Raises:
      UserError: where the folder is in use or can't be written; as
        choose_machine and load_data_set.
    """
    folder = ModelDir(model_dir)
    try:
        record = (run_record.load_folder(folder.path)
                  or run_record.recover(folder.path))
        if record and not os.path.exists(folder.join(run_record.FILE)):
            print(f'warning: {folder.join(run_record.FILE)} is lost; it is '
                  'written again from what lies beside the newest checkpoint',
                  file=sys.stderr, flush=True)
        if record and system_name is None:
            system_name = systems.find(record.content['system']).name
        elif record:
            run_record.check_system_name(record, system_name)
        system_name = system_name or systems.DEFAULT
        memory.warn_of_shortage(systems.find(system_name).memory_bytes, 'training')
        given, choice = choose_machine(given, allow_unsupported_gpu,
                                       record and record.settings, system_name)
        return TrainingStart(system_name, folder, record, given, choice,
                             load_data_set(system_name), max_steps, command,
                             stop_request, with_summaries, test_command,
                             pretrained, is_from_scratch)
    except BaseException:
        folder.discard()
        raise


def choose_machine(given, allow_unsupported_gpu=False, recorded=None,
                   system_name=systems.DEFAULT):
    """Chooses device and kernels, and sets the environment for them.

    Args:
      given: run_settings.RunSettings, None where the user says nothing.
      allow_unsupported_gpu: bool.
      recorded: run_settings.RunSettings of a run to go on with, or None.
      system_name: str, one of systems.NAMES.
    Returns:
      (given, choice): RunSettings with the kernels; devices.Choice.
    Raises:
      UserError: as devices.prepare and kernels.choose.
    """
    recorded = recorded or run_settings.RunSettings()
    choice = devices.prepare(
        given.device or recorded.device or 'auto', allow_unsupported_gpu,
        because='as --device says' if given.device else 'as this run began')
    entry = systems.find(system_name)
    chosen = kernels.choose(given.kernels or recorded.kernels or 'auto',
                            choice.device, entry.kernels)
    runtime.prepare_environment(
        chosen, entry.prefers_onednn and choice.device == 'cpu')
    return given._replace(kernels=chosen), choice


def start_device(choice, threads):
    """Starts TensorFlow's threads and devices; prints which one is used.

    Args:
      choice: devices.Choice.
      threads: description.Threads.
    Returns:
      'cpu' or 'gpu'.
    Raises:
      UserError: as devices.resolve.
    """
    runtime.start_threads(threads)
    return devices.resolve(choice, threads)


def find_kind(settings):
    """The kind of machine and runtime, as description.find_kind.

    Args:
      settings: run_settings.RunSettings, complete; the device is resolved.
    """
    return description.find_kind(
        settings.device, settings.kernels, settings.threads,
        devices.find_gpu(settings.device, settings.threads))
