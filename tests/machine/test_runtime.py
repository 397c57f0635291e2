"""The environment that TensorFlow loads in, and what its import prints."""

import os
import subprocess
import sys

import pytest

from cifar10_tf1.machine import overrides
from cifar10_tf1.machine.cuda import support
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
AVX2 = 'avx avx2 f16c fma sse sse2'
AVX512 = AVX2 + ' avx512bw avx512dq avx512f avx512vl'
IS_TF1 = support.find_support() is support.TENSORFLOW_1


def run(program, **variables):
    return subprocess.run(
        [sys.executable, '-c', program], cwd=ROOT, env=dict(os.environ, **variables),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True)


def test_memory_is_kept_from_step_to_step():
    assert int(run(COUNT_PAGES).stdout) < 100


@pytest.mark.parametrize('flags, arguments, rewrites', [
    (AVX512, ('fast',), '1'), (AVX512, ('stock',), '0'), (AVX512, ('stock', True), '1'),
    (AVX2 + ' avx512f', ('fast',), '0'), ('asimd sve', ('fast',), '0')])
def test_the_vector_flags_decide_about_rewrites(flags, arguments, rewrites):
    """No timing decides: equal machines must compute the same bits."""
    result = run(f'''
import os
from cifar10_tf1.machine import description, runtime
description.find_cpu = lambda: {{'vector_flags': {flags!r}}}
runtime.prepare_environment(*{arguments!r})
print(os.environ['TF_ENABLE_ONEDNN_OPTS'])
''', TF_ENABLE_ONEDNN_OPTS='1' if rewrites == '0' else '0')
    assert result.stdout == rewrites + '\n'


SHOW_VARIABLES = '''
import os
from cifar10_tf1.machine import runtime
runtime.prepare_environment()
print(' '.join(name for name in sorted(os.environ)))
'''


def test_variables_that_change_the_numbers_are_removed_in_one_line():
    names = [pattern.replace('*', 'X') for pattern in overrides.SET_ASIDE]
    kept = {'TF_CPP_MIN_LOG_LEVEL': '1',
            'TF_FORCE_GPU_ALLOW_GROWTH': 'true', 'TF_GPU_THREAD_MODE': 'gpu_private'}
    result = run(SHOW_VARIABLES, **dict.fromkeys(names, '1'), **kept)
    found = set(result.stdout.split())
    assert found.isdisjoint(names) and found.issuperset(kept)
    assert found.issuperset(overrides.OURS)
    assert result.stderr.startswith('warning: ') and result.stderr.count('\n') == 1
    for name in names:
        assert name in result.stderr
    assert not set(kept) & set(result.stderr.replace(',', '').split())
    # A program that another one starts warns of nothing.
    assert run(SHOW_VARIABLES, **overrides.OURS).stderr == ''


@pytest.mark.parametrize('gpu, level, shown', [
    (None, '', '-1 3'), ('GPU-1', '', 'GPU-1 2'), (None, '0', '-1 0')])
def test_tensorflow_sees_the_selected_device_only(gpu, level, shown):
    result = run(f'''
import os
from cifar10_tf1.machine import runtime
if not {level!r}:
    del os.environ['TF_CPP_MIN_LOG_LEVEL']
runtime.prepare_environment(gpu={gpu!r})
print(os.environ['CUDA_VISIBLE_DEVICES'], os.environ['TF_CPP_MIN_LOG_LEVEL'])
''', CUDA_VISIBLE_DEVICES='0,1', TF_CPP_MIN_LOG_LEVEL=level)
    assert result.stdout == shown + '\n'


XLA = {'TF_XLA_FLAGS': '--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit'}


@pytest.mark.skipif(IS_TF1, reason='1.15 has no XLA for the CPU in its wheel')
def test_xla_does_not_change_a_sum():
    """Fused ops round differently: 8,245 correct images instead of 8,206."""
    program = '''
from cifar10_tf1.machine import runtime
runtime.prepare_environment()
tf = runtime.load_tensorflow()
import numpy as np
images = tf.placeholder(tf.float32, [64, 64])
net = images
for unused_layer in range(8):
    net = tf.exp(tf.reduce_mean(tf.tanh(net * 1.1 + 0.3), 1, keepdims=True) * images)
values = np.random.RandomState(1).uniform(-1, 1, [64, 64]).astype(np.float32)
with tf.Session() as session:
    for unused_time in range(3):
        result = session.run(net, {images: values})
import hashlib
print(hashlib.sha256(result.tobytes()).hexdigest())
'''
    assert run(program, **XLA).stdout == run(program).stdout != ''


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
