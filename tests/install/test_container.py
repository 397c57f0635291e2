"""docker/: what the images' own tests, tools/test_images.sh, do not see."""

import os
import re
import shutil
import subprocess

import pytest

from pages import read, ROOT

# A base's Python, which answers what the build asks of it.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) echo "$FAKE_VERSION" ;;
    *find_spec*) exit "$FAKE_FOUND" ;;
    --version) echo "Python of the base" ;;
    *"-m pip"*) for lock; do :; done; echo "${lock#requirements/}" ;;
esac
"""


def list_instructions(name):
    """[(instruction, arguments)] of a Dockerfile."""
    text = re.sub(r'^ *#.*\n', '', read(name), flags=re.MULTILINE).replace('\\\n', ' ')
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line]


@pytest.mark.parametrize('version, has_tensorflow, locks', [
    ('py36', True, 'build-py36.txt image-py36.txt pictures-py36.txt onnx-py36.txt'),
    ('py36', False, 'build-py36.txt py36.txt pictures-py36.txt onnx-py36.txt'),
    ('py37', True, 'build-py37.txt py37.txt pictures-py37.txt onnx-py37.txt'),
    ('py312', False, '')])
def test_the_base_decides_what_is_installed(tmp_path, version, has_tensorflow, locks):
    script, = [text for name, text in list_instructions('docker/Dockerfile')
               if name == 'RUN' and '-m pip' in text]
    for name in ('python', 'python3'):
        (tmp_path / name).write_text(FAKE_PYTHON)
        (tmp_path / name).chmod(0o755)
    process = subprocess.run(
        ['sh', '-c', script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        universal_newlines=True, env={
            'PATH': f'{tmp_path}:/bin:/usr/bin', 'FAKE_VERSION': version,
            'EXTRAS': 'pictures onnx', 'FAKE_FOUND': str(int(not has_tensorflow))})
    assert process.stdout.split() == locks.split()
    assert (process.returncode == 0) == bool(locks)
    assert ('3.6 or 3.7' in process.stderr) == (not locks)


def test_both_images_have_one_layout():
    first, second = (
        [(name, text.replace('TensorFlow 2"', 'TensorFlow 1.15"'))
         for name, text in list_instructions(file)
         if name in ('ENV', 'WORKDIR', 'USER', 'CMD', 'ENTRYPOINT', 'VOLUME', 'LABEL')]
        for file in ('docker/Dockerfile', 'docker/Dockerfile.tf2'))
    assert first == second


@pytest.mark.skipif(shutil.which('bash') is None, reason='this system has no bash')
def test_images_that_cannot_be_tried_are_skipped_aloud(tmp_path):
    for name in ('bash', 'dirname', 'id'):
        os.symlink(shutil.which(name), str(tmp_path / name))
    process = subprocess.run(
        ['bash', os.path.join(ROOT, 'tools', 'test_images.sh')],
        env={'PATH': str(tmp_path)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True)
    assert (process.returncode, process.stdout) == (77, '')
    assert process.stderr.startswith('SKIPPED') and process.stderr.count('\n') == 1
