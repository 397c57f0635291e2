"""A plain port of the original LeNet-5, for comparison with lenet5.

It has stock ops, unnamed ref variables, the fused cross-entropy, batches fed by
feed_dict and a plain Saver(). It follows the description of the original program and
shares nothing with the package. Golden values are made in float64.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.benchmark import plain

BATCH_SIZE = 128  # the last batch of an epoch is short
LEARNING_RATE = 0.001
SHAPES = [[5, 5, 1, 6], [6], [5, 5, 6, 16], [16], [400, 120], [120],
          [120, 84], [84], [84, 10], [10]]
# TensorFlow's names for unnamed variables, in order of creation.
NAMES = ['Variable'] + [f'Variable_{i}' for i in range(1, len(SHAPES))]
VARIABLES = dict(zip(NAMES, SHAPES))


def pad(images):
    """uint8 [N, 28, 28] to float32 [N, 32, 32, 1] in 0..1, as they are fed.

    Quirk: it multiplies by 1/255; division would change the last bit of 126 values.
    """
    values = images.astype(np.float32) * np.float32(1 / 255)
    return np.pad(values[..., np.newaxis], ((0, 0), (2, 2), (2, 2), (0, 0)),
                  'constant')


def build_variables():
    """{name: tf.Variable} of ten trainable ones."""
    variables = {}
    for name, shape in VARIABLES.items():
        # TensorFlow 2 can be set to require seeds.
        initial = tf.zeros(shape) if len(shape) == 1 else (
            tf.truncated_normal(shape, stddev=0.1, seed=len(variables)))
        variables[name] = tf.Variable(initial, use_resource=False)
        assert variables[name].op.name == name
    return variables


def build_logits(images, tensors):
    """[batch, 32, 32, 1] and {name: tensor} to [batch, 10]."""
    tensors = [tensors[name] for name in NAMES]
    net = images
    for weights, bias in (tensors[0:2], tensors[2:4]):
        net = tf.nn.relu(
            tf.nn.conv2d(net, weights, [1, 1, 1, 1], 'VALID') + bias)
        net = tf.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], 'VALID')
    net = tf.reshape(net, [-1, 400])
    for weights, bias in (tensors[4:6], tensors[6:8]):
        net = tf.nn.relu(tf.matmul(net, weights) + bias)
    return tf.matmul(net, tensors[8]) + tensors[9]


def build_loss(logits, labels):
    """The mean cross-entropy, with one-hot targets."""
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(
        logits=logits, labels=tf.one_hot(labels, 10, dtype=logits.dtype)))


def build_training():
    """A training graph with fed batches of any length; a plain saver of 32 tensors."""
    images = tf.placeholder(tf.float32, [None, 32, 32, 1])
    labels = tf.placeholder(tf.int32, None)
    variables = build_variables()
    logits = build_logits(images, variables)
    loss = build_loss(logits, labels)
    train_op = tf.train.AdamOptimizer(LEARNING_RATE).minimize(loss)
    correct = tf.equal(tf.argmax(logits, 1), tf.cast(labels, tf.int64))
    return {'images': images, 'labels': labels, 'loss': loss,
            'train_op': train_op, 'variables': variables,
            'num_correct': tf.reduce_sum(tf.cast(correct, tf.int32)),
            'saver': tf.train.Saver()}


def open_steps(unused_name, data_set):
    """Training and testing, timed by worker.py: images prepared first, then fed."""
    port, session = plain.start(build_training)

    def run(split, fetches):
        labels, images = data_set.labels_and_images(split)
        return plain.repeat(session, fetches, (port['images'], port['labels']),
                            BATCH_SIZE, pad(images[:, :, :, 0]), labels)

    return {'train': run('train', [port['train_op'], port['loss']]),
            'test': run('test', port['num_correct'])}
