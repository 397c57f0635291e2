"""The network trained on a laptop: 67.34 % on CIFAR-10.

Documented without versions, on a CPU: 0.6734375 after 50 epochs, the unweighted mean
over 40 mini-batches, the last of 16 images; and 50 losses and validation accuracies of a
run on the first file alone. Oddities kept: no activation anywhere, and biases drawn as
the weights are.
"""

from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import dropout
from cifar10_tf1.graph import variables
from cifar10_tf1.graph.mode import Mode
from cifar10_tf1.kernels import stock
from cifar10_tf1.systems import notebook


class Settings(NamedTuple):
    name: str = 'laptop_cnn'
    batch_size: int = 256       # images; a file's last batch has 40
    test_batch_size: int = 256  # images; the last has 16
    dataset_repeats: int = 1
    # Quirk: a comment beside it says 70 %.
    keep_prob: float = 0.5
    stddev: float = 0.05        # of initial weights and biases
    learning_rate: float = 0.001
    num_epochs: int = 50


class LaptopCnn(notebook.Notebook):

    settings = Settings()
    num_epochs = settings.num_epochs
    takes_figures_by_file = False

    def build_network(self, images, seed, kernels=stock, mode=Mode()):
        """Adds the network and its twelve variables."""
        images.shape.assert_is_compatible_with([None, 32, 32, 3])
        stddev = self.settings.stddev

        def build_layer(number, shape):
            return variables.build_anonymous_layer(number, shape, stddev, seed, stddev)

        def build_dense(net, number, shape):
            weights, biases = build_layer(number, shape)
            return tf.matmul(net, weights) + biases

        # To 8 x 8, 4 x 4 and 2 x 2 pixels.
        net = kernels.build_pooled_convolutions(
            images, [build_layer(0, [7, 7, 3, 32]), build_layer(1, [3, 3, 32, 64]),
                     build_layer(2, [2, 2, 64, 128])],
            padding='SAME', strides=(2, 1, 1), has_relu=False)
        # Quirk: no activation after any layer; only the pools are not linear.
        net = build_dense(dropout.build(net, 'before_3', mode), 3, [512, 1024])
        net = build_dense(dropout.build(net, 'before_4', mode), 4, [1024, 128])
        return build_dense(net, 5, [128, 10])

    def format_progress(self, entry):
        """As the document's run on one file; its full run prints nothing."""
        return [f'{notebook.format_place(entry)}batch loss is :  '
                f'{entry["loss"]:.6g}', 'batch_accuracy accuracy is : '
                f'{entry["validation_accuracy"]:.6g}']


SYSTEM = LaptopCnn()
