"""Inception v3, trained on ImageNet, fine-tuned on CIFAR-10: 79.85 %.

Documented on TensorFlow 1.0 or 1.1 and slim: 1,500 steps of 64 images, from the weights
published on 2016-08-28. Names, order and shapes of the 388 variables are slim's; the
names are a contract, because published weights are found by them and checkpoints are
exchanged.

Departures, none of which changes the mathematics: records come from the binary files
instead of PNG images of the same pixels, their order is computed beforehand, initial
weights and dropout have seeds of their own, and the cross-entropy is written out (the
fused op of 1.15 is not deterministic on a GPU).
"""

from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.common.seeds import derive_seed
from cifar10_tf1.graph import plan
from cifar10_tf1.graph.mode import Mode, build_dropout
from cifar10_tf1.kernels import stock
from cifar10_tf1.systems import base
from cifar10_tf1.systems.inception import network, weights

QUEUE_CAPACITY = 32  # records; the original keeps at least 8
# Variants of the test: as documented, like training; with stored moments.
BATCH, STORED = 'batch', 'stored'


class Preprocessing(NamedTuple):
    crop_size: int = 28    # pixels, the middle 87.5 % of 32
    image_size: int = 299  # pixels, what it is enlarged to


class Schedule(NamedTuple):
    learning_rate: float = 0.001  # per step, Adam
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    # The document counts 1,500 steps, which are 1.92 passes. Here they are three parts
    # with a checkpoint after each, called epochs like the others'.
    num_epochs: int = 3
    steps_per_epoch: int = 500
    steps_per_figure: int = 100  # whose losses are summed, to be compared


class Settings(NamedTuple):
    name: str = 'inception_v3'
    batch_size: int = 64       # images
    test_batch_size: int = 10
    dataset_repeats: int = 1
    num_classes: int = 10
    weight_decay: float = 0.00004
    keep_prob: float = 0.8     # of the 2,048 features before the logits
    # For a test with stored moments: after 1,500 steps the moving averages, with a
    # decay of 0.9997, are still 64 % initial value.
    num_calibration_batches: int = 10
    preprocessing: Preprocessing = Preprocessing()
    normalization: network.Normalization = network.Normalization()
    schedule: Schedule = Schedule()


class InceptionV3(base.System):

    settings = Settings()
    picture = base.PictureShape(32, 3, settings.preprocessing.crop_size)
    filters = 'InceptionV3/Conv2d_1a_3x3/weights'
    pretrained = weights
    variants_as_in_training = (BATCH,)
    sums_in_pairs = True

    def build_plan(self, data_set, num_files=None):
        """500 steps of the records that the provider hands out."""
        num_examples = base.count_examples(data_set, num_files)
        num_steps = self.schedule.steps_per_epoch
        interval = self.schedule.steps_per_figure
        num_drawn = num_steps * self.batch_size

        def draw_epoch(seed, epoch):
            return draw_rows(num_examples, num_drawn * (epoch + 1), seed)[num_drawn * epoch:]

        return plan.Plan(
            slice(num_examples), (self.batch_size,) * num_steps,
            reporting_points=tuple((number * interval, number)
                                   for number in range(1, num_steps // interval + 1)),
            order=draw_epoch)

    def list_test_rows(self, num_examples, variant, seed):
        """Quirk: the documented test leaves out up to 32 images and repeats as many."""
        if variant == BATCH:
            return draw_rows(num_examples, num_examples, seed)
        return slice(num_examples)

    def build_images(self, pixels):
        """Crops the middle and enlarges it: float32 [N, 299, 299, 3] in -1..1.

        Quirk: slim's preprocessing of evaluation, in training too.
        """
        crop, size = self.settings.preprocessing
        first = (self.picture.side - crop) // 2
        values = tf.cast(pixels[:, first:first + crop, first:first + crop], tf.float32) * (1 / 255)
        # Quirk: takes the centre of a pixel for its corner, unlike TensorFlow 2's op.
        values = tf.image.resize_bilinear(values, [size, size], align_corners=False)
        return (values - 0.5) * 2.0

    def build_network(self, images, seed, kernels=stock, mode=Mode()):
        settings = self.settings
        builder = network.Builder(seed, settings.weight_decay, settings.normalization,
                                  mode.uses_batch_statistics)
        with tf.variable_scope('InceptionV3'):
            middle = builder.build_chain(images, network.BODY)
            net = builder.build_chain(middle, network.TOP)
            # Quirk: the auxiliary classifier has no loss, but its weights decay.
            with tf.variable_scope('AuxLogits'):
                builder.build_linear(
                    builder.build_chain(middle, network.AUXILIARY),
                    'Conv2d_2b_1x1', settings.num_classes, network.AUXILIARY_STDDEV)
            with tf.variable_scope('Logits'):
                net = tf.reduce_mean(net, [1, 2], keepdims=True)
                net = build_dropout(net, 'Logits', mode)
                return builder.build_linear(net, 'Conv2d_1c_1x1', settings.num_classes)

    def format_step(self, step, loss, seconds):
        """As slim logs it. Quirk: the loss mixes cross-entropy and weight decay."""
        return [f'INFO:tensorflow:global step {step}: loss = {loss:.4f} ({seconds:.2f} sec/step)']

    def format_end(self, loss, seconds, count):
        return [f'Finished training. Last batch loss {loss:f}']

    def format_test(self, count):
        return [f'Overall accuracy {count.accuracy:.4f}', count.line]


SYSTEM = InceptionV3()


def draw_rows(num_records, num_drawn, seed):
    """The rows that slim's provider hands out: int32 [num_drawn].

    One reader puts the records of the one file into a queue, in file order, starting
    over after the last; each record is drawn from the queue at random. So the order is
    the file's within a window of 32, not a shuffle. The original's queue may lack up to
    24 records when one is drawn, which is a race; here it is always full.
    """
    random = np.random.RandomState(derive_seed(seed, 'provider'))
    places = random.randint(QUEUE_CAPACITY, size=num_drawn)
    queue = [row % num_records for row in range(QUEUE_CAPACITY)]
    rows = np.empty(num_drawn, np.int32)
    for number, place in enumerate(places):
        rows[number] = queue[place]
        queue[place] = (QUEUE_CAPACITY + number) % num_records
    return rows
