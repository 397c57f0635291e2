"""The Makefile: what its targets run."""

import os
import re
import shutil
import subprocess

import pytest

from setup_project import ROOT


@pytest.fixture
def make():
    if shutil.which('make') is None:
        pytest.skip('this system has no make')

    def run(*arguments):
        # Not the variables of a make that runs these tests.
        environment = {name: value for name, value in os.environ.items()
                       if name not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'ARGS', 'VENV',
                                       'RUNTIME', 'PYTHON', 'PYTHON_VERSION')}
        return subprocess.check_output(('make', '-C', ROOT, '--no-print-directory') + arguments,
                                       env=environment, universal_newlines=True)
    return run


def test_make_alone_lists_every_target(make):
    with open(os.path.join(ROOT, 'Makefile')) as makefile:
        targets = re.search(r'^\.PHONY: (.*)$', makefile.read(), re.MULTILINE).group(1).split()
    output = make()
    for target in targets:
        if target != 'help':
            assert re.search('^make {} '.format(target), output, re.MULTILINE), target


def test_make_passes_arguments_on(make):
    assert '".venv/bin/python" train.py --epochs 1\n' in make('-n', 'train', 'ARGS=--epochs 1')
    assert '".venv/bin/python" test.py --help\n' in make('-n', 'evaluate', 'ARGS=--help')
    assert 'other/bin/python' in make('-n', 'train', 'VENV=other')


def test_make_passes_the_runtime_on(make):
    lines = make('-n', 'train', 'RUNTIME=tf2').splitlines()
    assert lines == ['RUNTIME="tf2" VENV=".venv-tf2" sh tools/setup.sh',
                     '".venv-tf2/bin/python" train.py ']
    assert '"other/bin/python" -m pytest' in make('-n', 'test', 'RUNTIME=tf2', 'VENV=other')
    assert '".venv/bin/python"' in make('-n', 'train', 'RUNTIME=tf1')
    for runtime in ('tf1', 'tf2', 'tf2-cuda'):
        assert 'RUNTIME={} '.format(runtime) in make('help')


def test_runtimes_share_no_demonstration_model(make):
    folders = [re.findall(r'--model-dir (\S+)', make('-n', 'demo', 'RUNTIME=' + runtime))
               for runtime in ('tf1', 'tf2', 'tf2-cuda')]
    assert folders == [['demo/model'] * 2, ['demo/model-tf2'] * 2, ['demo/model-tf2-cuda'] * 2]


def test_make_chooses_the_tests(make):
    assert '-m "not slow and not accuracy" -x' in make('-n', 'test', 'ARGS=-x')
    assert '-m "not accuracy"' in make('-n', 'test-all')


def test_demo_keeps_to_its_own_folders(make):
    lines = [line for line in make('-n', 'demo').splitlines() if '.py ' in line]
    assert len(lines) == 2
    for line in lines:
        for option in ('--synthetic', '--data-dir demo/data', '--model-dir demo/model'):
            assert option in line


def test_make_clean_keeps_environments_models_and_data(make, tmp_path):
    shutil.copy(os.path.join(ROOT, 'Makefile'), str(tmp_path))
    kept = ['.venv/lib/__pycache__', 'model', 'dataset', 'demo/model', 'runs/__pycache__',
            'tests', 'tools', 'cifar10_tf1']
    removed = ['__pycache__', '.pytest_cache', 'tests/__pycache__',
               'cifar10_tf1/data/__pycache__']
    for name in kept + removed:
        os.makedirs(str(tmp_path / name), exist_ok=True)
    output = make('-C', str(tmp_path), 'clean')
    assert output.startswith('Removed: ') and 'Kept: ' in output
    assert all((tmp_path / name).is_dir() for name in kept)
    assert not any((tmp_path / name).exists() for name in removed)
