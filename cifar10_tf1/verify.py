"""Repeats a recorded run and compares it, epoch by epoch, to the bit.

    python -m cifar10_tf1.verify run.json --epochs 2

Exit status: 0 equal to the bit; 4 different on the same kind of machine; 3
different on another kind; 1 an error that the user can mend.
"""

import os
import signal
import subprocess
import sys
import tempfile

from cifar10_tf1 import cli
from cifar10_tf1.common import limits
from cifar10_tf1.machine import description
from cifar10_tf1 import programs
from cifar10_tf1.records import run_record
from cifar10_tf1.records import run_settings
from cifar10_tf1 import systems
from cifar10_tf1.common.errors import UserError

EQUAL, OTHER_KIND, DIFFERENT = 0, 3, 4


class _Comparison:
    """What is recorded against what the repetition finds."""

    def __init__(self, record, folder):
        self._recorded = {entry['step']: entry for entry in record.epochs}
        self._record = record
        self._folder = folder
        self.first_difference = None
        self.largest_deviation = 0.0  # of a summed loss, relative
        self.notes = None             # why the bits may differ
        self.is_partial = False       # an epoch could not be compared
        self.is_decided = False       # the rest can't change the verdict

    def look_at_kind(self):
        """Fills the notes from the repetition's own record, once it is there."""
        repeated = run_record.load_folder(self._folder)
        self.notes = self._record.content['not_bit_exact'] + (
            description.list_differences(self._record.kind, repeated.kind))
        return repeated

    def add_epoch(self, entry):
        """Compares one epoch and prints a line for it."""
        if self.notes is None:
            self.look_at_kind()
        name, loss = f'epoch {entry["epoch"]}', entry['summed_loss']
        if entry['step'] not in self._recorded:
            raise UserError(
                f'{os.path.join(self._record.folder, run_record.FILE)} records '
                f'weights of a later step than {name}\'s, and not that '
                'epoch; repeat those that are in it with --epochs')
        recorded = self._recorded[entry['step']]
        if 'part' in entry:
            name += f', part {entry["part"]}'
        start = f'{name.capitalize()} : {loss!r}'
        if 'unknown_losses' in recorded:
            print(f'{start}, not compared: the record lacks losses of it',
                  flush=True)
            self.is_partial = True
            return
        others = [figure for figure in systems.FIGURES
                  if entry.get(figure) != recorded.get(figure)]
        if loss == recorded['summed_loss'] and not others:
            print(f'{start}, equal to the bit', flush=True)
            return
        deviation = loss / recorded['summed_loss'] - 1.0
        self.largest_deviation = max(self.largest_deviation, abs(deviation))
        self.first_difference = self.first_difference or name
        print(f'{start}, recorded {recorded["summed_loss"]!r}: '
              f'{100 * deviation:+.5f} %' + ''.join(
                  f'; {figure} {entry.get(figure)!r}, recorded '
                  f'{recorded.get(figure)!r}' for figure in others), flush=True)
        # The rest of the run can't change the verdict.
        self.is_decided = not self.notes

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


def verify(record, options, given, num_epochs=None):
    """Repeats a run, or its first epochs, in a folder of its own.

    By train.py in a process of its own, which is asked to stop where the rest
    can't change the verdict.

    Args:
      record: run_record.RunRecord, as _check wants it.
      options: list of str, for train.py: where its data is.
      given: run_settings.RunSettings that override the record's.
      num_epochs: int, or None for all.
    Returns:
      int, the exit status; train.py's where it fails or is stopped.
    """
    last = record.epochs[-1] if record.epochs else {'epoch': 0, 'step': 0}
    weights_step = (record.content['weights'] or last)['step']
    settings = run_settings.RunSettings(*(
        recorded if value is None else value
        for value, recorded in zip(given, record.settings)))
    settings = settings._replace(save_steps=None, epochs=num_epochs or max(
        record.settings.epochs, last['epoch']))
    if not num_epochs:
        options = options + ['--max-steps', str(max(weights_step, last['step']))]
    with tempfile.TemporaryDirectory(prefix='cifar10_tf1-verify-') as folder:
        comparison = _Comparison(record, folder)
        with _Repetition(folder, options + _list_options(settings)) as repetition:
            for epoch in repetition.epochs():
                comparison.add_epoch(epoch)
                if comparison.is_decided:
                    return comparison.verdict()
        if repetition.status:
            return repetition.status
        comparison.add_weights()
        return comparison.verdict()


class _Repetition:
    """A process of train.py, and the record that it writes."""

    def __init__(self, folder, options):
        self._folder = folder
        self._process = subprocess.Popen(
            [sys.executable, programs.path('train'), '--model-dir', folder,
             '--no-summaries', *options],
            stdout=subprocess.PIPE, universal_newlines=True,
            # What the terminal sends reaches it through us, and once.
            start_new_session=True)
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._forward)

    def __enter__(self):
        return self

    def __exit__(self, *unused_exception):
        # What it would still save is in a folder that goes.
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()

    def _forward(self, number, unused_frame):
        self._process.send_signal(number)

    def epochs(self):
        """Yields each entry of the record, as soon as it is there.

        A line is printed behind each of them.
        """
        num_seen = 0
        for unused_line in self._process.stdout:
            record = run_record.load_folder(self._folder)
            entries = record.epochs[num_seen:] if record else []
            yield from entries
            num_seen += len(entries)

    @property
    def status(self):
        """The exit status, once the process has ended."""
        return self._process.wait()


def _list_options(settings):
    """The options of train.py that give a run these settings."""
    return [word for name, value in settings._asdict().items()
            if value is not None
            for word in ('--' + name.replace('_', '-'), str(value))]


def _list_beginning_options(record, pretrained):
    """The options of train.py for weights as the run began with."""
    if record.is_from_scratch:
        return ['--from-scratch']
    return ['--pretrained', pretrained] if pretrained is not None else []


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


def _verify(options):
    record = run_record.load(options.record)
    name = systems.find(record.content['system']).name
    options.synthetic = record.content['data'].get('name', '').startswith(
        'synthetic')
    _check(record, cli.load_data_set(options, name), options.epochs)
    return verify(
        record,
        ['--system', name, '--data-dir', cli.find_data_dir(options, name)]
        + ['--synthetic'] * options.synthetic
        + ['--allow-unsupported-gpu'] * options.allow_unsupported_gpu
        + _list_beginning_options(record, options.pretrained),
        cli.given_settings(options)._replace(epochs=None), options.epochs)


def main(argv=None):
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
    cli.add_pretrained_option(parser)
    cli.add_machine_options(parser)
    return cli.run_command(parser, argv, _verify)


if __name__ == '__main__':
    sys.exit(main())
