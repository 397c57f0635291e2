"""Checks what the programs need and names the remedy for what is missing.

    python -m cifar10_tf1.doctor

Run it first, and paste its output into bug reports. It runs on any Python 3.6 or
newer with nothing installed, downloads nothing and leaves nothing behind. Each check
imports the packages it needs, so a missing package is a line of the report.
"""

import errno
import json
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from typing import NamedTuple

from cifar10_tf1 import cli
from cifar10_tf1 import data
from cifar10_tf1 import systems
from cifar10_tf1.common import environment
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description
from cifar10_tf1.machine import devices
from cifar10_tf1.machine import memory
from cifar10_tf1.machine.cuda import driver as drivers
from cifar10_tf1.machine.cuda import support as supports

OK, WARN, FAIL = STATUSES = ('OK', 'WARN', 'FAIL')  # from good to bad
EXIT_STATUSES = {OK: 0, WARN: 3, FAIL: 4}  # 1 and 2 mean that the doctor itself failed

_SETUP = 'run make setup (or make setup RUNTIME=tf2) to make the environment'
_NEEDS_AVX = ('TensorFlow\'s wheels need a processor with AVX: use another machine (a '
              'virtual one must pass on its host\'s AVX)')
_TESTED = ('1.15.0', '2.21.0')
_PYTHONS = {'1': ((3, 6), (3, 7)), '2': ((3, 10), (3, 13))}  # first, last
_PACKAGES = ('numpy', 'protobuf', 'urllib3', 'requests', 'certifi', 'tqdm')
# The first versions that do not work with TensorFlow 1.15.
_TOO_NEW = {
    'numpy': (1, 22),  # 1.21.6, the last for Python 3.7, gives the same bits as 1.18.5
    'protobuf': (3, 21),  # can't import 1.15's generated code
    'h5py': (3,)}         # only Keras needs it; 3 returns another type of string
_IMPORT = 'import tensorflow'
_LIST_GPUS = ('import sys, tensorflow; '
              'sys.exit(not tensorflow.config.experimental.list_physical_devices("GPU"))')

_DOWNLOADS = {'cifar10': '170 MB', 'mnist': '12 MB'}
_NUM_CHECKPOINTS = 6    # five kept, and one being saved
_SPARE_MEMORY = 0.6e9   # bytes, for other programs


class Line(NamedTuple):
    status: str
    subject: str
    text: str
    remedy: str = ''  # printed unless the status is OK


def list_lines(data_dir, model_dir, device='auto', system_name=systems.DEFAULT):
    """Runs all checks: list of Line."""
    entry = systems.find(system_name)
    checks = (
        ('Program', check_program),
        ('PYTHONPATH', check_pythonpath),
        ('Python', check_python),
        ('TensorFlow', check_tensorflow),
        ('Packages', check_packages),
        ('Processor', check_processor),
        ('GPU', check_gpu, device),
        ('Data', check_data, data_dir, entry),
        ('Disk', check_folders, data_dir, model_dir, entry),
        ('Weights', check_weights, entry),
        ('Memory', check_memory, entry),
        ('Time', check_time, entry),
        ('Threads', check_threads))
    return [line for check in checks for line in run_check(*check)]


def run_check(subject, check, *arguments):
    """Runs a generator of Lines; an exception in it becomes a Line too."""
    lines = []
    try:
        for line in check(*arguments):
            lines.append(line)
    except (ImportError, SyntaxError) as error:
        # The lines on TensorFlow and the packages already say FAIL.
        reason = environment.explain_import_error(error) or error
        lines.append(Line(WARN, subject, f'not checked: {reason}',
                          'run make setup, then run this with the Python in .venv'))
    except (UserError, OSError) as error:
        lines.append(Line(FAIL, subject, str(error)))
    except Exception as error:  # the other checks still run
        lines.append(Line(
            FAIL, subject, f'this check broke: {type(error).__name__}: {error}',
            'unset PYTHONPATH' if _list_foreign_folders() else
            'report this as a bug, with the whole output'))
    return lines


def format_lines(lines):
    text = []
    for line in lines:
        text.append(f'{line.status:5} {line.subject:12} {line.text}')
        if line.remedy and line.status != OK:
            text.append(f'{"":18} -> {line.remedy}')
    return '\n'.join(text)


# Software


def check_program():
    commit, clean = description.find_commit()
    yield Line(OK, 'Program', 'commit '
               + description.format_commit(commit and commit[:12], clean))


def check_pythonpath():
    folders = _list_foreign_folders()
    if folders:
        yield Line(WARN, 'PYTHONPATH', f'{os.pathsep.join(folders)} comes before this '
                   'Python\'s own packages', 'unset PYTHONPATH')


def _list_foreign_folders():
    return [folder for folder in os.environ.get('PYTHONPATH', '').split(os.pathsep)
            if any(os.path.isdir(os.path.join(folder, package))
                   for package in ('google', 'numpy', 'tensorflow'))]


def check_python():
    version = sys.version_info[:2]
    text = (f'{platform.python_version()} on {platform.system()} '
            f'{platform.release()}, {platform.machine()}, '
            f'{" ".join(platform.libc_ver()) or "libc unknown"}')
    tensorflow = description.find_tensorflow()[1]
    majors = [tensorflow[0]] if tensorflow else sorted(_PYTHONS)
    if any(_PYTHONS[major][0] <= version <= _PYTHONS[major][1]
           for major in majors if major in _PYTHONS):
        yield Line(OK, 'Python', text)
    else:
        yield Line(WARN if tensorflow else FAIL, 'Python', text,
                   'use Python 3.6 or 3.7 for TensorFlow 1.15, 3.10 to 3.13 for '
                   f'TensorFlow 2; {_SETUP}')


def check_tensorflow(limit=180.0):
    """Imports TensorFlow in a child process, which an illegal instruction may kill."""
    name, version = description.find_tensorflow()
    if version is None:
        yield Line(FAIL, 'TensorFlow', 'is not installed for this Python',
                   f'{_SETUP}; then run this with its Python')
        return
    name = f'{name} {version}'
    start = time.perf_counter()
    try:
        child = _run_python(_IMPORT, limit, CUDA_VISIBLE_DEVICES='-1')
    except subprocess.TimeoutExpired:
        yield Line(FAIL, 'TensorFlow', f'{name} does not load within {limit:g} s',
                   'check the disk that it is installed on')
        return
    seconds = time.perf_counter() - start
    if child.returncode == -signal.SIGILL or 'was compiled to use' in child.stderr:
        yield Line(FAIL, 'TensorFlow', f'{name} does not load: illegal instruction',
                   _NEEDS_AVX)
    elif child.returncode:
        said = (child.stderr.strip().splitlines() or ['nothing'])[-1]
        yield Line(FAIL, 'TensorFlow', f'{name} does not load (exit status '
                   f'{child.returncode}): {said}', f'remove .venv, then {_SETUP}')
    elif version not in _TESTED:
        yield Line(WARN, 'TensorFlow', f'{name} loads, but is not a tested version',
                   f'use {" or ".join(_TESTED)}: {_SETUP}')
    else:
        yield Line(OK, 'TensorFlow', f'{name}, loads in {seconds:.1f} s')


def _run_python(code, limit=180.0, **environment):
    return subprocess.run(
        [sys.executable, '-c', code], timeout=limit, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
        env=dict(os.environ, TF_CPP_MIN_LOG_LEVEL='2', **environment))


def check_packages():
    """Checks for missing packages, and for versions too new for 1.15."""
    tensorflow = description.find_tensorflow()[1] or ''
    versions = {name: description.find_version(name)
                for name in _PACKAGES + ('h5py',)}
    wrong = [f'{name} {versions[name]} is too new for TensorFlow {tensorflow}, which '
             f'needs a version below {".".join(map(str, too_new))}'
             for name, too_new in _TOO_NEW.items()
             if tensorflow.startswith('1') and versions[name]
             and tuple(map(int, re.findall(r'\d+', versions[name]))) >= too_new]
    missing = [name for name in _PACKAGES if not versions[name]]
    if missing:
        wrong.append(f'{", ".join(missing)} missing')
    if wrong:
        yield Line(FAIL, 'Packages', '; '.join(wrong), _SETUP)
    else:
        yield Line(OK, 'Packages', ', '.join(
            f'{name} {version}' for name, version in versions.items() if version))


# Processor and GPU


def check_processor():
    """Checks for AVX, which the x86-64 wheels need."""
    cpu = description.find_cpu()
    name, flags = cpu['name'] or cpu['architecture'], cpu['vector_flags'].split()
    is_x86 = cpu['architecture'] in ('x86_64', 'AMD64')
    if description.lacks_avx(cpu):
        yield Line(FAIL, 'Processor', f'{name}, no AVX', _NEEDS_AVX)
    elif not is_x86 and (description.find_tensorflow()[1] or '').startswith('1.'):
        yield Line(WARN, 'Processor', name, 'TensorFlow 1.15 exists for x86-64 '
                   'only: run make setup RUNTIME=tf2')
    else:
        newest = [flag for flag in ('avx', 'avx2', 'avx512f') if flag in flags]
        yield Line(OK, 'Processor', ', '.join([name] + newest[-1:]))


def check_gpu(requested):
    """Selects a device as the programs do; without TensorFlow, as each version would."""
    installed = supports.find_support()
    lines = []
    for support in [installed] if installed else supports.SUPPORTS:
        environment = dict(os.environ)
        try:
            lines += _judge_selection(devices.select(requested, support=support),
                                      support, installed)
        except UserError as error:
            lines.append(Line(FAIL, 'GPU', str(error)))
        finally:
            os.environ.clear()
            os.environ.update(environment)
    yield from sorted(set(lines), key=lines.index)


def _judge_selection(selection, support, installed):
    if selection.device == 'cpu':
        text, unused_separator, remedy = selection.reason.partition('; ')
        yield Line(WARN if selection.is_problem else OK, 'GPU',
                   f'{text}; the CPU is used', remedy)
        return
    driver = selection.driver
    yield Line(OK, 'GPU', f'{selection.card}: fit for {support.name}; NVIDIA '
               f'{driver.number or "driver"}, supports CUDA '
               f'{drivers.format_cuda(driver.cuda)}')
    for other in selection.not_used:
        yield Line(OK, 'GPU', f'{other}, so it is not used')
    if installed and _run_python(_LIST_GPUS).returncode:
        yield Line(FAIL if selection.requested == 'gpu' else WARN, 'CUDA, cuDNN',
                   f'{support.name} can\'t load them; the CPU is used',
                   support.way_to_libraries)


# Data, disks and permissions


def check_data(data_dir, entry):
    """Verifies the system's data."""
    source = data.SOURCES[entry.data]
    if source.is_present(data_dir):
        source.load(data_dir, False)
        yield Line(OK, 'Data', f'{source.title} in {data_dir}, verified (SHA-256)')
        return
    module = source.load_module(False)
    module.check_data_dir(data_dir)  # train.py would refuse to download there
    offers = module.list_offers()
    yield Line(WARN, 'Data', f'no {source.title} in {data_dir}', offers[0] if offers else
               f'train.py downloads it ({_DOWNLOADS[entry.data]}), or extracts an '
               f'archive from that folder. Without a network put {source.contents} or '
               'the archive there, name a folder that has them with --data-dir, or use '
               '--synthetic')


def check_folders(data_dir, model_dir, entry):
    """Checks the space and permission to write what is still missing."""
    source = data.SOURCES[entry.data]
    if not source.is_present(data_dir):
        need = source.load_module(False).count_needed_bytes(data_dir)
        yield from _judge_folder('data', data_dir, need, need)
    size = entry.checkpoint_bytes
    yield from _judge_folder('model', model_dir, size, max(
        size, _NUM_CHECKPOINTS * size - _count_checkpoint_bytes(model_dir)))


def _judge_folder(what, folder, least, wanted):
    place = os.path.abspath(folder)
    while not os.path.lexists(place):
        place = os.path.dirname(place)
    try:
        if not os.path.isdir(place):
            raise NotADirectoryError(errno.ENOTDIR, f'{place} is not a folder')
        free = shutil.disk_usage(place).free
        text = f'{_format_size(free)} free for the {what} in {folder}'
        yield Line(OK, 'Disk', text) if free >= wanted else Line(
            FAIL if free < least else WARN, 'Disk',
            f'{text}, which needs {_format_size(wanted)} more',
            f'free some space, or name a folder on another disk with --{what}-dir')
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b'x')
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            yield Line(FAIL, 'Writing', f'the {what} folder {folder} cannot be '
                       f'written: {error.strerror}', 'change its permissions, '
                       f'or name another folder with --{what}-dir; in a '
                       'container mount a volume that its user can write')
            return
    yield Line(OK, 'Writing', f'the {what} folder {folder} can be written')


def check_weights(entry):
    """Looks for the published weights, if training starts from any."""
    folder = entry.weights_dir
    if folder and os.path.isdir(folder) and os.listdir(folder):
        yield Line(OK, 'Weights', f'{folder} is there; train.py checks its files')
    elif folder:
        yield Line(WARN, 'Weights', f'no published weights in {folder}',
                   'train.py downloads them (89 MB). Without a network name a file '
                   'or a folder with --pretrained, or train another result, from '
                   'random weights, with --from-scratch')


def _count_checkpoint_bytes(model_dir):
    """Counts the bytes of the checkpoints that new ones will replace."""
    if not os.path.isdir(model_dir):
        return 0
    return sum(os.path.getsize(os.path.join(model_dir, name))
               for name in os.listdir(model_dir) if name.startswith('model.ckpt-'))


def _format_size(size):
    return f'{size / 1e9:,.1f} GB' if size >= 1e9 else f'{size / 1e6:,.0f} MB'


# Memory, time and cores


def check_memory(entry):
    least, found = entry.memory_bytes, memory.find_memory()
    wanted = least + _SPARE_MEMORY
    if found.total is None or found.available is None:
        yield Line(WARN, 'Memory', 'unknown: /proc/meminfo does not say',
                   f'make sure that {wanted / 1e9:.1f} GB is free')
        return
    status = FAIL if found.usable < least else WARN if found.usable < wanted else OK
    yield Line(status, 'Memory', str(found), f'training takes up to '
               f'{least / 1e9:.1f} GB: end other programs, or give the container more')


def check_time(entry):
    if entry.cost:
        yield Line(OK, 'Time', f'the documented run of {entry.name} {entry.cost}')


def check_threads():
    count = description.count_cores()
    yield Line(OK, 'Threads', f'{count} core{"" if count == 1 else "s"} usable '
               f'(affinity, cgroup) of the machine\'s {os.cpu_count()}')


# The command


def _doctor(options):
    name = options.system or systems.DEFAULT
    lines = list_lines(cli.find_data_dir(options, name),
                       cli.find_model_dir(options), options.device, name)
    worst = max((line.status for line in lines), key=STATUSES.index)
    if options.json:
        print(json.dumps({'verdict': worst, 'lines': [
            line._asdict() for line in lines]}, indent=1), flush=True)
    else:
        print(format_lines(lines))
        print({OK: 'All is well', WARN: 'It will run; see WARN above',
               FAIL: 'It will not run; see FAIL above'}[worst], flush=True)
    return EXIT_STATUSES[worst]


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.doctor',
        description='Checks what the programs need: Python, TensorFlow, GPU, data, '
        'disk, memory. Downloads and changes nothing. The worst line gives the exit '
        'status: 0 OK, 3 WARN (it will run), 4 FAIL (it will not).',
        epilog='example: python -m cifar10_tf1.doctor --json > report.json')
    cli.add_system_option(parser)
    cli.add_data_dir_option(parser)
    cli.add_model_dir_option(parser)
    parser.add_argument(
        '--device', choices=['auto', 'cpu', 'gpu'], default='auto',
        help='where the programs should compute (default: auto)')
    parser.add_argument('--json', action='store_true',
                        help='print JSON (default: text)')
    return cli.run_command(parser, argv, _doctor)


if __name__ == '__main__':
    sys.exit(main())
