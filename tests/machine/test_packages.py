"""A Python that lacks packages: one line says what to use instead."""

import sys

import pytest

import runs
from cifar10_tf1 import cli
from cifar10_tf1.common import packages
from cifar10_tf1.common.errors import UserError


def fail(command, tmp_path, **variables):
    """The error of a process."""
    # In the image the tests may not write to the project's own folders.
    status, output, error = runs.run_python(
        *command, CIFAR10_MODEL_DIR=str(tmp_path / 'model'),
        CIFAR10_DATA_DIR=str(tmp_path / 'data'), **variables)
    assert (status, output) == (1, '')
    return error


@pytest.mark.parametrize('command, name', [
    (['test.py'], 'test.py'), (['train.py', '--epochs', '1'], 'train.py'),
    (['-m', 'cifar10_tf1.predict', 'a.png'], 'python -m cifar10_tf1.predict'),
    (['-m', 'cifar10_tf1.report'], 'python -m cifar10_tf1.report')])
def test_a_bare_python_gets_one_line(command, name, tmp_path):
    error = fail(['-S', *command], tmp_path)  # as one in which nothing is installed
    assert error.startswith(f'{name}: error: ') and error.count('\n') == 1
    assert ' is not installed in this Python (' in error and 'make setup' in error


def test_an_extra_helps_no_python_without_tensorflow(monkeypatch):
    monkeypatch.setattr(packages.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(UserError, match='tensorflow is not installed') as error:
        packages.require('PIL', 'reading pictures')
    assert 'EXTRAS' not in str(error.value)


@pytest.mark.parametrize('command, package, code', [
    (['train.py', '--synthetic', '--max-steps', '1'], 'numpy', 'raise TypeError("x")'),
    (['-m', 'cifar10_tf1.report'], 'numpy', 'def too_new(a, =): pass'),
    (['-m', 'cifar10_tf1.fingerprint'], 'google/protobuf', 'raise TypeError("x")')])
def test_another_python_s_packages_are_one_line(command, package, code, tmp_path):
    (tmp_path / package).mkdir(parents=True)
    (tmp_path / package / '__init__.py').write_text(code)
    (tmp_path / 'typing_extensions.py').write_text('def f(a, =): pass')
    error = fail(command, tmp_path, PYTHONPATH=str(tmp_path))
    assert f'PYTHONPATH={tmp_path}' in error and error.count('\n') == 1, error


def test_other_errors_are_shown_as_ever(tmp_path):
    assert 'Traceback' in fail(['-c', 'import cifar10_tf1\nimport absent_module'], tmp_path)


def test_the_python_to_type(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for path, name in ((str(tmp_path / '.venv/bin/python'), '.venv/bin/python'),
                       ('/usr/bin/python3', 'python')):
        monkeypatch.setattr(sys, 'executable', path)
        assert cli.name_python() == name
