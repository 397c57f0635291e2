"""Repeats a recorded run and compares it, epoch by epoch, to the bit.

    python -m cifar10_tf1.verify run.json --epochs 2

Exit status: 0 equal to the bit; 4 different on the same kind of machine; 3
different on another kind; 1 a mistake that the user can mend.
"""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile

from cifar10_tf1 import cli
from cifar10_tf1 import scripts
from cifar10_tf1 import systems
from cifar10_tf1.common import limits
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import is_synthetic
from cifar10_tf1.machine import description
from cifar10_tf1.records import figure_names
from cifar10_tf1.records import run_record
from cifar10_tf1.records import run_settings

EQUAL, OTHER_KIND, DIFFERENT = 0, 3, 4


class Comparison:
    """What is recorded against what the repetition finds."""

    def __init__(self, record):
        self._record = record
        self._recorded = {entry['step']: entry for entry in record.epochs}
        self._notes = None             # differences of the kinds of machine
        self._first_difference = None
        self._largest_deviation = 0.0  # of a summed loss, relative
        self._is_partial = False       # an epoch could not be compared

    @property
    def is_decided(self):
        """Whether the rest of the run can't change the verdict."""
        return self._first_difference is not None and not self._notes

    def start(self, repeated):
        """Compares the kinds of machine.

        Args:
          repeated: run_record.RunRecord of the repetition.
        """
        self._notes = (self._record.content['not_bit_exact']
                       + description.list_differences(self._record.kind,
                                                      repeated.kind))

    def add_epoch(self, entry):
        """Compares an epoch, or a part of one, and prints a line for it."""
        name, loss = f'epoch {entry["epoch"]}', entry['summed_loss']
        if entry['step'] not in self._recorded:
            raise UserError(
                f'{_path(self._record)} records weights of a later step than '
                f'{name}\'s, and not that epoch; repeat the recorded ones with '
                '--epochs')
        recorded = self._recorded[entry['step']]
        if 'part' in entry:
            name += f', part {entry["part"]}'
        line = f'{name.capitalize()} : {loss!r}'
        others = [figure for figure in figure_names.ALL
                  if entry.get(figure) != recorded.get(figure)]
        if 'unknown_losses' in recorded:
            line += ', not compared: the record lacks losses of it'
            self._is_partial = True
        elif loss == recorded['summed_loss'] and not others:
            line += ', equal to the bit'
        else:
            deviation = loss / recorded['summed_loss'] - 1.0
            self._largest_deviation = max(self._largest_deviation, abs(deviation))
            self._first_difference = self._first_difference or name
            line += (f', recorded {recorded["summed_loss"]!r}: '
                     f'{100 * deviation:+.5f} %')
            line += ''.join(f'; {figure} {entry.get(figure)!r}, recorded '
                            f'{recorded.get(figure)!r}' for figure in others)
        print(line, flush=True)

    def add_weights(self, repeated):
        """Compares the fingerprints if both are of the same step."""
        ours, recorded = repeated.content['weights'], self._record.content['weights']
        if not (recorded and ours and recorded['step'] == ours['step']):
            return
        is_same = recorded['sha256'] == ours['sha256']
        print(f'Weights at step {recorded["step"]} : SHA-256 {ours["sha256"]}, '
              + ('equal' if is_same else f'recorded {recorded["sha256"]}'),
              flush=True)
        if not is_same and self._first_difference is None:
            self._first_difference = f'the weights at step {recorded["step"]}'

    def end(self):
        """Prints the verdict and returns the exit status."""
        for note in self._notes:
            print(f'Another kind of machine: {note}')
        if self._first_difference is None:
            print('Equal to the bit'
                  + (' where it can be compared' if self._is_partial else '')
                  + (', on another kind of machine too' if self._notes else ''),
                  flush=True)
            return EQUAL
        if self._notes:
            print(f'Different from {self._first_difference} on, on another kind of '
                  'machine'
                  + (': largest deviation of a summed loss '
                     f'{100 * self._largest_deviation:.5f} %'
                     if self._largest_deviation else ''), flush=True)
            return OTHER_KIND
        print(f'DIFFERENT at {self._first_difference}, on the same kind of machine',
              flush=True)
        return DIFFERENT


def verify(record, options):
    """Repeats a run with train.py, in a temporary folder.

    Args:
      record: run_record.RunRecord.
      options: list of str, for train.py.
    Returns:
      int, the exit status; train.py's if it fails or is stopped.
    """
    comparison = Comparison(record)
    with tempfile.TemporaryDirectory(prefix='cifar10_tf1-verify-') as folder:
        with _running(options + ['--model-dir', folder]) as process:
            num_seen = 0
            # train.py prints at least a line for each entry of its record.
            for unused_line in process.stdout:
                repeated = run_record.load_folder(folder)
                if repeated is None:
                    continue
                comparison.start(repeated)
                for entry in repeated.epochs[num_seen:]:
                    comparison.add_epoch(entry)
                    if comparison.is_decided:
                        return comparison.end()
                num_seen = len(repeated.epochs)
            if process.wait():
                return process.returncode
        repeated = run_record.load_folder(folder)
        comparison.start(repeated)
        comparison.add_weights(repeated)
        return comparison.end()


@contextlib.contextmanager
def _running(options):
    """A process of train.py that gets our signals, and is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, scripts.path('train'), '--no-summaries', *options],
        stdout=subprocess.PIPE, universal_newlines=True,
        # It gets the terminal's signals through us, and once.
        start_new_session=True)

    def forward(number, unused_frame):
        process.send_signal(number)

    previous = {number: signal.signal(number, forward)
                for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield process
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        process.kill()
        process.wait()
        process.stdout.close()


def _path(record):
    return os.path.join(record.folder, run_record.FILE)


def _check(record, data_set, num_epochs):
    """Raises UserError if a run can't be repeated from its record."""
    path = _path(record)
    if not record.content['processes']:
        raise UserError(f'{path} records no training; give another')
    first_step = record.content['processes'][0]['from_step']
    if first_step:
        raise UserError(f'{path} records a run that began with a checkpoint of '
                        f'step {first_step}, which is not in it; it can\'t be '
                        'repeated')
    if not (record.epochs or record.content['weights']):
        raise UserError(f'{path} records no finished epoch; train further first')
    # An epoch may have an entry for each of its parts.
    numbers = {epoch['epoch'] for epoch in record.epochs}
    if num_epochs and num_epochs > len(numbers):
        raise UserError(f'{path} records {len(numbers)} epochs, not {num_epochs}; '
                        'ask for fewer with --epochs')
    missing = set(range(1, max(numbers, default=0) + 1)) - numbers
    if missing:
        raise UserError(f'{path} lacks epoch {min(missing)}; it can\'t be repeated')
    if record.content['data']['sha256'] != data_set.sha256:
        raise UserError(f'{path} is of other data; give it with --data-dir')


def _list_options(record, options, name):
    """The options of train.py that repeat a record."""
    given = cli.given_settings(options)
    settings = run_settings.RunSettings(*(
        recorded if value is None else value
        for value, recorded in zip(given, record.settings)))
    last = record.epochs[-1] if record.epochs else {'epoch': 0, 'step': 0}
    settings = settings._replace(save_steps=None, epochs=options.epochs or max(
        record.settings.epochs, last['epoch']))
    words = ['--system', name, '--data-dir', cli.find_data_dir(options, name)]
    words += [word for setting, value in settings._asdict().items()
              if value is not None
              for word in ('--' + setting.replace('_', '-'), str(value))]
    if not options.epochs:
        weights = record.content['weights'] or last
        words += ['--max-steps', str(max(weights['step'], last['step']))]
    if options.synthetic:
        words.append('--synthetic')
    if options.allow_unsupported_gpu:
        words.append('--allow-unsupported-gpu')
    if record.is_from_scratch:
        words.append('--from-scratch')
    elif options.pretrained:
        words += ['--pretrained', options.pretrained]
    elif record.has_other_weights:
        raise UserError('the run began with other weights than the documented; name '
                        'them with --pretrained')
    return words


def _verify(options):
    record = run_record.load(options.record)
    name = systems.find(record.content['system']).name
    options.synthetic = is_synthetic(record.content['data'].get('name', ''))
    _check(record, cli.load_data_set(options, name), options.epochs)
    return verify(record, _list_options(record, options, name))


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.verify',
        description='Repeats a recorded run, or its first epochs, in a temporary '
        'folder, and compares it to the bit. Exit status: 0 equal, 3 different '
        'on another kind of machine, 4 different on the same kind.',
        epilog='example: python -m cifar10_tf1.verify model/run.json --epochs 2')
    cli.add_path(parser, 'record', 'RUN.JSON', 'the record')
    cli.add_number(parser, '--epochs', 1, limits.EPOCHS,
                   'repeat the first N epochs only (default: all)')
    cli.add_data_dir_option(parser)
    cli.add_pretrained_option(parser)
    cli.add_machine_options(parser)
    return cli.run_command(parser, argv, _verify)


if __name__ == '__main__':
    sys.exit(main())
