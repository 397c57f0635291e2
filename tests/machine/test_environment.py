"""A Python that lacks packages: one line says what to use instead."""

import os
import subprocess
import sys

import pytest

from cifar10_tf1.common import environment
from cifar10_tf1.common import extras
from cifar10_tf1.common.errors import UserError
from setup_project import ROOT


def run(command, **variables):
    return subprocess.run([sys.executable, *command], cwd=ROOT,
                          env=dict(os.environ, **variables),
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True)


@pytest.mark.parametrize('command, name', [
    (['test.py'], 'test.py'), (['train.py', '--epochs', '1'], 'train.py'),
    (['-m', 'cifar10_tf1.predict', 'a.png'], 'python -m cifar10_tf1.predict'),
    (['-m', 'cifar10_tf1.fingerprint'], 'python -m cifar10_tf1.fingerprint')])
def test_a_bare_python_gets_one_line(command, name, tmp_path):
    # -S: as one in which nothing is installed. In the image the tests may not
    # write to the project's own model folder.
    result = run(['-S', *command], CIFAR10_MODEL_DIR=str(tmp_path))
    assert (result.returncode, result.stdout) == (1, '')
    assert result.stderr.count('\n') == 1
    assert result.stderr.startswith(f'{name}: error: ')
    assert ' is not installed in this Python (' in result.stderr
    assert 'make setup' in result.stderr or '/bin/python' in result.stderr


def make_environments(root, *names):
    for name in names:
        (root / name / 'bin').mkdir(parents=True)
        (root / name / 'bin' / 'python').touch()


@pytest.mark.parametrize('made, expected', [
    ((), 'run make setup, then use .venv/bin/python'),
    (('.venv',), 'use .venv/bin/python'),
    (('.venv-tf2',), 'use .venv-tf2/bin/python'),
    (('.venv', '.venv-tf2'), 'use .venv/bin/python or .venv-tf2/bin/python')])
def test_the_environments_that_are_there(made, expected, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_environments(tmp_path, *made)
    line = environment.describe('tensorflow', str(tmp_path))
    assert line.startswith('tensorflow is not installed in this Python (')
    assert '; ' + expected in line


def test_an_environment_that_is_incomplete(tmp_path):
    make_environments(tmp_path, '.venv', '.venv-tf2')
    line = environment.describe('numpy', str(tmp_path))
    assert 'make setup' in line


def test_an_extra_helps_no_python_without_tensorflow(monkeypatch):
    monkeypatch.setattr(extras.importlib.util, 'find_spec', lambda name: None)
    with pytest.raises(UserError) as error:
        extras.require('PIL', 'reading pictures')
    assert 'tensorflow is not installed' in str(error.value)
    assert 'EXTRAS' not in str(error.value)


@pytest.fixture
def foreign_packages(tmp_path):
    """A folder of packages for another Python."""
    (tmp_path / 'numpy').mkdir()
    (tmp_path / 'numpy' / '__init__.py').write_text(
        'raise ImportError("No module named numpy.core._multiarray_umath")')
    (tmp_path / 'typing_extensions.py').write_text('def f(a, =): pass')
    (tmp_path / 'google' / 'protobuf').mkdir(parents=True)
    (tmp_path / 'google' / 'protobuf' / '__init__.py').write_text(
        'raise TypeError("Descriptors cannot be created directly.")')
    return tmp_path


@pytest.mark.parametrize('command, kept', [
    (['train.py', '--synthetic', '--max-steps', '1'], 'numpy'), (['test.py'], 'numpy'),
    (['-m', 'cifar10_tf1.fingerprint'], 'numpy'),
    (['-m', 'cifar10_tf1.fingerprint'], 'google')])
def test_another_python_s_packages_are_one_line(command, kept, foreign_packages,
                                                tmp_path):
    for name in {'numpy', 'google'} - {kept}:
        os.rename(str(tmp_path / name), str(tmp_path / (name + '_removed')))
    result = run(command, PYTHONPATH=str(tmp_path),
                 CIFAR10_MODEL_DIR=str(tmp_path / 'model'),
                 CIFAR10_DATA_DIR=str(tmp_path / 'data'))
    assert result.returncode == 1
    assert result.stderr.count('\n') == 1, result.stderr
    assert f'PYTHONPATH={tmp_path}' in result.stderr


def test_other_errors_are_shown_as_ever():
    result = run(['-c', 'import cifar10_tf1\nimport absent_module'])
    assert result.returncode == 1 and 'Traceback' in result.stderr


def test_the_python_to_type(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'executable', str(tmp_path / '.venv/bin/python'))
    assert environment.name_python() == '.venv/bin/python'
    monkeypatch.setattr(sys, 'executable', '/usr/bin/python3')
    assert environment.name_python() == 'python'
