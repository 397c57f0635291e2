"""Runs that a test may change."""

import shutil

import pytest


@pytest.fixture
def finished_copy(finished_run, tmp_path):
    """A copy of the run of two epochs of four steps: steps 4 and 8 are saved."""
    folder = tmp_path / 'finished'
    shutil.copytree(str(finished_run), str(folder))
    return folder
