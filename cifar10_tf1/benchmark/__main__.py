"""Measures the speed of training and testing against a plain port of the original.

    python -m cifar10_tf1.benchmark

It times everything in one run, in alternating blocks. A disturbance of the machine slows
neighbouring blocks alike, so their ratios hardly change.
"""

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile

from cifar10_tf1 import cli, systems
from cifar10_tf1.benchmark import data, medians, worker
from cifar10_tf1.common import limits, paths
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import resources

NUM_BLOCKS, BLOCK_SECONDS = 20, 1.0
NUM_QUICK_BLOCKS, QUICK_BLOCK_SECONDS = 10, 0.1
KINDS = {'train': 'training', 'test': 'testing'}
FORMULATIONS = {'plain': 'a plain port', 'stock': 'stock kernels',
                'fast': 'fast kernels'}


def measure(pythons, system_name, data_dir, num_cores, num_blocks, block_seconds):
    """Times each runtime and formulation in turn, block by block.

    Args:
      pythons: list of str, the interpreter of each runtime.
      data_dir: str, the folder of data.generate.
      num_cores: int, or None for all.
    Returns:
      dict for JSON: system, cores, block_seconds, and runtimes, a list of dicts with
      wheel, cpu and formulations. The latter have, by name, start_up_seconds,
      peak_memory_kb and blocks: {'train' or 'test': [images a second]}.
    """
    names = ('plain', *systems.find(system_name).kernels)
    with contextlib.ExitStack() as stack:
        runtimes = [[stack.enter_context(worker.Worker(
            python, system_name, name, data_dir, num_cores)) for name in names]
            for python in pythons]
        # Neighbouring blocks do the same work, because ratios are taken between them.
        turns = [(one, kind) for kind in KINDS for group in runtimes for one in group]
        for one, kind in turns:
            one.ask(kind, 0.0)  # builds its graph
        for number in range(num_blocks):
            print(f'block {number + 1} of {num_blocks}', file=sys.stderr,
                  end='\r', flush=True)
            for one, kind in turns:
                one.blocks[kind].append(one.ask(kind, block_seconds))
        print(' ' * 40, file=sys.stderr, end='\r', flush=True)
    return {'system': system_name, 'cores': runtimes[0][0].about['cores'],
            'block_seconds': block_seconds, 'runtimes': [
                {'wheel': group[0].about['wheel'], 'cpu': group[0].about['cpu'],
                 'formulations': {one.formulation: {
                     'start_up_seconds': one.about['start_up_seconds'],
                     'peak_memory_kb': one.about['peak_memory_kb'],
                     'blocks': one.blocks} for one in group}}
                for group in runtimes]}


def describe(measured):
    """The Markdown lines of a result; ratios are to the plain port on the first runtime."""
    lines = []
    first = measured['runtimes'][0]['formulations']['plain']['blocks']
    for runtime in measured['runtimes']:
        lines += [f'{runtime["wheel"]}, {measured["cores"]} core(s) of '
                  f'{runtime["cpu"]["name"]}', '',
                  '| | images a second | times a plain port |',
                  '|---|---|---|']
        formulations = runtime['formulations']
        for kind, kind_label in KINDS.items():
            for name, values in formulations.items():
                rates = values['blocks'][kind]
                ratio = medians.summarize_ratio(rates, first[kind])
                lines.append(f'| {kind_label}, {FORMULATIONS[name]} | '
                             f'{medians.summarize(rates)} | {ratio} |')
        memory = ', '.join(f'{name} {values["peak_memory_kb"] / 1000:.0f} MB'
                           for name, values in formulations.items())
        start = ', '.join(f'{name} {values["start_up_seconds"]:.1f} s'
                          for name, values in formulations.items())
        lines += ['', f'- Peak memory: {memory}. Start to the end of the first step: '
                  f'{start}.', '']
    return lines[:-1]


def _parse_cores(text):
    numbers = [int(part) for part in text.split(',')]
    available = resources.count_cores()
    if not all(1 <= number <= available for number in numbers):
        raise argparse.ArgumentTypeError(
            f'{text} contains a number that is not in 1 to {available}')
    return numbers


_parse_cores.__name__ = 'list of whole numbers'  # argparse prints it


def find_python(path):
    found = shutil.which(paths.check(path, '--python'))
    if found is None:
        raise UserError(f'--python {path} is not an executable program; name a Python '
                        'interpreter')
    return os.path.abspath(found)  # workers start in another folder


def _run(options):
    num_blocks, seconds = NUM_BLOCKS, BLOCK_SECONDS
    if options.quick:
        num_blocks, seconds = NUM_QUICK_BLOCKS, QUICK_BLOCK_SECONDS
    pythons = list(map(find_python, options.python or [sys.executable]))
    if options.threads and not hasattr(os, 'sched_setaffinity'):
        raise UserError('--threads: this operating system can\'t limit a process to some '
                        'cores; omit the option')
    try:
        temporary = tempfile.TemporaryDirectory(prefix='cifar10_tf1-benchmark-')
    except OSError as error:
        raise UserError(f'cannot create a temporary folder: {error.strerror}; name '
                        'another place with TMPDIR')
    with temporary as folder:
        with contextlib.redirect_stdout(sys.stderr):
            data.generate(folder, options.system)
        results = [measure(pythons, options.system, folder, num_cores,
                           options.blocks or num_blocks, seconds)
                   for num_cores in options.threads or [None]]
    if options.json:
        print(json.dumps(results, indent=1, sort_keys=True))
    else:
        print('\n\n'.join('\n'.join(describe(result)) for result in results))
    return 0


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.benchmark',
        description='Times training and testing with stock and fast kernels against a '
        'plain port of the original, in alternating blocks. Keep the machine otherwise '
        'idle.',
        epilog='example: python -m cifar10_tf1.benchmark --threads 1,2')
    parser.add_argument(
        '--system', choices=systems.NAMES, default=systems.DEFAULT,
        help=f'system to time (default: {systems.DEFAULT})')
    parser.add_argument(
        '--threads', type=_parse_cores, metavar='N,...',
        help='numbers of cores to measure with, in turn (default: all cores)')
    parser.add_argument(
        '--python', action='append', metavar='PATH',
        help='Python of a runtime to measure; repeat the option to measure several '
        'runtimes in turn, block by block (default: this one)')
    cli.add_number(
        parser, '--blocks', 1, limits.BLOCKS,
        f'number of blocks (default: {NUM_BLOCKS}, of {BLOCK_SECONDS:.0f} s each)')
    parser.add_argument(
        '--quick', action='store_true',
        help=f'measure {NUM_QUICK_BLOCKS} blocks of {QUICK_BLOCK_SECONDS} s, which '
        'takes less than a minute for each runtime')
    parser.add_argument('--json', action='store_true',
                        help='print every block as JSON (default: a table)')
    return cli.run_command(parser, argv, _run)


if __name__ == '__main__':
    sys.exit(main())
