"""The end of training: closes the record, and prints results and next commands."""

import os
import sys

from tqdm import tqdm

from cifar10_tf1 import cli, scripts
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.records import reference_run


def end(run, log, metrics, step, newest):
    """Closes the record and prints how the run ended. Returns the exit status."""
    digest, num_steps = reading.fingerprint(newest), run.plan.num_steps
    run.end(step, digest)
    if run.stop.error:
        raise run.stop.error
    if run.stop.requested:
        print(f'Stopped at step {step}; start again to continue from {newest}', file=sys.stderr)
        return run.stop.exit_status
    if step % num_steps:
        print(f'Stopped at step {step}, saved as {newest}')
    run.print(run.system.format_end(
        log.loss, log.seconds,
        metrics.count_test() if run.system.tests_after_training else None))
    print(f'Weights at step {step}: SHA-256 {digest}')
    for line in _describe_standing(run.record):
        print(line)
    print(f'Model: {run.folder.path}, epoch {step // num_steps}, in '
          f'{tqdm.format_interval(log.seconds)}. Test it: '
          + _describe_test(run.options))
    return 0


def say_finished(run, metrics, step, newest):
    """Says that there is nothing to train. Returns the exit status."""
    record = run.record
    if record.has_begun and (record.content['weights'] or {}).get('step') != step:
        # An earlier process was killed between its last save and its record's end.
        record.end_process(step, 'killed', reading.fingerprint(newest))
    if run.system.tests_after_training:
        run.print(run.system.format_test(metrics.count_test()))
    print(f'Already at epoch {step // run.plan.num_steps} (step {step}): nothing to train. '
          'For more epochs, use --epochs')
    return 0


def _describe_standing(record):
    """Lines that compare the run with the recorded and the documented one."""
    # Imported only here, because it belongs to a command and is slow to load.
    from cifar10_tf1.report import comparison
    if record.is_synthetic or not record.epochs:
        return
    line = reference_run.compare(record)
    if line:
        yield line
    for sentence in comparison.describe_run(record):
        yield f'Documented curve, {sentence.word.lower()} {sentence.text}'
    path = cli.quote([record.path])
    python = cli.name_python()
    yield f'Report: {python} -m cifar10_tf1.report {path}'
    yield f'Repeat and compare bit by bit: {python} -m cifar10_tf1.verify {path}'


def _describe_test(options):
    """The test.py command for this run, relative to the working folder."""
    return cli.quote(
        [cli.name_python(), os.path.relpath(scripts.path('test'))]
        + cli.list_arguments(vars(options), ('system', 'data_dir', 'model_dir', 'synthetic')))
