"""How every program starts: device and kernels, then TensorFlow, then its devices.

TensorFlow reads the environment at import, and the first session fixes the threads of
the process, so the order matters.
"""

from cifar10_tf1 import kernels, systems
from cifar10_tf1.machine import description, devices, runtime
from cifar10_tf1.records import run_settings


def select_device_and_kernels(given, system_name, recorded=None, allow_unsupported_gpu=False):
    """Chooses device and kernels, and prepares the environment for them.

    given and recorded are the RunSettings of the command line and of a run to continue.

    Returns:
      (given, selection): RunSettings with the kernels; devices.DeviceSelection.
    Raises:
      UserError: as devices.select and kernels.choose.
    """
    recorded = recorded or run_settings.RunSettings()
    selection = devices.select(given.device or recorded.device or 'auto', allow_unsupported_gpu)
    entry = systems.find(system_name)
    chosen = kernels.choose(given.kernels or recorded.kernels or 'auto',
                            selection.device, entry.kernels)
    card = selection.card
    runtime.prepare_environment(chosen, entry.prefers_onednn and not card, card and card.label)
    return given._replace(kernels=chosen), selection


def start_device(selection, settings):
    """Calls devices.resolve; returns the settings with the device it found."""
    return settings._replace(device=devices.resolve(selection, settings.threads))


def find_kind(settings):
    """description.describe_platform for the settings that start_device returned."""
    return description.describe_platform(
        settings.device, settings.kernels, settings.threads,
        devices.find_gpu(settings.device, settings.threads))
