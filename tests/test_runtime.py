"""What is set before TensorFlow loads."""

import os
import subprocess
import sys

import pytest

from cifar10_tf1.machine import description

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
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


def test_memory_is_kept_from_step_to_step():
    output = subprocess.run([sys.executable, '-c', COUNT_PAGES], cwd=ROOT,
                            stdout=subprocess.PIPE, check=True).stdout
    assert int(output) < 100


AVX2 = 'avx avx2 f16c fma sse sse2'
AVX512 = AVX2 + ' avx512bw avx512dq avx512f avx512vl'


@pytest.mark.parametrize('flags, arguments, rewrites', [
    (AVX512, ('fast',), '1'), (AVX512, ('stock',), '0'), (AVX2, ('fast',), '0'),
    (AVX2, ('stock',), '0'), (AVX2 + ' avx512f', ('fast',), '0'),
    ('asimd sve', ('fast',), '0'), (AVX512, ('stock', True), '1'),
    (AVX2, ('stock', True), '0')])
def test_the_vector_flags_decide_about_rewrites(flags, arguments, rewrites):
    """Not a timing: the same kind of machine computes in the same way."""
    assert description.has_avx512({'vector_flags': flags}) == (flags == AVX512)
    program = f'''
import os
from cifar10_tf1.machine import description, runtime
description.find_cpu = lambda: {{'vector_flags': {flags!r}}}
os.environ['TF_ENABLE_ONEDNN_OPTS'] = 'what a user has set'
runtime.prepare_environment(*{arguments!r})
print(os.environ['TF_ENABLE_ONEDNN_OPTS'])
'''
    output = subprocess.run([sys.executable, '-c', program], cwd=ROOT,
                            stdout=subprocess.PIPE, check=True,
                            universal_newlines=True).stdout
    assert output == rewrites + '\n'
