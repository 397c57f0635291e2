"""The Makefile: what its targets run, by stand-ins for Python and the setup."""

import os
import re
import shutil
import subprocess

import pytest

from setup_project import ROOT

RUNTIMES = {'tf1': '.venv', 'tf2': '.venv-tf2', 'tf2-cuda': '.venv-tf2-cuda'}
FAKE_SETUP = '#!/bin/sh\necho "setup RUNTIME=$RUNTIME VENV=$VENV"\n'
FAKE_PYTHON = ('#!/bin/sh\nprintf %s "$0"\nfor word; do printf " [%s]" "$word"; done\n'
               'echo\n')


@pytest.fixture
def make(tmp_path):
    """Function of make's arguments: the lines that the stand-ins print.

    A word that a program gets stands in brackets.
    """
    if shutil.which('make') is None:
        pytest.skip('this system has no make')
    shutil.copy(os.path.join(ROOT, 'Makefile'), str(tmp_path))
    (tmp_path / 'tools').mkdir()
    (tmp_path / 'tools' / 'setup.sh').write_text(FAKE_SETUP)
    for venv in list(RUNTIMES.values()) + ['other']:
        (tmp_path / venv / 'bin').mkdir(parents=True)
        (tmp_path / venv / 'bin' / 'python').write_text(FAKE_PYTHON)
        (tmp_path / venv / 'bin' / 'python').chmod(0o755)

    def run(*arguments):
        # Not the variables of a make that runs these tests.
        environment = {name: value for name, value in os.environ.items()
                       if name not in ('MAKEFLAGS', 'MFLAGS', 'MAKELEVEL', 'ARGS', 'VENV',
                                       'RUNTIME', 'PYTHON', 'PYTHON_VERSION', 'EXTRAS')}
        return subprocess.check_output(
            ('make', '-s', '-C', str(tmp_path), '--no-print-directory') + arguments,
            env=environment, universal_newlines=True).splitlines()
    return run


def test_make_alone_lists_every_target(make):
    with open(os.path.join(ROOT, 'Makefile')) as makefile:
        targets = re.search(r'^\.PHONY: (.*)$', makefile.read(), re.MULTILINE).group(1).split()
    output = '\n'.join(make())
    for target in targets:
        if target != 'help':
            assert re.search('^make {} '.format(target), output, re.MULTILINE), target


@pytest.mark.parametrize('runtime', RUNTIMES)
def test_a_runtime_has_its_environment_and_is_set_up_first(make, runtime):
    venv = RUNTIMES[runtime]
    assert make('train', 'RUNTIME=' + runtime) == [
        'setup RUNTIME={} VENV={}'.format(runtime, venv), venv + '/bin/python [train.py]']
    assert any('RUNTIME={} '.format(runtime) in line for line in make('help'))


def test_arguments_are_passed_on(make):
    assert make('train', 'ARGS=--epochs 1')[-1] == '.venv/bin/python [train.py] [--epochs] [1]'
    assert make('evaluate', 'ARGS=--help')[-1] == '.venv/bin/python [test.py] [--help]'
    assert make('train', 'VENV=other')[-1].startswith('other/bin/python ')
    assert '[-m] [not slow and not accuracy] [-x]' in make('test', 'ARGS=-x')[-1]
    assert '[-m] [not accuracy]' in make('test-all')[-1]


def test_the_image_gets_runtime_and_optional_packages(make):
    assert '--build-arg EXTRAS' not in ' '.join(make('-n', 'image'))
    assert '--build-arg EXTRAS="pictures onnx"' in ' '.join(
        make('-n', 'image', 'EXTRAS=pictures onnx'))
    output = ' '.join(make('-n', 'image', 'EXTRAS=onnx', 'RUNTIME=tf2'))
    for word in ('RUNTIME="tf2"', 'EXTRAS="onnx"', '--file docker/Dockerfile.tf2 '):
        assert word in output


def test_the_list_of_packages_has_a_python_of_its_own(make, tmp_path):
    venv = tmp_path / '.venv-sbom' / 'bin'
    venv.mkdir(parents=True)
    (venv / 'python').write_text(FAKE_PYTHON)
    (venv / 'python').chmod(0o755)
    assert make('sbom', 'RUNTIME=tf2', 'EXTRAS=onnx', 'PYTHON_VERSION=3.7', 'ARGS=--help') == [
        'setup RUNTIME=tf2 VENV=.venv-sbom',
        '.venv-sbom/bin/python [tools/write_sbom.py] [--runtime] [tf2] [--extras] [onnx] [--help]']


@pytest.mark.parametrize('runtime, model', [
    ('tf1', 'demo/model'), ('tf2', 'demo/model-tf2'), ('tf2-cuda', 'demo/model-tf2-cuda')])
def test_the_demonstration_keeps_to_its_own_folders(make, runtime, model):
    unused_setup, train, test = make('demo', 'RUNTIME=' + runtime)
    for line in (train, test):
        for words in ('[--synthetic]', '[--data-dir] [demo/data]', f'[--model-dir] [{model}]'):
            assert words in line
    assert '[train.py]' in train and '[test.py]' in test


def test_clean_keeps_environments_models_and_data(make, tmp_path):
    kept = ['.venv/lib/__pycache__', 'model', 'dataset', 'demo/model', 'runs/__pycache__',
            'tests', 'tools', 'cifar10_tf1']
    removed = ['__pycache__', '.pytest_cache', 'tests/__pycache__',
               'cifar10_tf1/data/__pycache__']
    for name in kept + removed:
        os.makedirs(str(tmp_path / name), exist_ok=True)
    output = '\n'.join(make('clean'))
    assert output.startswith('Removed: ') and 'Kept: ' in output
    assert all((tmp_path / name).is_dir() for name in kept)
    assert not any((tmp_path / name).exists() for name in removed)
