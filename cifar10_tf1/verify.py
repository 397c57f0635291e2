"""Repeats a recorded run and compares it bit by bit, epoch by epoch.

    python -m cifar10_tf1.verify run.json --epochs 2

Exit status: 0 equal to the bit; 4 different on the same kind of machine; 3 different on
another kind; 1 an error that the user can fix.
"""

import contextlib
import signal
import subprocess
import sys
import tempfile

from cifar10_tf1 import cli, scripts, systems
from cifar10_tf1.common import limits
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import is_synthetic
from cifar10_tf1.machine import description
from cifar10_tf1.records import figure_names, run_record, run_settings

EQUAL, OTHER_KIND, DIFFERENT = 0, 3, 4


class Comparison:
    """Compares a record with its repetition, and prints a line for each epoch."""

    def __init__(self, record):
        self._record = record
        self._recorded = {entry['step']: entry for entry in record.epochs}
        self._notes = []           # differences between the kinds of machine
        self._differences = []     # (name, relative deviation of a summed loss)
        self._is_partial = False   # an epoch could not be compared

    def start(self, repeated):
        """Compares the kind of machine with that of the repetition's RunRecord."""
        self._notes = (self._record.content['not_bit_exact']
                       + description.list_differences(self._record.kind,
                                                      repeated.kind))

    def add_epoch(self, entry):
        """Compares a part of an epoch; returns whether this settles the verdict."""
        name, loss = f'epoch {entry["epoch"]}', entry['summed_loss']
        recorded = self._recorded.get(entry['step'])
        if recorded is None:
            raise UserError(f'{self._record.path} has weights from after its last epoch, '
                            f'but lacks {name}; repeat fewer with --epochs')
        if 'part' in entry:
            name += f', part {entry["part"]}'
        line = f'{name.capitalize()} : {loss!r}'
        others = [figure for figure in figure_names.ALL
                  if entry.get(figure) != recorded.get(figure)]
        if 'unknown_losses' in recorded:
            line += ', not compared: the record lacks some of its losses'
            self._is_partial = True
        elif loss == recorded['summed_loss'] and not others:
            line += ', equal to the bit'
        else:
            deviation = loss / recorded['summed_loss'] - 1.0
            self._differences.append((name, abs(deviation)))
            line += f', recorded {recorded["summed_loss"]!r}: {100 * deviation:+.5f} %'
        line += ''.join(f'; {figure} {entry.get(figure)!r}, recorded '
                        f'{recorded.get(figure)!r}' for figure in others)
        print(line, flush=True)
        return self._differences and not self._notes

    def add_weights(self, repeated):
        """Compares the weights' fingerprints if both belong to the same step."""
        ours, recorded = repeated.content['weights'], self._record.content['weights']
        if not (recorded and ours and recorded['step'] == ours['step']):
            return
        name = f'weights at step {ours["step"]}'
        is_same = recorded['sha256'] == ours['sha256']
        print(f'{name.capitalize()} : SHA-256 {ours["sha256"]}, '
              + ('equal' if is_same else f'recorded {recorded["sha256"]}'), flush=True)
        if not is_same:
            self._differences.append((f'the {name}', 0.0))

    def end(self):
        """Prints the verdict and returns the exit status."""
        for note in self._notes:
            print(f'Another kind of machine: {note}')
        if not self._differences:
            print('Equal to the bit'
                  + ' where it can be compared' * self._is_partial
                  + ', on another kind of machine too' * bool(self._notes), flush=True)
            return EQUAL
        first = self._differences[0][0]
        if not self._notes:
            print(f'DIFFERENT at {first}, on the same kind of machine', flush=True)
            return DIFFERENT
        largest = max(deviation for unused_name, deviation in self._differences)
        print(f'Different from {first} on, as expected on another kind of machine; '
              f'summed losses deviate by up to {100 * largest:.5f} %', flush=True)
        return OTHER_KIND


def verify(record, options):
    """Repeats a run in a temporary folder, by train.py with these options.

    Returns the exit status, which is train.py's if that fails.
    """
    comparison, num_seen = Comparison(record), 0
    with tempfile.TemporaryDirectory(prefix='cifar10_tf1-verify-') as folder:
        with _running(options + ['--model-dir', folder]) as process:
            # train.py prints at least a line for each entry of its record.
            for unused_line in process.stdout:
                repeated = run_record.load_folder(folder)
                if repeated is None:
                    continue
                comparison.start(repeated)
                for entry in repeated.epochs[num_seen:]:
                    if comparison.add_epoch(entry):
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
    """A process of train.py that gets our signals and is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, scripts.path('train'), '--no-summaries', *options],
        stdout=subprocess.PIPE, universal_newlines=True,
        start_new_session=True)  # it gets the terminal's signals through us, and once
    previous = {
        number: signal.signal(number, lambda number, _: process.send_signal(number))
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield process
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        process.kill()
        process.wait()
        process.stdout.close()


def check(record, data_set, num_epochs):
    """Raises UserError if a run, or num_epochs of it, can't be repeated."""
    processes = record.content['processes']
    # An epoch may have an entry for each of its parts.
    numbers = {epoch['epoch'] for epoch in record.epochs}
    missing = set(range(1, max(numbers, default=0) + 1)) - numbers
    for is_wrong, reason in (
            (not processes, 'records no training; name another record'),
            (processes and processes[0]['from_step'],
             'records a run that continued from a checkpoint, so it cannot be repeated; '
             'name another record'),
            (not numbers and not record.content['weights'],
             'records no finished epoch; train further first'),
            ((num_epochs or 0) > len(numbers),
             f'records {len(numbers)} epochs, not {num_epochs}; use a smaller --epochs'),
            (missing, f'lacks epoch {min(missing, default=0)}; name another record'),
            (record.content['data'].get('sha256') != data_set.sha256,
             'used other data; name it with --data-dir')):
        if is_wrong:
            raise UserError(f'{record.path} {reason}')


def _list_options(record, options, name):
    """The options of train.py that repeat a record."""
    settings = run_settings.RunSettings(*(
        recorded if value is None else value for value, recorded
        in zip(cli.given_settings(options), record.settings)))
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
    words += ['--synthetic'] * options.synthetic
    words += ['--allow-unsupported-gpu'] * options.allow_unsupported_gpu
    words += ['--from-scratch'] * record.is_from_scratch
    if options.pretrained and not record.is_from_scratch:
        words += ['--pretrained', options.pretrained]
    elif record.has_other_weights:
        raise UserError('the run did not start from the documented weights; name its own '
                        'with --pretrained')
    return words


def _verify(options):
    record = run_record.load(options.record)
    name = systems.find(record.content['system']).name
    options.synthetic = is_synthetic(record.content['data'].get('name', ''))
    check(record, cli.load_data_set(options, name), options.epochs)
    return verify(record, _list_options(record, options, name))


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.verify',
        description='Repeats a recorded run, or its first epochs, in a temporary folder '
        'and compares the two bit by bit. The exit status is 0 if they are equal, 3 if '
        'they differ on another kind of machine, 4 if they differ on the same kind.',
        epilog='example: python -m cifar10_tf1.verify model/run.json --epochs 2')
    cli.add_path(parser, 'record', 'RUN.JSON', 'record of the run')
    cli.add_number(parser, '--epochs', 1, limits.EPOCHS,
                   'repeat the first N epochs only (default: all)')
    cli.add_data_dir_option(parser)
    cli.add_pretrained_option(parser)
    cli.add_machine_options(parser)
    return cli.run_command(parser, argv, _verify)


if __name__ == '__main__':
    sys.exit(main())
