"""tools/setup.sh: how the environment is made, and what stands against it.

Most tests run a copy of the script in a project of its own (setup_project.py).
"""

import os
import shutil
import subprocess
import time

import pytest

from setup_project import check_one_line

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
    assert output.count('\n') == 3
    assert 'TensorFlow {} '.format(tensorflow) in output
    assert 'Made {}: TensorFlow {} on Python {}\n'.format(venv, tensorflow, python) in output
    given = ' RUNTIME=' + runtime['RUNTIME'] if venv != '.venv' else ''
    assert output.splitlines()[-1] == (
        'Next: {}/bin/python -m cifar10_tf1.doctor (what is here), make demo{} (offline), '
        'make train{}'.format(venv, given, given))
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


@pytest.mark.parametrize('environment', [{}, {'RUNTIME': 'tf1'}])
def test_sbom_environment_is_another_on_a_newer_python(project, environment):
    project.add_python('python3.7', '3.7 ok')
    project.add_python('python3.12', '3.12 ok')
    status, output, errors = project.run('sbom', **environment)
    assert (status, errors) == (0, '')
    assert output.splitlines()[-1] == 'Made .venv-sbom. Next: make sbom'
    assert locks_of(project) == ['build-tf2.txt', 'sbom-tf2.txt']
    assert project.state('.venv-sbom')[:2] == ['sbom', '3.12']
    assert project.run('sbom', **environment) == (0, '', '')


# --- Extras ------------------------------------------------------------------


def locks_of(project):
    return [os.path.basename(line.split()[-1]) for line in project.log()
            if line.startswith('-m pip')]


@pytest.mark.parametrize('runtime, python, locks', [
    ('tf1', '3.6', ['pictures-py36.txt', 'onnx-py36.txt']),
    ('tf2-cuda', '3.12', ['pictures-tf2.txt', 'onnx-tf2.txt']),
])
def test_extras_are_added_once(project, runtime, python, locks):
    project.add_python('python' + python, python + ' ok')
    project.run(RUNTIME=runtime)
    before = len(locks_of(project))
    status, output, errors = project.run(RUNTIME=runtime, EXTRAS='pictures')
    assert (status, errors, output.count('\n')) == (0, '', 1)
    assert project.run(RUNTIME=runtime, EXTRAS='pictures onnx')[0] == 0
    assert locks_of(project)[before:] == locks
    # Without the variable the environment is ready as well.
    for extras in ('', 'onnx', 'onnx pictures'):
        assert project.run(RUNTIME=runtime, EXTRAS=extras) == (0, '', '')
    assert locks_of(project)[before:] == locks


@pytest.mark.parametrize('extras', ['', 'onnx'])
def test_extras_come_with_a_new_environment_and_come_back(project, extras):
    project.add_python('python3.7', '3.7 ok')
    assert project.run(EXTRAS='onnx')[0] == 0
    expected = ['build-py37.txt', 'py37.txt', 'onnx-py37.txt']
    assert locks_of(project) == expected
    with (project.folder / 'requirements' / 'py37.txt').open('a') as lock:
        lock.write('# changed\n')
    assert project.run(EXTRAS=extras)[0] == 0
    assert locks_of(project) == expected * 2
    with (project.folder / 'requirements' / 'onnx-py37.txt').open('a') as lock:
        lock.write('# changed\n')
    assert project.run(EXTRAS='onnx')[0] == 0
    assert locks_of(project) == expected * 2 + ['onnx-py37.txt']


def test_failed_extra_is_said_and_added_again(project):
    project.add_python('python3.7', '3.7 ok')
    status, _, errors = project.run(EXTRAS='pictures', FAKE_PIP_FAILS_ON='pictures-py37.txt')
    assert status == 1 and 'could not install requirements/pictures-py37.txt' in errors
    assert project.run()[0] == 0  # nothing is asked for
    assert project.run(EXTRAS='pictures')[0] == 0
    assert locks_of(project)[-2:] == ['pictures-py37.txt'] * 2


def test_unknown_extra_is_a_usage_error(project):
    status, _, errors = project.run(EXTRAS='pictures video')
    assert status == 2
    check_one_line(errors, 'EXTRAS=pictures video', 'pictures onnx')


# --- The lint environment, arguments -----------------------------------------


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
