"""What is set before TensorFlow loads."""

import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
# Prints how many pages a second round of activations has to ask the system for.
COUNT_PAGES = '''
import ctypes, resource
from cifar10_tf1 import runtime
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
