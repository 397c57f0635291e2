"""tools/setup.sh, the locks and the Makefile: which Python is taken, what is said.

Most tests run a copy of the script in a project of its own (with a space in
its path), on a PATH that holds the system tools it uses and stand-ins for
Python and uv; nothing is downloaded and no TensorFlow is installed.
"""

import glob
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SYSTEM_TOOLS = ['cat', 'cp', 'cut', 'dirname', 'env', 'find', 'flock', 'grep', 'ls', 'mkdir', 'mv',
                'printf', 'rm', 'sed', 'sh', 'sha256sum', 'sleep', 'sort', 'tail', 'tr', 'uname']

# A Python for the script's eyes: answers the probe, makes "environments" with
# itself in them, logs what is asked of it. {answer}: what the probe would print.
FAKE_PYTHON = """#!/bin/sh
[ "$1" = -m ] && printf '%s\\n' "$*" >>"$FAKE_LOG"
case "$1 $2" in
    "-c import tensorflow"*)
        case "{answer}" in 3.[67]*) version=1.15.0 ;; *) version=2.21.0 ;; esac
        echo "a warning"; echo "${{FAKE_TENSORFLOW:-$version}}" ;;
    "-c import flake8"*) echo works ;;
    "-c "*) echo "{answer}" ;;
    "-m venv")
        for folder; do :; done
        mkdir -p "$folder/bin" && cp "$0" "$folder/bin/python" ;;
    "-m pip")
        for lock; do :; done
        printf 'PIP_USER=%s PIP_TARGET=%s\\n' "$PIP_USER" "${{PIP_TARGET-unset}}" >>"$FAKE_LOG"
        sleep "${{FAKE_PIP_SECONDS:-0}}"
        case $lock in
            *"${{FAKE_PIP_FAILS_ON:-nothing}}"*) echo "ERROR: from pip" >&2; exit 1 ;;
        esac
        case $lock in */uv.txt) cp "$FAKE_LOCKED_UV" "${{0%/*}}/uv" ;; esac ;;
esac
"""

# A uv that "installs" the fake Python that $FAKE_FETCHED names.
FAKE_UV = """#!/bin/sh
printf 'uv %s into %s\\n' "$*" "$UV_PYTHON_INSTALL_DIR" >>"$FAKE_LOG"
[ "$1 $2" = "python install" ] || exit 2
mkdir -p "$UV_PYTHON_INSTALL_DIR/cpython-$3.9-linux-x86_64-gnu/bin"
cp "$FAKE_FETCHED" "$UV_PYTHON_INSTALL_DIR/cpython-$3.9-linux-x86_64-gnu/bin/python$3"
"""

UV_WITHOUT_37 = """#!/bin/sh
printf 'new uv %s\\n' "$*" >>"$FAKE_LOG"
echo "error: No download found for request: cpython-3.7" >&2
exit 2
"""

BROKEN_SHIM = """#!/bin/sh
echo "pyenv: python3.7: command not found" >&2
exit 127
"""


class Project:
    """A copy of tools/setup.sh in a folder of its own, and its surroundings."""

    def __init__(self, folder):
        self.folder = folder / 'a project'
        self.bin = folder / 'bin'
        self.home = folder / 'home'
        self.log_file = folder / 'log'
        for path in (self.folder, self.bin, self.home):
            path.mkdir()
        self.log_file.write_text('')
        (self.folder / 'tools').mkdir()
        shutil.copy(os.path.join(ROOT, 'tools', 'setup.sh'), str(self.folder / 'tools'))
        shutil.copytree(os.path.join(ROOT, 'requirements'), str(self.folder / 'requirements'))
        for name in SYSTEM_TOOLS:
            path = shutil.which(name)
            if path:
                os.symlink(path, str(self.bin / name))
        (folder / 'cpuinfo').write_text('flags\t\t: fpu sse2 avx avx2\n')
        self.environment = {
            'PATH': str(self.bin), 'HOME': str(self.home), 'FAKE_LOG': str(self.log_file),
            'CIFAR_TF1_SYSTEM': 'Linux', 'CIFAR_TF1_MACHINE': 'x86_64',
            'CIFAR_TF1_CPUINFO': str(folder / 'cpuinfo')}

    def command(self, *arguments):
        return ['sh', str(self.folder / 'tools' / 'setup.sh')] + list(arguments)

    def run(self, *arguments, **environment):
        """Returns (exit status, standard output, standard error)."""
        process = subprocess.Popen(
            self.command(*arguments), env=dict(self.environment, **environment),
            cwd=str(self.home), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            universal_newlines=True)
        output, errors = process.communicate()
        return process.returncode, output, errors

    def add_program(self, path, text):
        if not os.path.isabs(str(path)):
            path = self.bin / path
        if not path.parent.is_dir():
            path.parent.mkdir(parents=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def add_python(self, path, answer):
        return self.add_program(path, FAKE_PYTHON.format(answer=answer))

    def log(self):
        return self.log_file.read_text().splitlines()

    def state(self, venv='.venv'):
        return (self.folder / venv / 'cifar-tf1-setup').read_text().split(None, 3)

    def made_with(self, venv='.venv'):
        return self.state(venv)[3].strip()


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def check_one_line(errors, *parts):
    assert errors.count('\n') == 1, errors
    assert errors.startswith('setup: ')
    for part in parts:
        assert part in errors


# --- Making the environment --------------------------------------------------


@pytest.mark.parametrize('runtime, python, tensorflow, build, lock, venv', [
    ({}, '3.7', '1.15.0', 'build-py37.txt', 'py37.txt', '.venv'),
    ({'RUNTIME': 'tf1'}, '3.7', '1.15.0', 'build-py37.txt', 'py37.txt', '.venv'),
    ({'RUNTIME': 'tf2'}, '3.12', '2.21.0', 'build-tf2.txt', 'tf2.txt', '.venv-tf2'),
    ({'RUNTIME': 'tf2-cuda'}, '3.12', '2.21.0', 'build-tf2.txt', 'tf2-cuda.txt', '.venv-tf2-cuda'),
])
def test_makes_the_environment_with_hashes_and_build_tools_first(
        project, runtime, python, tensorflow, build, lock, venv):
    path = project.add_python('python' + python, python + ' ok')
    status, output, errors = project.run(**runtime)
    assert (status, errors) == (0, '')
    assert output.count('\n') == 1
    assert 'TensorFlow {} '.format(tensorflow) in output
    assert ' {} '.format(venv) in output and 'GB' in output
    commands = [line for line in project.log() if line.startswith('-m')]
    assert [line.split()[1] for line in commands] == ['venv', 'pip', 'pip']
    assert commands[1].endswith('requirements/' + build)
    assert commands[2].endswith('requirements/' + lock)
    for line in commands[1:]:
        for option in ('--require-hashes', '--no-deps', '--no-build-isolation'):
            assert option in line.split()
        assert '--isolated' not in line  # the user's mirror and proxy count
    assert project.made_with(venv) == str(path)
    assert os.path.exists(str(project.folder / venv / 'bin' / 'python'))


def test_runtimes_stand_side_by_side(project):
    project.add_python('python3.7', '3.7 ok')
    project.add_python('python3.12', '3.12 ok')
    for runtime in ('tf1', 'tf2', 'tf2-cuda'):
        assert 'Installing' in project.run(RUNTIME=runtime)[1]
    for runtime in ('tf1', 'tf2', 'tf2-cuda'):
        assert project.run(RUNTIME=runtime) == (0, '', '')


def test_one_folder_holds_one_runtime(project):
    project.add_python('python3.7', '3.7 ok')
    project.add_python('python3.12', '3.12 ok')
    for runtime in ('tf1', 'tf2', 'tf2-cuda', 'tf1'):
        assert 'Installing' in project.run(RUNTIME=runtime, VENV='one')[1]
        assert project.run(RUNTIME=runtime, VENV='one') == (0, '', '')


def test_unknown_runtime_is_a_usage_error(project):
    status, output, errors = project.run(RUNTIME='tf3')
    assert (status, output) == (2, '')
    check_one_line(errors, 'RUNTIME=tf3', 'tf1', 'tf2', 'tf2-cuda')


def test_second_call_does_nothing_and_takes_no_time(project):
    project.add_python('python3.7', '3.7 ok')
    assert project.run()[0] == 0
    log, state = project.log(), project.state()
    seconds = []
    for _ in range(5):
        start = time.time()
        assert project.run() == (0, '', '')
        seconds.append(time.time() - start)
    assert (project.log(), project.state()) == (log, state)
    assert min(seconds) < 0.2


@pytest.mark.parametrize('runtime, venv, lock', [
    ('tf1', '.venv', 'py37.txt'), ('tf1', '.venv', 'build-py37.txt'),
    ('tf2', '.venv-tf2', 'tf2.txt'), ('tf2', '.venv-tf2', 'build-tf2.txt')])
@pytest.mark.parametrize('program', ['sha256sum', 'shasum'])
def test_changed_lock_installs_again(project, runtime, venv, lock, program):
    project.environment['RUNTIME'] = runtime
    if program == 'shasum':  # macOS
        (project.bin / 'sha256sum').unlink()
        project.add_program('shasum', '#!/bin/sh\n[ "$*" = "-a 256" ] && exec "{}"\n'.format(
            shutil.which('sha256sum')))
    project.add_python('python3.7', '3.7 ok')
    project.add_python('python3.12', '3.12 ok')
    assert project.run()[0] == 0
    assert project.run() == (0, '', '')
    left_over = project.folder / venv / 'left over'
    left_over.mkdir()
    with open(str(project.folder / 'requirements' / lock), 'a') as lock_file:
        lock_file.write('# changed\n')
    assert 'Installing' in project.run()[1]
    assert not left_over.exists()
    assert project.run()[1] == ''


def test_changed_lock_of_another_python_does_not_install_again(project):
    project.add_python('python3.7', '3.7 ok')
    assert project.run()[0] == 0
    with open(str(project.folder / 'requirements' / 'py36.txt'), 'a') as lock_file:
        lock_file.write('# changed\n')
    assert project.run()[1] == ''


def test_removed_python_installs_again(project):
    project.add_python('python3.7', '3.7 ok')
    assert project.run()[0] == 0
    python = project.folder / '.venv' / 'bin' / 'python'
    python.unlink()
    os.symlink('/nonexistent/python3.7', str(python))
    assert 'Installing' in project.run()[1]


@pytest.mark.parametrize('lock', ['build-py37.txt', '/py37.txt'])
def test_failed_install_is_said_and_made_again(project, lock):
    project.add_python('python3.7', '3.7 ok')
    status, output, errors = project.run(FAKE_PIP_FAILS_ON=lock)
    assert status == 1
    pip_says, line = errors.splitlines()
    assert pip_says == 'ERROR: from pip'
    check_one_line(line + '\n', lock.strip('/'), 'network', 'disk')
    assert project.state() == ['incomplete']
    status, output, errors = project.run()
    assert (status, errors) == (0, '')
    assert 'Installing' in output
    assert project.state()[0] == 'main'


def test_killed_install_is_made_again(project):
    project.add_python('python3.7', '3.7 ok')
    process = subprocess.Popen(project.command(),
                               env=dict(project.environment, FAKE_PIP_SECONDS='3'),
                               stdout=subprocess.DEVNULL, start_new_session=True)
    while '-m pip' not in project.log_file.read_text():
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, 9)
    process.wait()
    assert 'Installing' in project.run()[1]
    assert project.state()[0] == 'main'


def test_tensorflow_that_does_not_load_is_said(project):
    project.add_python('python3.7', '3.7 ok')
    status, _, errors = project.run(FAKE_TENSORFLOW='Illegal instruction')
    assert status == 1
    check_one_line(errors, 'Illegal instruction', '1.15.0')
    assert project.state() == ['incomplete']


@pytest.mark.parametrize('name', ['file', 'folder'])
def test_foreign_environment_is_left_alone(project, name):
    project.add_python('python3.7', '3.7 ok')
    foreign = project.folder / '.venv'
    if name == 'folder':
        foreign.mkdir()
        foreign = foreign / 'file'
    foreign.write_text('the user\'s')
    status, _, errors = project.run()
    assert status == 1
    check_one_line(errors, '.venv', 'VENV=')
    assert foreign.read_text() == 'the user\'s'
    assert project.run(VENV='another folder')[0] == 0
    assert (project.folder / 'another folder' / 'bin' / 'python').exists()


def test_empty_folder_is_taken(project):
    project.add_python('python3.7', '3.7 ok')
    (project.folder / '.venv').mkdir()
    assert project.run()[0] == 0


def test_folder_that_cannot_be_written_is_said(project):
    project.add_python('python3.7', '3.7 ok')
    (project.folder / '.venv.lock').mkdir()  # permissions would not stop root
    status, _, errors = project.run()
    assert status == 1
    check_one_line(errors, 'cannot write', 'VENV=')


def test_folder_that_cannot_be_made_is_said(project):
    (project.folder / 'file').write_text('')
    project.add_python('python3.7', '3.7 ok')
    status, _, errors = project.run(VENV='file/.venv')
    assert status == 1
    assert errors.splitlines()[-1].startswith('setup: cannot write')


def test_harmful_pip_settings_are_taken_out(project):
    project.add_python('python3.7', '3.7 ok')
    assert project.run(PIP_USER='1', PIP_TARGET='/elsewhere')[0] == 0
    assert 'PIP_USER=0 PIP_TARGET=unset' in project.log()


@pytest.mark.parametrize('environment', [{}, {'RUNTIME': 'tf2'}])
def test_lint_environment_is_another(project, environment):
    project.add_python('python3.7', '3.7 ok')
    project.add_python('python3.12', '3.12 ok')
    assert project.run('lint', **environment)[0] == 0
    assert any(line.endswith('lint-py37.txt') for line in project.log())
    assert (project.folder / '.venv-lint' / 'cifar-tf1-setup').exists()
    assert not (project.folder / '.venv').exists()


def test_unknown_argument_is_a_usage_error(project):
    status, _, errors = project.run('everything')
    assert status == 2
    check_one_line(errors, 'everything')


@pytest.mark.slow
@pytest.mark.skipif(shutil.which('flock') is None, reason='this system has no flock')
def test_two_calls_at_once_install_once(project):
    project.add_python('python3.7', '3.7 ok')
    processes = [
        subprocess.Popen(project.command(), env=dict(project.environment, FAKE_PIP_SECONDS='0.5'),
                         stdout=subprocess.PIPE, universal_newlines=True)
        for _ in range(3)]
    outputs = sorted(process.communicate()[0] for process in processes)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert sum(line.startswith('-m venv') for line in project.log()) == 1
    assert outputs[0].startswith('Another set-up') and outputs[1].startswith('Another set-up')
    assert outputs[2].startswith('Installing')


# --- Which Python ------------------------------------------------------------


def test_37_is_preferred_and_36_is_second(project):
    project.add_python('python3.6', '3.6 ok')
    assert project.run()[0] == 0
    assert project.state()[1] == '3.6'
    assert any(line.endswith('/py36.txt') for line in project.log())
    shutil.rmtree(str(project.folder / '.venv'))
    project.add_python('python3.7', '3.7 ok')
    assert project.run()[0] == 0
    assert project.state()[1] == '3.7'


def test_python_version_chooses(project):
    project.add_python('python3.6', '3.6 ok')
    project.add_python('python3.7', '3.7 ok')
    assert project.run(PYTHON_VERSION='3.6')[0] == 0
    assert project.state()[1] == '3.6'
    assert project.run()[1] == ''  # what was chosen once stays
    assert 'Installing' in project.run(PYTHON_VERSION='3.7')[1]
    assert project.state()[1] == '3.7'
    assert project.run(PYTHON_VERSION='3.7.17') == (0, '', '')


def test_tf2_prefers_the_pythons_in_this_order(project):
    project.environment['RUNTIME'] = 'tf2'
    for version in ('3.7', '3.9', '3.14'):
        project.add_python('python' + version, version + ' ok')
    paths = [project.add_python('python' + version, version + ' ok')
             for version in ('3.12', '3.11', '3.13', '3.10')]
    for path in paths:
        assert project.run()[0] == 0
        assert project.made_with('.venv-tf2') == str(path)
        shutil.rmtree(str(project.folder / '.venv-tf2'))
        path.unlink()
    status, _, errors = project.run()
    assert status == 1
    check_one_line(errors, 'no working Python 3.10 to 3.13')


def test_python_version_chooses_for_tf2(project):
    project.environment['RUNTIME'] = 'tf2'
    project.add_python('python3.10', '3.10 ok')
    project.add_python('python3.12', '3.12 ok')
    assert project.run(PYTHON_VERSION='3.10')[0] == 0
    assert project.state('.venv-tf2')[1] == '3.10'
    assert project.run()[1] == ''  # what was chosen once stays
    assert 'Installing' in project.run(PYTHON_VERSION='3.12.7')[1]
    assert project.state('.venv-tf2')[1] == '3.12'


@pytest.mark.parametrize('runtime, version, said', [
    ('tf1', '3.8', '3.7 or 3.6'), ('tf1', '3.12.7', 'RUNTIME=tf2'), ('tf1', '3', '3.7 or 3.6'),
    ('tf1', '3.77', '3.7 or 3.6'),
    ('tf2', '3.7', '3.10 to 3.13'), ('tf2', '3.1', '3.10 to 3.13'), ('tf2', '3.14', '3.10 to 3.13'),
])
def test_other_python_version_is_a_usage_error(project, runtime, version, said):
    status, _, errors = project.run(RUNTIME=runtime, PYTHON_VERSION=version)
    assert status == 2
    check_one_line(errors, 'PYTHON_VERSION=' + version, said)


@pytest.mark.parametrize('name', ['python3', 'python'])
def test_version_is_asked_not_read_from_the_name(project, name):
    project.add_python('python3.7', '3.11 ok')
    python = project.add_python(name, '3.7 ok')
    assert project.run()[0] == 0
    assert project.made_with() == str(python)


def test_broken_pyenv_shim_leads_to_the_version_itself(project, tmp_path):
    shims = tmp_path / 'py env' / 'shims'
    project.add_program(shims / 'python3.7', BROKEN_SHIM)
    python = project.add_python(
        tmp_path / 'py env' / 'versions' / '3.7.16' / 'bin' / 'python3.7', '3.7 ok')
    status, _, errors = project.run(PATH='{}:{}'.format(shims, project.bin))
    assert (status, errors) == (0, '')
    assert project.made_with() == str(python)


def test_shim_does_not_hide_a_python_later_on_path(project, tmp_path):
    project.add_program(tmp_path / 'shims' / 'python3.7', BROKEN_SHIM)
    python = project.add_python('python3.7', '3.7 ok')
    assert project.run(PATH='{}:{}'.format(tmp_path / 'shims', project.bin))[0] == 0
    assert project.made_with() == str(python)


@pytest.mark.parametrize('place, environment', [
    ('home/.pyenv/versions/3.7.16', {}),
    ('elsewhere/versions/3.7.16', {'PYENV_ROOT': '{}/elsewhere'}),
    ('pyenv/versions/3.7.16', {'PATH': '{}/pyenv/bin:{}/bin'}),
    ('home/.local/share/uv/python/cpython-3.7.9', {}),
    ('uv/cpython-3.7.9', {'UV_PYTHON_INSTALL_DIR': '{}/uv'}),
    ('data/uv/python/cpython-3.7.9', {'XDG_DATA_HOME': '{}/data'}),
    ('a project/.python/cpython-3.7.9', {}),
    ('home/miniconda3/envs/tf1', {}),
    ('home/.conda/envs/tf1', {}),
    ('conda', {'CONDA_PREFIX': '{}/conda'}),
])
def test_pythons_of_pyenv_uv_and_conda_are_found(project, tmp_path, place, environment):
    python = project.add_python(tmp_path / place / 'bin' / 'python3.7', '3.7 ok')
    project.add_program(tmp_path / 'pyenv' / 'bin' / 'pyenv', BROKEN_SHIM)
    assert project.run(
        **{key: value.replace('{}', str(tmp_path)) for key, value in environment.items()})[0] == 0
    assert project.made_with() == str(python)


def test_uv_and_conda_are_asked(project, tmp_path):
    python = project.add_python(tmp_path / 'somewhere' / 'bin' / 'python3.7', '3.7 ok')
    project.add_program('uv', '#!/bin/sh\n[ "$UV_PYTHON_DOWNLOADS" = never ] && '
                        '[ "$2" = find ] && echo "{}"\n'.format(python))
    assert project.run()[0] == 0
    assert project.made_with() == str(python)
    shutil.rmtree(str(project.folder / '.venv'))
    (project.bin / 'uv').unlink()
    project.add_program('conda', '#!/bin/sh\n[ "$*" = "info --base" ] && echo "{}"\n'.format(
        tmp_path / 'somewhere'))
    assert project.run()[0] == 0
    assert project.made_with() == str(python)


def test_given_python_is_used_and_no_other(project):
    project.add_python('python3.7', '3.7 ok')
    given = project.add_python(project.home / 'given' / 'python', '3.6 ok')
    assert project.run(PYTHON=str(given))[0] == 0
    assert project.made_with() == str(given)
    assert project.run(PYTHON=str(given))[1] == ''
    assert 'Installing' in project.run(PYTHON='python3.7')[1]
    assert project.made_with() == str(project.bin / 'python3.7')
    # A relative path is the caller's; setup.sh is run in the home folder here.
    assert project.run(PYTHON='given/python')[0] == 0
    assert project.state()[1] == '3.6'


@pytest.mark.parametrize('answer, said', [
    ('3.11 ok', 'is Python 3.11'),
    ('3.7 is a 32-bit Python', 'is a 32-bit Python'),
    ('3.7 is incomplete: No module named _ssl', 'is incomplete: No module named _ssl'),
])
def test_given_python_that_does_not_fit_is_said(project, answer, said):
    project.add_python('python3.7', '3.7 ok')
    project.add_python('mine', answer)
    status, _, errors = project.run(PYTHON='mine')
    assert status == 1
    check_one_line(errors, 'PYTHON=mine ' + said)
    assert not (project.folder / '.venv').exists()


def test_given_python_of_the_other_runtime_is_said(project):
    for version in ('3.7', '3.12'):
        project.add_python('python' + version, version + ' ok')
    check_one_line(project.run(PYTHON='python3.12')[2], 'is Python 3.12', 'RUNTIME=tf2')
    _, _, errors = project.run(PYTHON='python3.7', RUNTIME='tf2')
    check_one_line(errors, 'is Python 3.7', '3.10 to 3.13')
    assert 'RUNTIME' not in errors


def test_given_python_that_does_not_run_is_said(project):
    project.add_program('mine', BROKEN_SHIM)
    check_one_line(project.run(PYTHON='mine')[2], 'PYTHON=mine does not run')
    check_one_line(project.run(PYTHON='none')[2], 'PYTHON=none', 'no such program')


# --- The probe, asked of a real Python ---------------------------------------

REAL_PYTHON = os.path.join(sys.base_prefix, 'bin', 'python{}.{}'.format(*sys.version_info))


def add_changed_python(project, name, code):
    """A program that is the real Python after `code` has run in it."""
    folder = project.home / 'changed'
    folder.mkdir()
    (folder / 'sitecustomize.py').write_text(
        'import sys\nsys.version_info = (3, 7, 16, "final", 0)\n' + code)
    return project.add_program(name, '#!/bin/sh\nPYTHONPATH="{}" exec "{}" "$@"\n'.format(
        folder, REAL_PYTHON))


@pytest.mark.parametrize('code, said', [
    ('sys.modules["ssl"] = None', 'is incomplete'),
    ('sys.modules["ensurepip"] = None', 'is incomplete'),
    ('sys.modules["venv"] = None', 'is incomplete'),
    ('sys.maxsize = 2 ** 31 - 1', 'is a 32-bit Python'),
    ('sys.prefix = "/elsewhere"', 'belongs to a virtual environment'),
    ('sys.implementation.name = "pypy"', 'is not CPython'),
    ('import sysconfig; sysconfig.get_config_var = lambda name: "x86_64-linux-musl"', 'musl'),
    ('import ctypes, ensurepip, os, ssl, venv\n'  # which sys.platform changes
     'os.uname = lambda: ("", "", "", "", "x86_64"); sys.platform = "darwin"', 'Intel'),
    ('import sysconfig; sysconfig.get_config_var = {"Py_GIL_DISABLED": 1}.get', 'free-threaded'),
    ('sys.version_info = (3, 8, 1, "final", 0)', 'is Python 3.8'),
])
def test_unfit_python_is_recognised(project, code, said):
    add_changed_python(project, 'changed', code)
    # PIP_NO_INDEX: nothing is fetched, even where the probe lets it pass.
    status, _, errors = project.run(PYTHON='changed', PIP_NO_INDEX='1')
    assert status == 1
    check_one_line(errors, said)


def test_fit_python_is_recognised(project):
    # venv is a stand-in: whether the probe lets the Python pass is the point.
    add_changed_python(project, 'changed', 'sys.modules["venv"] = sys')
    _, output, errors = project.run(PYTHON='changed', PIP_NO_INDEX='1')
    assert 'Installing TensorFlow 1.15.0' in output, errors


def test_python_of_a_virtual_environment_is_passed_over(project, tmp_path):
    # An activated .venv is first on PATH, and is what set-up may replace.
    project.add_python(tmp_path / 'active' / 'python3.7', '3.7 belongs to a virtual environment')
    python = project.add_python('python3.7', '3.7 ok')
    assert project.run(PATH='{}:{}'.format(tmp_path / 'active', project.bin))[0] == 0
    assert project.made_with() == str(python)


# --- What TensorFlow cannot do without ---------------------------------------


@pytest.mark.parametrize('runtime, system, machine, said', [
    ('tf1', 'Linux', 'aarch64', ['Linux on aarch64', 'x86-64', 'RUNTIME=tf2']),
    ('tf1', 'Darwin', 'arm64', ['Darwin on arm64', 'RUNTIME=tf2']),
    ('tf1', 'Darwin', 'x86_64', ['Darwin on x86_64', 'docker/Dockerfile']),
    ('tf1', 'Linux', 'riscv64', ['riscv64']),
    ('tf2', 'Darwin', 'x86_64', ['Darwin on x86_64', 'macOS on arm64']),
    ('tf2', 'Linux', 'riscv64', ['riscv64', 'aarch64']),
    ('tf2-cuda', 'Linux', 'aarch64', ['Linux on aarch64', 'x86-64', 'RUNTIME=tf2']),
])
def test_wrong_machine_is_said_before_anything(project, runtime, system, machine, said):
    project.add_python('python3.7', '3.7 ok')
    project.add_python('python3.12', '3.12 ok')
    status, output, errors = project.run(
        RUNTIME=runtime, CIFAR_TF1_SYSTEM=system, CIFAR_TF1_MACHINE=machine)
    assert (status, output) == (1, '')
    check_one_line(errors, *said)
    for way_out in ('RUNTIME=tf2', 'docker/Dockerfile'):
        assert (way_out in errors) == (way_out in said)
    assert not list(project.folder.glob('.venv*'))


@pytest.mark.parametrize('system, machine', [('Linux', 'aarch64'), ('Darwin', 'arm64')])
def test_tf2_takes_arm_and_asks_no_avx_of_it(project, system, machine):
    project.add_python('python3.12', '3.12 ok')
    (project.home / 'cpuinfo').write_text('Features\t: fp asimd\n')
    status, _, errors = project.run(
        RUNTIME='tf2', CIFAR_TF1_SYSTEM=system, CIFAR_TF1_MACHINE=machine,
        CIFAR_TF1_CPUINFO=str(project.home / 'cpuinfo'))
    assert (status, errors) == (0, '')


@pytest.mark.parametrize('runtime', ['tf1', 'tf2'])
@pytest.mark.parametrize('flags, status', [
    ('fpu sse2 avx', 0), ('fpu sse2', 1), ('fpu avx2 avx512f', 1)])
def test_missing_avx_is_said(project, runtime, flags, status):
    project.add_python('python3.7', '3.7 ok')
    project.add_python('python3.12', '3.12 ok')
    (project.home / 'cpuinfo').write_text('flags\t\t: {}\n'.format(flags))
    got, _, errors = project.run(RUNTIME=runtime,
                                 CIFAR_TF1_CPUINFO=str(project.home / 'cpuinfo'))
    assert got == status
    if status:
        check_one_line(errors, 'AVX')
        assert 'RUNTIME' not in errors  # TensorFlow 2 needs it too


# --- Fetching a Python -------------------------------------------------------


def test_no_python_and_no_uv_is_one_message(project):
    project.add_python('python3.9', '3.7 ok')  # under no name that is looked for
    project.add_python('python2', '2.7 ok')
    status, output, errors = project.run()
    assert status == 1
    assert output == 'No Python 3.7 or 3.6 found: fetching CPython 3.7 into .python\n'
    check_one_line(errors, 'no working Python 3.7 or 3.6', 'pyenv', 'conda', 'PYTHON=',
                   'docker/Dockerfile', 'no Python 3.8 or newer', 'RUNTIME=tf2')
    assert not (project.folder / '.venv').exists()


def test_no_python_for_tf2_is_one_message(project):
    project.add_python('python3.7', '3.7 ok')
    status, output, errors = project.run(RUNTIME='tf2')
    assert status == 1
    assert output == 'No Python 3.10 to 3.13 found: fetching CPython 3.12 into .python\n'
    check_one_line(errors, 'no working Python 3.10 to 3.13', 'pyenv install 3.12', 'PYTHON=')
    assert '3.7' not in errors and 'RUNTIME' not in errors
    assert not (project.folder / '.venv-tf2').exists()


def test_unfit_pythons_are_named_where_none_fits(project):
    project.add_python('python3.7', '3.7 is incomplete: No module named ensurepip')
    check_one_line(project.run()[2], '{} is incomplete: No module named ensurepip'.format(
        project.bin / 'python3.7'))


def test_python_36_is_not_fetched(project):
    project.add_program('uv', FAKE_UV)
    status, output, errors = project.run(PYTHON_VERSION='3.6')
    assert (status, output) == (1, '')
    check_one_line(errors, 'Python 3.6', 'only 3.7 can be fetched')


@pytest.mark.parametrize('environment, wanted, fetched', [
    ({}, '3.7 or 3.6', '3.7'),
    ({'RUNTIME': 'tf2'}, '3.10 to 3.13', '3.12'),
    ({'RUNTIME': 'tf2', 'PYTHON_VERSION': '3.13'}, '3.13', '3.13'),
])
def test_uv_on_path_fetches_into_the_project(project, tmp_path, environment, wanted, fetched):
    project.environment.update(environment, FAKE_FETCHED=str(
        project.add_python(tmp_path / 'fetched', fetched + ' ok')))
    project.add_program('uv', FAKE_UV)
    status, output, errors = project.run(VENV='first')
    assert (status, errors) == (0, '')
    assert output.splitlines()[0] == (
        'No Python {} found: fetching CPython {} into .python'.format(wanted, fetched))
    assert 'uv python install {} into {}/.python'.format(fetched, project.folder) in project.log()
    assert project.made_with('first') == str(
        project.folder / '.python' / 'cpython-{}.9-linux-x86_64-gnu'.format(fetched) / 'bin' /
        ('python' + fetched))
    assert not (project.folder / '.uv-venv').exists()
    # Another environment takes the one that has been fetched.
    assert 'No Python' not in project.run(VENV='second')[1]


@pytest.mark.parametrize('uv_on_path', [None, UV_WITHOUT_37])
def test_locked_uv_fetches_where_the_one_on_path_cannot(project, tmp_path, uv_on_path):
    fetched = project.add_python(tmp_path / 'fetched', '3.7 ok')
    locked_uv = project.add_program(tmp_path / 'locked-uv', FAKE_UV)
    if uv_on_path:
        project.add_program('uv', uv_on_path)
    project.add_python('python3', '3.11 ok')
    status, _, errors = project.run(FAKE_FETCHED=str(fetched), FAKE_LOCKED_UV=str(locked_uv))
    assert (status, errors) == (0, '')
    assert '-m venv --clear .uv-venv' in project.log()
    assert any('--require-hashes' in line and line.endswith('/uv.txt') for line in project.log())
    assert '.python/' in project.made_with()


def test_failing_fetch_is_one_message(project):
    project.add_program('uv', UV_WITHOUT_37)
    project.add_python('python3', '3.11 ok')
    status, _, errors = project.run(FAKE_PIP_FAILS_ON='uv.txt')
    assert status == 1
    check_one_line(errors, 'installing uv: ERROR: from pip', 'docker/Dockerfile')


# --- The real pip, with packages made here -----------------------------------


def make_wheel(folder, name, version, files):
    """Writes a wheel; returns its line in a lock."""
    path = folder / '{}-{}-py3-none-any.whl'.format(name, version)
    info = '{}-{}.dist-info/'.format(name, version)
    files = dict(files)
    files[info + 'METADATA'] = 'Metadata-Version: 2.1\nName: {}\nVersion: {}\n'.format(
        name.replace('_', '-'), version)
    files[info + 'WHEEL'] = 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n'
    record = info + 'RECORD'
    files[record] = ''.join('{},,\n'.format(name) for name in sorted(files) + [record])
    with zipfile.ZipFile(str(path), 'w') as wheel:
        for member in sorted(files):
            wheel.writestr(member, files[member])
    return '{}=={} --hash=sha256:{}\n'.format(
        name.replace('_', '-'), version, hashlib.sha256(path.read_bytes()).hexdigest())


REAL_RUNTIME = {
    **dict.fromkeys([(3, 6), (3, 7)], 'tf1'),
    **dict.fromkeys([(3, 10), (3, 11), (3, 12), (3, 13)], 'tf2'),
}.get(sys.version_info[:2])


@pytest.mark.slow
@pytest.mark.skipif(REAL_RUNTIME is None, reason='no TensorFlow for this Python')
def test_real_pip_installs_what_the_hashes_name_and_nothing_else(project, tmp_path):
    wheels, locks = tmp_path / 'wheels', tmp_path / 'locks'
    wheels.mkdir()
    locks.mkdir()
    package, version, tag = {
        'tf1': ('tensorflow_gpu', '1.15.0', 'py{}{}'.format(*sys.version_info)),
        'tf2': ('tensorflow', '2.21.0', 'tf2')}[REAL_RUNTIME]
    build = make_wheel(wheels, 'build_tool', '1.0', {'build_tool.py': ''})
    main = make_wheel(wheels, package, version, {
        'tensorflow/__init__.py': '__version__ = "{}"\n'.format(version)})
    (locks / 'build-{}.txt'.format(tag)).write_text(build)
    (locks / '{}.txt'.format(tag)).write_text(re.sub('sha256:.*', 'sha256:' + '0' * 64, main))
    settings = {
        'RUNTIME': REAL_RUNTIME, 'VENV': 'venv',
        'PYTHON': REAL_PYTHON, 'CIFAR_TF1_REQUIREMENTS': str(locks),
        'PIP_CONFIG_FILE': os.devnull, 'PIP_NO_INDEX': '1', 'PIP_FIND_LINKS': str(wheels),
        'PATH': '{}:{}'.format(project.bin, os.defpath)}

    status, _, errors = project.run(**settings)
    assert status == 1
    assert 'HASHES' in errors and 'setup: pip could not install' in errors.splitlines()[-1]

    (locks / '{}.txt'.format(tag)).write_text(main)
    status, _, errors = project.run(**settings)
    assert status == 0, errors
    assert project.run(**settings) == (0, '', '')
    installed = subprocess.check_output(
        [str(project.folder / 'venv' / 'bin' / 'python'), '-c',
         'import build_tool, tensorflow; print(tensorflow.__version__)'], universal_newlines=True)
    assert installed.strip() == version


# --- The locks ---------------------------------------------------------------

LOCKS = sorted(glob.glob(os.path.join(ROOT, 'requirements', '*.txt')))


def read_lock(name):
    """The requirements of a lock: {name: (version, [hash, ...])}."""
    with open(os.path.join(ROOT, 'requirements', name)) as lock_file:
        text = lock_file.read().replace('\\\n', ' ')
    requirements = {}
    for line in text.splitlines():
        requirement, *hashes = line.split('#')[0].split('--hash=')
        requirement, _, marker = (part.strip() for part in requirement.partition(';'))
        # Of what the locks for all Pythons have, this is beyond TensorFlow's.
        if requirement and marker != "python_full_version >= '3.14'":
            package, version = requirement.split('==')  # fails where it is not pinned
            package = package.split('[')[0]
            assert package not in requirements, package + ' has two versions'
            requirements[package] = (version, [word.strip() for word in hashes])
    return requirements


def test_every_lock_is_there():
    names = {os.path.basename(path) for path in LOCKS}
    assert names == {'uv.txt', 'tf2.txt', 'tf2-cuda.txt', 'build-tf2.txt', 'pictures-tf2.txt',
                     'image-py36.txt'} | {
        '{}{}.txt'.format(use, python) for use in ('', 'build-', 'lint-', 'pictures-')
        for python in ('py36', 'py37')}


@pytest.mark.parametrize('path', LOCKS, ids=os.path.basename)
def test_lock_has_hashes_and_no_address(path):
    with open(path) as lock_file:
        text = lock_file.read()
    assert 'tools/lock_requirements.sh' in text.splitlines()[1]
    for line in text.splitlines():
        assert 'http' not in line and '://' not in line
        assert not line.startswith('-'), 'an option: ' + line
    requirements = read_lock(os.path.basename(path))
    assert requirements
    for package, (_, hashes) in requirements.items():
        assert hashes, package + ' has no hash'
        for word in hashes:
            assert re.match('sha256:[0-9a-f]{64}$', word), package


def test_locks_agree_on_what_decides_results():
    main = {python: read_lock(python + '.txt') for python in ('py36', 'py37')}
    expected = {'tensorflow-gpu': '1.15.0', 'numpy': '1.18.5', 'gast': '0.2.2',
                'tensorflow-estimator': '1.15.1', 'tensorboard': '1.15.0', 'h5py': '2.10.0'}
    for lock in main.values():
        assert {package: lock[package][0] for package in expected} == expected
        assert [int(part) for part in lock['protobuf'][0].split('.')] < [3, 21]
        for package in ('six', 'requests', 'certifi', 'tqdm', 'pytest'):
            assert package in lock
    for package in expected:
        assert main['py36'][package] == main['py37'][package], package


def test_tf2_locks_agree_and_serve_every_machine():
    main, cuda = read_lock('tf2.txt'), read_lock('tf2-cuda.txt')
    assert main['tensorflow'][0] == '2.21.0'
    for package in ('numpy', 'requests', 'urllib3', 'certifi', 'tqdm', 'pytest'):
        assert package in main
    # At least a wheel for each of four Pythons on each of three kinds of machine.
    for package in ('tensorflow', 'numpy', 'h5py', 'ml-dtypes'):
        assert len(main[package][1]) >= 12, package
    assert not any(package.startswith('nvidia-') for package in main)
    further = {package: cuda.pop(package) for package in set(cuda) - set(main)}
    assert cuda == main
    assert 'nvidia-cudnn-cu12' in further
    for package in further:
        assert package.startswith('nvidia-'), package


@pytest.mark.parametrize('python', ['py36', 'py37', 'tf2'])
@pytest.mark.parametrize('other', ['build-', 'pictures-'])
def test_locks_of_one_environment_agree(python, other):
    main, other = read_lock(python + '.txt'), read_lock(other + python + '.txt')
    shared = set(main) & set(other)
    assert shared
    for package in shared:
        assert main[package] == other[package], package


# --- The Makefile ------------------------------------------------------------


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
