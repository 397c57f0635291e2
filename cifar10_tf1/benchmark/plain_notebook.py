"""The notebooks of laptop_cnn and udacity_cnn, ported plainly.

Both use one course template: placeholders x, y and keep_prob, unnamed variables,
tf.nn.dropout, Adam at its default rate, images fed by feed_dict, file by file. Written
from the description of the originals; nothing is shared with the package. Runs are not
seeded, as the documents' sessions were not.

    python -m cifar10_tf1.benchmark.plain_notebook laptop_cnn run.csv --epochs 50

trains as the document does and writes the figures that it prints.
"""

import argparse
import csv
import sys
import time

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import data

NUM_CLASSES = 10
TIMED_SEED = 1  # of a timed port: TensorFlow 2 may be told to insist on seeds


def build_laptop_logits(x, keep_prob, seed=None):
    """float32 [batch, 32, 32, 3] to [batch, 10]; no activation anywhere."""
    net = x
    for maps, size, stride in ((32, 7, 2), (64, 3, 1), (128, 2, 1)):
        shape = [size, size, net.shape[-1].value, maps]
        weights = build_variable(shape, 0.05, seed)
        biases = build_variable([maps], 0.05, seed)
        net = build_convolution(net, weights, biases, stride, has_relu=False)
    net = tf.reshape(net, [-1, 512])
    net = tf.nn.dropout(net, keep_prob, seed=seed)
    net = build_dense(net, 1024, 0.05, seed)
    net = tf.nn.dropout(net, keep_prob, seed=seed)
    net = build_dense(net, 128, 0.05, seed)
    return build_dense(net, 10, 0.05, seed)


def build_udacity_logits(x, keep_prob, seed=None):
    """float32 [batch, 32, 32, 3] to [batch, 10]; dropout on the logits too.

    The course test builds a second, untrained network in the same graph; it changes
    no figure and is left out here.
    """
    net = x
    for maps, size in ((32, 8), (64, 4), (256, 2)):
        shape = [size, size, net.shape[-1].value, maps]
        weights = build_variable(shape, 0.05, seed)
        biases = build_variable([maps], 0)
        net = build_convolution(net, weights, biases, 1, has_relu=True)
    net = tf.reshape(net, [-1, 4096])
    for units in (512, 64):
        net = tf.nn.relu(build_dense(net, units, 0, seed))
    net = tf.nn.dropout(net, keep_prob, seed=seed)
    return tf.nn.dropout(build_dense(net, 10, 0, seed), keep_prob, seed=seed)


def build_variable(shape, stddev, seed=None):
    """An unnamed float32 ref variable; zeros if stddev is 0."""
    initial = (tf.truncated_normal(shape, stddev=stddev, seed=seed)
               if stddev else tf.zeros(shape))
    return tf.Variable(initial, use_resource=False)


def build_dense(net, units, bias_stddev, seed):
    weights = build_variable([net.shape[1].value, units], 0.05, seed)
    return tf.add(tf.matmul(net, weights), build_variable([units], bias_stddev, seed))


def build_convolution(net, weights, biases, stride, has_relu):
    """SAME convolution, biases, optional ReLU, max pool 2 x 2 of stride 2."""
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
    """A session of a notebook, its data prepared in memory, and its steps."""

    build_logits = None  # static, of a subclass; as build_training's
    batch_size = None    # images, in training and testing; a file's last one is short
    keep_prob = None     # in training

    def __init__(self, data_set, seed=TIMED_SEED):
        """
        Args:
          data_set: data.data_set.DataSet.
          seed: int, or None: another run each time.
        """
        graph = tf.Graph()
        with graph.as_default():
            self._port = build_training(self.build_logits, seed)
            initializer = tf.global_variables_initializer()
        # No numbers of threads: TensorFlow's defaults.
        self._session = tf.Session(graph=graph)
        self._session.run(initializer)
        labels, images = data_set.labels_and_images('train')
        self._files, held_back = [], []
        for rows in np.split(np.arange(len(labels)), 5):
            x, y = prepare(images[rows]), one_hot(labels[rows])
            num_trained = len(rows) - int(len(rows) * 0.1)
            self._files.append((x[:num_trained], y[:num_trained]))
            held_back.append((x[num_trained:], y[num_trained:]))
        self._validation = [np.concatenate(parts) for parts in zip(*held_back)]
        labels, images = data_set.labels_and_images('test')
        self._test = prepare(images), one_hot(labels)
        self._training, self._testing = self._train_forever(), self._test_forever()

    def _batches(self, file):
        x, y = file
        for start in range(0, len(x), self.batch_size):
            yield (x[start:start + self.batch_size],
                   y[start:start + self.batch_size])

    def _step(self, x, y):
        self._session.run(self._port['train_op'], {
            self._port['x']: x, self._port['y']: y,
            self._port['keep_prob']: self.keep_prob})

    def _measure(self, names, x, y):
        return self._session.run([self._port[name] for name in names], {
            self._port['x']: x, self._port['y']: y,
            self._port['keep_prob']: 1.0})

    def _train_forever(self):
        while True:
            for file in self._files:
                for x, y in self._batches(file):
                    self._step(x, y)
                    yield len(x)

    def _test_forever(self):
        while True:
            for x, y in self._batches(self._test):
                self._measure(['accuracy'], x, y)
                yield len(x)

    def train(self):
        """A step; returns the number of images."""
        return next(self._training)

    def test(self):
        """A batch of the test; returns the number of images."""
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
        """Accuracy of all 5,000 images, counted in parts of 1,000."""
        shares = [self._measure(['accuracy'], x, y)[0] for x, y in zip(
            *(np.split(values, 5) for values in self._validation))]
        return float(np.mean(shares))

    def count_test(self):
        """(float, the mean over mini-batches as documented; images right)."""
        shares, num_correct = [], 0
        for x, y in self._batches(self._test):
            share, = self._measure(['accuracy'], x, y)
            shares.append(float(share))
            num_correct += int(round(float(share) * len(x)))
        return sum(shares) / len(shares), num_correct


class LaptopCnn(Notebook):
    build_logits = staticmethod(build_laptop_logits)
    batch_size = 256
    keep_prob = 0.5


class UdacityCnn(Notebook):
    build_logits = staticmethod(build_udacity_logits)
    batch_size = 1000
    keep_prob = 0.8


PORTS = {'laptop_cnn': LaptopCnn, 'udacity_cnn': UdacityCnn}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('system', choices=sorted(PORTS))
    parser.add_argument('output', help='a CSV file of the figures')
    parser.add_argument('--epochs', type=int, required=True)
    parser.add_argument('--train-files', type=int, default=5)
    parser.add_argument('--data-dir')
    options = parser.parse_args()
    source = data.SOURCES['cifar10']
    notebook = PORTS[options.system](source.load(
        options.data_dir or source.data_dir, synthetic=False), seed=None)
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
