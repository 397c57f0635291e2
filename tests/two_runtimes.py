"""Programs in the environments of both runtimes, for tests that compare them."""

import os
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PYTHONS = {runtime: os.path.join(ROOT, os.environ.get(variable, folder), 'bin', 'python')
    for runtime, variable, folder in (('tf1', 'TF1_VENV', '.venv'),
                                      ('tf2', 'TF2_VENV', '.venv-tf2'))}

PYTESTMARK = [pytest.mark.slow, pytest.mark.skipif(
    not all(map(os.path.exists, PYTHONS.values())),
    reason='needs make setup and make setup RUNTIME=tf2')]


def run(runtime, *command):
    return subprocess.run(
        [PYTHONS[runtime]] + list(map(str, command)), cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
