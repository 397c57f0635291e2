"""The end of training: closes the record, and prints results and next commands."""

import os
import sys

from tqdm import tqdm

from cifar10_tf1 import cli, scripts
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.common import environment
from cifar10_tf1.data import is_synthetic
from cifar10_tf1.records import recorded_runs


def end(run, log, plan, step, newest):
    """Closes the record and prints how the run ended. Returns the exit status."""
    digest = reading.fingerprint(newest)
    run.end(step, digest)
    if run.stop.error:
        raise run.stop.error
    if run.stop.requested:
        print(f'Stopped at step {step}; start again to continue from {newest}',
              file=sys.stderr, flush=True)
        return run.stop.exit_status
    if step % plan.num_steps:
        print(f'Stopped at step {step}, saved as {newest}', flush=True)
    log.print_end()
    print(f'Weights at step {step}: SHA-256 {digest}', flush=True)
    for line in _describe_standing(run.record):
        print(line, flush=True)
    print(f'Model: {run.folder.path}, epoch {step // plan.num_steps}, in '
          f'{tqdm.format_interval(log.seconds)}. Test it: '
          + _describe_test(run.options), flush=True)
    return 0


def say_finished(run, log, plan, step, newest):
    """Says that there is nothing to train. Returns the exit status."""
    if run.has_begun and (run.record.content['weights'] or {}).get('step') != step:
        # An earlier process was killed between its last save and its record's end.
        run.record.end_process(step, 'killed', reading.fingerprint(newest))
    log.print_test()
    print(f'Already at epoch {step // plan.num_steps} (step {step}): nothing to train. '
          'For more epochs, use --epochs', flush=True)
    return 0


def _describe_standing(record):
    """Lines that compare the run with the recorded and the documented one."""
    # Imported only here, because it belongs to a command and is slow to load.
    from cifar10_tf1.report import comparison
    if is_synthetic(record.content['data']['name']) or not record.epochs:
        return
    line = recorded_runs.describe(record)
    if line:
        yield line
    for sentence in comparison.describe_run(record):
        yield f'Documented curve, {sentence.word.lower()} {sentence.text}'
    path = cli.quote([record.path])
    python = environment.name_python()
    yield f'Report: {python} -m cifar10_tf1.report {path}'
    yield f'Repeat and compare bit by bit: {python} -m cifar10_tf1.verify {path}'


def _describe_test(options):
    """The test.py command for this run, relative to the working folder."""
    words = [environment.name_python(), os.path.relpath(scripts.path('test'))]
    for name in ('system', 'data_dir', 'model_dir'):
        if getattr(options, name):
            words += ['--' + name.replace('_', '-'), getattr(options, name)]
    return cli.quote(words + ['--synthetic'] * options.synthetic)
