"""tools/setup.sh: which Python it takes, and how it fetches one."""

import shutil

import pytest

from setup_project import check_one_line
from setup_project import REAL_PYTHON

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
