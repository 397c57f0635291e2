"""docker/: what the images' own tests, tools/test_images.sh, do not see."""

import os
import shutil
import subprocess

import pytest

from pages import read, ROOT


def test_both_images_have_one_layout():
    first, second = (read(f'docker/{name}').split('\n# Readable for any user')[1]
                     for name in ('Dockerfile', 'Dockerfile.tf2'))
    assert first.replace('TensorFlow 1.15"', 'TensorFlow 2"') == second


@pytest.mark.skipif(shutil.which('bash') is None, reason='this system has no bash')
def test_images_that_cannot_be_tried_are_skipped_aloud(tmp_path):
    for name in ('bash', 'dirname', 'id'):
        os.symlink(shutil.which(name), str(tmp_path / name))
    process = subprocess.run(
        ['bash', os.path.join(ROOT, 'tools', 'test_images.sh')], env={'PATH': str(tmp_path)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)
    assert (process.returncode, process.stdout) == (77, '')
    assert process.stderr.startswith('SKIPPED') and process.stderr.count('\n') == 1
