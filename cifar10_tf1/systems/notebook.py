"""The common part of laptop_cnn and udacity_cnn: notebooks from one course template.

CIFAR-10 file by file, never shuffled, the last tenth of each file held back; anonymous
variables, dropout, Adam; tests that average over mini-batches; one checkpoint at the
end, whose tensors are found by name in its .meta file.

Departures, none of which changes the mathematics: no batch is fed from the host,
dropout draws by stateless ops, and the cross-entropy is written out.
"""

import tensorflow.compat.v1 as tf

from cifar10_tf1.data import cifar10
from cifar10_tf1.graph import plan
from cifar10_tf1.graph.mode import Mode
from cifar10_tf1.records import figure_names
from cifar10_tf1.systems import base

IMAGE_SIZE = 32  # pixels
HELD_BACK = 0.1  # of each file of the training data, at its end


class Notebook(base.System):
    """A notebook; a subclass has its settings, network and lines."""

    picture = base.PictureShape(IMAGE_SIZE, 3, IMAGE_SIZE)
    filters = 'Variable'
    figures = figure_names.ALL
    takes_figures_by_file: bool  # after each file, or only after an epoch's last

    @property
    def schedule(self):
        return self.settings

    @property
    def keep_prob(self):
        return self.settings.keep_prob

    @property
    def test_batch_size(self):
        return self.settings.test_batch_size

    def build_plan(self, data_set, num_files=None):
        """File by file; the validation always pools the ends of all files."""
        total = data_set.num_train_files
        return plan.split_files(
            total, data_set.num_train_examples // total, self.batch_size,
            HELD_BACK, num_files or total, self.takes_figures_by_file)

    def build_images(self, pixels):
        """Scales to 0..1.

        In float64, whose product rounds to the float32 quotient for all 256 values. A
        division in float32 may become a product, with other last bits.
        """
        return tf.cast(tf.cast(pixels, tf.float64) * (1 / 255), tf.float32)

    def build_optimizer(self, learning_rate):
        return tf.train.AdamOptimizer(learning_rate)

    def name_original_checkpoint(self, epoch, is_last):
        return 'image_classification' if is_last else None

    def build_original_graph(self, seed):
        """The notebook's own graph, with tensors x, y, keep_prob, logits, accuracy."""
        x = tf.placeholder(tf.float32, [None, IMAGE_SIZE, IMAGE_SIZE, 3], 'x')
        y = tf.placeholder(tf.float32, [None, len(cifar10.CLASS_NAMES)], 'y')
        keep_prob = tf.placeholder(tf.float32, name='keep_prob')
        logits = tf.identity(self.build_network(
            x, seed, mode=Mode(keep_prob)), name='logits')
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(
            logits=logits, labels=y))
        self.build_optimizer(self.settings.learning_rate).minimize(loss)
        is_right = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
        tf.reduce_mean(tf.cast(is_right, tf.float32), name='accuracy')
        return True

    def format_start(self, num_files):
        return ['Checking the Training on a Single Batch...' if num_files == 1
                else 'Training...']

    def format_test(self, count):
        """As documented, with the checkpoint that was restored here."""
        return [f'INFO:tensorflow:Restoring parameters from {count.checkpoint}',
                f'Testing Accuracy: {count.mean_over_batches!r}', '',
                f'{count.num_correct} of {count.num_examples}, '
                f'Test Time : {count.seconds:.2f}s']


def format_place(entry):
    """The beginning of an epoch's line in both notebooks."""
    return f'Epoch {entry["epoch"]:>2}, CIFAR-10 Batch {entry["part"]}:  '
