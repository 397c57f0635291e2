"""Trains whole runs of several seeds side by side, tests each, and summarizes them.

    python -m cifar10_tf1.sweep --seeds 1-10

If you start it again, it does whatever is still missing. Each run is a process of
train.py in its own folder, and its tests are processes of test.py. Only the folders
record what is done, so a sweep can be killed at any moment.
"""

import argparse
import csv
import io
import json
import os
import sys

from cifar10_tf1 import cli, systems
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common import files, limits
from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.common.stopping import StopRequest
from cifar10_tf1.machine import devices, resources
from cifar10_tf1.report import building, gathering, page, summary as summaries, words
from cifar10_tf1.sweep import jobs, runner

SEEDS = 'seeds.csv'
STATISTICS = 'statistics.json'
TEXT = 'statistics.txt'
REPORT = 'report.html'

# Options passed on to the processes.
_FOR_BOTH = ('data_dir', 'synthetic', 'device', 'kernels', 'allow_unsupported_gpu',
             'intra_op_threads', 'inter_op_threads', 'input_threads')
_FOR_TRAINING = ('save_steps', 'train_files', 'pretrained', 'from_scratch', 'no_summaries')


def _sweep(options):
    entry = systems.find(options.system)
    folder = options.folder or os.path.join(cli.find_model_dir(
        argparse.Namespace(system=options.system, model_dir=None)), 'sweep')
    if options.seeds is None and not options.merge:
        raise UserError('no seeds; add --seeds 1-10, for example, or --merge to '
                        'summarize the existing runs')
    exit_status, failures = (0, {}) if options.merge else _run(options, entry, folder)
    runs = [run._replace(state=f'failed: {failures[run.name]}') if run.name in failures
            else run for run in gathering.load_folder(
                folder, entry, options.epochs, options.seeds or ())]
    if not runs:  # keep the files of other systems' runs
        raise UserError(f'{folder} contains no run of {entry.name}; choose another '
                        '--folder or --system')
    _write(folder, runs, entry)
    incomplete = [run.name for run in runs if not run.is_complete
                  and (options.seeds is None or run.seed in options.seeds)]
    if incomplete and not exit_status:
        print(f'warning: incomplete: {", ".join(incomplete)}; run the sweep again to '
              'continue them', file=sys.stderr)
    return exit_status or int(bool(incomplete))


def _run(options, entry, folder):
    """Trains and tests what is missing: (a signal's exit status or 0, Runner's failures)."""
    with StopRequest() as stop_request:
        model_dir.check_path(folder)
        device = devices.select(options.device or 'auto', options.allow_unsupported_gpu).device
        num_processes = options.processes or choose_num_processes(
            device, len(options.seeds), entry.memory_bytes)
        # Download it once, before several processes do.
        cli.load_data_set(options, entry.name)
        with explained(f'write to {folder}', '--folder'):
            os.makedirs(os.path.join(folder, jobs.LOGS), exist_ok=True)
        for_both, for_training = (cli.list_arguments(vars(options), names)
                                  for names in (_FOR_BOTH, _FOR_TRAINING))
        runs = runner.Runner(
            [jobs.Job(entry, folder, seed, options.epochs, for_both, for_training)
             for seed in dict.fromkeys(options.seeds)],
            runner.split_cores(num_processes))
        runs.run(stop_request)
        return stop_request.exit_status, runs.failures


def _write(folder, runs, entry):
    """Writes the files about a system's runs (gathering.Run), and prints their text."""
    text, lines, lacking = io.StringIO(), [], ''
    csv.writer(text, lineterminator='\n').writerows(building.list_rows(runs, entry))
    contents = {SEEDS: text.getvalue()}
    try:
        summary = summaries.summarize(runs, entry)
        lines = words.format_summary(summary) + ['']
        contents[STATISTICS] = json.dumps(summary, indent=1, sort_keys=True) + '\n'
        contents[TEXT] = '\n'.join(lines)
        complete = [run.record for run in runs if run.is_complete]
        if complete:
            gathering.load_records(complete)  # refuses runs that don't fit one report
            contents[REPORT] = page.render(building.build(runs), entry)
    except UserError as error:  # or an optional package is missing
        lacking = f', but no more: {error}'
    for name, content in contents.items():
        path = os.path.join(folder, name)
        with explained(f'write {path}', '--folder'):
            files.write_atomically(path, content)
    lines.append(f'Written to {folder}: {", ".join(contents)}{lacking}')
    print('\n'.join(lines))


def choose_num_processes(device, num_jobs, memory_bytes):
    """One per core, or as many as fit into memory; one on a GPU. See docs/sweep.md."""
    if device == 'gpu':
        return 1
    size = resources.find_memory().size
    fitting = num_jobs if size is None else int(size / memory_bytes)
    return max(1, min(resources.count_cores(), num_jobs, fitting))


def main(argv=None):
    parser = cli.Parser(__doc__)
    parser.add_argument(
        '--seeds', type=cli.parse_seeds, metavar='A-B',
        help='seeds to run, such as 1-10 or 1-4,7')
    parser.add_argument(
        '--system', choices=systems.NAMES, default=systems.DEFAULT,
        help=f'system to train (default: {systems.DEFAULT})')
    cli.add_number(
        parser, '--processes', 1, limits.PROCESSES,
        'processes side by side, each on its share of the cores (default: one per '
        'core if the memory suffices; 1 with a GPU)')
    cli.add_path(
        parser, '--folder', 'DIR',
        'folder for the runs, each in its own seed-NN (default: sweep/ in the '
        'system\'s model folder)')
    parser.add_argument(
        '--merge', action='store_true',
        help='train and test nothing; summarize the runs in the folder')
    cli.add_number(
        parser, '--epochs', 1, limits.EPOCHS,
        'epochs of each run (default: the documented number)')
    cli.add_training_options(parser)
    cli.add_data_options(parser)
    cli.add_machine_options(parser)
    return cli.run_command(parser, argv, _sweep)


if __name__ == '__main__':
    sys.exit(main())
