"""A plain port of the original Inception v3, for comparison with inception_v3.

It is built as slim builds it: a function for each layer, scopes for names, ref
variables, unfused normalisation (slim had no other in 2017), the fused cross-entropy
and a plain Saver(). It follows the description of the network and shares nothing with
the package.
"""

import tensorflow.compat.v1 as tf

from cifar10_tf1.benchmark import plain

BATCH_SIZE, TEST_BATCH_SIZE = 64, 10
DECAY, EPSILON = 0.9997, 0.001
WEIGHT_DECAY = 0.00004
KEEP_PROB = 0.8
NUM_CLASSES = 10


class _Network:
    """Adds layers; puts losses and updates into TensorFlow's usual collections."""

    def __init__(self, is_training):
        self._is_training = is_training
        self._num_weights = 0

    def variable(self, name, shape, initializer, trainable=True):
        with tf.device('/cpu:0'):
            variable = tf.get_variable(name, shape, tf.float32, initializer,
                                       trainable=trainable, use_resource=False)
        tf.add_to_collection(tf.GraphKeys.MODEL_VARIABLES, variable)
        return variable

    def weights(self, shape, stddev):
        self._num_weights += 1  # TensorFlow 2 can be set to require seeds
        initializer = (
            tf.variance_scaling_initializer(2.0, 'fan_in', seed=self._num_weights)
            if stddev is None else
            tf.truncated_normal_initializer(stddev=stddev, seed=self._num_weights))
        weights = self.variable('weights', shape, initializer)
        tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES,
                             WEIGHT_DECAY * tf.nn.l2_loss(weights))
        return weights

    def conv(self, net, scope, depth, rows, columns, stride=1, padding='SAME',
             stddev=None, is_logits=False):
        with tf.variable_scope(scope):
            weights = self.weights([rows, columns, net.shape[3].value, depth], stddev)
            net = tf.nn.conv2d(net, weights, [1, stride, stride, 1], padding)
            if is_logits:
                return tf.nn.bias_add(net, self.variable('biases', [depth],
                                                         tf.zeros_initializer()))
            return tf.nn.relu(self.batch_norm(net))

    def batch_norm(self, net):
        shape = net.shape[3:]
        zeros, ones = tf.zeros_initializer(), tf.ones_initializer()
        with tf.variable_scope('BatchNorm'):
            beta = self.variable('beta', shape, zeros)
            moving_mean = self.variable('moving_mean', shape, zeros, False)
            moving_variance = self.variable('moving_variance', shape, ones, False)
            mean, variance = moving_mean, moving_variance
            if self._is_training:
                mean, variance = tf.nn.moments(net, [0, 1, 2])
                for moving, value in ((moving_mean, mean), (moving_variance, variance)):
                    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, tf.assign_sub(
                        moving, (moving - value) * (1 - DECAY)))
            return tf.nn.batch_normalization(net, mean, variance, beta, None, EPSILON)

    def block(self, net, scope, branches):
        """Joins chains of layers: each a pool or the arguments of conv after its input.

        A list in a chain is two layers side by side.
        """
        nets = []
        with tf.variable_scope(scope):
            for number, layers in enumerate(branches):
                branch = net
                with tf.variable_scope(f'Branch_{number}'):
                    for layer in layers:
                        if callable(layer):
                            branch = layer(branch)
                        elif isinstance(layer, list):
                            branch = tf.concat([self.conv(branch, *one) for one in layer], 3)
                        else:
                            branch = self.conv(branch, *layer)
                nets.append(branch)
            return tf.concat(nets, 3)


def _max_pool(net):
    return tf.nn.max_pool(net, [1, 3, 3, 1], [1, 2, 2, 1], 'VALID')


def _average_pool(net, size=3, stride=1, padding='SAME'):
    return tf.nn.avg_pool(net, [1, size, size, 1], [1, stride, stride, 1], padding)


def build_network(images, is_training, keep_prob=KEEP_PROB):
    """float32 [batch, 299, 299, 3] in -1..1 to [batch, 10], logits."""
    network = _Network(is_training)
    conv, block = network.conv, network.block
    with tf.variable_scope('InceptionV3'):
        net = conv(images, 'Conv2d_1a_3x3', 32, 3, 3, 2, 'VALID')
        net = conv(net, 'Conv2d_2a_3x3', 32, 3, 3, 1, 'VALID')
        net = conv(net, 'Conv2d_2b_3x3', 64, 3, 3)
        net = _max_pool(net)
        net = conv(net, 'Conv2d_3b_1x1', 80, 1, 1, 1, 'VALID')
        net = conv(net, 'Conv2d_4a_3x3', 192, 3, 3, 1, 'VALID')
        net = _max_pool(net)
        for letter, one, five, pooled in (('b', '2d_0a', '2d_0b', 32),
                                          ('c', '2d_0b', '_1_0c', 64),
                                          ('d', '2d_0a', '2d_0b', 64)):
            net = block(net, f'Mixed_5{letter}', [
                [('Conv2d_0a_1x1', 64, 1, 1)],
                [(f'Conv{one}_1x1', 48, 1, 1), (f'Conv{five}_5x5', 64, 5, 5)],
                [('Conv2d_0a_1x1', 64, 1, 1), ('Conv2d_0b_3x3', 96, 3, 3),
                 ('Conv2d_0c_3x3', 96, 3, 3)],
                [_average_pool, ('Conv2d_0b_1x1', pooled, 1, 1)]])
        net = block(net, 'Mixed_6a', [
            [('Conv2d_1a_1x1', 384, 3, 3, 2, 'VALID')],
            [('Conv2d_0a_1x1', 64, 1, 1), ('Conv2d_0b_3x3', 96, 3, 3),
             ('Conv2d_1a_1x1', 96, 3, 3, 2, 'VALID')],
            [_max_pool]])
        for letter, depth in (('b', 128), ('c', 160), ('d', 160), ('e', 192)):
            net = block(net, f'Mixed_6{letter}', [
                [('Conv2d_0a_1x1', 192, 1, 1)],
                [('Conv2d_0a_1x1', depth, 1, 1), ('Conv2d_0b_1x7', depth, 1, 7),
                 ('Conv2d_0c_7x1', 192, 7, 1)],
                [('Conv2d_0a_1x1', depth, 1, 1), ('Conv2d_0b_7x1', depth, 7, 1),
                 ('Conv2d_0c_1x7', depth, 1, 7), ('Conv2d_0d_7x1', depth, 7, 1),
                 ('Conv2d_0e_1x7', 192, 1, 7)],
                [_average_pool, ('Conv2d_0b_1x1', 192, 1, 1)]])
        middle = net
        net = block(net, 'Mixed_7a', [
            [('Conv2d_0a_1x1', 192, 1, 1), ('Conv2d_1a_3x3', 320, 3, 3, 2, 'VALID')],
            [('Conv2d_0a_1x1', 192, 1, 1), ('Conv2d_0b_1x7', 192, 1, 7),
             ('Conv2d_0c_7x1', 192, 7, 1), ('Conv2d_1a_3x3', 192, 3, 3, 2, 'VALID')],
            [_max_pool]])
        for letter, high in (('b', 'Conv2d_0b_3x1'), ('c', 'Conv2d_0c_3x1')):
            net = block(net, f'Mixed_7{letter}', [
                [('Conv2d_0a_1x1', 320, 1, 1)],
                [('Conv2d_0a_1x1', 384, 1, 1), [('Conv2d_0b_1x3', 384, 1, 3), (high, 384, 3, 1)]],
                [('Conv2d_0a_1x1', 448, 1, 1), ('Conv2d_0b_3x3', 384, 3, 3),
                 [('Conv2d_0c_1x3', 384, 1, 3), ('Conv2d_0d_3x1', 384, 3, 1)]],
                [_average_pool, ('Conv2d_0b_1x1', 192, 1, 1)]])
        with tf.variable_scope('AuxLogits'):
            aux = _average_pool(middle, 5, 3, 'VALID')
            aux = conv(aux, 'Conv2d_1b_1x1', 128, 1, 1)
            aux = conv(aux, 'Conv2d_2a_5x5', 768, 5, 5, 1, 'VALID', stddev=0.01)
            conv(aux, 'Conv2d_2b_1x1', NUM_CLASSES, 1, 1, stddev=0.001, is_logits=True)
        with tf.variable_scope('Logits'):
            net = _average_pool(net, 8, padding='VALID')
            if is_training and keep_prob < 1.0:
                net = tf.nn.dropout(net, keep_prob, seed=1)
            net = conv(net, 'Conv2d_1c_1x1', NUM_CLASSES, 1, 1, is_logits=True)
            return tf.squeeze(net, [1, 2])


def prepare(images):
    """uint8 [N, 32, 32, 3] to float32 [N, 299, 299, 3] in -1..1."""
    images = tf.image.convert_image_dtype(images, tf.float32)
    images = tf.image.resize_bilinear(images[:, 2:30, 2:30], [299, 299], align_corners=False)
    return (images - 0.5) * 2.0


def build_training(images, labels, keep_prob=KEEP_PROB):
    """A training graph of images [batch, 299, 299, 3]; train_op's value is the loss."""
    step = tf.train.create_global_step()
    logits = build_network(images, True, keep_prob)
    cross_entropy = tf.losses.softmax_cross_entropy(tf.one_hot(labels, NUM_CLASSES), logits)
    with tf.control_dependencies(tf.get_collection(tf.GraphKeys.UPDATE_OPS)):
        loss = tf.identity(cross_entropy + tf.losses.get_regularization_loss())
    update = tf.train.AdamOptimizer(0.001).minimize(loss, step)
    with tf.control_dependencies([update]):
        train_op = tf.check_numerics(loss, 'the loss')
    return {'logits': logits, 'loss': loss, 'train_op': train_op,
            'variables': {variable.op.name: variable for variable
                          in tf.get_collection(tf.GraphKeys.MODEL_VARIABLES)}}


def open_steps(unused_name, data_set):
    """Training and testing, timed by worker.py, with the preparation in the graph."""
    def build():
        images = tf.placeholder(tf.uint8, [BATCH_SIZE, 32, 32, 3])
        labels = tf.placeholder(tf.int32, [BATCH_SIZE])
        train_op = build_training(prepare(images), labels)['train_op']
        tested = tf.placeholder(tf.uint8, [None, 32, 32, 3])
        with tf.variable_scope(tf.get_variable_scope(), reuse=True):
            logits = build_network(prepare(tested), True)
        return images, labels, train_op, tested, logits

    (images, labels, train_op, tested, logits), session = plain.start(build)
    all_labels, all_images = data_set.labels_and_images('train')
    whole = len(all_labels) // BATCH_SIZE * BATCH_SIZE
    return {'train': plain.repeat(session, train_op, BATCH_SIZE, {
                images: all_images[:whole], labels: all_labels[:whole]}),
            'test': plain.repeat(session, logits, TEST_BATCH_SIZE, {
                tested: data_set.labels_and_images('test')[1]})}
