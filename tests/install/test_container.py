"""docker/: its files against each other. tools/test_images.sh builds and runs them."""

import csv
import os
import re
import shutil
import subprocess

import pytest

from runs import ROOT

DOCKERFILES = ['docker/Dockerfile', 'docker/Dockerfile.tf2']
# A base's Python, which answers what the build asks of it.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) echo "$FAKE_VERSION" ;;
    *find_spec*) exit "$FAKE_FOUND" ;;
    --version) echo "Python of the base" ;;
    *"-m pip"*) for lock; do :; done; echo "${lock#requirements/}" ;;
esac
"""


def read(name):
    with open(os.path.join(ROOT, name), encoding='utf-8') as file:
        return file.read()


def instructions(name):
    """[(instruction, arguments)] of a Dockerfile."""
    text = re.sub(r'^ *#.*\n', '', read(name), flags=re.MULTILINE).replace('\\\n', ' ')
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line]


def run_installation(folder, version, has_tensorflow, extras=''):
    """Runs the build's installation: (status, names of its locks, errors)."""
    script, = [text for name, text in instructions('docker/Dockerfile')
               if name == 'RUN' and '-m pip' in text]
    for name in ('python', 'python3'):
        (folder / name).write_text(FAKE_PYTHON)
        (folder / name).chmod(0o755)
    process = subprocess.run(
        ['sh', '-c', script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        universal_newlines=True, env={
            'PATH': f'{folder}:/bin:/usr/bin', 'FAKE_VERSION': version, 'EXTRAS': extras,
            'FAKE_FOUND': '0' if has_tensorflow else '1'})
    return process.returncode, process.stdout.split(), process.stderr


@pytest.mark.parametrize('version, has_tensorflow, main', [
    ('py36', True, 'image-py36.txt'), ('py36', False, 'py36.txt'),
    ('py37', False, 'py37.txt'), ('py37', True, 'py37.txt')])
def test_the_base_decides_what_is_installed(tmp_path, version, has_tensorflow, main):
    locks = [f'build-{version}.txt', main]
    assert run_installation(tmp_path, version, has_tensorflow) == (0, locks, '')
    locks += [f'pictures-{version}.txt', f'onnx-{version}.txt']
    assert run_installation(tmp_path, version, has_tensorflow, 'pictures onnx') == (0, locks, '')
    assert all(os.path.exists(os.path.join(ROOT, 'requirements', name)) for name in locks)


def test_a_base_with_another_python_is_refused(tmp_path):
    status, output, errors = run_installation(tmp_path, 'py312', False)
    assert status != 0 and output == [] and '3.6 or 3.7' in errors


def test_both_images_have_one_layout():
    first, second = (
        [(name, text.replace('TensorFlow 2"', 'TensorFlow 1.15"'))
         for name, text in instructions(file)
         if name in ('ENV', 'WORKDIR', 'USER', 'CMD', 'ENTRYPOINT', 'VOLUME', 'LABEL')]
        for file in DOCKERFILES)
    assert first == second


def test_what_is_not_named_stays_out_of_the_image():
    first, *named = [line for line in read('.dockerignore').splitlines()
                     if not line.startswith('#')]
    assert first == '*'
    named = [line[1:].rstrip('/') for line in named if line.startswith('!')]
    for name in named:
        assert os.path.exists(os.path.join(ROOT, name)), name
    assert not set(named) & {'.git', '.venv', 'dataset', 'model', 'demo'}


def test_the_guide_has_the_recorded_sizes_and_names_what_is_there():
    text = read('docker/README.md')
    with open(os.path.join(ROOT, 'docker', 'sizes.csv'), newline='') as file:
        for row in csv.DictReader(file):
            assert f'| `{row["image"]}` | {int(row["added_mb"]):,} MB |' in text, row
    for name in re.findall(r'`((?:docker|tools|requirements|results)/[\w./-]+)`', text):
        assert os.path.exists(os.path.join(ROOT, name)), name
    assert set(re.findall(r'-f (docker/\S+)', text)) == set(DOCKERFILES)


@pytest.mark.skipif(shutil.which('bash') is None, reason='this system has no bash')
def test_images_that_cannot_be_tried_are_skipped_aloud(tmp_path):
    for name in ('bash', 'dirname', 'id'):
        os.symlink(shutil.which(name), str(tmp_path / name))
    process = subprocess.Popen(
        ['bash', os.path.join(ROOT, 'tools', 'test_images.sh')],
        env={'PATH': str(tmp_path)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True)
    output, errors = process.communicate()
    assert (process.returncode, output) == (77, '')
    assert errors.startswith('SKIPPED') and errors.count('\n') == 1
