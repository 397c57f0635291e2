"""What the plain ports of laptop_cnn and udacity_cnn share.

Both documents are notebooks from one course template: placeholders x, y and
keep_prob, unnamed variables, tf.nn.dropout, Adam without a step, images fed by
feed_dict, file by file. Written from the description of the originals, none of
it shared with the package. What trains here is not seeded, as the documents'
sessions were not.

    python -m cifar10_tf1.benchmark.plain_notebook laptop_cnn run.csv

trains as the document does and writes the figures that it prints.
"""

import argparse
import csv
import importlib
import sys
import time

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import data

NUM_CLASSES = 10
# Of a port that is timed: TensorFlow 2 may be told to insist on seeds.
TIMED_SEED = 1


def build_variable(shape, stddev, seed=None):
    """A float32 ref variable that nobody names; of zeros where stddev is 0."""
    initial = (tf.truncated_normal(shape, stddev=stddev, seed=seed)
               if stddev else tf.zeros(shape))
    return tf.Variable(initial, use_resource=False)


def build_convolution(net, weights, biases, stride, has_relu):
    """SAME convolution, biases, perhaps ReLU, max pool 2 x 2 of stride 2."""
    net = tf.nn.conv2d(net, weights, [1, stride, stride, 1], 'SAME')
    net = tf.nn.bias_add(net, biases)
    if has_relu:
        net = tf.nn.relu(net)
    return tf.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], 'SAME')


def build_training(build_logits, seed=None):
    """The graph of a notebook.

    Args:
      build_logits: function of (x, keep_prob, seed).
      seed: int, or None.
    Returns:
      dict: x, y, keep_prob (placeholders), loss, train_op, accuracy, saver.
    """
    x = tf.placeholder(tf.float32, [None, 32, 32, 3], name='x')
    y = tf.placeholder(tf.float32, [None, NUM_CLASSES], name='y')
    keep_prob = tf.placeholder(tf.float32, name='keep_prob')
    logits = tf.identity(build_logits(x, keep_prob, seed), name='logits')
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(
        logits=logits, labels=y))
    train_op = tf.train.AdamOptimizer().minimize(loss)
    correct = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
    accuracy = tf.reduce_mean(tf.cast(correct, tf.float32), name='accuracy')
    return {'x': x, 'y': y, 'keep_prob': keep_prob, 'loss': loss,
            'train_op': train_op, 'accuracy': accuracy,
            'saver': tf.train.Saver()}


def prepare(images):
    """uint8 [N, 32, 32, 3] to float32 in 0..1, as they are fed."""
    return (images / 255.0).astype(np.float32)


def one_hot(labels):
    return np.eye(NUM_CLASSES, dtype=np.float32)[labels]


class Notebook:
    """A session of a notebook: its data, prepared before, and its steps.

    Args:
      build_logits: as build_training.
      data_set: data.data_set.DataSet.
      batch_size: images; each file's last batch is short.
      keep_prob: in training.
      test_batch_size: images.
      seed: int, or None: another run each time.
    """

    kinds = ('train', 'test')

    def __init__(self, build_logits, data_set, batch_size, keep_prob,
                 test_batch_size, seed=None):
        graph = tf.Graph()
        with graph.as_default():
            self._port = build_training(build_logits, seed)
            initializer = tf.global_variables_initializer()
        # No numbers of threads: as TensorFlow chooses.
        self._session = tf.Session(graph=graph)
        self._session.run(initializer)
        labels, images = data_set.labels_and_images('train')
        num_files = 5
        self._files, held_back = [], []
        for part in range(num_files):
            size = len(labels) // num_files
            rows = slice(part * size, (part + 1) * size)
            x, y = prepare(images[rows]), one_hot(labels[rows])
            num_held_back = int(size * 0.1)
            self._files.append((x[:-num_held_back], y[:-num_held_back]))
            held_back.append((x[-num_held_back:], y[-num_held_back:]))
        self._validation = [np.concatenate(parts) for parts in zip(*held_back)]
        labels, images = data_set.labels_and_images('test')
        self._test = prepare(images), one_hot(labels)
        self._batch_size, self._keep_prob = batch_size, keep_prob
        self._test_batch_size = test_batch_size
        self._training, self._testing = self._forever(), self._test_forever()

    def _batches(self, file):
        x, y = file
        for start in range(0, len(x), self._batch_size):
            yield (x[start:start + self._batch_size],
                   y[start:start + self._batch_size])

    def _step(self, x, y):
        self._session.run(self._port['train_op'], {
            self._port['x']: x, self._port['y']: y,
            self._port['keep_prob']: self._keep_prob})

    def _measure(self, names, x, y):
        return self._session.run([self._port[name] for name in names], {
            self._port['x']: x, self._port['y']: y,
            self._port['keep_prob']: 1.0})

    def _forever(self):
        while True:
            for file in self._files:
                for x, y in self._batches(file):
                    self._step(x, y)
                    yield len(x)

    def _test_forever(self):
        x, y = self._test
        while True:
            for start in range(0, len(x), self._test_batch_size):
                rows = slice(start, start + self._test_batch_size)
                self._measure(['accuracy'], x[rows], y[rows])
                yield len(x[rows])

    def train(self):
        """A step; gives the number of images."""
        return next(self._training)

    def test(self):
        """A batch of the test; gives the number of images."""
        return next(self._testing)

    def run(self, num_epochs, num_files):
        """Yields a dict of figures after each file of each epoch."""
        for epoch in range(1, num_epochs + 1):
            for part, file in enumerate(self._files[:num_files], 1):
                start = time.perf_counter()
                for x, y in self._batches(file):
                    self._step(x, y)
                seconds = time.perf_counter() - start
                loss, accuracy = self._measure(['loss', 'accuracy'], x, y)
                yield {'epoch': epoch, 'part': part, 'loss': float(loss),
                       'training_accuracy': float(accuracy),
                       'validation_accuracy': self._validate(),
                       'seconds': round(seconds, 2)}

    def _validate(self):
        """Of all 5,000 at once, as documented; counted in parts of 1,000."""
        shares = [self._measure(['accuracy'], x, y)[0] for x, y in zip(
            *(np.split(values, 5) for values in self._validation))]
        return float(np.mean(shares))

    def count_test(self):
        """(float, the mean over mini-batches as documented; images right)."""
        x, y = self._test
        shares, num_correct = 0, 0
        starts = range(0, len(x), self._test_batch_size)
        for start in starts:
            rows = slice(start, start + self._test_batch_size)
            share, = self._measure(['accuracy'], x[rows], y[rows])
            shares += float(share)
            num_correct += int(round(float(share) * len(x[rows])))
        return shares / len(starts), num_correct


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('system')
    parser.add_argument('output', help='a CSV file of the figures')
    parser.add_argument('--epochs', type=int, required=True)
    parser.add_argument('--train-files', type=int, default=5)
    parser.add_argument('--data-dir')
    options = parser.parse_args()
    port = importlib.import_module(
        f'cifar10_tf1.benchmark.plain_{options.system}')
    source = data.SOURCES['cifar10']
    notebook = port.Plain(source.load(options.data_dir or source.data_dir,
                                      synthetic=False), seed=None)
    with open(options.output, 'w', newline='') as file:
        writer = None
        for figures in notebook.run(options.epochs, options.train_files):
            if writer is None:
                writer = csv.DictWriter(file, list(figures),
                                        lineterminator='\n')
                writer.writeheader()
            writer.writerow(figures)
            file.flush()
    mean, num_correct = notebook.count_test()
    print(f'{options.output}: Testing Accuracy: {mean!r}, {num_correct} right',
          flush=True)
    return 0


if __name__ == '__main__':
    sys.exit(main())
