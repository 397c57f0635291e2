"""Repeats a recorded run and compares it, epoch by epoch, to the bit.

    python -m cifar10_tf1.verify run.json --epochs 2

Exit status: 0 equal to the bit; 4 different on the same kind of machine; 3
different on another kind; 1 an error that the user can mend.
"""

import contextlib
import io
import os
import sys
import tempfile

from cifar10_tf1 import cli
from cifar10_tf1 import limits
from cifar10_tf1 import machine
from cifar10_tf1 import run_record
from cifar10_tf1 import systems
from cifar10_tf1.errors import UserError
from cifar10_tf1.stopping import StopRequest

EQUAL, OTHER_KIND, DIFFERENT = 0, 3, 4


class _Stop(Exception):
    """The rest of the run can't change the verdict."""


class _Comparison:
    """What is recorded against what the repetition finds."""

    def __init__(self, record, folder):
        self._recorded = {epoch['epoch']: epoch for epoch in record.epochs}
        self._record = record
        self._folder = folder
        self.first_difference = None
        self.largest_deviation = 0.0  # of a summed loss, relative
        self.notes = None             # why the bits may differ
        self.is_partial = False       # an epoch could not be compared

    def look_at_kind(self):
        """Fills the notes from the repetition's own record, once it is there."""
        repeated = run_record.load_folder(self._folder)
        self.notes = self._record.content['not_bit_exact'] + (
            machine.list_differences(self._record.kind, repeated.kind))
        return repeated

    def add_epoch(self, entry):
        """Compares one epoch and prints a line for it."""
        if self.notes is None:
            self.look_at_kind()
        number, loss = entry['epoch'], entry['summed_loss']
        if number not in self._recorded:
            raise UserError(
                f'{os.path.join(self._record.folder, run_record.FILE)} records '
                f'weights of a later step than epoch {number}\'s, and not that '
                'epoch; repeat those that are in it with --epochs')
        recorded = self._recorded[number]['summed_loss']
        if 'unknown_losses' in self._recorded[number]:
            print(f'Epoch {number} : {loss!r}, not compared: the record lacks '
                  'losses of it', flush=True)
            self.is_partial = True
            return
        if loss == recorded:
            print(f'Epoch {number} : {loss!r}, equal to the bit', flush=True)
            return
        deviation = loss / recorded - 1.0
        self.largest_deviation = max(self.largest_deviation, abs(deviation))
        self.first_difference = self.first_difference or f'epoch {number}'
        print(f'Epoch {number} : {loss!r}, recorded {recorded!r}: '
              f'{100 * deviation:+.5f} %', flush=True)
        if not self.notes:
            raise _Stop

    def add_weights(self):
        """Compares the fingerprints where both are of the same step."""
        repeated = self.look_at_kind().content['weights']
        recorded = self._record.content['weights']
        if not (recorded and repeated and recorded['step'] == repeated['step']):
            return
        same = recorded['sha256'] == repeated['sha256']
        print(f'Weights at step {recorded["step"]} : SHA-256 '
              f'{repeated["sha256"]}, '
              + ('equal' if same else f'recorded {recorded["sha256"]}'),
              flush=True)
        if not same:
            self.first_difference = (self.first_difference or
                                     f'the weights at step {recorded["step"]}')

    def verdict(self):
        """Prints the last lines; returns the exit status."""
        for note in self.notes:
            print(f'Another kind of machine: {note}')
        if self.first_difference is None:
            print('Equal to the bit'
                  + (' where it can be compared' if self.is_partial else '')
                  + (', on another kind of machine too' if self.notes else ''),
                  flush=True)
            return EQUAL
        if self.notes:
            print(f'Different from {self.first_difference} on, on another kind '
                  'of machine'
                  + (': largest deviation of a summed loss '
                     f'{100 * self.largest_deviation:.5f} %'
                     if self.largest_deviation else ''), flush=True)
            return OTHER_KIND
        print(f'DIFFERENT at {self.first_difference}, on the same kind of '
              'machine', flush=True)
        return DIFFERENT


def verify(record, data_set, given, num_epochs=None, stop_request=None,
           prepared=None):
    """Repeats a run, or its first epochs, in a folder of its own.

    Args:
      record: run_record.RunRecord.
      data_set: the data.data_set.DataSet to repeat it with.
      given: run_record.RunSettings that override the record's.
      num_epochs: int, or None for all.
      stop_request: stopping.StopRequest, or None.
      prepared: launch.Prepared, or None.
    Returns:
      int, the exit status.
    Raises:
      UserError: where the record can't be repeated from its beginning, has
        fewer epochs, or is of other data.
    """
    from cifar10_tf1 import launch
    _check(record, data_set, num_epochs)
    last = record.epochs[-1] if record.epochs else {'epoch': 0, 'step': 0}
    weights_step = (record.content['weights'] or last)['step']
    settings = run_record.RunSettings(*(
        recorded if value is None else value
        for value, recorded in zip(given, record.settings)))
    settings = settings._replace(save_steps=None, epochs=num_epochs or max(
        record.settings.epochs, last['epoch']))
    max_steps = None if num_epochs else max(weights_step, last['step'])
    with tempfile.TemporaryDirectory(prefix='cifar10_tf1-verify-') as folder:
        comparison = _Comparison(record, folder)
        with contextlib.suppress(_Stop):
            status = _train_silently(
                launch.train, comparison.add_epoch, data_set, folder, settings,
                max_steps, 'verify', stop_request,
                prepared=prepared)
            if status:
                return status
            comparison.add_weights()
        return comparison.verdict()


def _train_silently(train, on_epoch, *arguments, **options):
    """The repetition's own lines would only repeat what is printed here."""
    output = sys.stdout

    def print_epoch(entry):
        with contextlib.redirect_stdout(output):
            on_epoch(entry)

    with contextlib.redirect_stdout(io.StringIO()):
        return train(*arguments, on_epoch=print_epoch, **options)


def _check(record, data_set, num_epochs):
    path = os.path.join(record.folder, run_record.FILE)
    if not record.content['processes']:
        raise UserError(f'{path} records no training; give another')
    first_step = record.content['processes'][0]['from_step']
    if first_step:
        raise UserError(f'{path} records a run that began with a checkpoint of '
                        f'step {first_step}, which is not in it; it can\'t be '
                        'repeated')
    if not (record.epochs or record.content['weights']):
        raise UserError(f'{path} records no finished epoch; train further '
                        'first')
    numbers = [epoch['epoch'] for epoch in record.epochs]
    if num_epochs and num_epochs > len(numbers):
        raise UserError(f'{path} records {len(numbers)} epochs, not '
                        f'{num_epochs}; ask for fewer with --epochs')
    missing = set(range(1, numbers[-1] + 1 if numbers else 1)) - set(numbers)
    if missing:
        raise UserError(f'{path} lacks epoch {min(missing)}; it can\'t be '
                        'repeated')
    if record.content['data']['sha256'] != data_set.sha256:
        raise UserError(f'{path} is of other data; give it with --data-dir')


def _verify(options, stop_request):
    record = run_record.load(options.record)
    run_record.check_system_name(record, systems.DEFAULT)
    from cifar10_tf1 import launch
    given = cli.given_settings(options)._replace(epochs=None)
    prepared = launch.prepare(None, given._replace(
        device=given.device or record.settings.device,
        kernels=given.kernels or record.settings.kernels),
        options.allow_unsupported_gpu)
    options.synthetic = record.content['data'].get('name') == 'synthetic'
    data_set = cli.load_data_set(options)
    return verify(record, data_set, given, options.epochs, stop_request,
                  prepared)


def main(argv=None):
    stop_request = StopRequest().install()
    parser = cli.Parser(
        prog='python -m cifar10_tf1.verify',
        description='Repeats a recorded run, or its first epochs, in a new '
        'folder, and compares it to the bit. Exit status: 0 equal, 3 different '
        'on another kind of machine, 4 different on the same kind.',
        epilog='example: python -m cifar10_tf1.verify model/run.json --epochs 2')
    parser.add_argument('record', metavar='RUN.JSON', help='the record')
    cli.add_number(parser, '--epochs', 1, limits.EPOCHS,
                   'repeat the first N epochs only (default: all)')
    cli.add_data_dir_option(parser)
    cli.add_machine_options(parser)
    return cli.run_command(parser, argv, _verify, stop_request)


if __name__ == '__main__':
    sys.exit(main())
