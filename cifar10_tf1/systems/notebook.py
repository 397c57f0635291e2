"""What laptop_cnn and udacity_cnn share: two notebooks from one course template.

CIFAR-10 file by file, never shuffled, the last tenth of each file held back;
unnamed variables, dropout, Adam; tests that average over mini-batches; one
checkpoint at the end, read by name out of its .meta file.

Departures, each without influence on the mathematics: no batch is fed from the
host, dropout draws by stateless ops, and the cross-entropy is written out.
"""

import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import plan
from cifar10_tf1 import systems
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import records
from cifar10_tf1.systems import base

IMAGE_SIZE = 32  # pixels
HELD_BACK = 0.1  # of each file of the training data, at its end
PUBLISHED = 'image_classification'


class Notebook(base.System):
    """A notebook; a subclass has its settings, network and lines.

    Attributes:
      takes_figures_by_file: whether figures are taken after each file of the
        data, or only after the last one of an epoch.
    """

    picture = base.PictureShape(IMAGE_SIZE, 3, IMAGE_SIZE)
    filters = 'Variable'
    figures = (systems.LOSS, systems.TRAINING_ACCURACY,
               systems.VALIDATION_ACCURACY)
    takes_figures_by_file: bool

    @property
    def keep_prob(self):
        return self.settings.keep_prob

    @property
    def test_batch_size(self):
        return self.settings.test_batch_size

    def build_plan(self, data_set, num_files=None):
        """File by file; the validation is pooled over all files, always."""
        total = data_set.num_train_files
        return plan.split_files(
            total, data_set.num_train_examples // total, self.batch_size,
            HELD_BACK, num_files or total, self.takes_figures_by_file)

    def build_training_batch(self, batch, draws):
        """Scales; the same in testing.

        Args:
          batch: uint8 [batch, 3073], records.
          draws: float32 [batch, 0].
        Returns:
          (labels, images): int32 [batch] in 0..9; float32 [batch, 32, 32, 3] in
          0..1.
        """
        del draws
        planes = tf.reshape(batch[:, cifar10.LABEL_BYTES:],
                            [-1, 3, IMAGE_SIZE, IMAGE_SIZE])
        return records.build_labels(batch), self.build_images(
            tf.transpose(planes, [0, 2, 3, 1]))

    build_test_batch = build_training_batch

    def build_images(self, pixels):
        """uint8 [N, 32, 32, 3] to what the network sees: x / 255.

        In float64, so that all 256 values are those of a float32 division: that
        one TensorFlow may turn into a product, which has other last bits.
        """
        return tf.cast(tf.cast(pixels, tf.float64) * (1 / 255), tf.float32)

    def build_learning_rate(self, global_step):
        """0.001 from the first step to the last."""
        del global_step
        return tf.constant(self.settings.learning_rate, name='learning_rate')

    def build_optimizer(self, learning_rate):
        return tf.train.AdamOptimizer(learning_rate)

    def name_published(self, epoch, is_last):
        """The notebooks save once, after the last epoch."""
        return PUBLISHED if is_last else None

    def build_published(self, seed):
        """The notebook's own graph: x, y and keep_prob are placeholders.

        Found by name in its .meta file, as logits and accuracy are.
        """
        x = tf.placeholder(tf.float32, [None, IMAGE_SIZE, IMAGE_SIZE, 3], 'x')
        y = tf.placeholder(tf.float32, [None, len(cifar10.CLASS_NAMES)], 'y')
        keep_prob = tf.placeholder(tf.float32, name='keep_prob')
        logits = tf.identity(self.build_network(
            x, seed, mode=base.Mode(keep_prob)), name='logits')
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(
            logits=logits, labels=y))
        self.build_optimizer(self.settings.learning_rate).minimize(loss)
        is_right = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
        tf.reduce_mean(tf.cast(is_right, tf.float32), name='accuracy')
        return True

    def format_start(self, num_files):
        return ['Checking the Training on a Single Batch...' if num_files == 1
                else 'Training...']

    def format_end(self, seconds, count):
        return []

    def format_test(self, count):
        """The mean over mini-batches, a number in double precision."""
        return [f'INFO:tensorflow:Restoring parameters from ./{PUBLISHED}',
                f'Testing Accuracy: {count.mean_over_batches!r}', '',
                f'{count.num_correct} of {count.num_examples}, '
                f'Test Time : {count.seconds:.2f}s']


def format_place(entry):
    """How a line of an epoch begins in both notebooks."""
    return f'Epoch {entry["epoch"]:>2}, CIFAR-10 Batch {entry["part"]}:  '
