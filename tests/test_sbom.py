"""tools/write_sbom.py: what is in a list of packages, and that it is repeatable."""

import json
import os
import subprocess
import sys

import pytest

from test_locks import read_lock

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tools'))

import write_sbom  # noqa: E402

TOOL = os.path.join(ROOT, '.venv-sbom', 'bin', 'python')
needs_tool = pytest.mark.skipif(not os.path.exists(TOOL), reason='make sbom makes .venv-sbom')
ALL = ['pictures', 'onnx']


def join(runtime, python, extras=()):
    """{name: (version, [hash, ...])} of the joined lines."""
    packages = {}
    for line in write_sbom.join_locks(
            write_sbom.list_locks(runtime, python, extras), python, 'x86_64'):
        requirement, *hashes = line.split(' --hash=')
        name, version = requirement.split('==')
        name = name.split('[')[0]
        assert name not in packages
        packages[name] = (version, hashes)
    return packages


@pytest.mark.parametrize('python', ['3.6', '3.7'])
def test_an_environment_of_tensorflow_1_is_its_locks(python):
    tag = 'py' + python.replace('.', '')
    expected = {**read_lock(f'build-{tag}.txt'), **read_lock(f'{tag}.txt')}
    assert join('tf1', python) == expected
    for extra in ALL:
        expected.update(read_lock(f'{extra}-{tag}.txt'))
    assert join('tf1', python, ALL) == expected


@pytest.mark.parametrize('runtime', ['tf2', 'tf2-cuda'])
def test_what_is_for_another_python_or_system_is_left_out(runtime):
    newer, older = join(runtime, '3.12', ALL), join(runtime, '3.10', ALL)
    assert set(older) - set(newer) == {'exceptiongroup', 'tomli'}
    assert {'colorama', 'pyreadline3'}.isdisjoint(older)
    assert older['ml-dtypes'] == read_lock('tf2.txt')['ml-dtypes']
    assert ('nvidia-cudnn-cu12' in newer) == (runtime == 'tf2-cuda')
    assert {'tensorflow', 'pip', 'pillow', 'onnx'} <= set(newer)


def test_locks_that_disagree_are_no_list(tmp_path, monkeypatch):
    for name, version in (('a.txt', 1), ('b.txt', 2)):
        (tmp_path / name).write_text(f'six=={version} \\\n    --hash=sha256:00\n    # via x\n')
    monkeypatch.setattr(write_sbom, 'REQUIREMENTS', str(tmp_path))
    assert write_sbom.join_locks(['a.txt', 'a.txt'], '3.12', 'x86_64') == [
        'six==1 --hash=sha256:00']
    with pytest.raises(ValueError, match='b.txt has another six'):
        write_sbom.join_locks(['a.txt', 'b.txt'], '3.12', 'x86_64')


def write(path, *options, **environment):
    subprocess.run([TOOL, os.path.join(ROOT, 'tools', 'write_sbom.py'), '--output',
                    str(path)] + list(options), check=True, stdout=subprocess.DEVNULL,
                   env=dict(os.environ, **environment))
    return path.read_bytes()


@needs_tool
@pytest.mark.parametrize('runtime, python', [('tf1', '3.6'), ('tf2', '3.12'),
                                             ('tf2-cuda', '3.12')])
def test_the_same_locks_give_the_same_bytes(tmp_path, monkeypatch, runtime, python):
    monkeypatch.delenv('SOURCE_DATE_EPOCH', raising=False)
    options = '--runtime', runtime, '--extras', ' '.join(ALL)
    text = write(tmp_path / 'a', *options, PYTHONHASHSEED='1')
    assert write(tmp_path / 'b', *options, PYTHONHASHSEED='2') == text
    content = json.loads(text.decode())
    assert content['bomFormat'] == 'CycloneDX' and 'serialNumber' not in content
    assert 'timestamp' not in content['metadata']
    assert content['metadata']['component']['name'] == 'cifar-tf1'
    assert str(tmp_path) not in text.decode() and ROOT not in text.decode()
    expected = join(runtime, python, ALL)
    assert {part['name']: (part['version'], [
        word['content'] for word in part['externalReferences'][0]['hashes']])
        for part in content['components']} == {
            name: (version, [word.split(':')[1] for word in hashes])
            for name, (version, hashes) in expected.items()}


@needs_tool
def test_the_time_is_that_of_source_date_epoch(tmp_path):
    content = json.loads(write(tmp_path / 'a', SOURCE_DATE_EPOCH='0').decode())
    assert content['metadata']['timestamp'].startswith('1970-01-01T00:00:00')


@needs_tool
@pytest.mark.parametrize('options, words', [
    (('--python', '3.12'), 'tf1 has 3.6, 3.7'),
    (('--extras', 'pictures video'), 'give of pictures, onnx')])
def test_what_is_not_there_is_a_usage_error(options, words):
    process = subprocess.run((TOOL, os.path.join(ROOT, 'tools', 'write_sbom.py')) + options,
                             stderr=subprocess.PIPE, universal_newlines=True)
    assert process.returncode == 2 and words in process.stderr
