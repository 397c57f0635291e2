"""Checks what the programs need: Python, TensorFlow, GPU, data, disk, memory.

    python -m cifar10_tf1.doctor --json > report.json

It runs on any Python 3.6 or newer with nothing installed, downloads nothing and leaves
nothing behind. Paste its output into bug reports. The worst line gives the exit status:
0 OK, 3 WARN (it will run), 4 FAIL (it will not).
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from typing import NamedTuple

from cifar10_tf1 import cli, systems
from cifar10_tf1.common import packages
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description, devices, resources, runtime
from cifar10_tf1.machine.cuda import driver as drivers, support as supports

OK, WARN, FAIL = 'OK', 'WARN', 'FAIL'
# The exit status and the last line; 1 and 2 mean that the doctor itself failed.
_VERDICTS = {OK: (0, 'Everything is fine'), WARN: (3, 'It will run; see WARN above'),
             FAIL: (4, 'It will not run; see FAIL above')}

_SETUP = 'run make setup (or make setup RUNTIME=tf2) to create the environment'
_TESTED = ('1.15.0', '2.21.0')
_PYTHONS = ((3, 6), (3, 7)), ((3, 10), (3, 13))  # first and last of each runtime
_IMPORT = 'import tensorflow, numpy, requests, tqdm'
_LIST_GPUS = ('import sys, tensorflow; '
              'sys.exit(not tensorflow.config.experimental.list_physical_devices("GPU"))')

_NUM_CHECKPOINTS = 6  # five kept, and one being saved


class Line(NamedTuple):
    status: str
    subject: str
    text: str
    remedy: str = ''  # printed unless the status is OK


def list_lines(options):
    """Runs all checks: list of Line."""
    entry = systems.find(options.system or systems.DEFAULT)
    data_dir = cli.find_data_dir(options, entry.name)
    model_dir = cli.find_model_dir(options)
    return [*run_check('Python', check_python),
            *run_check('TensorFlow', check_tensorflow),
            *run_check('Processor', check_processor),
            *run_check('GPU', check_gpu, options.device),
            *run_check('Data', check_data, data_dir, entry),
            *run_check('Disk', check_folders, data_dir, model_dir, entry),
            *run_check('Memory', check_memory, entry)]


def run_check(subject, check, *arguments):
    """Yields the Lines of a check, which yields (status, text, remedy) or raises."""
    try:
        for status, *texts in check(*arguments):
            yield Line(status, subject, *texts)
    except (UserError, OSError) as error:
        yield Line(FAIL, subject, str(error))
    except Exception as error:  # the other checks still run
        reason = packages.explain(error) or f'{type(error).__name__}: {error}'
        yield Line(FAIL, subject, f'not checked: {reason}',
                   'if no line above explains it, report this as a bug')


def check_python():
    is_fit = any(first <= sys.version_info[:2] <= last for first, last in _PYTHONS)
    commit, clean = description.find_commit()
    commit = description.format_commit(commit and commit[:12], clean)
    yield (OK if is_fit else WARN if description.find_tensorflow()[1] else FAIL,
           f'{platform.python_version()}, {platform.platform()}; program: commit {commit}',
           'use Python 3.6 or 3.7 for TensorFlow 1.15, 3.10 to 3.13 for TensorFlow 2; '
           + _SETUP)


def check_tensorflow():
    """Imports TensorFlow in a child process, which an illegal instruction may kill."""
    name, version = description.find_tensorflow()
    remedy = ('unset PYTHONPATH' if os.environ.get('PYTHONPATH') else
              f'{_SETUP}, and run this with its Python')
    if version is None:
        yield FAIL, 'not installed in this Python', remedy
        return
    text = f'{name} {version}, ' + ', '.join(
        f'{name} {description.find_version(name)}'
        for name in ('numpy', 'protobuf', 'requests', 'tqdm'))
    child = _run_python(_IMPORT, CUDA_VISIBLE_DEVICES='-1')
    if child.returncode:
        said = child.stderr.strip().split('\n')[-1]
        yield (FAIL, f'{text}: does not load (exit status {child.returncode}): {said}', remedy)
    else:
        yield (OK if version in _TESTED else WARN, text,
               f'this version is not tested; use {" or ".join(_TESTED)}: {_SETUP}')


def _run_python(code, **environment):
    return subprocess.run(
        [sys.executable, '-c', code], timeout=180, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        env=dict(os.environ, TF_CPP_MIN_LOG_LEVEL='2', **environment))


def check_processor():
    """Checks for AVX, which the x86-64 wheels need; counts the cores."""
    cpu, count = description.find_cpu(), resources.count_cores()
    flags = set(cpu['vector_flags'].split()) & {'avx', 'avx2', 'avx512f'}
    text = ', '.join([cpu['name'] or cpu['architecture'], *sorted(flags)[-1:]])
    yield (FAIL if description.lacks_avx() else OK,
           f'{text}; {count} core{"" if count == 1 else "s"} usable (affinity, cgroup) of '
           f'the machine\'s {os.cpu_count()}', runtime.NEEDS_AVX)


def check_gpu(requested):
    """Selects a device as the programs do; a refusal is a FAIL."""
    selection = devices.select(requested)
    if selection.device == 'cpu':
        yield (WARN if selection.is_problem else OK, f'{selection.reason}; the CPU is used')
        return
    support = supports.find_support()
    yield (OK, f'{selection.card}: supported by {support.name}; NVIDIA driver '
           f'{drivers.find_number() or "version unknown"}')
    if description.find_tensorflow()[1] and _run_python(
            _LIST_GPUS, CUDA_VISIBLE_DEVICES=selection.card.label).returncode:
        yield (FAIL if requested == 'gpu' else WARN,
               f'{support.name} can\'t load CUDA or cuDNN; the CPU is used',
               support.way_to_libraries)


def check_data(data_dir, entry):
    """Verifies the system's data; looks for its published weights, if it has any."""
    source, weights = entry.source, entry.weights_dir
    if source.is_present(data_dir):
        source.load(data_dir, False)
        yield OK, f'{source.title} in {data_dir}, verified (SHA-256)'
    else:
        yield (WARN, f'no {source.title} in {data_dir}',
               f'train.py downloads it. Without a network, put the archive or {source.contents} '
               'there, name another folder with --data-dir, or use --synthetic')
    if weights and not (os.path.isdir(weights) and os.listdir(weights)):
        yield (WARN, f'no published weights in {weights}',
               'train.py downloads them. Without a network, name a file or a folder with '
               '--pretrained, or train another result with --from-scratch')


def check_folders(data_dir, model_dir, entry):
    """Checks the space and permission to write what is still missing."""
    source = entry.source
    if not source.is_present(data_dir):
        yield _judge_folder('data', data_dir, source.num_bytes, source.num_bytes)
    size = entry.checkpoint_bytes
    yield _judge_folder('model', model_dir, size, _NUM_CHECKPOINTS * size)


def _judge_folder(what, folder, least, wanted):
    place = os.path.abspath(folder)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    another = f'name another folder with --{what}-dir'
    try:
        with tempfile.TemporaryFile(dir=place):
            free = shutil.disk_usage(place).free
    except OSError as error:
        return (FAIL, f'the {what} folder {folder} cannot be written: {error.strerror}',
                f'change its permissions, or {another}; in a container, mount a volume '
                'that its user can write to')
    return (FAIL if free < least else WARN if free < wanted else OK,
            f'{free / 1e6:,.0f} MB free for the {what} in {folder}',
            f'it may need {wanted / 1e6:,.0f} MB: free some space, or {another}')


def check_memory(entry):
    found, need = resources.find_memory(), entry.memory_bytes
    if found.usable is None:
        yield WARN, 'unknown: /proc/meminfo has no figure'
        return
    yield (FAIL if found.usable < need else OK,
           f'{found.usable / 1e9:.1f} GB usable of {found.size / 1e9:.1f} GB',
           f'training takes up to {need / 1e9:.1f} GB: end other programs, or raise the '
           'container\'s limit')


def _doctor(options):
    lines = list_lines(options)
    worst = max((line.status for line in lines), key=_VERDICTS.get)
    exit_status, sentence = _VERDICTS[worst]
    if options.json:
        print(json.dumps({'verdict': worst, 'lines': [
            line._asdict() for line in lines]}, indent=1))
    else:
        for line in lines:
            print(f'{line.status:5} {line.subject:12} {line.text}')
            if line.remedy and line.status != OK:
                print(f'{"":18} -> {line.remedy}')
        print(sentence)
    return exit_status


def main(argv=None):
    parser = cli.Parser(__doc__)
    cli.add_system_option(parser)
    cli.add_data_dir_option(parser)
    cli.add_model_dir_option(parser)
    parser.add_argument(
        '--device', choices=['auto', 'cpu', 'gpu'], default='auto',
        help='device that the programs should use (default: auto)')
    parser.add_argument('--json', action='store_true', help='print JSON (default: text)')
    return cli.run_command(parser, argv, _doctor)


if __name__ == '__main__':
    sys.exit(main())
