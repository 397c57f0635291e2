"""The environment that TensorFlow loads in, and what its import prints."""

import json
import os
import subprocess
import sys

import pytest

from cifar10_tf1.machine import overrides
from runs import ROOT

# Prints how many pages a second round of activations has to ask the system for.
COUNT_PAGES = '''
import ctypes, resource
from cifar10_tf1.machine import runtime
runtime.prepare_environment()
library = ctypes.CDLL(None)
library.malloc.restype = ctypes.c_void_p
size = 24 << 20
for unused_round in range(2):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [ctypes.c_void_p(library.malloc(size)) for unused in range(4)]
    for block in blocks:
        ctypes.memset(block, 1, size)
    for block in blocks:
        library.free(block)
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
'''
PREPARE = '''
import json, os
from cifar10_tf1.machine import description, runtime
description.find_cpu = lambda: {{'vector_flags': {!r}}}
runtime.prepare_environment(*{!r})
print(json.dumps(dict(os.environ)))
'''
LOAD = '''
from cifar10_tf1 import cli
from cifar10_tf1.machine import description, runtime
{}
def load():
    runtime.prepare_environment()
    runtime.load_tensorflow()
    return 0
raise SystemExit(cli.guard('program', load))
'''
AVX2 = 'avx avx2 f16c fma sse sse2'
AVX512 = AVX2 + ' avx512bw avx512dq avx512f avx512vl'


def run(program, **variables):
    environment = {**os.environ, **variables}
    return subprocess.run(
        [sys.executable, '-c', program], cwd=ROOT, universal_newlines=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={name: value for name, value in environment.items() if value is not None})


def prepare(*arguments, flags=AVX2, **variables):
    """The (environment, standard error) of a process after prepare_environment."""
    result = run(PREPARE.format(flags, arguments), **variables)
    return json.loads(result.stdout), result.stderr


def test_memory_is_kept_from_step_to_step():
    assert int(run(COUNT_PAGES).stdout) < 100


@pytest.mark.parametrize('flags, arguments, rewrites', [
    (AVX512, ('fast',), '1'), (AVX512, ('stock',), '0'), (AVX512, ('stock', True), '1'),
    (AVX2 + ' avx512f', ('fast',), '0'), ('asimd sve', ('fast',), '0')])
def test_the_vector_flags_decide_about_rewrites(flags, arguments, rewrites):
    """No timing decides: equal machines must compute the same bits."""
    environment, unused_error = prepare(
        *arguments, flags=flags, TF_ENABLE_ONEDNN_OPTS='1' if rewrites == '0' else '0')
    assert environment['TF_ENABLE_ONEDNN_OPTS'] == rewrites


def test_variables_that_change_the_numbers_are_removed_in_one_line():
    names = [pattern.replace('*', 'X') for pattern in overrides.SET_ASIDE]
    kept = {'TF_FORCE_GPU_ALLOW_GROWTH': 'true', 'TF_GPU_THREAD_MODE': 'gpu_private'}
    environment, error = prepare(**dict.fromkeys(names, '1'), **kept)
    assert set(environment).isdisjoint(names)
    assert set(environment.items()) >= set({**overrides.OURS, **kept}.items())
    assert error.startswith('warning: ') and error.count('\n') == 1
    assert set(names) <= set(error.replace(',', '').split())
    assert not set(kept) & set(error.replace(',', '').split())
    # A program that another one starts warns of nothing.
    assert prepare(**overrides.OURS)[1] == ''


@pytest.mark.parametrize('gpu, given, level', [
    (None, None, '3'), ('GPU-1', None, '2'), (None, '0', '0')])
def test_tensorflow_sees_the_selected_device_only(gpu, given, level):
    environment, unused_error = prepare(
        'stock', False, gpu, CUDA_VISIBLE_DEVICES='0,1', TF_CPP_MIN_LOG_LEVEL=given)
    assert environment['CUDA_VISIBLE_DEVICES'] == (gpu or '-1')
    assert environment['TF_CPP_MIN_LOG_LEVEL'] == level


def test_a_processor_without_avx_is_told_in_one_line():
    result = run(LOAD.format('description.find_cpu = lambda: {"architecture": '
                             '"x86_64", "vector_flags": "sse sse2"}'))
    assert result.returncode == 1 and result.stderr.count('\n') == 1
    assert 'AVX' in result.stderr and 'another machine' in result.stderr


def test_the_last_words_of_an_import_that_aborts_are_seen(tmp_path):
    (tmp_path / 'tensorflow.py').write_text(
        'import os\n'
        'os.write(2, b"I0000 a note\\nF tensorflow cannot go on\\n")\n'
        'os.abort()\n')
    result = run(LOAD.format(f'import sys; sys.path.insert(0, {str(tmp_path)!r})'))
    assert result.returncode < 0
    assert 'cannot go on' in result.stderr and 'a note' not in result.stderr


def test_nothing_is_printed_by_an_import_that_succeeds():
    result = run(LOAD.format(''))
    assert (result.returncode, result.stdout, result.stderr) == (0, '', '')
