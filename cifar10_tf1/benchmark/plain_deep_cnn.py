"""A plain port of the original of 2017, timed or trained.

    python -m cifar10_tf1.benchmark.plain_deep_cnn FOLDER

trains without a seed, as the original does, from the newest checkpoint in the folder on,
and writes each epoch's summed loss to epochs.csv there. test.py tests these checkpoints.
"""

import contextlib
import csv
import itertools
import os
import sys
import time

import tensorflow.compat.v1 as tf

from cifar10_tf1 import cli, data
from cifar10_tf1.common import files, limits
from cifar10_tf1.records import run_record
from cifar10_tf1.benchmark import plain, plain_port
from cifar10_tf1.common.errors import UserError

EPOCHS_FILE = 'epochs.csv'
_FIELDS = ('epoch', 'summed_loss', 'seconds')


class Port:
    """The original's way: batches fetched to the host and fed back."""

    def __init__(self, data_set, seed=None):
        """The seed is for TensorFlow 2, which can be set to require one."""
        def build():
            return plain_port.build_training(seed), {
                'train': plain_port.build_input(data_set.train_paths, True, seed),
                'test': plain_port.build_input(data_set.test_paths, False, seed)}

        self._num_steps = data_set.num_train_examples // plain_port.BATCH_SIZE
        (self._port, self._inputs), self._session = plain.start(build)

    def run(self, folder, num_epochs):
        """Trains on from the newest checkpoint in a folder, as the original does.

        Yields a dict of each epoch's number, summed loss in nats, and seconds. The epoch
        is saved after that; a kill in between repeats it.
        """
        newest = tf.train.latest_checkpoint(folder)
        step = 0
        if newest:
            self._port['saver'].restore(self._session, newest)
            step = int(newest.rsplit('-', 1)[1])
        for epoch in range(step // self._num_steps + 1, num_epochs + 1):
            start = time.perf_counter()
            summed_loss = 0.0
            for unused_update, loss in itertools.islice(self.train(), self._num_steps):
                summed_loss += float(loss)
            seconds = time.perf_counter() - start
            yield {'epoch': epoch, 'summed_loss': summed_loss,
                   'seconds': round(seconds, 2)}
            self._port['saver'].save(
                self._session, os.path.join(folder, 'model.ckpt'),
                epoch * self._num_steps)

    def train(self):
        return self._run('train', [self._port['train_op'], self._port['loss']])

    def test(self):
        return self._run('test', self._port['in_top_1'])

    def _run(self, split, fetches):
        """Takes steps from the first file on, again and again; yields the values."""
        initializer, batch = self._inputs[split]
        while True:
            self._session.run(initializer)
            with contextlib.suppress(tf.errors.OutOfRangeError):
                while True:
                    images, labels = self._session.run(batch)
                    yield self._session.run(
                        fetches, {self._port['images']: images,
                                  self._port['labels']: labels})


def open_steps(unused_name, data_set):
    """Training and testing, timed by worker.py."""
    port = Port(data_set, seed=1)
    return {kind: (plain_port.BATCH_SIZE for unused_values in values)
            for kind, values in (('train', port.train()), ('test', port.test()))}


def _train(options):
    if os.path.exists(os.path.join(options.folder, run_record.FILE)):
        raise UserError(f'{options.folder} contains a run of train.py, whose checkpoints '
                        'this would overwrite; choose another folder')
    source = data.SOURCES['cifar10']
    port = Port(source.load(options.data_dir or source.data_dir,
                            synthetic=options.synthetic))
    try:
        os.makedirs(options.folder, exist_ok=True)
    except OSError as error:
        raise UserError(f'cannot create {options.folder}: {error.strerror}; choose '
                        'another folder')
    path = os.path.join(options.folder, EPOCHS_FILE)
    rows = []
    if os.path.exists(path):
        with open(path, newline='') as file:
            rows = list(csv.DictReader(file))
    for row in port.run(options.folder, options.epochs):
        rows = [old for old in rows if int(old['epoch']) < row['epoch']] + [row]
        files.write_atomically(path, '\n'.join(
            [','.join(_FIELDS)]
            + [','.join(str(row[field]) for field in _FIELDS) for row in rows]) + '\n')
        print('Epoch {epoch} : Loss = {summed_loss:.5f}, Epoch Time = '
              '{seconds:.2f}s'.format(**row), flush=True)
    return 0


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.benchmark.plain_deep_cnn',
        description='Trains a plain, unseeded port of the original, starting from the '
        'newest checkpoint in FOLDER.',
        epilog='example: python -m cifar10_tf1.benchmark.plain_deep_cnn plain')
    parser.add_argument('folder', metavar='FOLDER',
                        help=f'folder for checkpoints and {EPOCHS_FILE}')
    cli.add_number(parser, '--epochs', 1, limits.EPOCHS,
                   'total number of epochs (default: 110)', default=110)
    cli.add_data_options(parser)
    return cli.run_command(parser, argv, _train)


if __name__ == '__main__':
    sys.exit(main())
