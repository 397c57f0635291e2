"""Trains a plain, unseeded port of the original of 2017, to be compared with deep_cnn.

    python -m cifar10_tf1.benchmark.plain_deep_cnn plain

It starts from the newest checkpoint in the folder and writes each epoch's summed loss to
epochs.csv there. test.py tests these checkpoints.

The port has stock ops (bias_add, the fused cross-entropy), ref variables, tf.image for
the augmentation, default gates, unordered reads, batches fed by feed_dict and a plain
Saver(). It follows the description of the original program and shares nothing with the
package.
"""

import contextlib
import csv
import itertools
import os
import sys
import time

import tensorflow.compat.v1 as tf

from cifar10_tf1 import cli, data
from cifar10_tf1.benchmark import plain
from cifar10_tf1.common import files, limits
from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.records import run_record

BATCH_SIZE = 100
LAYERS = [  # name, weights' shape, sd, decay, name of the bias, its value
    ('conv_1', [5, 5, 3, 64], 0.05, 0.0, 'bias', 0.0),
    ('conv_2', [5, 5, 64, 64], 0.05, 0.0, 'biases', 0.1),
    ('FC_1', [2304, 384], 0.04, 0.004, 'biases', 0.1),
    ('FC_2', [384, 192], 0.04, 0.004, 'biases', 0.1),
    ('softmax_linear', [192, 10], 1 / 192.0, 0.0, 'biases', 0.0),
]
VARIABLES = {f'model/{layer}/{name}': shape
             for layer, weights, _, _, bias, _ in LAYERS
             for name, shape in [('weights', weights), (bias, weights[-1:])]}
EPOCHS_FILE = 'epochs.csv'
_FIELDS = ('epoch', 'summed_loss', 'seconds')


def build_variables(seed):
    """{name: tf.Variable} of ten trainable ones, on /cpu:0."""
    with tf.variable_scope('model'), tf.device('/cpu:0'):
        for layer, shape, stddev, unused_decay, bias, value in LAYERS:
            with tf.variable_scope(layer):
                tf.get_variable('weights', shape, initializer=(
                    tf.truncated_normal_initializer(stddev=stddev, seed=seed)))
                tf.get_variable(bias, shape[-1:], initializer=tf.constant_initializer(value))
    return {variable.op.name: variable for variable in tf.trainable_variables()}


def build_logits(images, tensors):
    """[batch, 24, 24, 3] and {name: tensor} to [batch, 10]."""
    conv_1, conv_2, fc_1, fc_2, linear = (
        (tensors[f'model/{layer}/weights'], tensors[f'model/{layer}/{bias}'])
        for layer, _, _, _, bias, _ in LAYERS)

    def convolution(net, weights, bias):
        net = tf.nn.conv2d(net, weights, [1, 1, 1, 1], 'SAME')
        return tf.nn.relu(tf.nn.bias_add(net, bias))

    def pool(net):
        return tf.nn.max_pool(net, [1, 3, 3, 1], [1, 2, 2, 1], 'SAME')

    def product(net, weights, bias):
        return tf.nn.bias_add(tf.matmul(net, weights), bias)

    net = lrn(pool(convolution(images, *conv_1)))
    net = pool(lrn(convolution(net, *conv_2)))
    net = tf.reshape(net, [-1, 2304])
    net = tf.nn.relu(product(net, *fc_1))
    net = tf.nn.relu(product(net, *fc_2))
    return product(net, *linear)


def lrn(net):
    """LRN over a window of 9 channels; the op has no float64."""
    if net.dtype == tf.float32:
        return tf.nn.lrn(net, 4, bias=1.0, alpha=0.001 / 9.0, beta=0.75)
    squares = tf.pad(tf.square(net), [[0, 0], [0, 0], [0, 0], [4, 4]])
    channels = net.shape[-1].value
    window = tf.add_n([squares[..., i:i + channels] for i in range(9)])
    return net / tf.pow(1.0 + (0.001 / 9.0) * window, 0.75)


def build_loss(logits, labels, tensors):
    """Mean cross-entropy plus the five decay terms."""
    terms = [decay * tf.nn.l2_loss(tensors[f'model/{layer}/weights'])
             for layer, _, _, decay, _, _ in LAYERS]
    terms.append(tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
        logits=logits, labels=labels)))
    return tf.add_n(terms)


def build_training(seed=1):
    """A training graph with fed batches; in_top_1 is for testing.

    The original has no seed (None). TensorFlow 2 can be set to require one.
    """
    images = tf.placeholder(tf.float32, [BATCH_SIZE, 24, 24, 3])
    labels = tf.placeholder(tf.int32, [BATCH_SIZE])
    variables = build_variables(seed)
    logits = build_logits(images, variables)
    loss = build_loss(logits, labels, variables)
    step = tf.train.get_or_create_global_step()
    rate = tf.train.exponential_decay(0.1, step, 175000, 0.1, staircase=True)
    apply_op = tf.train.GradientDescentOptimizer(rate).minimize(loss, step)
    average = tf.train.ExponentialMovingAverage(0.9999, step)
    with tf.control_dependencies([apply_op]):
        train_op = average.apply(tf.trainable_variables())
    return {'images': images, 'labels': labels, 'loss': loss,
            'train_op': train_op, 'saver': tf.train.Saver(),
            'in_top_1': tf.nn.in_top_k(logits, labels, 1)}


def build_input(paths, is_training, seed):
    """Batches built image by image, from files of records, without prefetching.

    Training flips and shifts the brightness. Returns (initializer, (images, labels)), as the
    placeholders of build_training.
    """
    def build_image(record):
        values = tf.decode_raw(record, tf.uint8)
        planes = tf.reshape(values[1:3073], [3, 32, 32])
        image = tf.cast(tf.transpose(planes, [1, 2, 0]), tf.float32)
        image = tf.image.random_crop(image, [24, 24, 3], seed=seed)
        if is_training:
            image = tf.image.random_flip_left_right(image, seed=seed and seed + 1)
            image = tf.image.random_brightness(image, 63, seed=seed and seed + 2)
        image = tf.image.per_image_standardization(image)
        return image, tf.cast(values[0], tf.int32)

    with tf.device('/cpu:0'):
        dataset = tf.data.FixedLengthRecordDataset(paths, 3073)
        dataset = dataset.map(build_image)
        dataset = dataset.batch(BATCH_SIZE, drop_remainder=True)
        iterator = tf.data.make_initializable_iterator(dataset.repeat(10))
    return iterator.initializer, iterator.get_next()


class Port:
    """A session that fetches batches to the host and feeds them back."""

    def __init__(self, data_set, seed=None):
        def build():
            self._inputs = {'train': build_input(data_set.train_paths, True, seed),
                            'test': build_input(data_set.test_paths, False, seed)}
            return build_training(seed)

        self.graph, self.session = plain.start(build)

    def train(self):
        """Yields (None, loss) of steps, from the first file on, again and again."""
        return self._run('train', [self.graph['train_op'], self.graph['loss']])

    def test(self):
        return self._run('test', self.graph['in_top_1'])

    def _run(self, split, fetches):
        initializer, batch = self._inputs[split]
        while True:
            self.session.run(initializer)
            with contextlib.suppress(tf.errors.OutOfRangeError):
                while True:
                    images, labels = self.session.run(batch)
                    yield self.session.run(fetches, {self.graph['images']: images,
                                                     self.graph['labels']: labels})


def open_steps(unused_name, data_set):
    """Training and testing, timed by worker.py."""
    port = Port(data_set, seed=1)
    return {kind: (BATCH_SIZE for unused_values in values)
            for kind, values in (('train', port.train()), ('test', port.test()))}


def _train(options):
    folder = options.folder
    if os.path.exists(os.path.join(folder, run_record.FILE)):
        raise UserError(f'{folder} contains a run of train.py, whose checkpoints this '
                        'would overwrite; choose another folder')
    source = data.SOURCES['cifar10']
    data_set = source.load(options.data_dir or source.data_dir, options.synthetic)
    port = Port(data_set)
    with explained(f'create {folder}', 'FOLDER'):
        os.makedirs(folder, exist_ok=True)
    path, rows = os.path.join(folder, EPOCHS_FILE), []
    if os.path.exists(path):
        with open(path, newline='') as file:
            rows = list(csv.DictReader(file))
    num_steps = data_set.num_train_examples // BATCH_SIZE
    newest, step = tf.train.latest_checkpoint(folder), 0
    if newest:
        port.graph['saver'].restore(port.session, newest)
        step = int(newest.rsplit('-', 1)[1])
    for epoch in range(step // num_steps + 1, options.epochs + 1):
        start, summed_loss = time.perf_counter(), 0.0
        for unused_update, loss in itertools.islice(port.train(), num_steps):
            summed_loss += float(loss)
        seconds = time.perf_counter() - start
        rows = [row for row in rows if int(row['epoch']) < epoch] + [
            dict(zip(_FIELDS, (epoch, summed_loss, round(seconds, 2))))]
        files.write_atomically(path, ''.join(
            ','.join(map(str, line)) + '\n'
            for line in [_FIELDS, *(row.values() for row in rows)]))
        print(f'Epoch {epoch} : Loss = {summed_loss:.5f}, Epoch Time = {seconds:.2f}s')
        # After its row, so a kill in between repeats the epoch.
        port.graph['saver'].save(port.session, os.path.join(folder, 'model.ckpt'),
                                 epoch * num_steps)
    return 0


def main(argv=None):
    parser = cli.Parser(__doc__)
    parser.add_argument('folder', metavar='FOLDER',
                        help=f'folder for checkpoints and {EPOCHS_FILE}')
    cli.add_number(parser, '--epochs', 1, limits.EPOCHS,
                   'total number of epochs (default: 110)', default=110)
    cli.add_data_options(parser)
    return cli.run_command(parser, argv, _train)


if __name__ == '__main__':
    sys.exit(main())
