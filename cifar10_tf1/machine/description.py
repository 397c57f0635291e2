"""Describes the kind of machine; a seed gives the same bits on machines of one kind.

A kind is the TensorFlow wheel, the kernels, the device, the number of threads, and
the processor with its vector extensions and caches, because they decide how Eigen
blocks its sums. Records are published, so it names no host, user or folder.
"""

import contextlib
import csv
import hashlib
import os
import platform
import re
import subprocess
from typing import NamedTuple

from cifar10_tf1.machine.resources import read_text

try:
    from importlib import metadata
except ImportError:  # Python 3.6 and 3.7
    try:
        import importlib_metadata as metadata
    except Exception:  # missing, or another Python's; the doctor must still run
        metadata = None

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

# glibc's sysconf numbers, for which Python has no names. glibc asks the processor, so
# a container gets the sizes that Eigen sees.
_SYSCONF_CACHES = {'L1d': 188, 'L2': 191, 'L3': 194}

_VECTOR_FLAG = re.compile(r'^(sse|ssse|avx|fma|f16c|amx|asimd|sve)')


class Threads(NamedTuple):
    intra_op: int  # within one op
    inter_op: int  # ops at the same time
    input: int     # images prepared in parallel; does not affect the bits


def describe_platform(device, kernels, threads, gpu=None):
    """The kind of machine, a dict for JSON; `gpu` is from devices.find_gpu."""
    name, version, digest = find_wheel()
    return {
        'wheel': f'{name} {version}', 'wheel_sha256': digest,
        'device': device, 'kernels': kernels,
        'onednn_rewrites': os.environ.get('TF_ENABLE_ONEDNN_OPTS') == '1'
        and not (version or '').startswith('1.'),
        # inter_op does not affect the bits.
        'intra_op_threads': threads.intra_op,
        'cpu': find_cpu(), 'gpu': gpu,
    }


def name_machine(kind):
    """A kind's card or, without one, processor: 'AMD EPYC, family 25, model 17'."""
    cpu = kind['cpu']  # different processors share a name
    return (kind.get('gpu') or {}).get('card') or f'{cpu["name"]}' + ''.join(
        f', {part} {cpu[part]}' for part in ('family', 'model') if cpu.get(part))


def list_differences(kind_a, kind_b):
    """Lists how kind_b differs from kind_a: ['intra_op_threads: 2, not 4', ...]."""
    a, b = _flatten(kind_a), _flatten(kind_b)
    return [f'{name}: {b.get(name)}, not {a.get(name)}'
            for name in sorted(set(a) | set(b)) if a.get(name) != b.get(name)]


def _flatten(kind):
    """{'cpu': {'name': x}} becomes {'cpu name': x}."""
    flat = {}
    for name, value in kind.items():
        for part, item in (value if isinstance(value, dict) else {'': value}).items():
            flat[f'{name} {part}'.strip()] = item
    return flat


def find_version(package):
    """The version of an installed package, or None."""
    try:
        return metadata and metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def find_tensorflow():
    """(name, version) of the installed package, or (None, None)."""
    for name in ('tensorflow-gpu', 'tensorflow', 'tensorflow-cpu'):
        version = find_version(name)
        if version:
            return name, version
    return None, None


def find_wheel():
    """The installed TensorFlow: (name, version, digest), each a str or None.

    The digest covers the wheel's RECORD, except for files that installers add.
    """
    name, version = find_tensorflow()
    if name is None:
        return 'tensorflow', None, None
    # metadata.files would take a third of a second for TensorFlow 2.
    record = csv.reader((metadata.distribution(name).read_text('RECORD') or '').splitlines())
    files = sorted(
        f'{path},{digest.partition("=")[2]}' for path, digest, unused_size in record
        if digest and path.startswith('tensorflow')
        and '.dist-info/' not in path and not path.endswith('.pyc'))
    digest = hashlib.sha256('\n'.join(files).encode('utf-8')).hexdigest()
    return name, version, digest if files else None


def find_cpu():
    """The processor: vendor, family, model, stepping, vector flags, caches in bytes."""
    fields = {}
    for line in read_text('/proc/cpuinfo').split('\n\n')[0].splitlines():
        name, unused_colon, value = line.partition(':')
        fields[name.strip()] = value.strip()
    flags = fields.get('flags', fields.get('Features', '')).split()
    return {
        'architecture': platform.machine(),
        'vendor': fields.get('vendor_id'), 'family': fields.get('cpu family'),
        'model': fields.get('model'), 'stepping': fields.get('stepping'),
        'name': fields.get('model name'),
        'vector_flags': ' '.join(sorted(filter(_VECTOR_FLAG.match, flags))),
        'caches': ' '.join(f'{name}={_find_cache(number)}'
                           for name, number in _SYSCONF_CACHES.items()),
    }


def _find_cache(number):
    with contextlib.suppress(OSError, ValueError):
        return os.sysconf(number) if platform.libc_ver()[0] else None


def has_vector_flags(required):
    """Whether the processor has all of a set of extensions, as /proc/cpuinfo calls them."""
    return required <= set(find_cpu()['vector_flags'].split())


def lacks_avx():
    """Whether the processor is known to lack AVX, which TensorFlow's wheels need."""
    cpu = find_cpu()
    flags = cpu['vector_flags'].split()
    return (cpu['architecture'] in ('x86_64', 'AMD64') and bool(flags) and 'avx' not in flags)


def find_versions():
    """Other versions, for readers of a record; not part of the kind."""
    return {'python': platform.python_version(), 'system': platform.system(),
            'kernel': platform.release(), 'libc': ' '.join(platform.libc_ver()),
            'numpy': find_version('numpy'), 'protobuf': find_version('protobuf')}


def find_commit():
    """This program's (commit, whether tracked files are unchanged), None if unknown."""
    # An image has no git history, so `make image` passes git's description on.
    described, is_clean = os.environ.get('CIFAR_TF1_COMMIT', ''), None
    # A copy inside another repository must not take that one's commit.
    if os.path.exists(os.path.join(_ROOT, '.git')):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            described = subprocess.check_output(
                ['git', '-C', _ROOT, 'describe', '--always', '--abbrev=40', '--dirty',
                 '--match=NO_TAG'], stderr=subprocess.DEVNULL, timeout=30,
                universal_newlines=True).strip()
            is_clean = True
    commit, dirty, unused_rest = described.partition('-dirty')
    if commit in ('', 'unknown'):
        return None, None
    return commit, False if dirty else is_clean


def format_commit(commit, clean):
    """A commit as printed, such as '1a2b, with changes'."""
    if commit is None:
        return 'unknown'
    notes = {True: '', False: ', with changes', None: ', as the image says'}
    return commit + notes[clean]
