"""The small convolutional network of 2017: 82.5 % on CIFAR-10.

Documented on TensorFlow 1.4: 8,246 of 10,000 after 110 epochs. Layers, variable names,
constants and oddities are the original's; the names are a contract, because the
checkpoints of both programs are exchanged.

Departures, none of which changes the mathematics: random numbers come from stateless
ops, the bias is a plain sum and the cross-entropy is written out, because the fused ops
of 1.15 are not deterministic on a GPU.
"""

from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_tf1.data import records
from cifar10_tf1.graph import variables
from cifar10_tf1.graph.mode import Mode
from cifar10_tf1.kernels import stock
from cifar10_tf1.systems import base


class Preprocessing(NamedTuple):
    image_size: int = 32                # pixels, as recorded
    crop_size: int = 24                 # pixels, what the network sees
    max_brightness_delta: float = 63.0  # of 255; uniform in [-63, 63)


class Schedule(NamedTuple):
    initial_learning_rate: float = 0.1  # per step, plain SGD
    decay_rate: float = 0.1             # factor, staircase
    # Quirk: int(50000 / 100 * 350) steps, longer than the run, so the rate never decays.
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
    # Quirk: without effect, because the iterator restarts before each epoch.
    dataset_repeats: int = 10
    preprocessing: Preprocessing = Preprocessing()
    schedule: Schedule = Schedule()
    normalization: Normalization = Normalization()


class DeepCnn(base.System):

    settings = Settings()
    test_batch_size = settings.batch_size
    num_training_draws = 4  # crop row, crop column, flip, brightness
    num_test_draws = 2      # crop row, crop column
    picture = base.PictureShape(settings.preprocessing.image_size, 3,
                                settings.preprocessing.crop_size)
    filters = 'model/conv_1/weights'

    def build_training_batch(self, batch, draws):
        """Crops, flips and brightens at random, then standardises each image."""
        row, column, flip, brightness = tf.unstack(draws, axis=1)
        values = self._build_crops(batch, row, column, flip < 0.5)
        # Quirk: the standardisation undoes the shift, except for rounding.
        delta = self.settings.preprocessing.max_brightness_delta
        values += tf.expand_dims(delta * (2.0 * brightness - 1.0), axis=1)
        return records.build_labels(batch), self._build_standardized(values, _build_sums(values))

    def build_test_batch(self, batch, draws):
        """Crops at random, then standardises; draws of 0.5 crop the centre."""
        # Quirk: the original crops at random in testing too.
        values = self._build_crops(batch, *tf.unstack(draws, axis=1))
        # Whole numbers below 2 ** 24: their sum is exact, in every order.
        return records.build_labels(batch), self._build_standardized(
            values, tf.reduce_sum(values, axis=1, keepdims=True))

    def build_images(self, pixels):
        """Crops the centre and standardises: as testing with draws of 0.5."""
        size = self.picture.crop_size
        first = (self.picture.side - size) // 2
        crops = tf.cast(pixels[:, first:first + size, first:first + size], tf.float32)
        axes = [1, 2, 3]
        crops -= tf.reduce_mean(crops, axes, keepdims=True)
        deviation = tf.sqrt(tf.reduce_mean(tf.square(crops), axes, keepdims=True))
        return crops / tf.maximum(deviation, (size * size * 3) ** -0.5)

    def build_network(self, images, seed, kernels=stock, mode=Mode()):
        normalization = self.settings.normalization
        with tf.variable_scope('model'):
            with tf.variable_scope('conv_1'):
                weights = _build_weights([5, 5, 3, 64], 0.05, 0.0, seed)
                # `bias` here, `biases` everywhere else: the original's names.
                biases = variables.build_variable('bias', [64], 0.0)
                net = kernels.build_convolution_and_pool(images, weights, biases, 'pool_1')
            net = kernels.build_normalization(net, normalization, 'norm_1')
            with tf.variable_scope('conv_2'):
                weights = _build_weights([5, 5, 64, 64], 0.05, 0.0, seed)
                biases = variables.build_variable('biases', [64], 0.1)
                net = kernels.build_convolution(net, weights, biases)
            net = kernels.build_normalization(net, normalization, 'norm_2')
            net = kernels.build_max_pool(net, 'pool_2')
            with tf.variable_scope('FC_1'):
                weights = _build_weights([6 * 6 * 64, 384], 0.04, 0.004, seed)
                biases = variables.build_variable('biases', [384], 0.1)
                net = tf.nn.relu(kernels.build_flat_product(net, weights) + biases)
            with tf.variable_scope('FC_2'):
                weights = _build_weights([384, 192], 0.04, 0.004, seed)
                biases = variables.build_variable('biases', [192], 0.1)
                net = tf.nn.relu(tf.matmul(net, weights) + biases)
            with tf.variable_scope('softmax_linear'):
                weights = _build_weights([192, 10], 1 / 192.0, 0.0, seed)
                biases = variables.build_variable('biases', [10], 0.0)
                return tf.add(tf.matmul(net, weights), biases, name='logits')

    def build_learning_rate(self, global_step):
        """0.1 from the first step to the last (a quirk of decay_steps)."""
        schedule = self.schedule
        return tf.train.exponential_decay(
            schedule.initial_learning_rate, global_step, schedule.decay_steps,
            schedule.decay_rate, staircase=True)

    def build_optimizer(self, learning_rate):
        return tf.train.GradientDescentOptimizer(learning_rate)

    def build_average(self, global_step):
        """By min(0.9999, (1 + step) / (10 + step)). Quirk: never at the ceiling."""
        return tf.train.ExponentialMovingAverage(self.schedule.ema_decay, num_updates=global_step)

    def format_progress(self, entry):
        """Quirk: the sum mixes the cross-entropy and the weight decay."""
        return [f'Epoch {entry["epoch"]} : Loss = {entry["summed_loss"]:.5f}, '
                f'Epoch Time = {entry["seconds"]:.2f}s']

    def format_end(self, loss, seconds, count):
        return [f'Done Training, Total Epoch Time = {seconds:.2f}s']

    def format_test(self, count):
        return [f'Test : Accuracy = {count.num_correct}/{count.num_examples} = '
                f'{count.accuracy:.3f}, Test Time : {count.seconds:.2f}s']

    def _build_crops(self, batch, row, column, flips=None):
        """Crops at one of 9 x 9 places: float32 [batch, 1728] in 0..255."""
        size = self.picture.crop_size
        num_places = self.picture.side - size + 1
        rows, columns = (tf.cast(draw * num_places, tf.int32) for draw in (row, column))
        crops = records.build_crops(batch, rows, columns, size, flips)
        return tf.reshape(crops, [crops.shape[0].value, -1])

    def _build_standardized(self, values, sums):
        """(x - mean) / max(population sd, 1 / sqrt(number of values))."""
        # Uses only ops that IEEE 754 defines to the bit, summed in one order: the batches
        # have the same bits on every runtime and processor.
        batch, num_values = values.shape.as_list()
        # Not a division by a constant: TensorFlow sometimes makes that a product.
        weight = 1.0 / num_values
        values -= sums * weight
        variance = _build_sums(tf.square(values)) * weight
        # In float64: some float32 kernels only approximate the root.
        deviation = tf.cast(tf.sqrt(tf.cast(variance, tf.float64)), tf.float32)
        values /= tf.maximum(deviation, num_values ** -0.5)
        size = self.picture.crop_size
        return tf.reshape(values, [batch, size, size, -1])


SYSTEM = DeepCnn()


def _build_sums(values):
    """Sums [batch, n] to [batch, 1], halving (or cutting in three) again and again."""
    axis = tf.constant(1)  # one op for all: each op adds to the start-up time
    while values.shape[1].value > 1:
        parts = 2 if values.shape[1].value % 2 == 0 else 3
        first, *others = tf.split(values, parts, axis)
        for other in others:
            first += other
        values = first
    return values


def _build_weights(shape, stddev, weight_decay, seed):
    weights = variables.build_weights('weights', shape, stddev, seed)
    # Quirk: terms of decay 0.0 are added too.
    tf.add_to_collection('losses', tf.multiply(
        tf.nn.l2_loss(weights), weight_decay, name='weight_decay_loss'))
    return weights
