"""The Makefile's targets: the commands that they would run."""

import os
import re
import shutil
import subprocess

import pytest

from pages import read, ROOT


@pytest.fixture
def make(tmp_path):
    """Function of make's arguments, in a folder of its own: the lines that it prints."""
    if shutil.which('make') is None:
        pytest.skip('this system has no make')
    shutil.copy(os.path.join(ROOT, 'Makefile'), str(tmp_path))
    return lambda *arguments: subprocess.check_output(
        ('make', '-C', str(tmp_path), '--no-print-directory') + arguments,
        env={'PATH': os.environ['PATH']}, universal_newlines=True).splitlines()


def test_make_alone_lists_every_target(make):
    targets = re.search(r'^\.PHONY: (.*)$', read('Makefile'), re.MULTILINE).group(1)
    listed = [line.split()[1] for line in make() if line.startswith('make ')]
    assert set(targets.split()) == {'help', *listed}


@pytest.mark.parametrize('settings, venv', [
    ([], '.venv'), (['RUNTIME=tf2'], '.venv-tf2'), (['RUNTIME=tf2-cuda'], '.venv-tf2-cuda'),
    (['VENV=other'], 'other')])
def test_each_target_uses_the_environment_that_was_asked_for(make, tmp_path, settings, venv):
    for target, words in (
            ('train', ' train.py -x'), ('evaluate', ' test.py -x'),
            ('test', ' -m "not slow and not accuracy" -x'), ('test-all', ' -m "not accuracy" -x'),
            ('accuracy', ' -m accuracy -x')):
        setup, line = make('-n', target, 'ARGS=-x', *settings)
        assert f' VENV="{venv}" sh tools/setup.sh' in setup
        assert line.startswith(f'"{venv}/bin/python" ') and line.endswith(words)
    # Alone it compares the runtimes that are set up.
    for name in ('.venv', '.venv-tf2', venv):
        (tmp_path / name / 'bin').mkdir(parents=True, exist_ok=True)
        (tmp_path / name / 'bin' / 'python').write_text('')
    compared = re.findall('--python ([^ ]*)', make('-n', 'benchmark', *settings)[1])
    assert compared == [f'{name}/bin/python' for name in (
        [venv] if settings else ['.venv', '.venv-tf2'])]


def test_the_image_gets_its_settings(make):
    assert 'EXTRAS' not in ' '.join(make('-n', 'image'))
    output = ' '.join(make('-n', 'image', 'EXTRAS=pictures onnx', 'RUNTIME=tf2'))
    for word in ('RUNTIME="tf2"', 'EXTRAS="pictures onnx"', 'REVISION=',
                 '-f docker/Dockerfile.tf2 '):
        assert word in output


@pytest.mark.parametrize('runtime, folder', [('tf1', 'model'), ('tf2', 'model-tf2')])
def test_the_demonstration_keeps_to_its_own_folders(make, runtime, folder):
    options = f'--synthetic --data-dir demo/data --model-dir demo/{folder}'
    unused_setup, train, test = make('-n', 'demo', f'RUNTIME={runtime}')
    assert f'train.py {options}' in train and f'test.py {options}' in test


def test_clean_keeps_environments_models_and_data(make, tmp_path):
    kept = ['.venv/lib/__pycache__', 'model', 'dataset', 'demo/model', 'runs/__pycache__']
    removed = ['__pycache__', '.pytest_cache', 'tests/install/__pycache__',
               'cifar10_tf1/data/__pycache__', 'tools/__pycache__']
    for name in kept + removed:
        (tmp_path / name).mkdir(parents=True)
    make('clean')
    assert all((tmp_path / name).is_dir() for name in kept)
    assert not any((tmp_path / name).exists() for name in removed)
