"""LeNet-5 of the document on MNIST: 98.4 %.

Documented on TensorFlow 0.9: 9,836 of 10,000 after 10 epochs, and ten accuracies
on the first 5,000 training images. Nothing of it has a name of its own, so the
names of the variables are TensorFlow's for what nobody names: a contract,
because the checkpoints of both programs are exchanged.

Departures, each without influence on the mathematics: the images are scaled and
padded in the graph and not before it, initial weights come from seeds of their
own, and the cross-entropy is written out (the fused op of 1.15 is not
deterministic on a GPU).
"""

import math
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import plan
from cifar10_tf1 import systems
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.kernels import stock
from cifar10_tf1.systems import base
from cifar10_tf1.systems import anonymous_variables

IMAGE_SIZE = 28


class Schedule(NamedTuple):
    learning_rate: float = 0.001  # per step, Adam
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    num_epochs: int = 10


class Settings(NamedTuple):
    name: str = 'lenet5'
    batch_size: int = 128        # images; an epoch's last batch is short
    dataset_repeats: int = 1
    validation_share: float = 5000 / 60000  # of the training images, the first
    padded_size: int = 32        # pixels, 2 of zeros on each side
    stddev: float = 0.1          # of initial weights, cut off at twice that
    schedule: Schedule = Schedule()


class Lenet5(base.System):
    """The system of the document; SYSTEM is the documented one."""

    settings = Settings()
    num_epochs = settings.schedule.num_epochs
    picture = base.PictureShape(IMAGE_SIZE, 1, IMAGE_SIZE,
                                is_light_on_dark=True)
    filters = 'Variable'
    figures = (systems.VALIDATION_ACCURACY,)
    tests_after_training = True
    # Of which all tests are whole batches, faster ones than the original's 128.
    # Each image counts once, so the counts are the same.
    test_batch_size = 500
    # An op takes some microseconds, and to wake another thread for it longer.
    num_parallel_ops = 1

    def build_plan(self, data_set, num_files=None):
        """File order, never shuffled (a quirk); the first images are held back."""
        del num_files  # there is one
        num_examples = data_set.num_train_examples
        num_held_back = int(round(num_examples * self.settings.validation_share))
        return plan.Plan(
            slice(num_held_back, num_examples),
            plan.split(num_examples - num_held_back, self.batch_size),
            validation=slice(num_held_back))

    def build_training_batch(self, batch, draws):
        """Scales and pads; the same in testing.

        Args:
          batch: uint8 [batch, 785], records.
          draws: float32 [batch, 0].
        Returns:
          (labels, images): int32 [batch] in 0..9; float32 [batch, 32, 32, 1] in
          0..1.
        """
        del draws
        images = tf.reshape(batch[:, LABEL_BYTES:],
                            [-1, IMAGE_SIZE, IMAGE_SIZE, 1])
        return tf.cast(batch[:, 0], tf.int32), self.build_images(images)

    build_test_batch = build_training_batch

    def build_images(self, pixels):
        """uint8 [N, 28, 28, 1] to what the network sees.

        By the factor 1 / 255 and not by division: every second of the 256
        values differs in its last bit.
        """
        margin = (self.settings.padded_size - IMAGE_SIZE) // 2
        values = tf.cast(pixels, tf.float32) * (1 / 255)
        return tf.pad(values, [[0, 0], [margin, margin], [margin, margin],
                               [0, 0]])

    def build_network(self, images, seed, kernels=stock, mode=base.Mode()):
        """Adds the network and its ten variables, each on /cpu:0.

        Args:
          images: float32 [batch, 32, 32, 1].
          seed: int, the run's seed, for the initial weights.
          kernels: a module of cifar10_tf1.kernels.
          mode: makes no difference here.
        Returns:
          float32 [batch, 10], logits.
        Raises:
          ValueError: where the graph has the network already.
        """
        del mode
        images.shape.assert_is_compatible_with([None, 32, 32, 1])

        def build_layer(number, shape):
            return anonymous_variables.build_layer(number, shape, seed, self.settings.stddev)

        # Each VALID, with biases, ReLU and a pool: to 14 x 14, then 5 x 5.
        net = kernels.build_pooled_convolutions(
            images, [build_layer(0, [5, 5, 1, 6]), build_layer(1, [5, 5, 6, 16])],
            padding='VALID', strides=(1, 1), has_relu=True)
        for number, shape in ((2, [400, 120]), (3, [120, 84])):
            weights, biases = build_layer(number, shape)
            net = tf.nn.relu(tf.matmul(net, weights) + biases)
        weights, biases = build_layer(4, [84, 10])
        return tf.add(tf.matmul(net, weights), biases, name='logits')

    def build_learning_rate(self, global_step):
        """0.001 from the first step to the last."""
        del global_step
        return tf.constant(self.settings.schedule.learning_rate,
                           name='learning_rate')

    def build_optimizer(self, learning_rate):
        schedule = self.settings.schedule
        return tf.train.AdamOptimizer(learning_rate, schedule.beta1,
                                      schedule.beta2, schedule.epsilon)

    def find_step(self, reader):
        """The original saves no step, but a power of it: Adam's of beta 2."""
        if reader.has_tensor('global_step'):
            return super().find_step(reader)
        power = float(reader.get_tensor('beta2_power'))
        return round(math.log(power, self.settings.schedule.beta2)) - 1

    def name_published(self, epoch, is_last):
        """The original saves after each, and counts them from 0."""
        return f'train-{epoch - 1}'

    def format_start(self, num_files):
        return ['Training...', '']

    def format_progress(self, entry):
        return [f'EPOCH {entry["epoch"]} ...',
                f'Validation Accuracy = {entry["validation_accuracy"]:.3f}', '']

    def format_end(self, seconds, count):
        share = count.num_correct / count.num_examples
        return ['Model saved', f'Test Accuracy = {share:.3f}']

    def format_test(self, count):
        share = count.num_correct / count.num_examples
        return [f'Stored Test Accuracy = {share:.3f}',
                f'{count.num_correct} of {count.num_examples}, '
                f'Test Time : {count.seconds:.2f}s']


SYSTEM = Lenet5()
