"""LeNet-5 on MNIST: 98.4 %.

Documented on TensorFlow 0.9: 9,836 of 10,000 after 10 epochs, and ten accuracies on the
first 5,000 training images. The original names no variable, so the names are the ones
TensorFlow gives: a contract, because the checkpoints of both programs are exchanged.

Departures, none of which changes the mathematics: images are scaled and padded in the
graph instead of beforehand, initial weights have seeds of their own, and the
cross-entropy is written out (the fused op of 1.15 is not deterministic on a GPU).
"""

import math
from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_tf1.common import record_schema
from cifar10_tf1.graph import plan, variables
from cifar10_tf1.graph.mode import Mode
from cifar10_tf1.kernels import stock
from cifar10_tf1.systems import base


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

    settings = Settings()
    picture = base.PictureShape(28, 1, 28, is_light_on_dark=True)
    filters = 'Variable'
    figures = (record_schema.VALIDATION_ACCURACY,)
    tests_after_training = True
    # Divides the test and is faster than the original's 128; each image counts once,
    # so the counts are the same.
    test_batch_size = 500
    # An op takes some microseconds; waking another thread for it takes longer.
    num_parallel_ops = 1

    def build_plan(self, data_set, num_files=None):
        """Holds the first images back; the rest in file order, unshuffled (a quirk)."""
        num_examples = data_set.num_train_examples
        num_held_back = int(round(num_examples * self.settings.validation_share))
        return plan.Plan(
            slice(num_held_back, num_examples),
            plan.split(num_examples - num_held_back, self.batch_size),
            validation=slice(num_held_back))

    def build_images(self, pixels):
        """Scales to 0..1 and pads: float32 [N, 32, 32, 1]."""
        margin = [(self.settings.padded_size - self.picture.side) // 2] * 2
        # A division would change the last bit of every second value.
        values = tf.cast(pixels, tf.float32) * (1 / 255)
        return tf.pad(values, [[0, 0], margin, margin, [0, 0]])

    def build_network(self, images, seed, kernels=stock, mode=Mode()):
        shapes = [5, 5, 1, 6], [5, 5, 6, 16], [400, 120], [120, 84], [84, 10]
        stddev = self.settings.stddev
        layers = [variables.build_anonymous_layer(number, shape, stddev, seed)
                  for number, shape in enumerate(shapes)]
        # Each VALID, with biases, ReLU and a pool: to 14 x 14, then 5 x 5.
        net = kernels.build_pooled_convolutions(
            images, layers[:2], padding='VALID', strides=(1, 1), has_relu=True)
        for weights, biases in layers[2:4]:
            net = tf.nn.relu(tf.matmul(net, weights) + biases)
        weights, biases = layers[4]
        return tf.add(tf.matmul(net, weights), biases, name='logits')

    def find_step(self, reader):
        """The original saves no step, but Adam's power of beta 2 reveals it."""
        if reader.has_tensor('global_step'):
            return super().find_step(reader)
        power = float(reader.get_tensor('beta2_power'))
        return round(math.log(power, self.schedule.beta2)) - 1

    def name_original_checkpoint(self, epoch, is_last):
        return f'train-{epoch - 1}'

    def format_start(self, num_files):
        return ['Training...', '']

    def format_progress(self, entry):
        return [f'EPOCH {entry["epoch"]} ...',
                f'Validation Accuracy = {entry["validation_accuracy"]:.3f}', '']

    def format_end(self, loss, seconds, count):
        return ['Model saved', f'Test Accuracy = {count.accuracy:.3f}']

    def format_test(self, count):
        return [f'Stored Test Accuracy = {count.accuracy:.3f}', count.line]


SYSTEM = Lenet5()
