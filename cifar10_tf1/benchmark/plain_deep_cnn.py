"""A plain port of the original of 2017, timed or trained.

    python -m cifar10_tf1.benchmark.plain_deep_cnn FOLDER

trains as the original does, not seeded, and continues from the newest checkpoint in the
folder; epochs.csv there has each epoch's summed loss. test.py tests its checkpoints,
which are the original's.
"""

import csv
import os
import sys
import time

import tensorflow.compat.v1 as tf

from cifar10_tf1 import cli
from cifar10_tf1 import data
from cifar10_tf1.common import files
from cifar10_tf1.common import limits
from cifar10_tf1.records import run_record
from cifar10_tf1.benchmark import plain_port
from cifar10_tf1.common.errors import UserError

EPOCHS_FILE = 'epochs.csv'
_FIELDS = ('epoch', 'summed_loss', 'seconds')


class Plain:
    """The original's way: batches fetched to the host and fed back."""

    def __init__(self, data_set, seed=1):
        """
        Args:
          data_set: data.data_set.DataSet.
          seed: int, for TensorFlow 2; None as in the original.
        """
        self._num_steps = data_set.num_train_examples // plain_port.BATCH_SIZE
        graph = tf.Graph()
        with graph.as_default():
            self._port = plain_port.build_training(seed)
            self._inputs = {
                'train': plain_port.build_input(data_set.train_paths, True, seed),
                'test': plain_port.build_input([data_set.test_path], False, seed)}
            initializer = tf.global_variables_initializer()
        # No numbers of threads: TensorFlow's defaults.
        self._session = tf.Session(graph=graph)
        self._session.run(initializer)
        self._error = tf.errors.OutOfRangeError
        for initializer, unused_batch in self._inputs.values():
            self._session.run(initializer)

    def train(self):
        self._run('train', [self._port['train_op'], self._port['loss']])
        return self._batch_size

    def test(self):
        self._run('test', self._port['in_top_1'])
        return self._batch_size

    def run(self, folder, num_epochs):
        """Trains from the newest checkpoint on, as the original does.

        Args:
          folder: str, of the checkpoints.
          num_epochs: int, in total.
        Yields:
          dict of each epoch's number, summed loss in nats, and seconds. The epoch is
          saved afterwards: after a kill in between it is trained again.
        """
        newest = tf.train.latest_checkpoint(folder)
        step = 0
        if newest:
            self._port['saver'].restore(self._session, newest)
            step = int(newest.rsplit('-', 1)[1])
        for epoch in range(step // self._num_steps + 1, num_epochs + 1):
            start = time.perf_counter()
            # Each epoch starts with the first file.
            self._session.run(self._inputs['train'][0])
            summed_loss = 0.0
            for unused_step in range(self._num_steps):
                unused_update, loss = self._run(
                    'train', [self._port['train_op'], self._port['loss']])
                summed_loss += float(loss)
            seconds = time.perf_counter() - start
            yield {'epoch': epoch, 'summed_loss': summed_loss,
                   'seconds': round(seconds, 2)}
            self._port['saver'].save(
                self._session, os.path.join(folder, 'model.ckpt'),
                epoch * self._num_steps)

    def _run(self, which, fetches):
        initializer, batch = self._inputs[which]
        try:
            images, labels = self._session.run(batch)
        except self._error:
            self._session.run(initializer)
            images, labels = self._session.run(batch)
        self._batch_size = len(images)
        return self._session.run(fetches, {self._port['images']: images,
                                           self._port['labels']: labels})


PORTS = {'deep_cnn': Plain}


def _train(options):
    if os.path.exists(os.path.join(options.folder, run_record.FILE)):
        raise UserError(f'{options.folder} holds a run of train.py, whose checkpoints '
                        'this would overwrite; choose another folder')
    source = data.SOURCES['cifar10']
    port = Plain(source.load(options.data_dir or source.data_dir,
                             synthetic=options.synthetic), seed=None)
    try:
        os.makedirs(options.folder, exist_ok=True)
    except OSError as error:
        raise UserError(f'cannot make {options.folder}: {error.strerror}; choose '
                        'another folder')
    path = os.path.join(options.folder, EPOCHS_FILE)
    rows = _load(path)
    for row in port.run(options.folder, options.epochs):
        rows = [old for old in rows if int(old['epoch']) < row['epoch']] + [row]
        files.write_atomically(path, '\n'.join(
            [','.join(_FIELDS)]
            + [','.join(str(row[field]) for field in _FIELDS) for row in rows]) + '\n')
        print('Epoch {epoch} : Loss = {summed_loss:.5f}, Epoch Time = '
              '{seconds:.2f}s'.format(**row), flush=True)
    return 0


def _load(path):
    if not os.path.exists(path):
        return []
    with open(path, newline='') as file:
        return list(csv.DictReader(file))


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.benchmark.plain_deep_cnn',
        description='Trains a plain port of the original, not seeded, and continues '
        'from its newest checkpoint.',
        epilog='example: python -m cifar10_tf1.benchmark.plain_deep_cnn plain')
    parser.add_argument('folder', metavar='FOLDER',
                        help=f'of the checkpoints and of {EPOCHS_FILE}')
    cli.add_number(parser, '--epochs', 1, limits.EPOCHS,
                   'in total (default: 110)', default=110)
    cli.add_data_options(parser)
    return cli.run_command(parser, argv, _train)


if __name__ == '__main__':
    sys.exit(main())
