"""Repeats a recorded run, or its first epochs, and compares the two bit by bit.

    python -m cifar10_tf1.verify model/run.json --epochs 2

The repetition is in a temporary folder. The exit status is 0 if the two are equal, 3 if
they differ on another kind of machine, 4 if they differ on the same kind.
"""

import signal
import subprocess
import sys
import tempfile

from cifar10_tf1 import cli, scripts
from cifar10_tf1.common import limits, record_schema
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description
from cifar10_tf1.records import run_record

EQUAL, OTHER_KIND, DIFFERENT = 0, 3, 4


def check(record, data_set, num_epochs):
    """Raises UserError if a run, or num_epochs of it, can't be repeated."""
    # An epoch may have an entry for each of its parts.
    recorded = len({entry['epoch'] for entry in record.epochs})
    processes = record.content['processes']
    if not processes or not (recorded or record.content['weights']):
        reason = 'records no finished epoch; train further first, or name another record'
    elif processes[0]['from_step']:
        reason = ('records a run that continued from a checkpoint, so it cannot be '
                  'repeated; name another record')
    elif (num_epochs or 0) > recorded:
        reason = f'records {recorded} epochs, not {num_epochs}; use a smaller --epochs'
    elif record.content['data'].get('sha256') != data_set.sha256:
        reason = 'used other data; name it with --data-dir'
    else:
        return
    raise UserError(f'{record.path} {reason}')


def list_arguments(record, options, system_name):
    """The command line of train.py that repeats a record."""
    if record.has_other_weights and not options.pretrained:
        raise UserError('the run did not start from the documented weights; name its own '
                        'with --pretrained')
    max_steps = None
    if not options.epochs:
        weights = [record.content['weights']] if record.content['weights'] else []
        max_steps = max(entry['step'] for entry in record.epochs + weights)
    settings = {name: recorded if given is None else given
                for (name, recorded), given in zip(record.settings._asdict().items(),
                                                   cli.given_settings(options))}
    repeated = {
        **settings, 'save_steps': None, 'system': system_name, 'no_summaries': True,
        'data_dir': cli.find_data_dir(options, system_name), 'max_steps': max_steps,
        'synthetic': options.synthetic, 'from_scratch': record.is_from_scratch,
        'pretrained': None if record.is_from_scratch else options.pretrained,
        'allow_unsupported_gpu': options.allow_unsupported_gpu}
    return cli.list_arguments(repeated, repeated)


def compare(record, repeated):
    """Compares a RunRecord with its repetition and prints a line for each epoch.

    Returns the exit status.
    """
    by_step = {entry['step']: entry for entry in record.epochs}
    is_partial = False
    different, largest = [], 0.0  # names; relative deviation of a summed loss
    for entry in repeated.epochs:
        name, loss = f'epoch {entry["epoch"]}', entry['summed_loss']
        if 'part' in entry:
            name += f', part {entry["part"]}'
        recorded = by_step.get(entry['step'], {'unknown_losses': 'all'})
        figures = [figure for figure in ('summed_loss', *record_schema.FIGURES)
                   if entry.get(figure) != recorded.get(figure)]
        if 'unknown_losses' in recorded:
            is_partial = True
            line = f'{loss!r}, not compared: the record lacks some losses'
        elif not figures:
            line = f'{loss!r}, equal to the bit'
        else:
            different.append(name)
            largest = max(largest, abs(loss / recorded['summed_loss'] - 1.0))
            line = '; '.join(f'{figure} {entry.get(figure)!r}, recorded '
                             f'{recorded.get(figure)!r}' for figure in figures)
        print(f'{name.capitalize()} : {line}')
    ours, theirs = repeated.content['weights'], record.content['weights']
    if theirs and theirs['step'] == ours['step']:
        name, line = f'weights at step {ours["step"]}', 'equal'
        if ours['sha256'] != theirs['sha256']:
            different.append(f'the {name}')
            line = f'recorded {theirs["sha256"]}'
        print(f'{name.capitalize()} : SHA-256 {ours["sha256"]}, {line}')
    notes = record.content['not_bit_exact'] + description.list_differences(
        record.kind, repeated.kind)
    for note in notes:
        print(f'Another kind of machine: {note}')
    return _judge(different, largest, is_partial, bool(notes))


def _judge(different, largest, is_partial, is_other_kind):
    """Prints the verdict and returns the exit status."""
    if not different:
        print('Equal to the bit' + ' where it can be compared' * is_partial
              + ', on another kind of machine too' * is_other_kind)
        return EQUAL
    if not is_other_kind:
        print(f'DIFFERENT at {different[0]}, on the same kind of machine')
        return DIFFERENT
    print(f'Different from {different[0]} on, as expected on another kind of machine; '
          f'summed losses deviate by up to {100 * largest:.5f} %')
    return OTHER_KIND


def _verify(options):
    record = run_record.load(options.record)
    name = record.entry.name
    options.synthetic = record.is_synthetic
    check(record, cli.load_data_set(options, name), options.epochs)
    arguments = list_arguments(record, options, name)
    with tempfile.TemporaryDirectory(prefix='cifar10_tf1-verify-') as folder:
        status = subprocess.call(
            [sys.executable, scripts.path('train'), *arguments, '--model-dir', folder],
            stdout=subprocess.DEVNULL)
        return status or compare(record, run_record.load_folder(folder))


def main(argv=None):
    parser = cli.Parser(__doc__)
    cli.add_path(parser, 'record', 'RUN.JSON', 'record of the run')
    cli.add_number(parser, '--epochs', 1, limits.EPOCHS,
                   'repeat the first N epochs only (default: all)')
    cli.add_data_dir_option(parser)
    cli.add_pretrained_option(parser)
    cli.add_machine_options(parser)
    return cli.run_command(parser, argv, _verify)


if __name__ == '__main__':
    # subprocess.call then ends train.py too. Ctrl-C reaches both by itself.
    for ending in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ending, lambda number, unused_frame: sys.exit(128 + number))
    sys.exit(main())
