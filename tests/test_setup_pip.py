"""tools/setup.sh with the real pip, on packages made here."""

import hashlib
import os
import re
import subprocess
import sys
import zipfile

import pytest

from setup_project import REAL_PYTHON


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
