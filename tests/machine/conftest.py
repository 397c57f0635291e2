"""A stand-in for the NVIDIA driver, and an environment without settings of CUDA."""

import os

import pytest

import cuda_stubs
from cifar10_tf1.machine.cuda import driver as drivers


@pytest.fixture
def clean(monkeypatch):
    """A user's environment at the start; the test's changes are undone."""
    for name in ('CUDA_VISIBLE_DEVICES', 'CUDA_DEVICE_ORDER', 'LD_LIBRARY_PATH'):
        monkeypatch.setenv(name, '')
        del os.environ[name]
    monkeypatch.setattr(drivers, '_VERSION_FILE', os.devnull)


@pytest.fixture
def stub(clean, stub_folder, monkeypatch):
    """A function that installs a driver with these cards."""
    def put(*cards, **settings):
        os.environ['LD_LIBRARY_PATH'] = str(stub_folder)
        monkeypatch.setenv('STUB_CARDS', cuda_stubs.describe_cards(*cards))
        for name, value in settings.items():
            monkeypatch.setenv(f'STUB_{name.upper()}', str(value))

    return put
