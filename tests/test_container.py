"""docker/: what its files promise each other. tools/test_images.sh builds them."""

import csv
import fnmatch
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


# A base's Python, which answers what the build asks of it, and the environment's.
FAKE_PYTHON = """#!/bin/sh
case "$*" in
    *version_info*) echo "$FAKE_VERSION" ;;
    *find_spec*) exit "$FAKE_FOUND" ;;
    --version) echo "Python of the base" ;;
    *"-m pip"*) for lock; do :; done; echo "${lock#requirements/}" ;;
    *compileall*) echo "compiled $*" ;;
esac
"""


def run_installation(folder, version, has_tensorflow, extras=None, epoch=None):
    """The build's installation with stand-ins: (status, its locks, errors)."""
    (script,) = [text for name, text in instructions('docker/Dockerfile')
                 if name == 'RUN' and '-m pip' in text]
    for name in ('python', 'python3'):
        (folder / name).write_text(FAKE_PYTHON)
        (folder / name).chmod(0o755)
    (folder / 'find').write_text('#!/bin/sh\necho "find $*"\n')
    (folder / 'find').chmod(0o755)
    environment = {'PATH': f'{folder}:/bin:/usr/bin', 'FAKE_VERSION': version,
                   'FAKE_FOUND': '0' if has_tensorflow else '1'}
    if extras is not None:
        environment['EXTRAS'] = extras
    if epoch is not None:
        environment['SOURCE_DATE_EPOCH'] = epoch
    process = subprocess.Popen(['sh', '-c', script], cwd=ROOT, env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               universal_newlines=True)
    output, errors = process.communicate()
    return process.returncode, output.splitlines(), errors


@pytest.mark.parametrize('version, has_tensorflow, locks', [
    ('py36', True, ['build-py36.txt', 'image-py36.txt']),
    ('py36', False, ['build-py36.txt', 'py36.txt']),
    ('py37', False, ['build-py37.txt', 'py37.txt']),
    # There is no lock without TensorFlow for it: the lock's goes in front.
    ('py37', True, ['build-py37.txt', 'py37.txt']),
])
def test_the_base_decides_what_is_installed(tmp_path, version, has_tensorflow, locks):
    assert run_installation(tmp_path, version, has_tensorflow) == (0, locks, '')
    extras = [f'{name}-{version}.txt' for name in ('pictures', 'onnx')]
    assert run_installation(tmp_path, version, has_tensorflow, 'pictures onnx') == (
        0, locks + extras, '')
    for name in locks + extras:
        assert os.path.exists(os.path.join(ROOT, 'requirements', name))
        assert any(fnmatch.fnmatch('requirements/' + name, pattern)
                   for kind, text in instructions('docker/Dockerfile') if kind == 'COPY'
                   for pattern in text.split()[:-1])


def test_a_base_with_another_python_is_refused(tmp_path):
    status, output, errors = run_installation(tmp_path, 'py312', False)
    assert status != 0 and output == []
    assert 'Python of the base' in errors and 'needs 3.6 or 3.7' in errors


def test_with_a_time_all_is_compiled_for_it(tmp_path):
    unused_status, output, unused_errors = run_installation(tmp_path, 'py36', True, epoch='12')
    assert output[-2].startswith('find /opt/venv') and '-d @12' in output[-2]
    assert output[-1].startswith('compiled') and ' -f -r 99 ' in output[-1]
    assert run_installation(tmp_path, 'py36', True, epoch='')[1] == output[:-2]


@pytest.mark.parametrize('name', DOCKERFILES)
def test_what_the_installation_takes_is_declared_before_it(name):
    names = [f'{kind} {text}'.strip() for kind, text in instructions(name)]
    (installation,) = [number for number, text in enumerate(names)
                       if '-m pip' in text or 'setup.sh' in text and text.startswith('RUN')]
    first = next(number for number, text in enumerate(names) if text.startswith('RUN'))
    assert names.index('ARG EXTRAS') < installation
    assert names.index('ARG PIP_INDEX_URL') < installation
    assert names.index('ARG SOURCE_DATE_EPOCH') < first
    assert 'PYTHONHASHSEED=0' in names[installation]


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
    assert len(rows) == 4
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
