"""The doctor: correct verdicts, and a report whatever is broken."""

import json
import os
import re
from types import SimpleNamespace

import pytest

import data_helpers
import runs
from cards import RTX_2080, RTX_3090
from cifar10_tf1 import doctor, systems
from cifar10_tf1.data import cifar10
from cifar10_tf1.doctor import FAIL, OK, WARN
from cifar10_tf1.machine import description, resources
from cifar10_tf1.machine.cuda import support as supports, driver as drivers
from cifar10_tf1.machine.cuda.driver import Driver

DEEP_CNN = systems.find('deep_cnn')


def check(function, *arguments):
    return list(doctor.run_check('Check', function, *arguments))


def run(*options, **environment):
    """(exit status, {subject: its last status}, report) of a process."""
    status, output, error = runs.run_python(*options, **environment)
    assert error == ''
    found = re.findall(r'^(OK|WARN|FAIL) +(\w+)', output, re.MULTILINE)
    return status, dict(map(reversed, found)), output


def test_the_whole_report(tmp_path):
    status, statuses, unused_text = run(
        '-m', 'cifar10_tf1.doctor', '--data-dir', str(tmp_path), '--model-dir',
        str(tmp_path / 'model'), '--device', 'cpu')
    assert status == 3 and 'FAIL' not in statuses.values()
    assert set(statuses) == {'Python', 'TensorFlow', 'Processor', 'GPU', 'Data', 'Disk', 'Memory'}
    assert statuses['Data'] == 'WARN' and statuses['TensorFlow'] == 'OK'
    assert list(tmp_path.iterdir()) == []


def test_a_bare_python():
    """With nothing installed, the report names remedies; there is no stack trace."""
    status, statuses, text = run('-S', '-m', 'cifar10_tf1.doctor', PYTHONPATH='')
    assert (status, statuses['TensorFlow']) == (4, 'FAIL')
    assert 'make setup' in text


def test_packages_of_another_python(tmp_path):
    """The report names PYTHONPATH, whatever those packages do."""
    for name in ('numpy', 'tensorflow', 'importlib_metadata', 'requests'):
        (tmp_path / name).mkdir()
        (tmp_path / name / '__init__.py').write_text('def f(a, /, b): pass\n}')
    status, statuses, text = run('-m', 'cifar10_tf1.doctor', PYTHONPATH=str(tmp_path))
    assert (status, statuses['TensorFlow']) == (4, 'FAIL')
    assert '-> unset PYTHONPATH' in text


@pytest.mark.parametrize('worst, status', [(OK, 0), (WARN, 3), (FAIL, 4)])
def test_exit_status_and_json(monkeypatch, capsys, worst, status):
    made = [doctor.Line(OK, 'A', 'x'), doctor.Line(worst, 'B', 'y', 'z')]
    monkeypatch.setattr(doctor, 'list_lines', lambda options: made)
    assert doctor.main([]) == status
    assert ('-> z' in capsys.readouterr().out) == (worst != OK)
    assert doctor.main(['--json']) == status
    content = json.loads(capsys.readouterr().out)
    assert content['verdict'] == worst
    assert content['lines'][1] == {'status': worst, 'subject': 'B', 'text': 'y', 'remedy': 'z'}


def test_a_check_that_breaks():
    def break_down():
        yield OK, 'before'
        raise ZeroDivisionError('oh')

    before, line = check(break_down)
    assert before.text == 'before'
    assert line.status == FAIL and 'ZeroDivisionError: oh' in line.text


@pytest.mark.parametrize('code, words', [
    ('import os; os.kill(os.getpid(), 4)', 'exit status -4'),
    ('raise ImportError("libx")', 'ImportError: libx')])
def test_a_tensorflow_that_does_not_load(monkeypatch, code, words):
    monkeypatch.setattr(doctor, '_IMPORT', code)
    line, = check(doctor.check_tensorflow)
    assert line.status == FAIL and words in line.text and 'make setup' in line.remedy


@pytest.mark.parametrize('tensorflow, version, status', [
    ('1.15.0', (3, 7), OK), ('1.15.0', (3, 8), WARN), (None, (3, 9), FAIL),
    (None, (3, 6), OK), ('2.21.0', (3, 13), OK), ('2.21.0', (3, 14), WARN)])
def test_pythons(monkeypatch, tensorflow, version, status):
    monkeypatch.setattr(doctor, 'sys', SimpleNamespace(version_info=version + (0,)))
    monkeypatch.setattr(description, 'find_tensorflow', lambda: ('tensorflow', tensorflow))
    assert check(doctor.check_python)[0].status == status


@pytest.mark.parametrize('flags, status', [('sse2 avx avx2', OK), ('sse2', FAIL), ('', OK)])
def test_processors(monkeypatch, flags, status):
    monkeypatch.setattr(description, 'find_cpu', lambda: {
        'architecture': 'x86_64', 'name': 'A processor', 'vector_flags': flags})
    monkeypatch.setattr(resources, 'count_cores', lambda: 1)
    line, = check(doctor.check_processor)
    assert line.status == status and '; 1 core usable' in line.text


@pytest.mark.parametrize('driver, num_gpus, statuses, words', [
    (Driver(), 1, {'auto': [OK], 'gpu': [FAIL]}, 'no NVIDIA driver here'),
    (Driver(problem='it fails (999)', is_broken=True), 1, {'auto': [WARN], 'gpu': [FAIL]},
     'it fails (999)'),
    (Driver((RTX_3090, RTX_2080), 12020), 1, {'auto': [OK], 'gpu': [OK]},
     'RTX 2080, compute capability 7.5: supported by TensorFlow 1.15'),
    (Driver((RTX_3090,), 12020), 1, {'auto': [FAIL], 'gpu': [FAIL]}, 'docker/Dockerfile.tf2'),
    (Driver((RTX_2080,), 12020), 0, {'auto': [OK, WARN], 'gpu': [OK, FAIL]}, 'CUDA or cuDNN')])
def test_cards(monkeypatch, driver, num_gpus, statuses, words):
    monkeypatch.delenv('CUDA_VISIBLE_DEVICES', raising=False)
    monkeypatch.setattr(drivers, 'ask', lambda: driver)
    monkeypatch.setattr(supports, 'find_support', lambda: supports.TENSORFLOW_1)
    monkeypatch.setattr(doctor, '_LIST_GPUS', f'exit({num_gpus == 0:d})')
    for requested, expected in statuses.items():
        lines = check(doctor.check_gpu, requested)
        assert [line.status for line in lines] == expected
        assert words in str(lines)
        assert 'CUDA_VISIBLE_DEVICES' not in os.environ


def test_data(tmp_path, monkeypatch):
    monkeypatch.setattr(cifar10, 'VERSIONS', [data_helpers.BINARY])
    line, = check(doctor.check_data, str(tmp_path), DEEP_CNN)
    assert line.status == WARN and '--synthetic' in line.remedy
    folder = data_helpers.write_files(tmp_path)
    assert check(doctor.check_data, str(tmp_path), DEEP_CNN)[0].status == OK
    (folder / 'data_batch_3.bin').write_bytes(b'')
    line, = check(doctor.check_data, str(tmp_path), DEEP_CNN)
    assert line.status == FAIL and 'data_batch_3.bin is damaged' in line.text
    assert '--data-dir' in line.text


@pytest.mark.parametrize('free, data, model', [
    (500, OK, OK), (300, FAIL, OK), (50, FAIL, WARN), (8, FAIL, FAIL)])
def test_room(tmp_path, monkeypatch, free, data, model):
    monkeypatch.setattr(doctor.shutil, 'disk_usage',
                        lambda path: SimpleNamespace(free=free * 10 ** 6))
    lines = check(doctor.check_folders, str(tmp_path), str(tmp_path / 'a' / 'b'), DEEP_CNN)
    assert [line.status for line in lines] == [data, model]
    assert '--data-dir' in lines[0].remedy and '--model-dir' in lines[1].remedy
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_model_folder(tmp_path):
    (tmp_path / 'file').write_bytes(b'')
    line = check(doctor.check_folders, str(tmp_path), str(tmp_path / 'file' / 'model'),
                 DEEP_CNN)[-1]
    assert line.status == FAIL and '--model-dir' in line.remedy


@pytest.mark.parametrize('usable, status', [(6 * 10 ** 9, OK), (500 * 10 ** 6, FAIL)])
def test_the_memory_of_a_container(monkeypatch, usable, status):
    monkeypatch.setattr(resources, 'find_memory', lambda: resources.Memory(8 * 10 ** 9, usable))
    assert check(doctor.check_memory, DEEP_CNN)[0].status == status
