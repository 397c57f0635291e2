"""The Makefile's targets, with stand-ins for Python and for setup.sh."""

import os
import re
import shutil
import subprocess

import pytest

from pages import read, ROOT

FAKE_SETUP = '#!/bin/sh\necho "setup RUNTIME=$RUNTIME VENV=$VENV"\n'
FAKE_PYTHON = '#!/bin/sh\nprintf %s "$0"\nprintf " [%s]" "$@"\necho\n'


@pytest.fixture
def make(tmp_path):
    """Function of make's arguments: the lines of the stand-ins, arguments in brackets."""
    if shutil.which('make') is None:
        pytest.skip('this system has no make')
    shutil.copy(os.path.join(ROOT, 'Makefile'), str(tmp_path))
    (tmp_path / 'tools').mkdir()
    (tmp_path / 'tools' / 'setup.sh').write_text(FAKE_SETUP)
    for venv in ('.venv', '.venv-tf2', '.venv-tf2-cuda', 'other'):
        (tmp_path / venv / 'bin').mkdir(parents=True)
        (tmp_path / venv / 'bin' / 'python').write_text(FAKE_PYTHON)
        (tmp_path / venv / 'bin' / 'python').chmod(0o755)

    def run(*arguments):
        return subprocess.check_output(
            ('make', '-s', '-C', str(tmp_path), '--no-print-directory') + arguments,
            env={'PATH': os.environ['PATH']}, universal_newlines=True).splitlines()
    return run


def test_make_alone_lists_every_target(make):
    targets = re.search(r'^\.PHONY: (.*)$', read('Makefile'), re.MULTILINE).group(1)
    listed = [line.split()[1] for line in make() if line.startswith('make ')]
    assert set(targets.split()) == {'help', *listed}


@pytest.mark.parametrize('settings, venv', [
    ([], '.venv'), (['RUNTIME=tf2'], '.venv-tf2'), (['RUNTIME=tf2-cuda'], '.venv-tf2-cuda'),
    (['VENV=other'], 'other')])
def test_each_target_uses_the_environment_that_was_asked_for(make, settings, venv):
    python = f'{venv}/bin/python'
    for target, words in (
            ('train', '[train.py] [-x]'), ('evaluate', '[test.py] [-x]'),
            ('test', '[-m] [not slow and not accuracy] [-x]'),
            ('test-all', '[-m] [not accuracy] [-x]')):
        setup, line = make(target, 'ARGS=-x', *settings)
        assert setup.startswith('setup ') and setup.endswith(f' VENV={venv}')
        assert line.startswith(python + ' ') and line.endswith(words)
    # Alone it compares the runtimes that are set up.
    pythons = [python] if settings else ['.venv/bin/python', '.venv-tf2/bin/python']
    assert make('benchmark', *settings)[-1] == ' [--python] '.join(
        [f'{python} [-m] [cifar10_tf1.benchmark]', *(f'[{name}]' for name in pythons)])


def test_the_image_gets_its_settings(make):
    assert 'EXTRAS' not in ' '.join(make('-n', 'image'))
    output = ' '.join(make('-n', 'image', 'EXTRAS=pictures onnx', 'RUNTIME=tf2'))
    for word in ('RUNTIME="tf2"', 'EXTRAS="pictures onnx"', 'REVISION=',
                 '-f docker/Dockerfile.tf2 '):
        assert word in output


@pytest.mark.parametrize('runtime, folder', [('tf1', 'model'), ('tf2', 'model-tf2')])
def test_the_demonstration_keeps_to_its_own_folders(make, runtime, folder):
    words = f'[--synthetic] [--data-dir] [demo/data] [--model-dir] [demo/{folder}]'
    unused_setup, train, test = make('demo', f'RUNTIME={runtime}')
    assert f'[train.py] {words}' in train and f'[test.py] {words}' in test


def test_clean_keeps_environments_models_and_data(make, tmp_path):
    kept = ['.venv/lib/__pycache__', 'model', 'dataset', 'demo/model', 'runs/__pycache__']
    removed = ['__pycache__', '.pytest_cache', 'tests/install/__pycache__',
               'cifar10_tf1/data/__pycache__']
    for name in kept + removed:
        os.makedirs(str(tmp_path / name), exist_ok=True)
    make('clean')
    assert all((tmp_path / name).is_dir() for name in kept)
    assert not any((tmp_path / name).exists() for name in removed)
