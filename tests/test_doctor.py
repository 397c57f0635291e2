"""The doctor: right verdicts, and a report whatever is broken."""

import json
import os
import re
import subprocess
import sys

import pytest

import data_helpers
import pickle_helpers
from cifar10_tf1.machine import description
from cifar10_tf1.data import cifar10
from cifar10_tf1.doctor import __main__ as doctor
from cifar10_tf1.doctor import lines as report
from cifar10_tf1.doctor import resources
from cifar10_tf1.doctor import software
from cifar10_tf1.doctor import storage
from cifar10_tf1.doctor.lines import FAIL
from cifar10_tf1.doctor.lines import Line
from cifar10_tf1.doctor.lines import OK
from cifar10_tf1.doctor.lines import WARN

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


@pytest.fixture
def tiny_files(monkeypatch):
    """The six files are tiny ones."""
    monkeypatch.setattr(cifar10, 'FILES', data_helpers.FILES)


def only(check, *arguments):
    line, = report.run_check('Check', check, *arguments)
    return line


def run(*options, python=sys.executable, **environment):
    return subprocess.run(
        [python, '-m', 'cifar10_tf1.doctor'] + list(options), cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        env=dict(os.environ, **environment))


def test_the_whole_report(tmp_path):
    result = run('--data-dir', str(tmp_path), '--model-dir',
                 str(tmp_path / 'model'), '--device', 'cpu')
    assert result.returncode == 3, result.stdout
    assert result.stderr == ''
    statuses = dict(reversed(match) for match in re.findall(
        r'^(OK|WARN|FAIL) +(\w+)', result.stdout, re.MULTILINE))
    assert set(statuses) == {
        'Program', 'Python', 'TensorFlow', 'Packages', 'Processor', 'GPU',
        'CUDA', 'Data', 'Disk', 'Writing', 'Memory', 'Threads'}
    assert statuses['Data'] == 'WARN' and statuses['TensorFlow'] == 'OK'
    assert 'FAIL' not in statuses.values()
    assert result.stdout.count('\n') <= 24  # a screen
    assert list(tmp_path.iterdir()) == []


def test_json(monkeypatch, capsys):
    made = [Line(OK, 'A', 'x'), Line(WARN, 'B', 'y', 'z')]
    monkeypatch.setattr(doctor, 'list_lines', lambda *arguments: made)
    assert doctor.main(['--json']) == 3
    assert json.loads(capsys.readouterr().out) == {
        'verdict': 'WARN', 'lines': [
            {'status': 'OK', 'subject': 'A', 'text': 'x', 'remedy': ''},
            {'status': 'WARN', 'subject': 'B', 'text': 'y', 'remedy': 'z'}]}


@pytest.mark.parametrize('worst, status', [(OK, 0), (WARN, 3), (FAIL, 4)])
def test_exit_status(monkeypatch, capsys, worst, status):
    made = [Line(OK, 'A', 'x'), Line(worst, 'B', 'y', 'z'), Line(OK, 'C', 'x')]
    monkeypatch.setattr(doctor, 'list_lines', lambda *arguments: made)
    assert doctor.main([]) == status
    assert ('-> z' in capsys.readouterr().out) == (worst != OK)


@pytest.mark.parametrize('error, status, words', [
    (ImportError('No module named numpy'), WARN, 'No module named numpy'),
    (PermissionError(13, 'Permission denied', '/x'), FAIL, '/x'),
    (ZeroDivisionError('oh'), FAIL, 'this check broke: ZeroDivisionError: oh')])
def test_a_check_that_breaks(error, status, words):
    def check():
        yield Line(OK, 'Check', 'before')
        raise error

    before, line = report.run_check('Check', check)
    assert before.text == 'before'
    assert line.status == status and words in line.text


# The data


def test_data_that_is_right(tmp_path, tiny_files):
    data_helpers.write_files(tmp_path)
    line = only(storage.check_data, str(tmp_path))
    assert line.status == OK and 'all six files verified' in line.text


def test_data_that_is_absent(tmp_path, tiny_files):
    line = only(storage.check_data, str(tmp_path / 'none'))
    assert line.status == WARN and 'downloads' in line.remedy
    for name in ('cifar-10-python.tar.gz', 'cifar-10-binary.tar.gz'):
        (tmp_path / name).write_bytes(b'')
        line = only(storage.check_data, str(tmp_path))
        assert line.status == WARN and f'extracts the {name}' in line.remedy


def test_data_of_another_program(tmp_path, tiny_files, monkeypatch):
    """Offered, so that nothing is downloaded again."""
    monkeypatch.setenv('KERAS_HOME', str(tmp_path))
    pickle_helpers.write_files(tmp_path / 'datasets')
    line = only(storage.check_data, str(tmp_path / 'none'))
    assert line.status == WARN
    assert f'--data-dir {tmp_path}/datasets takes it' in line.remedy


def test_data_of_the_python_version(tmp_path, tiny_files):
    folder = pickle_helpers.write_files(tmp_path)
    line = only(storage.check_data, str(tmp_path))
    assert line.status == OK and str(folder) in line.text
    (folder / 'data_batch_2').write_bytes(b'')
    line = only(storage.check_data, str(tmp_path))
    assert line.status == FAIL and line.text.startswith('data_batch_2 in ')


def test_one_byte_flipped(tmp_path, tiny_files):
    """Even where size and times stay."""
    path = data_helpers.write_files(tmp_path) / 'data_batch_3.bin'
    times = os.stat(str(path))
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(bytes(content))
    os.utime(str(path), ns=(times.st_atime_ns, times.st_mtime_ns))
    line = only(storage.check_data, str(tmp_path))
    assert line.status == FAIL and line.text.startswith('data_batch_3.bin in ')
    assert 'Move' in line.remedy and '--data-dir' in line.remedy


def test_data_that_is_incomplete(tmp_path, tiny_files):
    (data_helpers.write_files(tmp_path) / 'test_batch.bin').unlink()
    line = only(storage.check_data, str(tmp_path))
    assert line.status == FAIL and 'test_batch.bin is missing' in line.text


def test_the_folder_of_the_files_themselves(tmp_path, tiny_files):
    line = only(storage.check_data, str(data_helpers.write_files(tmp_path)))
    assert line.status == FAIL and 'Give its parent' in line.text


def test_the_real_data(real_data_dir):
    assert only(storage.check_data, real_data_dir).status == OK


# Disks and permissions


@pytest.mark.parametrize('free, data, model', [
    (500, OK, OK), (300, FAIL, OK), (50, FAIL, WARN), (8, FAIL, FAIL)])
def test_room(tmp_path, monkeypatch, free, data, model):
    class Usage:
        free = 0

    Usage.free = free * 1000 * 1000
    monkeypatch.setattr(storage.shutil, 'disk_usage', lambda path: Usage)
    lines = report.run_check('Disk', storage.check_disks, str(tmp_path),
                             str(tmp_path / 'a' / 'b'))
    assert [line.status for line in lines] == [data, model]
    assert ('--data-dir' in lines[0].remedy, '--model-dir' in lines[1].remedy
            ) == (data != OK, model != OK)


def test_room_beside_checkpoints(tmp_path, monkeypatch):
    """Five that are there take no more; the data is there too."""
    (tmp_path / cifar10.FOLDER).mkdir()
    (tmp_path / cifar10.FOLDER / 'x').write_bytes(b'x')
    for step in range(5):
        with open(str(tmp_path / f'model.ckpt-{step}.data'), 'wb') as file:
            file.truncate(9 * 1000 * 1000)

    class Usage:
        free = 10 * 1000 * 1000

    monkeypatch.setattr(storage.shutil, 'disk_usage', lambda path: Usage)
    assert only(storage.check_disks, str(tmp_path), str(tmp_path)).status == OK


def test_writing(tmp_path):
    lines = report.run_check('Writing', storage.check_permissions,
                             str(tmp_path / 'data'), str(tmp_path / 'm' / 'n'))
    assert [line.status for line in lines] == [OK, OK]
    assert list(tmp_path.iterdir()) == []
    (tmp_path / 'file').write_bytes(b'')
    line = report.run_check('Writing', storage.check_permissions, str(tmp_path),
                            str(tmp_path / 'file' / 'model'))[-1]
    assert line.status == FAIL and '--model-dir' in line.remedy


@pytest.fixture
def small_disk(tmp_path):
    """A tmpfs of 1 MB; skips where none can be had."""
    folder = tmp_path / 'small'
    folder.mkdir()
    mounted = subprocess.run(['mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs',
                              str(folder)], stderr=subprocess.PIPE)
    if mounted.returncode:
        pytest.skip('cannot mount a tmpfs here: ' + mounted.stderr.decode())
    yield folder
    subprocess.run(['umount', str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk(small_disk):
    with open(str(small_disk / 'full'), 'wb', buffering=0) as file:
        with pytest.raises(OSError):
            while file.write(bytes(4096)):
                pass
    result = run('--data-dir', str(small_disk), '--model-dir',
                 str(small_disk / 'model'))
    assert result.returncode == 4 and result.stderr == ''
    for what in ('data', 'model'):
        assert re.search(rf'^FAIL +Disk +0 MB free for the {what} in ',
                         result.stdout, re.MULTILINE), result.stdout
        assert f'--{what}-dir' in result.stdout
    # Room and permission are two things.
    assert not re.search('^FAIL +Writing', result.stdout, re.MULTILINE)


@pytest.mark.slow
def test_a_read_only_disk(small_disk):
    subprocess.run(['mount', '-o', 'remount,ro', str(small_disk)], check=True)
    result = run('--data-dir', str(small_disk), '--model-dir',
                 str(small_disk / 'model'), '--json')
    assert result.returncode == 4
    wrong = [line for line in json.loads(result.stdout)['lines']
             if line['subject'] == 'Writing']
    assert [line['status'] for line in wrong] == [FAIL, FAIL]
    assert 'Read-only file system' in wrong[0]['text']


# Cores


def test_threads_are_the_process_s(monkeypatch):
    if not hasattr(os, 'sched_setaffinity'):
        pytest.skip('needs sched_setaffinity')
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        assert only(resources.check_threads).text.startswith('1 cores')
    finally:
        os.sched_setaffinity(0, before)


# Software


def test_no_tensorflow(monkeypatch):
    monkeypatch.setattr(description, 'find_tensorflow', lambda: (None, None))
    line = only(software.check_tensorflow)
    assert line.status == FAIL and 'make setup' in line.remedy


@pytest.mark.parametrize('code, words', [
    ('import os, signal; os.kill(os.getpid(), signal.SIGILL)', 'AVX'),
    ('import sys; sys.exit("The TensorFlow library was compiled to use AVX '
     'instructions, but these aren\'t available")', 'AVX'),
    ('raise ImportError("libx")', 'make setup'),
    ('import time; time.sleep(60)', 'disk')])
def test_a_tensorflow_that_does_not_load(monkeypatch, code, words):
    monkeypatch.setattr(software, '_IMPORT', code)
    limit = 0.3 if 'sleep' in code else 60.0
    line = only(software.check_tensorflow, limit)
    assert line.status == FAIL and words in line.remedy
    if 'libx' in code:
        assert line.text.endswith('ImportError: libx')


@pytest.mark.parametrize('numpy, tensorflow, status', [
    ('1.18.5', '1.15.0', OK), ('1.21.6', '1.15.0', OK),
    ('1.24.0', '1.15.0', FAIL), ('2.2.6', '2.21.0', OK), (None, '2.21.0', FAIL)])
def test_packages(monkeypatch, numpy, tensorflow, status):
    monkeypatch.setattr(description, 'find_tensorflow',
                        lambda: ('tensorflow', tensorflow))
    monkeypatch.setattr(description, 'find_version', lambda name: (
        numpy if name == 'numpy' else None if name == 'h5py' else '0.1'))
    line = only(software.check_packages)
    assert line.status == status
    assert status == OK or 'numpy' in line.text


@pytest.mark.parametrize('tensorflow, version, status', [
    ('1.15.0', (3, 7), OK), ('1.15.0', (3, 8), WARN), (None, (3, 9), FAIL),
    (None, (3, 6), OK), ('2.21.0', (3, 13), OK), ('2.21.0', (3, 14), WARN)])
def test_pythons(monkeypatch, tensorflow, version, status):
    class System:
        version_info = version + (0,)

    monkeypatch.setattr(software, 'sys', System)
    monkeypatch.setattr(description, 'find_tensorflow',
                        lambda: ('tensorflow', tensorflow))
    assert only(software.check_python).status == status


@pytest.mark.parametrize('flags, status', [
    ('sse2 avx avx2', OK), ('sse2', FAIL), ('', OK)])
def test_processors(monkeypatch, flags, status):
    from cifar10_tf1.machine import description
    monkeypatch.setattr(description, 'find_cpu', lambda: {
        'architecture': 'x86_64', 'name': 'A processor',
        'vector_flags': flags})
    assert only(software.check_processor).status == status


def test_a_bare_python():
    """Nothing is installed: a report with remedies, not a stack trace."""
    result = subprocess.run(
        [sys.executable, '-S', '-m', 'cifar10_tf1.doctor'], cwd=ROOT,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        env={name: value for name, value in os.environ.items()
             if name != 'PYTHONPATH'})
    assert result.returncode == 4 and result.stderr == ''
    assert re.search('^FAIL +TensorFlow +is not installed', result.stdout,
                     re.MULTILINE)
    assert 'make setup' in result.stdout and 'broke' not in result.stdout


def test_mnist(tmp_path, real_mnist_dir):
    """Named where it is missing, damaged or whole."""
    line = only(storage.check_data, str(tmp_path), 'lenet5')
    assert line.status == WARN and 'train-images' in line.text
    (tmp_path / 't10k-labels-idx1-ubyte').write_bytes(b'damaged')
    line = only(storage.check_data, str(tmp_path), 'lenet5')
    assert line.status == FAIL and line.text.startswith('t10k-labels')
    line = only(storage.check_data, real_mnist_dir, 'lenet5')
    assert line.status == OK and 'all four files' in line.text
