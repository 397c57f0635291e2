"""tools/setup.sh, in a project of its own among stand-ins for Python, uv and uname."""

import os
import shutil
import subprocess
import sys
from concurrent import futures

import pytest

from pages import ROOT

REAL_PYTHON = os.path.join(sys.base_prefix, 'bin', 'python{}.{}'.format(*sys.version_info))
SYSTEM_TOOLS = ['cat', 'cp', 'cut', 'dirname', 'flock', 'grep', 'ls', 'mkdir', 'rm', 'sh',
                'sha256sum', 'sleep', 'sort']
FAKE_UNAME = """#!/bin/sh
case $1 in -s) echo "${FAKE_SYSTEM:-Linux}" ;; *) echo "${FAKE_MACHINE:-x86_64}" ;; esac
"""
# Logs each use of pip; its copy in an environment tells the version.
FAKE_PYTHON = """#!/bin/sh
# {version}
case "$1 $2" in
    "-c "*)
        case $0 in /*) path=$0 ;; *) path=$PWD/$0 ;; esac
        echo "{version} $path" ;;
    "-m venv")
        for folder; do :; done
        [ "$3" = --clear ] && rm -rf "$folder"
        mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;;
    "-m pip")
        for lock; do :; done
        echo "$* PIP_USER=$PIP_USER PIP_TARGET=${{PIP_TARGET-}}" >>"$FAKE_LOG"
        sleep "${{FAKE_PIP_SECONDS:-0}}"
        case $lock in
            *"${{FAKE_PIP_FAILS_ON:-nothing}}") echo "ERROR: from pip" >&2; exit 1 ;;
            */uv.txt) cp "$FAKE_LOCKED_UV" "${{0%/*}}/uv" ;;
        esac ;;
esac
"""
BROKEN_SHIM = '#!/bin/sh\necho "pyenv: python3.7: command not found" >&2\nexit 127\n'
# "Installs" the fake Python that $FAKE_FETCHED names.
FAKE_UV = """#!/bin/sh
[ "$1 $2" = "python install" ] || exit 2
mkdir -p "$UV_PYTHON_INSTALL_DIR/cpython-$3/bin"
cp "$FAKE_FETCHED" "$UV_PYTHON_INSTALL_DIR/cpython-$3/bin/python$3"
"""
NO_AVX = {'CIFAR_TF1_CPUINFO': '../a project/no-avx'}


class Project:
    """A copy of tools/setup.sh and requirements/ in a folder of its own."""

    def __init__(self, folder):
        self.folder, self.bin, self.home = (folder / name for name in ('a project', 'bin', 'home'))
        for path in (self.folder / 'tools', self.bin, self.home):
            path.mkdir(parents=True)
        self.log_file = folder / 'log'
        self.log_file.write_text('')
        shutil.copy(os.path.join(ROOT, 'tools', 'setup.sh'), str(self.folder / 'tools'))
        shutil.copytree(os.path.join(ROOT, 'requirements'), str(self.folder / 'requirements'))
        for name in filter(shutil.which, SYSTEM_TOOLS):
            os.symlink(shutil.which(name), str(self.bin / name))
        self.add_program('uname', FAKE_UNAME)
        (self.folder / 'avx').write_text('flags\t\t: fpu sse2 avx avx2\n')
        (self.folder / 'no-avx').write_text('flags\t\t: fpu sse2 avx2 avx512f\n')
        self.environment = {
            'PATH': str(self.bin), 'HOME': str(self.home), 'FAKE_LOG': str(self.log_file),
            'CIFAR_TF1_CPUINFO': str(self.folder / 'avx')}

    def run(self, **environment):
        """Returns (exit status, standard output, standard error)."""
        process = subprocess.run(
            ['sh', '../a project/tools/setup.sh'], cwd=str(self.home),
            env={**self.environment, **environment}, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, universal_newlines=True)
        return process.returncode, process.stdout, process.stderr

    def check_refused(self, status, *parts, **environment):
        """One line on standard error with these parts, and this exit status."""
        got, unused_output, errors = self.run(**environment)
        assert (got, errors.count('\n')) == (status, 1), errors
        assert errors.startswith('setup: ')
        assert all(part in errors for part in parts), errors

    def add_program(self, path, text):
        path = self.bin / path  # an absolute path stays
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return str(path)

    def add_pythons(self, *versions):
        for version in versions:
            self.add_program('python' + version, FAKE_PYTHON.format(version=version))

    def change_lock(self, name):
        with open(str(self.folder / 'requirements' / name), 'a') as lock:
            lock.write('# changed\n')

    def list_installed(self):
        return [os.path.basename(line.split(' PIP_USER')[0])
                for line in self.log_file.read_text().splitlines()]

    def find_version(self, venv='.venv'):
        """The version of the Python that an environment was made with."""
        return (self.folder / venv / 'bin' / 'python').read_text().split()[2]


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


@pytest.mark.parametrize('settings, python, locks, venv', [
    ({}, '3.7', ['build-py37.txt', 'py37.txt'], '.venv'),
    ({'RUNTIME': 'tf1'}, '3.6', ['build-py36.txt', 'py36.txt'], '.venv'),
    ({'RUNTIME': 'tf2', 'FAKE_MACHINE': 'aarch64', **NO_AVX}, '3.12',
     ['build-tf2.txt', 'tf2.txt'], '.venv-tf2'),
    ({'RUNTIME': 'tf2-cuda'}, '3.13', ['build-tf2.txt', 'tf2-cuda.txt'], '.venv-tf2-cuda')])
def test_makes_the_environment_by_hashes_and_once(project, settings, python, locks, venv):
    project.add_pythons(python)
    status, output, errors = project.run(PIP_USER='1', PIP_TARGET='/other', **settings)
    assert (status, errors) == (0, '')
    assert f'{venv}/bin/python -m cifar10_tf1.doctor' in output
    assert (' RUNTIME=' in output) == (venv != '.venv')
    for call in project.log_file.read_text().splitlines():
        assert {'--require-hashes', '--no-deps', '--no-build-isolation'} <= set(call.split())
        assert call.endswith('PIP_USER=0 PIP_TARGET=')
    assert project.find_version(venv) == python
    assert project.run(**settings) == (0, '', '')
    assert project.list_installed() == locks


def test_a_folder_follows_its_runtime_its_python_and_its_locks(project):
    project.add_pythons('3.6', '3.7', '3.10', '3.12', '3.13')
    for settings, version in (
            ({}, '3.7'), ({'RUNTIME': 'tf2'}, '3.12'),
            ({'RUNTIME': 'tf2', 'PYTHON_VERSION': '3.10.13'}, '3.10'),
            ({'RUNTIME': 'tf2'}, '3.10'), ({'PYTHON_VERSION': '3.6'}, '3.6'), ({}, '3.6'),
            ({'PYTHON': 'python3.7'}, '3.7')):
        assert project.run(VENV='one', **settings)[0] == 0
        assert project.run(VENV='one', **settings) == (0, '', '')
        assert project.find_version('one') == version
    for lock, is_used in (('py36.txt', False), ('py37.txt', True), ('build-py37.txt', True)):
        left_over = project.folder / 'one' / 'left over'
        left_over.mkdir(exist_ok=True)
        project.change_lock(lock)
        assert ('Installing' in project.run(VENV='one')[1]) == is_used, lock
        assert left_over.exists() != is_used


@pytest.mark.parametrize('lock', ['/py37.txt', 'pictures-py37.txt'])
def test_what_fails_is_named_and_made_by_the_next_call(project, lock):
    project.add_pythons('3.7')
    status, unused_output, errors = project.run(EXTRAS='pictures', FAKE_PIP_FAILS_ON=lock)
    pip_says, line = errors.splitlines()
    assert (status, pip_says) == (1, 'ERROR: from pip')
    assert all(part in line for part in (lock.strip('/'), 'network', 'disk'))
    assert 'Next' in project.run(EXTRAS='pictures')[1]
    assert project.run(EXTRAS='pictures') == (0, '', '')


def test_what_was_not_made_here_is_left_alone(project):
    project.add_pythons('3.7')
    (project.folder / '.venv').mkdir()
    assert project.run()[0] == 0  # it was empty
    project.add_program(project.folder / 'mine' / 'file', '')
    for unused_time in range(2):
        project.check_refused(1, 'mine', 'VENV=', VENV='mine')
    assert (project.folder / 'mine' / 'file').exists()
    project.check_refused(1, 'mine/file', 'VENV=', VENV='mine/file/venv')


def test_extras_are_added_once_and_come_back(project):
    project.add_pythons('3.12')
    project.environment['RUNTIME'] = 'tf2-cuda'
    expected = ['build-tf2.txt', 'tf2-cuda.txt', 'pictures-tf2.txt', 'onnx-tf2.txt']
    for extras in ('', 'pictures', 'pictures onnx', 'onnx', ''):
        assert project.run(EXTRAS=extras)[0] == 0
    assert project.list_installed() == expected
    project.change_lock('tf2-cuda.txt')
    assert project.run()[0] == 0
    assert sorted(project.list_installed()[4:]) == sorted(expected)
    project.change_lock('onnx-tf2.txt')
    assert project.run(EXTRAS='pictures onnx')[0] == 0
    assert project.list_installed()[8:] == ['onnx-tf2.txt']


@pytest.mark.slow
@pytest.mark.skipif(shutil.which('flock') is None, reason='this system has no flock')
def test_two_calls_at_once_install_once(project):
    project.add_pythons('3.7')
    with futures.ThreadPoolExecutor() as pool:
        calls = [pool.submit(project.run, FAKE_PIP_SECONDS='0.5') for unused in range(3)]
    assert [call.result()[0] for call in calls] == [0, 0, 0]
    assert project.list_installed() == ['build-py37.txt', 'py37.txt']


@pytest.mark.parametrize('settings, status, parts', [
    ({'RUNTIME': 'tf3'}, 2, ['tf3', 'tf2-cuda']),
    ({'EXTRAS': 'pictures video'}, 2, ['video', 'onnx']),
    ({'PYTHON_VERSION': '3.77'}, 2, ['3.77', '3.7 or 3.6', 'RUNTIME=tf2']),
    ({'PYTHON_VERSION': '3.1', 'RUNTIME': 'tf2'}, 2, ['3.1', '3.10 to 3.13']),
    ({'PYTHON': 'python3.12'}, 1, ['(3.12 ', '3.7 or 3.6', 'RUNTIME=tf2']),
    ({'PYTHON': 'without-ssl'}, 1, ['PYTHON=without-ssl', 'ssl']),
    ({'PYTHON': 'none'}, 1, ['PYTHON=none']),
    ({'FAKE_MACHINE': 'aarch64'}, 1, ['Linux/aarch64', 'RUNTIME=tf2']),
    ({'FAKE_SYSTEM': 'Darwin', 'RUNTIME': 'tf2'}, 1, ['Darwin/x86_64', 'Darwin/arm64']),
    (NO_AVX, 1, ['AVX'])])
def test_wrong_settings_and_machines_are_one_line(project, settings, status, parts):
    project.add_pythons('3.7', '3.12')
    project.add_program('without-ssl', '#!/bin/sh\nPYTHONPATH="{}" exec "{}" "$@"\n'.format(
        project.home, REAL_PYTHON))
    (project.home / 'sitecustomize.py').write_text('import sys\nsys.modules["ssl"] = None')
    project.check_refused(status, *parts, **settings)
    assert not list(project.folder.glob('.venv*'))


@pytest.mark.parametrize('place, settings', [
    ('bin/python3', {}), ('bin/python', {}),
    ('home/.pyenv/versions/3.7.16/bin/python3.7', {}),
    ('elsewhere/versions/3.7.16/bin/python3.7', {'PYENV_ROOT': '../elsewhere'}),
    ('home/.local/share/uv/python/cpython-3.7.9/bin/python3.7', {}),
    ('a project/.python/cpython-3.7.9/bin/python3.7', {}),
    ('home/miniconda3/envs/tf1/bin/python3.7', {}),
    ('home/given/python', {'PYTHON': 'given/python'})])
def test_pythons_are_found_by_what_they_are(project, tmp_path, place, settings):
    project.add_program('python3.7', BROKEN_SHIM)
    project.add_pythons('3.6')
    project.add_program(tmp_path / place, FAKE_PYTHON.format(version='3.7'))
    assert project.run(**settings)[::2] == (0, '')
    assert project.find_version() == '3.7'


@pytest.mark.parametrize('uv_on_path', [FAKE_UV, '#!/bin/sh\nexit 2\n'])  # one has no 3.7
def test_a_python_is_fetched_where_none_is_found(project, tmp_path, uv_on_path):
    project.add_pythons('3.11')
    os.rename(str(project.bin / 'python3.11'), str(project.bin / 'python3'))
    settings = {
        'FAKE_FETCHED': project.add_program(
            tmp_path / 'fetched', FAKE_PYTHON.format(version='3.7')),
        'FAKE_LOCKED_UV': project.add_program(tmp_path / 'locked-uv', FAKE_UV)}
    project.add_program('uv', uv_on_path)
    status, output, unused_errors = project.run(**settings)
    assert status == 0 and 'fetching CPython 3.7 into .python' in output
    assert project.find_version() == '3.7' and (project.folder / '.python').is_dir()
    assert ('uv.txt' in project.list_installed()) == (uv_on_path != FAKE_UV)
    assert 'fetching' not in project.run(VENV='another', **settings)[1]


def test_no_python_at_all_ends_in_one_line(project):
    status, unused_output, errors = project.run()
    line = errors.splitlines()[-1]
    assert status == 1 and line.startswith('setup: ')
    assert all(part in line for part in ('3.7 or 3.6', 'pyenv install 3.7', 'PYTHON=', 'docker/'))
    assert not list(project.folder.glob('.venv*/bin'))
