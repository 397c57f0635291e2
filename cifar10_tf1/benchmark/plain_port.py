"""A plain port of the original's graph, for comparison with deep_cnn.

It has stock ops (bias_add, the fused cross-entropy), ref variables, tf.image for the
augmentation, default gates, unordered reads, batches fed by feed_dict and a plain
Saver(). It follows the description of the original program and shares nothing with the
package. Golden values are made in float64.
"""

import tensorflow.compat.v1 as tf

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


def build_variables(seed=1):
    """{name: tf.Variable} of ten trainable ones, on /cpu:0.

    The default seed is for TensorFlow 2, which can be set to require one.
    """
    with tf.variable_scope('model'), tf.device('/cpu:0'):
        for layer, shape, stddev, unused_decay, bias, value in LAYERS:
            with tf.variable_scope(layer):
                tf.get_variable('weights', shape, initializer=(
                    tf.truncated_normal_initializer(stddev=stddev, seed=seed)))
                tf.get_variable(bias, shape[-1:],
                                initializer=tf.constant_initializer(value))
    return {variable.op.name: variable for variable in tf.trainable_variables()}


def build_logits(images, tensors):
    """[batch, 24, 24, 3] and {name: tensor} to [batch, 10]."""
    def layer(name):
        bias = 'bias' if name == 'conv_1' else 'biases'
        return tensors[f'model/{name}/weights'], tensors[f'model/{name}/{bias}']

    def convolution(net, name):
        weights, bias = layer(name)
        return tf.nn.relu(tf.nn.bias_add(
            tf.nn.conv2d(net, weights, [1, 1, 1, 1], 'SAME'), bias))

    def pool(net):
        return tf.nn.max_pool(net, [1, 3, 3, 1], [1, 2, 2, 1], 'SAME')

    net = lrn(pool(convolution(images, 'conv_1')))
    net = pool(lrn(convolution(net, 'conv_2')))
    net = tf.reshape(net, [-1, 2304])
    for name in ('FC_1', 'FC_2'):
        weights, bias = layer(name)
        net = tf.nn.relu(tf.nn.bias_add(tf.matmul(net, weights), bias))
    weights, bias = layer('softmax_linear')
    return tf.nn.bias_add(tf.matmul(net, weights), bias)


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
    terms.append(tf.reduce_mean(
        tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=logits, labels=labels)))
    return tf.add_n(terms)


def build_training(seed=1):
    """A training graph with fed batches; in_top_1 is for testing.

    The seed is of the initial weights; None as in the original.
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


def build_input(paths, is_training, seed=1):
    """Batches built image by image, from files of records, without prefetching.

    Training flips and shifts the brightness.

    Returns:
      (initializer, (images, labels)): as the placeholders of build_training.
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
