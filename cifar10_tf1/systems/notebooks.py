"""Two notebooks from one course template: laptop_cnn and udacity_cnn on CIFAR-10.

laptop_cnn is documented without versions, on a CPU: 0.6734375 after 50 epochs, the
unweighted mean over 40 mini-batches, the last of 16 images; and 50 losses and validation
accuracies of a run on the first file alone. udacity_cnn is documented on a TensorFlow of
mid-2017: 6,876 of 10,000 after 25 epochs, with loss, training and validation accuracy
after each file of each epoch; and the same of a run on the first file alone.

Both train file by file, never shuffled, with the last tenth of each file held back. Their
variables are anonymous; they use dropout and Adam; their tests average over mini-batches;
they save one checkpoint at the end, whose tensors are found by name in its .meta file.

Departures, none of which changes the mathematics: no batch is fed from the host,
dropout draws by stateless ops, and the cross-entropy is written out.
"""

from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.common import record_schema
from cifar10_tf1.data import cifar10
from cifar10_tf1.graph import plan, variables
from cifar10_tf1.graph.mode import Mode, build_dropout
from cifar10_tf1.kernels import stock
from cifar10_tf1.systems import base

HELD_BACK = 0.1  # of each file of the training data, at its end


class LaptopSettings(NamedTuple):
    name: str = 'laptop_cnn'
    batch_size: int = 256       # images; a file's last batch has 40
    test_batch_size: int = 256  # images; the last has 16
    dataset_repeats: int = 1
    # Quirk: a comment beside it says 70 %.
    keep_prob: float = 0.5
    stddev: float = 0.05        # of initial weights and (a quirk) of biases
    learning_rate: float = 0.001
    num_epochs: int = 50


class UdacitySettings(NamedTuple):
    name: str = 'udacity_cnn'
    batch_size: int = 1000       # images; a file has nine of them
    test_batch_size: int = 1000  # images
    dataset_repeats: int = 1
    keep_prob: float = 0.8
    stddev: float = 0.05         # of initial weights; biases start at 0
    learning_rate: float = 0.001
    num_epochs: int = 25


class Notebook(base.System):
    """A notebook; a subclass has its settings, shapes of weights, network and lines."""

    picture = base.PictureShape(32, 3, 32)
    filters = 'Variable'
    figures = record_schema.FIGURES
    takes_figures_by_file: bool  # after each file, or only after an epoch's last
    biases_stddev = 0.0          # of their initial values

    @property
    def schedule(self):
        return self.settings

    def build_plan(self, data_set, num_files=None):
        """File by file: no batch crosses an end; the ends of all files are held back."""
        files = np.arange(data_set.num_train_examples).reshape(data_set.num_train_files, -1)
        num_used = num_files or len(files)
        num_trained = files.shape[1] - int(files.shape[1] * HELD_BACK)
        batch_sizes = plan.split(num_trained, self.batch_size)
        first_point = 1 if self.takes_figures_by_file else num_used
        return plan.Plan(
            files[:num_used, :num_trained].ravel(), batch_sizes * num_used,
            validation=files[:, num_trained:].ravel(),
            reporting_points=tuple((len(batch_sizes) * number, number)
                                   for number in range(first_point, num_used + 1)))

    def build_images(self, pixels):
        """Scales to 0..1: float32 [N, 32, 32, 3]."""
        # In float64, whose product rounds to the float32 quotient for all 256 values. A
        # division in float32 may become a product, with other last bits.
        return tf.cast(tf.cast(pixels, tf.float64) * (1 / 255), tf.float32)

    def build_optimizer(self, learning_rate):
        return tf.train.AdamOptimizer(learning_rate)

    def build_layers(self, seed, first=0):
        """[(weights, biases)] of the layers, numbered from `first`."""
        return [variables.build_anonymous_layer(number, shape, self.settings.stddev, seed,
                                                self.biases_stddev)
                for number, shape in enumerate(self.shapes, first)]

    def name_original_checkpoint(self, epoch, is_last):
        return 'image_classification' if is_last else None

    def build_original_graph(self, seed):
        """The notebook's own graph, with tensors x, y, keep_prob, logits, accuracy."""
        x = tf.placeholder(tf.float32, [None, 32, 32, 3], 'x')
        y = tf.placeholder(tf.float32, [None, len(cifar10.CLASS_NAMES)], 'y')
        keep_prob = tf.placeholder(tf.float32, name='keep_prob')
        logits = tf.identity(self.build_network(x, seed, mode=Mode(keep_prob)), name='logits')
        loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(logits=logits, labels=y))
        self.build_optimizer(self.settings.learning_rate).minimize(loss)
        is_right = tf.equal(tf.argmax(logits, 1), tf.argmax(y, 1))
        tf.reduce_mean(tf.cast(is_right, tf.float32), name='accuracy')
        return True

    def format_start(self, num_files):
        return ['Checking the Training on a Single Batch...' if num_files == 1 else 'Training...']

    def format_test(self, count):
        """As documented, with the checkpoint that was restored here."""
        return [f'INFO:tensorflow:Restoring parameters from {count.checkpoint}',
                f'Testing Accuracy: {count.mean_over_batches!r}', '', count.line]


def _build_dense(net, weights, biases):
    return tf.matmul(net, weights) + biases


def _format_place(entry):
    return f'Epoch {entry["epoch"]:>2}, CIFAR-10 Batch {entry["part"]}:  '


class LaptopCnn(Notebook):

    settings = LaptopSettings()
    takes_figures_by_file = False
    biases_stddev = settings.stddev
    shapes = ([7, 7, 3, 32], [3, 3, 32, 64], [2, 2, 64, 128], [512, 1024], [1024, 128], [128, 10])

    def build_network(self, images, seed, kernels=stock, mode=Mode()):
        layers = self.build_layers(seed)
        # Quirk: no activation after any layer; only the pools are not linear. To 8 x 8,
        # 4 x 4 and 2 x 2 pixels.
        net = kernels.build_pooled_convolutions(
            images, layers[:3], padding='SAME', strides=(2, 1, 1), has_relu=False)
        net = _build_dense(build_dropout(net, 'before_3', mode), *layers[3])
        net = _build_dense(build_dropout(net, 'before_4', mode), *layers[4])
        return _build_dense(net, *layers[5])

    def format_progress(self, entry):
        """The lines of the document's run on one file; its full run prints nothing."""
        return [f'{_format_place(entry)}batch loss is :  {entry["loss"]:.6g}',
                f'batch_accuracy accuracy is : {entry["validation_accuracy"]:.6g}']


class UdacityCnn(Notebook):

    settings = UdacitySettings()
    takes_figures_by_file = True
    shapes = ([8, 8, 3, 32], [4, 4, 32, 64], [2, 2, 64, 256], [4096, 512], [512, 64], [64, 10])

    def build_network(self, images, seed, kernels=stock, mode=Mode()):
        layers = self.build_layers(seed)
        # To 16 x 16, 8 x 8 and 4 x 4 pixels.
        net = kernels.build_pooled_convolutions(
            images, layers[:3], padding='SAME', strides=(1, 1, 1), has_relu=True)
        for layer in layers[3:5]:
            net = tf.nn.relu(_build_dense(net, *layer))
        net = build_dropout(net, 'before_5', mode)
        # Quirk: training drops the logits themselves.
        return build_dropout(_build_dense(net, *layers[5]), 'logits', mode)

    def build_original_graph(self, seed):
        """Quirk: the course's own test leaves a second network in the graph.

        It was built after the optimizer, is saved and was never trained.
        """
        super().build_original_graph(seed)
        self.build_layers(seed, first=len(self.shapes))
        return True

    def format_progress(self, entry):
        return [f'{_format_place(entry)}Loss: {entry["loss"]:>10.4f} , '
                f'Training Acc: {entry["training_accuracy"]:.4f}, '
                f'Validation Acc: {entry["validation_accuracy"]:.4f}']


SYSTEMS = {'laptop_cnn': LaptopCnn(), 'udacity_cnn': UdacityCnn()}
