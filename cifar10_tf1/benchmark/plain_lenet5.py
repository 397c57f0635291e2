"""A plain port of the original LeNet-5, for comparison with lenet5.

It has stock ops, unnamed ref variables, the fused cross-entropy, batches fed by
feed_dict and a plain Saver(). It follows the description of the original program and
shares nothing with the package.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.benchmark import plain

BATCH_SIZE = 128  # the last batch of an epoch is short


def pad(images):
    """uint8 [N, 28, 28] to float32 [N, 32, 32, 1] in 0..1, as they are fed.

    Quirk: it multiplies by 1/255; division would change the last bit of 126 values.
    """
    values = images.astype(np.float32) * np.float32(1 / 255)
    return np.pad(values[..., np.newaxis], ((0, 0), (2, 2), (2, 2), (0, 0)), 'constant')


def build_layer(shape):
    """Unnamed weights and biases."""
    # TensorFlow 2 can be set to require seeds.
    weights = tf.truncated_normal(shape, stddev=0.1, seed=shape[-1])
    return (tf.Variable(weights, use_resource=False),
            tf.Variable(tf.zeros(shape[-1:]), use_resource=False))


def build_logits(images):
    """float32 [batch, 32, 32, 1] to [batch, 10]."""
    net = images
    for shape in ([5, 5, 1, 6], [5, 5, 6, 16]):
        weights, biases = build_layer(shape)
        net = tf.nn.relu(tf.nn.conv2d(net, weights, [1, 1, 1, 1], 'VALID') + biases)
        net = tf.nn.max_pool(net, [1, 2, 2, 1], [1, 2, 2, 1], 'VALID')
    net = tf.reshape(net, [-1, 400])
    for shape in ([400, 120], [120, 84]):
        weights, biases = build_layer(shape)
        net = tf.nn.relu(tf.matmul(net, weights) + biases)
    weights, biases = build_layer([84, 10])
    return tf.matmul(net, weights) + biases


def build_training():
    """A training graph with fed batches of any length; a plain saver of 32 tensors."""
    images = tf.placeholder(tf.float32, [None, 32, 32, 1])
    labels = tf.placeholder(tf.int32, None)
    logits = build_logits(images)
    loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(
        logits=logits, labels=tf.one_hot(labels, 10)))
    train_op = tf.train.AdamOptimizer(0.001).minimize(loss)
    correct = tf.equal(tf.argmax(logits, 1), tf.cast(labels, tf.int64))
    return {'images': images, 'labels': labels, 'loss': loss, 'train_op': train_op,
            'num_correct': tf.reduce_sum(tf.cast(correct, tf.int32)),
            'saver': tf.train.Saver()}


def open_steps(unused_name, data_set):
    """Training and testing, timed by worker.py: images prepared first, then fed."""
    port, session = plain.start(build_training)

    def run(split, fetches):
        labels, images = data_set.labels_and_images(split)
        return plain.repeat(session, fetches, BATCH_SIZE, {
            port['images']: pad(images[:, :, :, 0]), port['labels']: labels})

    return {'train': run('train', [port['train_op'], port['loss']]),
            'test': run('test', port['num_correct'])}
