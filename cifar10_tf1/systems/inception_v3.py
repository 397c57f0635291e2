"""Inception v3, trained on ImageNet, fine-tuned on CIFAR-10: 79.85 %.

Documented on TensorFlow 1.0 or 1.1 and slim: 1,500 steps of 64 images, from the
weights that were published on 2016-08-28. Names, order and shapes of the 388
variables are slim's; the names are a contract, because published weights are
found by them, and checkpoints are exchanged.

Departures, each without influence on the mathematics: records are read from the
binary files and not from PNG images of the same pixels, the queue that hands them
out is computed beforehand, initial weights and dropout come from seeds of their
own, and the cross-entropy is written out (the fused op of 1.15 is not
deterministic on a GPU).
"""

from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import dropout
from cifar10_tf1.graph import plan
from cifar10_tf1.data import records
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.kernels import stock
from cifar10_tf1.systems import base
from cifar10_tf1.systems.inception import layers
from cifar10_tf1.systems.inception import provider
from cifar10_tf1.systems.inception import table
from cifar10_tf1.systems.inception import weights

RECORDED_SIZE = 32  # pixels
# Of the test: as documented, as in training; with stored moments.
BATCH, STORED = 'batch', 'stored'


class Preprocessing(NamedTuple):
    crop_size: int = 28    # pixels, the middle 87.5 % of 32
    image_size: int = 299  # pixels, what it is enlarged to


class Schedule(NamedTuple):
    learning_rate: float = 0.001  # per step, Adam
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    # The document counts 1,500 steps, which are 1.92 passes. Here they are
    # three parts with a checkpoint after each, called epochs as the others'.
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
    # Whose statistics a test with stored ones takes: the moving averages, with
    # a decay of 0.9997, are 64 % what they began with after 1,500 steps.
    num_calibration_batches: int = 10
    preprocessing: Preprocessing = Preprocessing()
    normalization: layers.Normalization = layers.Normalization()
    schedule: Schedule = Schedule()


class InceptionV3(base.System):
    """The system of the document; SYSTEM is the documented one."""

    settings = Settings()
    num_epochs = settings.schedule.num_epochs
    picture = base.PictureShape(RECORDED_SIZE, 3,
                                settings.preprocessing.crop_size)
    filters = 'InceptionV3/Conv2d_1a_3x3/weights'
    keep_prob = settings.keep_prob
    pretrained = weights.PUBLISHED
    variants_as_in_training = (BATCH,)
    sums_in_pairs = True

    @property
    def test_batch_size(self):
        return self.settings.test_batch_size

    @property
    def num_calibration_batches(self):
        return self.settings.num_calibration_batches

    def build_plan(self, data_set, num_files=None):
        """So many steps, of the records that the provider hands out."""
        num_examples = (data_set.num_train_examples // data_set.num_train_files
                        * (num_files or data_set.num_train_files))
        schedule = self.settings.schedule
        num_drawn = schedule.steps_per_epoch * self.batch_size

        def draw_epoch(seed, epoch):
            return provider.draw_rows(num_examples, num_drawn * (epoch + 1),
                                      seed)[num_drawn * epoch:]

        ends = range(schedule.steps_per_figure, schedule.steps_per_epoch + 1,
                     schedule.steps_per_figure)
        return plan.Plan(
            slice(num_examples), (self.batch_size,) * schedule.steps_per_epoch,
            reporting_points=tuple((end, number + 1) for number, end in enumerate(ends)),
            order=draw_epoch)

    def list_test_rows(self, num_examples, variant, seed):
        """The documented test takes what the provider hands out.

        Quirk: up to about 32 images are left out, and as many counted twice.
        """
        if variant == BATCH:
            return provider.draw_rows(num_examples, num_examples, seed)
        return slice(num_examples)

    def build_training_batch(self, batch, draws):
        """Decodes, crops and enlarges.

        Quirk: the preprocessing of evaluation, in training too.

        Args:
          batch: uint8 [batch, 3073], records.
          draws: float32 [batch, 0].
        Returns:
          (labels, images): int32 [batch] in 0..9; float32 [batch, 299, 299, 3]
          in -1..1.
        """
        del draws
        planes = tf.reshape(batch[:, LABEL_BYTES:],
                            [-1, 3, RECORDED_SIZE, RECORDED_SIZE])
        return records.build_labels(batch), self.build_images(
            tf.transpose(planes, [0, 2, 3, 1]))

    build_test_batch = build_training_batch

    def build_images(self, pixels):
        """The middle, enlarged.

        By the factor 1 / 255 and not by division. By TensorFlow 1's own
        bilinear resizing, which takes the centre of a pixel for its corner:
        TensorFlow 2's tf.image.resize gives other numbers.

        Args:
          pixels: uint8 [N, 32, 32, 3].
        Returns:
          float32 [N, 299, 299, 3] in -1..1.
        """
        crop, size = (self.settings.preprocessing.crop_size,
                      self.settings.preprocessing.image_size)
        first = (RECORDED_SIZE - crop) // 2
        values = tf.cast(pixels[:, first:first + crop, first:first + crop],
                         tf.float32) * (1 / 255)
        values = tf.image.resize_bilinear(values, [size, size],
                                          align_corners=False)
        return (values - 0.5) * 2.0

    def build_network(self, images, seed, kernels=stock, mode=base.Mode()):
        """Adds the network and its 388 variables, each on /cpu:0.

        The auxiliary classifier has no loss (a quirk), but its three weights
        are in the weight decay, as all 98 are.

        Args:
          images: float32 [batch, 299, 299, 3].
          seed: int, the run's seed, for the initial weights.
          kernels: a module of cifar10_tf1.kernels.
          mode: base.Mode.
        Returns:
          float32 [batch, 10], logits.
        Raises:
          ValueError: where the graph has the network already.
        """
        images.shape.assert_is_compatible_with([None, 299, 299, 3])
        builder = layers.Builder(
            seed, self.settings.weight_decay, self.settings.normalization,
            mode.uses_batch_statistics, kernels)
        num_classes = self.settings.num_classes
        with tf.variable_scope('InceptionV3'):
            middle = builder.build_chain(images, table.BODY)
            net = builder.build_chain(middle, table.TOP)
            with tf.variable_scope('AuxLogits'):
                builder.build_linear(
                    builder.build_chain(middle, table.AUXILIARY),
                    'Conv2d_2b_1x1', num_classes, table.AUXILIARY_STDDEV)
            with tf.variable_scope('Logits'):
                net = tf.reduce_mean(net, [1, 2], keepdims=True)
                net = dropout.build(net, 'Logits', mode)
                return builder.build_linear(net, 'Conv2d_1c_1x1', num_classes)

    def build_learning_rate(self, global_step):
        """0.001 from the first step to the last."""
        del global_step
        return tf.constant(self.settings.schedule.learning_rate,
                           name='learning_rate')

    def build_optimizer(self, learning_rate):
        schedule = self.settings.schedule
        return tf.train.AdamOptimizer(learning_rate, schedule.beta1,
                                      schedule.beta2, schedule.epsilon)

    def format_step(self, step, loss, seconds):
        """As slim logs it; quirk: the loss mixes cross-entropy and decay."""
        return [f'INFO:tensorflow:global step {step}: loss = {loss:.4f} '
                f'({seconds:.2f} sec/step)']

    def format_last_loss(self, loss):
        return [f'Finished training. Last batch loss {loss:f}']

    def format_progress(self, entry):
        return []

    def format_end(self, seconds, count):
        return []

    def format_test(self, count):
        """The mean over batches of one size is the share of the images."""
        return [f'Overall accuracy {count.num_correct / count.num_examples:.4f}',
                f'{count.num_correct} of {count.num_examples}, '
                f'Test Time : {count.seconds:.2f}s']


SYSTEM = InceptionV3()
