"""Times training and testing with stock and fast kernels against a plain port.

    python -m cifar10_tf1.benchmark --threads 1,2

It times everything in one run, in alternating blocks. A disturbance of the machine slows
neighbouring blocks alike, so their ratios hardly change. Still, run nothing else meanwhile.
"""

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile

from cifar10_tf1 import cli, systems
from cifar10_tf1.benchmark import medians, worker
from cifar10_tf1.common import limits
from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.machine import resources

NUM_BLOCKS, BLOCK_SECONDS = 20, 1.0
NUM_QUICK_BLOCKS, QUICK_BLOCK_SECONDS = 10, 0.1
KINDS = {'train': 'training', 'test': 'testing'}
FORMULATIONS = {'plain': 'a plain port', 'stock': 'stock kernels', 'fast': 'fast kernels'}


def measure(pythons, system_name, data_dir, num_cores, num_blocks, block_seconds):
    """Times each runtime and formulation in turn, block by block.

    Args:
      pythons: list of str, the interpreter of each runtime.
      data_dir: str, a folder with the generated data set.
      num_cores: int, or None for all.
    Returns:
      dict for JSON: system, cores, block_seconds, and runtimes, a list of dicts with
      wheel, cpu and formulations. The latter have, by name, start_up_seconds,
      peak_memory_kb and blocks: {'train' or 'test': [images a second]}.
    """
    names = ('plain', *systems.find(system_name).kernels)
    with contextlib.ExitStack() as stack:
        runtimes = [[stack.enter_context(worker.start(
            python, system_name, name, data_dir, num_cores)) for name in names]
            for python in pythons]
        # Neighbouring blocks do the same work, because ratios are taken between them.
        turns = [(one, kind) for kind in KINDS for group in runtimes for one in group]
        for one, kind in turns:
            one.ask(kind, 0.0)  # builds its graph
        for number in range(num_blocks):
            print(f'block {number + 1} of {num_blocks}', file=sys.stderr, end='\r')
            for one, kind in turns:
                one.blocks[kind].append(one.ask(kind, block_seconds))
        print(' ' * 40, file=sys.stderr, end='\r')
    return {'system': system_name, 'cores': runtimes[0][0].about['cores'],
            'block_seconds': block_seconds, 'runtimes': [
                {**group[0].about['runtime'], 'formulations': {
                    one.formulation: {**one.about['formulation'], 'blocks': one.blocks}
                    for one in group}}
                for group in runtimes]}


def describe(measured):
    """The Markdown lines of a result; ratios are to the first runtime's plain port."""
    lines = []
    first = measured['runtimes'][0]['formulations']['plain']['blocks']
    for runtime in measured['runtimes']:
        lines += [f'{runtime["wheel"]}, {measured["cores"]} core(s) of '
                  f'{runtime["cpu"]["name"]}', '',
                  '| | images a second | times a plain port |',
                  '|---|---|---|']
        formulations = runtime['formulations']
        lines += [f'| {label}, {FORMULATIONS[name]} | {medians.summarize(values["blocks"][kind])} '
                  f'| {medians.summarize_ratio(values["blocks"][kind], first[kind])} |'
                  for kind, label in KINDS.items()
                  for name, values in formulations.items()]
        memory = ', '.join(f'{name} {values["peak_memory_kb"] / 1000:.0f} MB'
                           for name, values in formulations.items())
        start = ', '.join(f'{name} {values["start_up_seconds"]:.1f} s'
                          for name, values in formulations.items())
        lines += ['', f'- Peak memory: {memory}. Start to the end of the first step: {start}.', '']
    return lines[:-1]


def _parse_cores(text):
    numbers = [int(part) for part in text.split(',')]
    available = resources.count_cores()
    if not all(1 <= number <= available for number in numbers):
        raise argparse.ArgumentTypeError(
            f'{text} contains a number that is not in 1 to {available}')
    return numbers


_parse_cores.__name__ = 'list of whole numbers'  # argparse prints it


def _run(options):
    num_blocks, seconds = NUM_BLOCKS, BLOCK_SECONDS
    if options.quick:
        num_blocks, seconds = NUM_QUICK_BLOCKS, QUICK_BLOCK_SECONDS
    if options.threads and not hasattr(os, 'sched_setaffinity'):
        raise UserError('--threads: this operating system can\'t limit a process to some '
                        'cores; omit the option')
    # Absolute, because workers start in another folder.
    pythons = [os.path.abspath(shutil.which(path) or path)
               for path in options.python or [sys.executable]]
    with contextlib.ExitStack() as stack:
        with explained('create a temporary folder', 'TMPDIR'):
            folder = stack.enter_context(tempfile.TemporaryDirectory())
        # Once, before the processes that read it.
        systems.find(options.system).source.load(folder, synthetic=True)
        results = [measure(pythons, options.system, folder, num_cores,
                           options.blocks or num_blocks, seconds)
                   for num_cores in options.threads or [None]]
    if options.json:
        print(json.dumps(results, indent=1, sort_keys=True))
    else:
        print('\n\n'.join('\n'.join(describe(result)) for result in results))
    return 0


def main(argv=None):
    parser = cli.Parser(__doc__)
    parser.add_argument(
        '--system', choices=systems.NAMES, default=systems.DEFAULT,
        help=f'system to time (default: {systems.DEFAULT})')
    parser.add_argument(
        '--threads', type=_parse_cores, metavar='N,...',
        help='numbers of cores to measure with, in turn (default: all cores)')
    cli.add_path(
        parser, '--python', 'PATH',
        'Python of a runtime to measure; repeat the option to measure several runtimes '
        'in turn, block by block (default: this one)',
        action='append')
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
