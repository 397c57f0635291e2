"""The small convolutional network of 2017: 82.5 % on CIFAR-10.

Documented on TensorFlow 1.4: 8,246 of 10,000 after 110 epochs. The layers, the
names of the variables, the constants and the oddities are the original's; the
names are a contract, because the checkpoints of both programs are exchanged.

Departures, each without influence on the mathematics: random numbers come from
stateless ops, the bias is added by a plain sum and the cross-entropy is written
out, because the fused ops of 1.15 are not deterministic on a GPU.
"""

from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_tf1.data import records
from cifar10_tf1.determinism import derive_seed


class Preprocessing(NamedTuple):
    image_size: int = 32                # pixels, as recorded
    crop_size: int = 24                 # pixels, what the network sees
    max_brightness_delta: float = 63.0  # of 255; uniform in [-63, 63)


class Schedule(NamedTuple):
    initial_learning_rate: float = 0.1  # per step, plain SGD
    decay_rate: float = 0.1             # factor, staircase
    # Quirk: int(50000 / 100 * 350) steps, longer than the run, so the rate
    # never decays.
    decay_steps: int = 175000
    ema_decay: float = 0.9999           # ceiling; (1+step)/(10+step) stays below
    num_epochs: int = 110               # the run of record


class Normalization(NamedTuple):
    depth_radius: int = 4               # channels to each side: a window of 9
    bias: float = 1.0
    alpha: float = 0.001 / 9.0          # per channel: the window is summed
    beta: float = 0.75


class Settings(NamedTuple):
    name: str = 'deep_cnn'
    batch_size: int = 100               # images
    # Quirk: never takes effect, the iterator starts anew before each epoch.
    dataset_repeats: int = 10
    preprocessing: Preprocessing = Preprocessing()
    schedule: Schedule = Schedule()
    normalization: Normalization = Normalization()


SETTINGS = Settings()

# Numbers in [0, 1) that an image consumes: crop row, crop column, flip,
# brightness for training; crop row, crop column for testing.
NUM_TRAINING_DRAWS = 4
NUM_TEST_DRAWS = 2


def build_training_image(record, draws):
    """Decodes one record and augments it as the original's training does.

    Args:
      record: string scalar, 3,073 bytes.
      draws: float32 [4], uniform in [0, 1).
    Returns:
      (label, image): int32 scalar in 0..9; float32 [24, 24, 3], zero mean,
      unit variance.
    """
    label, image = records.build_record(record)
    image = _build_random_crop(image, draws[:2])
    image = tf.where(draws[2] < 0.5, tf.reverse(image, axis=[1]), image)
    # Quirk: the standardisation undoes the shift, but for rounding.
    delta = SETTINGS.preprocessing.max_brightness_delta
    image += delta * (2.0 * draws[3] - 1.0)
    return label, _build_standardized(image)


def build_test_image(record, draws):
    """Decodes one record and crops it as the original's testing does.

    Args:
      record: string scalar, 3,073 bytes.
      draws: float32 [2], uniform in [0, 1); 0.5 and 0.5 is the central crop.
    Returns:
      (label, image): as build_training_image.
    """
    label, image = records.build_record(record)
    # Quirk: the original crops at random in testing too.
    return label, _build_standardized(_build_random_crop(image, draws))


def _build_random_crop(image, draws):
    """Cuts a [24, 24, 3] window; draws float32 [2] choose among 9 x 9 places."""
    size = SETTINGS.preprocessing.crop_size
    num_places = SETTINGS.preprocessing.image_size - size + 1
    offset = tf.cast(draws * num_places, tf.int32)
    return tf.slice(image, [offset[0], offset[1], 0], [size, size, 3])


def _build_standardized(image):
    """(x - mean) / max(population sd, 1 / sqrt(number of values))."""
    image -= tf.reduce_mean(image)
    deviation = tf.sqrt(tf.reduce_mean(tf.square(image)))
    num_values = image.shape.num_elements()
    return image / tf.maximum(deviation, num_values ** -0.5)


def build_network(images, seed):
    """Adds the network, its ten variables and their weight decay.

    Every variable is on /cpu:0. The five weight decay terms join the
    collection `losses`, so a graph holds this network once.

    Args:
      images: float32 [batch, 24, 24, 3], standardised.
      seed: int, the run's seed, for the initial weights.
    Returns:
      float32 [batch, 10], logits.
    Raises:
      ValueError: where the graph has the network already.
    """
    images.shape.assert_is_compatible_with([None, 24, 24, 3])
    with tf.variable_scope('model'):
        with tf.variable_scope('conv_1'):
            weights = _build_weights([5, 5, 3, 64], 0.05, 0.0, seed)
            # `bias` here, `biases` everywhere else: the original's names.
            biases = _build_biases('bias', 64, 0.0)
            net = tf.nn.relu(_build_convolution(images, weights) + biases)
        net = _build_max_pool(net, 'pool_1')
        net = _build_normalization(net, 'norm_1')
        with tf.variable_scope('conv_2'):
            weights = _build_weights([5, 5, 64, 64], 0.05, 0.0, seed)
            biases = _build_biases('biases', 64, 0.1)
            net = tf.nn.relu(_build_convolution(net, weights) + biases)
        net = _build_normalization(net, 'norm_2')
        net = _build_max_pool(net, 'pool_2')
        net = tf.reshape(net, [-1, 6 * 6 * 64])
        with tf.variable_scope('FC_1'):
            weights = _build_weights([2304, 384], 0.04, 0.004, seed)
            biases = _build_biases('biases', 384, 0.1)
            net = tf.nn.relu(tf.matmul(net, weights) + biases)
        with tf.variable_scope('FC_2'):
            weights = _build_weights([384, 192], 0.04, 0.004, seed)
            biases = _build_biases('biases', 192, 0.1)
            net = tf.nn.relu(tf.matmul(net, weights) + biases)
        with tf.variable_scope('softmax_linear'):
            weights = _build_weights([192, 10], 1 / 192.0, 0.0, seed)
            biases = _build_biases('biases', 10, 0.0)
            logits = tf.add(tf.matmul(net, weights), biases, name='logits')
    return logits


def build_cross_entropy(logits, labels):
    """Mean sparse softmax cross-entropy, written out.

    Args:
      logits: float32 [batch, 10].
      labels: int32 [batch], 0..9.
    Returns:
      float32 scalar, nats.
    """
    with tf.name_scope('cross_entropy'):
        log_probabilities = logits - tf.reduce_logsumexp(logits, axis=1,
                                                         keepdims=True)
        chosen = tf.one_hot(labels, logits.shape[1].value)
        return -tf.reduce_mean(tf.reduce_sum(chosen * log_probabilities, axis=1))


def _build_weights(shape, stddev, weight_decay, seed):
    name = tf.get_variable_scope().name + '/weights'
    with tf.device('/cpu:0'):
        # Resource variables: the same in a checkpoint, but their reads obey
        # control dependencies across devices.
        weights = tf.get_variable(
            'weights', shape, tf.float32, use_resource=True,
            initializer=tf.truncated_normal_initializer(
                stddev=stddev, seed=derive_seed(seed, name)))
    # Quirk: terms of decay 0.0 are added too.
    tf.add_to_collection('losses', tf.multiply(
        tf.nn.l2_loss(weights), weight_decay, name='weight_decay_loss'))
    return weights


def _build_biases(name, size, value):
    with tf.device('/cpu:0'):
        return tf.get_variable(name, [size], tf.float32, use_resource=True,
                               initializer=tf.constant_initializer(value))


def _build_convolution(net, weights):
    return tf.nn.conv2d(net, weights, strides=[1, 1, 1, 1], padding='SAME')


def _build_max_pool(net, name):
    return tf.nn.max_pool(net, ksize=[1, 3, 3, 1], strides=[1, 2, 2, 1],
                          padding='SAME', name=name)


def _build_normalization(net, name):
    settings = SETTINGS.normalization
    return tf.nn.lrn(net, depth_radius=settings.depth_radius,
                     bias=settings.bias, alpha=settings.alpha,
                     beta=settings.beta, name=name)
