"""Fixtures of the tests of setup.sh."""

import pytest

import setup_project


@pytest.fixture
def project(tmp_path):
    """A copy of tools/setup.sh among stand-ins."""
    return setup_project.Project(tmp_path)
