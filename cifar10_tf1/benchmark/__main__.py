"""Measures training, the pipeline and testing beside a plain port's way.

    python -m cifar10_tf1.benchmark

Everything is timed in one run, in alternating blocks: what slows the machine
down meanwhile slows everything, and ratios of neighbouring blocks stand.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile

from cifar10_tf1 import cli
from cifar10_tf1.common import limits
from cifar10_tf1.machine import description
from cifar10_tf1 import systems
from cifar10_tf1.benchmark import data
from cifar10_tf1.benchmark import medians
from cifar10_tf1.benchmark import workers
from cifar10_tf1.common.errors import UserError

NUM_BLOCKS, BLOCK_SECONDS = 20, 1.0
NUM_QUICK_BLOCKS, QUICK_BLOCK_SECONDS = 10, 0.1
# All workers do the same in turn: ratios are of blocks a few seconds apart.
_ORDER = ('matmul', 'train', 'fixed', 'pipeline', 'test')
_LABELS = {
    ('plain', 'train'): 'training, a plain port\'s way',
    ('stock', 'train'): 'training, stock kernels',
    ('fast', 'train'): 'training, fast kernels',
    ('stock', 'fixed'): 'the same on one batch, stock kernels',
    ('fast', 'fixed'): 'the same on one batch, fast kernels',
    ('stock', 'pipeline'): 'the pipeline alone',
    ('fast', 'pipeline'): 'the pipeline alone',
    ('plain', 'test'): 'testing, a plain port\'s way',
    ('stock', 'test'): 'testing, stock kernels',
    ('fast', 'test'): 'testing, fast kernels',
}


def measure(pythons, system_name, data_dir, num_cores, num_blocks,
            block_seconds):
    """Blocks of everything, one after the other, again and again.

    Args:
      pythons: list of str, the interpreter of each runtime.
      system_name: str, one of systems.NAMES.
      data_dir: str, where data.generate has been.
      num_cores: int, or None for all.
      num_blocks: int.
      block_seconds: float.
    Returns:
      dict for JSON: cores, block_seconds, runtimes: a list of dicts with wheel,
      python, cpu and, by formulation, start_up_seconds, peak_memory_kb and
      blocks: {kind: [images a second]}; matmul_gflops: [...].
    Raises:
      UserError: where a runtime can't be measured.
    """
    formulations = ('plain', *systems.find(system_name).kernels)
    # Asked of one worker only; the stock kernels' one gives an op all cores.
    once = {'matmul': 'stock', 'pipeline': formulations[-1]}
    with contextlib.ExitStack() as stack:
        groups = []
        for python in pythons:
            for formulation in formulations:
                worker = workers.Worker(python, system_name, formulation,
                                        data_dir, num_cores)
                stack.callback(worker.stop)
                groups.append((python, worker))
        questions = [(python, worker, kind) for python, worker in groups
                     for kind in worker.about['kinds']
                     if once.get(kind, worker.formulation)
                     == worker.formulation]
        questions.sort(key=lambda question: _ORDER.index(question[2]))
        for unused_python, worker, kind in questions:
            worker.ask(kind, 0.0)  # builds its graph
        blocks = {(python, worker.formulation, kind): []
                  for python, worker, kind in questions}
        for number in range(num_blocks):
            print(f'block {number + 1} of {num_blocks}', file=sys.stderr,
                  end='\r', flush=True)
            for python, worker, kind in questions:
                blocks[python, worker.formulation, kind].append(
                    worker.ask(kind, block_seconds))
        print(' ' * 40, file=sys.stderr, end='\r', flush=True)
    runtimes = []
    for python in pythons:
        about = {worker.formulation: worker.about for its_python, worker
                 in groups if its_python == python}
        runtimes.append({
            'wheel': about['stock']['wheel'], 'cpu': about['stock']['cpu'],
            'formulations': {
                name: {'start_up_seconds': values['start_up_seconds'],
                       'peak_memory_kb': values['peak_memory_kb'],
                       'blocks': {kind: rates for (its, its_name, kind), rates
                                  in blocks.items() if kind != 'matmul'
                                  and (its, its_name) == (python, name)}}
                for name, values in about.items()},
            'matmul_gflops': [rate * medians.MATMUL_GFLOP for rate in
                              blocks[python, 'stock', 'matmul']]})
    return {'system': system_name, 'cores': about['stock']['cores'],
            'block_seconds': block_seconds,
            'runtimes': runtimes}


def describe(measured):
    """The table, as lines of Markdown.

    Every rate is a median over the blocks with its interval of at least 95 %;
    a ratio is the median of the blocks' ratios to a plain port's way of doing
    the same, on the first runtime.
    """
    lines = []
    gflop = systems.find(measured.get('system', systems.DEFAULT)).image_gflop
    first = measured['runtimes'][0]['formulations']['plain']['blocks']
    for runtime in measured['runtimes']:
        lines += [f'{runtime["wheel"]}, {measured["cores"]} core(s) of '
                  f'{runtime["cpu"]["name"]}', '',
                  '| | images a second | times a plain port |',
                  '|---|---|---|']
        formulations = runtime['formulations']
        for (name, kind), label in _LABELS.items():
            rates = formulations.get(name, {'blocks': {}})['blocks'].get(kind)
            if rates is None:
                continue
            base = first['test' if kind == 'test' else 'train']
            ratio = medians.summarize_ratio(rates, base)
            lines.append(f'| {label} | {medians.summarize(rates)} | {ratio} |')
        lines += ['', *_describe_rest(runtime, gflop), '']
    return lines[:-1]


def _describe_rest(runtime, gflop):
    formulations = runtime['formulations']
    best = 'fast' if 'fast' in formulations else 'stock'
    blocks = formulations[best]['blocks']
    train, fixed = blocks['train'], blocks['fixed']
    cost = medians.summarize_ratio(fixed, train)
    memory = ', '.join(f'{name} {values["peak_memory_kb"] / 1000:.0f} MB'
                       for name, values in runtime['formulations'].items())
    start = ', '.join(f'{name} {values["start_up_seconds"]:.1f} s'
                      for name, values in runtime['formulations'].items())
    lines = []
    if 'matmul_gflops' in runtime:  # not in the first records
        rates = runtime['matmul_gflops']
        fraction = medians.summarize_ratio(
            [rate * gflop for rate in train], rates)
        lines.append(
            f'- A product of {medians.MATMUL_SIZE}^3: '
            f'{medians.summarize(rates)} GFLOP/s. Training, '
            f'with {gflop} GFLOP an image by direct convolution, reaches '
            f'{fraction} times that rate with {best} kernels.')
    return lines + [
        f'- A step with the pipeline takes {cost} times a step on one batch.',
        f'- Peak memory: {memory}. Start to the end of the first step: '
        f'{start}.']


def _parse_cores(text):
    numbers = [int(part) for part in text.split(',')]
    available = description.count_cores()
    if not all(1 <= number <= available for number in numbers):
        raise argparse.ArgumentTypeError(
            f'{text} has a number that is not in 1 to {available}')
    return numbers


_parse_cores.__name__ = 'list of whole numbers'  # in argparse's message


def _run(options):
    num_blocks, seconds = NUM_BLOCKS, BLOCK_SECONDS
    if options.quick:
        num_blocks, seconds = NUM_QUICK_BLOCKS, QUICK_BLOCK_SECONDS
    num_blocks = options.blocks or num_blocks
    for python in options.python:
        if not os.access(python, os.X_OK):
            raise UserError(f'--python {python}: there is no such program')
    if options.threads and not hasattr(os, 'sched_setaffinity'):
        raise UserError('--threads: this system can\'t limit a process to some '
                        'cores; leave it out')
    results = []
    with tempfile.TemporaryDirectory(prefix='cifar10_tf1-benchmark-') as folder:
        with contextlib.redirect_stdout(sys.stderr):
            data.generate(folder, options.system)
        for num_cores in options.threads or [None]:
            results.append(measure(
                options.python or [sys.executable], options.system, folder,
                num_cores, num_blocks, seconds))
    if options.json:
        print(json.dumps(results, indent=1, sort_keys=True))
    else:
        print('\n\n'.join('\n'.join(describe(result)) for result in results))
    return 0


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.benchmark',
        description='Times training, the pipeline and testing, with stock and '
        'with fast kernels, beside a plain port of the original, in '
        'alternating blocks. Leave the machine idle meanwhile.',
        epilog='example: python -m cifar10_tf1.benchmark --threads 1,2')
    parser.add_argument(
        '--system', choices=systems.NAMES, default=systems.DEFAULT,
        help=f'whose training (default: {systems.DEFAULT})')
    parser.add_argument(
        '--threads', type=_parse_cores, metavar='N,...',
        help='how many of the cores to use, one measurement after the other '
        '(default: all)')
    parser.add_argument(
        '--python', action='append', default=[], metavar='PATH',
        help='the Python of a runtime to measure; more than one: block by block '
        'in turn (default: this one)')
    cli.add_number(
        parser, '--blocks', 1, limits.BLOCKS,
        f'how many blocks (default: {NUM_BLOCKS}, of {BLOCK_SECONDS:.0f} s each)')
    parser.add_argument(
        '--quick', action='store_true',
        help=f'{NUM_QUICK_BLOCKS} blocks of {QUICK_BLOCK_SECONDS} s: under a '
        'minute for a runtime')
    parser.add_argument('--json', action='store_true',
                        help='print every block as JSON (default: a table)')
    return cli.run_command(parser, argv, _run)


if __name__ == '__main__':
    sys.exit(main())
