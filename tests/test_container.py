"""docker/: what its files promise each other. tools/test_images.sh builds them."""

import csv
import os
import re
import shutil
import subprocess

import pytest

from test_locks import read_lock

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DOCKERFILES = ['docker/Dockerfile', 'docker/Dockerfile.tf2']


def read(name):
    with open(os.path.join(ROOT, name), encoding='utf-8') as file:
        return file.read()


def instructions(name):
    """[(instruction, arguments)] of a Dockerfile, comments left out."""
    text = re.sub(r'^ *#.*\n', '', read(name), flags=re.MULTILINE)
    text = text.replace('\\\n', ' ')
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line]


def test_the_image_s_lock_is_that_of_python_36_without_tensorflow():
    expected = read_lock('py36.txt')
    assert expected.pop('tensorflow-gpu')[0] == '1.15.0'
    assert read_lock('image-py36.txt') == expected


def test_the_build_checks_the_locked_tensorflow():
    version = read_lock('py36.txt')['tensorflow-gpu'][0]
    assert f"tf.__version__ == '{version}'" in read('docker/Dockerfile')
    assert f'tensorflow:{version}-gpu-py3\n' in read('docker/Dockerfile')


def test_the_second_image_s_python_is_one_that_setup_takes():
    version = re.search(r'python:(3\.\d+)-slim', read('docker/Dockerfile.tf2')).group(1)
    assert re.search(rf"versions='[^']*\b{re.escape(version)}\b", read('tools/setup.sh'))


def test_both_images_have_one_layout():
    first, second = (
        [line for line in instructions(name) if line[0] in (
            'ENV', 'WORKDIR', 'USER', 'CMD', 'ENTRYPOINT', 'VOLUME', 'LABEL')]
        for name in DOCKERFILES)
    assert [(name, text.replace('TensorFlow 2"', 'TensorFlow 1.15"'))
            for name, text in second] == first
    names = [name for name, unused_text in first]
    assert 'ENTRYPOINT' not in names and 'VOLUME' not in names
    assert first[-1] == ('CMD', '["python", "train.py"]')


@pytest.mark.parametrize('name', DOCKERFILES)
def test_an_edit_of_the_code_installs_nothing_again(name):
    names = [name + ' ' + text for name, text in instructions(name)]
    code = names.index('COPY . .')
    assert not any('pip' in line or 'setup.sh' in line for line in names[code:])
    assert any('pip' in line or 'setup.sh' in line for line in names[:code])


@pytest.mark.parametrize('name', DOCKERFILES)
def test_each_ignored_rule_is_explained_beside_it(name):
    lines = read(name).splitlines()
    for number, line in enumerate(lines):
        if 'hadolint ignore' in line:
            assert re.match('# [A-Za-z]', lines[number - 1]), line


def test_what_is_not_named_stays_out_of_the_image():
    patterns = [line for line in read('.dockerignore').splitlines()
                if line and not line.startswith('#')]
    assert patterns[0] == '*'
    named = [line[1:].rstrip('/') for line in patterns if line.startswith('!')]
    for name in named:
        assert '/' not in name and '*' not in name
        assert os.path.exists(os.path.join(ROOT, name)), name
    ignored = [line.rstrip('/') for line in read('.gitignore').splitlines()
               ] if os.path.exists(os.path.join(ROOT, '.gitignore')) else []
    assert not set(named) & (set(ignored) | {'.git', 'dataset', 'model', 'demo'})


def test_the_sizes_are_those_of_the_record():
    with open(os.path.join(ROOT, 'docker', 'sizes.csv'), newline='') as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 3
    text = read('docker/README.md')
    for row in rows:
        assert (f'| `{row["image"]}` | {int(row["added_mb"]):,} MB |' in text), row
    assert len(re.findall(r'^\| `cifar-tf1.* MB \|', text, re.MULTILINE)) == len(rows)


def test_what_the_guide_names_is_there():
    text = read('docker/README.md')
    names = re.findall(r'`((?:docker|tools|requirements|results|tests)/[\w./-]+)`', text)
    assert len(names) > 3
    for name in names:
        assert os.path.exists(os.path.join(ROOT, name)), name
    for name in re.findall(r'-f (docker/\S+)', text):
        assert name in DOCKERFILES
    for runtime in re.findall(r'RUNTIME=([\w-]+)', text):
        assert runtime in ('tf2', 'tf2-cuda')


@pytest.mark.skipif(shutil.which('bash') is None, reason='this system has no bash')
def test_images_that_cannot_be_built_are_skipped_aloud(tmp_path):
    for name in ('bash', 'dirname', 'id'):
        os.symlink(shutil.which(name), str(tmp_path / name))
    process = subprocess.Popen(
        ['bash', os.path.join(ROOT, 'tools', 'test_images.sh')],
        env={'PATH': str(tmp_path)}, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, universal_newlines=True)
    output, errors = process.communicate()
    assert (process.returncode, output) == (77, '')
    assert errors.startswith('SKIPPED, no image was built or tested: ')
    assert errors.count('\n') == 1
