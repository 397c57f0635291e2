"""Python, TensorFlow and the packages, the processor, the program itself."""

import os
import platform
import re
import signal
import subprocess
import sys
import time

from cifar10_tf1.machine import description
from cifar10_tf1.doctor.lines import FAIL
from cifar10_tf1.doctor.lines import Line
from cifar10_tf1.doctor.lines import OK
from cifar10_tf1.doctor.lines import WARN

_SETUP = 'make setup (or make setup RUNTIME=tf2) makes the environment'
_TRIED = ('1.15.0', '2.21.0')
_PYTHONS = {'1': ((3, 6), (3, 7)), '2': ((3, 10), (3, 13))}  # first, last

# Package, the version from which on it does not work, of which TensorFlow.
_PACKAGES = (
    # 1.21.6, the last for Python 3.7, gives the same weights as 1.18.5.
    ('numpy', (1, 22), '1'),
    ('protobuf', (3, 21), '1'),  # 1.15's generated code can't be imported
    ('h5py', (3,), '1'),        # strings of another type
    ('urllib3', None, ''), ('requests', None, ''), ('certifi', None, ''),
    ('tqdm', None, ''))

_IMPORT = ('import tensorflow; '
           'print("\\n" + tensorflow.version.VERSION, flush=True)')


def check_program():
    """The commit of the program, where it can be known."""
    commit, clean = description.find_commit()
    yield Line(OK, 'Program', 'commit '
               + description.format_commit(commit and commit[:12], clean))


def check_python():
    """Whether TensorFlow's Pythons include this one."""
    version = sys.version_info[:2]
    text = (f'{platform.python_version()} on {platform.system()} '
            f'{platform.release()}, {platform.machine()}, '
            f'{" ".join(platform.libc_ver()) or "libc unknown"}')
    major = description.find_tensorflow()[1]
    majors = [major[0]] if major else sorted(_PYTHONS)
    if any(_PYTHONS[m][0] <= version <= _PYTHONS[m][1] for m in majors
           if m in _PYTHONS):
        yield Line(OK, 'Python', text)
        return
    yield Line(FAIL if not major else WARN, 'Python', text,
               'TensorFlow 1.15 has Python 3.6 and 3.7, TensorFlow 2 is locked '
               f'for 3.10 to 3.13; {_SETUP}')


def check_tensorflow(limit=180.0):
    """Imports TensorFlow in a child, which an illegal instruction may end."""
    name, version = description.find_tensorflow()
    if version is None:
        yield Line(FAIL, 'TensorFlow', 'is not installed for this Python',
                   f'{_SETUP}; run this with the Python in it')
        return
    start = time.perf_counter()
    try:
        child = subprocess.run(
            [sys.executable, '-c', _IMPORT], timeout=limit,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, universal_newlines=True,
            env=dict(os.environ, CUDA_VISIBLE_DEVICES='-1',
                     TF_CPP_MIN_LOG_LEVEL='2'))
    except subprocess.TimeoutExpired:
        yield Line(FAIL, 'TensorFlow', f'{name} {version} does not load within '
                   f'{limit:g} s', 'look at the disk that it lies on')
        return
    seconds = time.perf_counter() - start
    if child.returncode:
        yield _explain_failure(f'{name} {version}', child)
    elif version not in _TRIED:
        yield Line(WARN, 'TensorFlow', f'{name} {version} loads, and was not '
                   'tried', f'tried were {" and ".join(_TRIED)}; {_SETUP}')
    else:
        yield Line(OK, 'TensorFlow',
                   f'{name} {version}, loads in {seconds:.1f} s')


def _explain_failure(name, child):
    if child.returncode == -signal.SIGILL or 'was compiled to use' in (
            child.stderr):
        return Line(FAIL, 'TensorFlow', f'{name} does not load: illegal '
                    'instruction', 'its wheels need a processor with AVX: use '
                    'another machine (a virtual one must pass its host\'s AVX '
                    'on)')
    said = (child.stderr.strip().splitlines() or ['nothing'])[-1]
    return Line(FAIL, 'TensorFlow', f'{name} does not load (exit status '
                f'{child.returncode}): {said}', f'{_SETUP}, anew where .venv is '
                'removed first')


def check_packages():
    """The other packages, and the versions that 1.15 does not work with."""
    tensorflow = description.find_tensorflow()[1] or ''
    found, missing, wrong = [], [], []
    for name, too_new, major in _PACKAGES:
        applies = too_new and tensorflow.startswith(major)
        version = description.find_version(name)
        if version is None:
            if name != 'h5py':  # which only Keras needs
                missing.append(name)
            continue
        found.append(f'{name} {version}')
        numbers = tuple(map(int, re.findall(r'\d+', version)))
        if applies and numbers >= too_new:
            wrong.append(f'{name} {version} is too new for TensorFlow '
                         f'{tensorflow} (below '
                         f'{".".join(map(str, too_new))} is needed)')
    if missing:
        wrong.append(f'{", ".join(missing)} missing')
    yield (Line(FAIL, 'Packages', '; '.join(wrong), _SETUP) if wrong else
           Line(OK, 'Packages', ', '.join(found)))


def check_processor():
    """AVX, which the wheels for x86-64 are compiled with."""
    cpu = description.find_cpu()
    name = cpu['name'] or cpu['architecture']
    if cpu['architecture'] in ('x86_64', 'AMD64'):
        flags = cpu['vector_flags'].split()
        if flags and 'avx' not in flags:
            yield Line(FAIL, 'Processor', f'{name}, no AVX', 'TensorFlow\'s '
                       'wheels need it: use another machine (a virtual one '
                       'must pass its host\'s AVX on)')
            return
        newest = [flag for flag in ('avx', 'avx2', 'avx512f') if flag in flags]
        yield Line(OK, 'Processor', ', '.join([name] + newest[-1:]))
    elif (description.find_tensorflow()[1] or '').startswith('1.'):
        yield Line(WARN, 'Processor', name, 'TensorFlow 1.15 exists for x86-64 '
                   'only: make setup RUNTIME=tf2')
    else:
        yield Line(OK, 'Processor', name)
