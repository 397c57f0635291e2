"""Trains a plain, unseeded port of a notebook: laptop_cnn or udacity_cnn.

    python -m cifar10_tf1.benchmark.plain_notebook laptop_cnn run.csv --epochs 50

It writes the figures that the notebook prints after each file of each epoch.

Both notebooks use one course template: placeholders x, y and keep_prob, unnamed
variables, tf.nn.dropout, Adam at its default rate, images fed by feed_dict, file by file.
The ports follow the description of the originals and share nothing with the package.
"""

import csv
import sys
import time

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import cli, data
from cifar10_tf1.benchmark import plain
from cifar10_tf1.common import limits
from cifar10_tf1.common.errors import explained

NUM_CLASSES = 10
FIGURES = ('epoch', 'part', 'loss', 'training_accuracy', 'validation_accuracy', 'seconds')


def build_laptop_logits(x, keep_prob, seed=None):
    """float32 [batch, 32, 32, 3] to [batch, 10]; no activation anywhere."""
    net = x
    for shape, stride in (([7, 7, 3, 32], 2), ([3, 3, 32, 64], 1), ([2, 2, 64, 128], 1)):
        net = build_pool(build_convolution(net, shape, stride, 0.05, seed))
    net = tf.reshape(net, [-1, 512])
    net = tf.nn.dropout(net, keep_prob, seed=seed)
    net = build_dense(net, [512, 1024], 0.05, seed)
    net = tf.nn.dropout(net, keep_prob, seed=seed)
    net = build_dense(net, [1024, 128], 0.05, seed)
    return build_dense(net, [128, 10], 0.05, seed)


def build_udacity_logits(x, keep_prob, seed=None):
    """float32 [batch, 32, 32, 3] to [batch, 10]; dropout on the logits too."""
    net = x
    for shape in ([8, 8, 3, 32], [4, 4, 32, 64], [2, 2, 64, 256]):
        net = build_pool(tf.nn.relu(build_convolution(net, shape, 1, 0, seed)))
    net = tf.reshape(net, [-1, 4096])
    for shape in ([4096, 512], [512, 64]):
        net = tf.nn.relu(build_dense(net, shape, 0, seed))
    net = tf.nn.dropout(net, keep_prob, seed=seed)
    return tf.nn.dropout(build_dense(net, [64, 10], 0, seed), keep_prob, seed=seed)


def build_variable(shape, stddev, seed):
    """An unnamed float32 ref variable; zeros if stddev is 0."""
    initial = (tf.truncated_normal(shape, stddev=stddev, seed=seed) if stddev else tf.zeros(shape))
    return tf.Variable(initial, use_resource=False)


def build_dense(net, shape, bias_stddev, seed):
    weights = build_variable(shape, 0.05, seed)
    return tf.add(tf.matmul(net, weights), build_variable(shape[-1:], bias_stddev, seed))


def build_convolution(net, shape, stride, bias_stddev, seed):
    weights = build_variable(shape, 0.05, seed)
    net = tf.nn.conv2d(net, weights, [1, stride, stride, 1], 'SAME')
    return tf.nn.bias_add(net, build_variable(shape[-1:], bias_stddev, seed))


def build_pool(net):
    return tf.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], 'SAME')


# By system: (builder of logits, images in a batch, keep_prob in training).
NOTEBOOKS = {'laptop_cnn': (build_laptop_logits, 256, 0.5),
             'udacity_cnn': (build_udacity_logits, 1000, 0.8)}


def build_training(build_logits, seed=None):
    """{name: tensor} of a notebook's graph, and its saver."""
    x = tf.placeholder(tf.float32, [None, 32, 32, 3], name='x')
    y = tf.placeholder(tf.float32, [None, NUM_CLASSES], name='y')
    keep_prob = tf.placeholder(tf.float32, name='keep_prob')
    logits = tf.identity(build_logits(x, keep_prob, seed), name='logits')
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=y))
    train_op = tf.train.AdamOptimizer().minimize(loss)
    correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32), name='accuracy')
    return {'x': x, 'y': y, 'keep_prob': keep_prob, 'loss': loss,
            'train_op': train_op, 'accuracy': accuracy, 'saver': tf.train.Saver()}


def prepare(images):
    """uint8 [N, 32, 32, 3] to float32 in 0..1, as they are fed."""
    return (images / 255.0).astype(np.float32)


def one_hot(labels):
    return np.eye(NUM_CLASSES, dtype=np.float32)[labels]


class Notebook:
    """A session of a notebook, with its data prepared in memory."""

    def __init__(self, name, data_set, seed=None):
        build_logits, self._batch_size, self._keep_prob = NOTEBOOKS[name]
        self._port, self._session = plain.start(lambda: build_training(build_logits, seed))
        self._files, held_back = [], []
        for labels, images in zip(*(
                np.split(part, 5) for part in data_set.labels_and_images('train'))):
            x, y = prepare(images), one_hot(labels)
            num_trained = len(x) - int(len(x) * 0.1)
            self._files.append((x[:num_trained], y[:num_trained]))
            held_back.append((x[num_trained:], y[num_trained:]))
        self._validation = [np.concatenate(parts) for parts in zip(*held_back)]
        labels, images = data_set.labels_and_images('test')
        self._test = prepare(images), one_hot(labels)

    def _run(self, names, x, y, keep_prob=1.0):
        port = self._port
        return self._session.run([port[name] for name in names], {
            port['x']: x, port['y']: y, port['keep_prob']: keep_prob})

    def _train_file(self, file):
        """Takes a step for each batch of a file; yields the batches."""
        for x, y in plain.batches(self._batch_size, *file):
            self._run(['train_op'], x, y, self._keep_prob)
            yield x, y

    def train(self):
        """Trains without end; yields the number of images of each step."""
        while True:
            for file in self._files:
                for x, unused_y in self._train_file(file):
                    yield len(x)

    def test(self):
        """Tests without end; yields the number of images of each step."""
        port = self._port
        return plain.repeat(
            self._session, port['accuracy'], self._batch_size,
            dict(zip([port['x'], port['y']], self._test)), {port['keep_prob']: 1.0})

    def run(self, num_epochs, num_files):
        """Yields a dict of figures after each file of each epoch."""
        for epoch in range(1, num_epochs + 1):
            for part, file in enumerate(self._files[:num_files], 1):
                start = time.perf_counter()
                for x, y in self._train_file(file):
                    pass
                seconds = time.perf_counter() - start
                # Quirk: the document measures the file's last batch alone.
                loss, accuracy = self._run(['loss', 'accuracy'], x, y)
                validation, unused_sizes = zip(*self._measure(self._validation, 1000))
                yield dict(zip(FIGURES, (epoch, part, float(loss), float(accuracy),
                                         float(np.mean(validation)), round(seconds, 2))))

    def _measure(self, arrays, batch_size):
        """[(accuracy, number of images)] of each batch."""
        return [(self._run(['accuracy'], x, y)[0], len(x))
                for x, y in plain.batches(batch_size, *arrays)]

    def count_test(self):
        """(float, mean accuracy over mini-batches as documented; int, num_correct)."""
        measured = self._measure(self._test, self._batch_size)
        return (sum(float(share) for share, unused in measured) / len(measured),
                sum(int(round(share * size)) for share, size in measured))


def open_steps(name, data_set):
    """Training and testing, timed by worker.py."""
    notebook = Notebook(name, data_set, seed=1)
    return {'train': notebook.train(), 'test': notebook.test()}


def _train(options):
    source = data.SOURCES['cifar10']
    notebook = Notebook(options.system, source.load(options.data_dir or source.data_dir, False))
    with explained(f'write {options.output}', 'CSV'):
        with open(options.output, 'w', newline='') as file:
            writer = csv.DictWriter(file, FIGURES, lineterminator='\n')
            writer.writeheader()
            for figures in notebook.run(options.epochs, options.train_files):
                writer.writerow(figures)
                file.flush()
    mean, num_correct = notebook.count_test()
    print(f'{options.output}: Testing Accuracy: {mean!r}, {num_correct} correct')
    return 0


def main(argv=None):
    parser = cli.Parser(__doc__)
    parser.add_argument('system', choices=sorted(NOTEBOOKS), help='notebook to train')
    cli.add_path(parser, 'output', 'CSV', 'CSV file to write')
    cli.add_number(parser, '--epochs', 1, limits.EPOCHS, 'number of epochs', required=True)
    cli.add_number(parser, '--train-files', 1, 5,
                   'number of training files in an epoch (default: 5)', default=5)
    cli.add_data_dir_option(parser)
    return cli.run_command(parser, argv, _train)


if __name__ == '__main__':
    sys.exit(main())
