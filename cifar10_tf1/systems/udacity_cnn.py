"""The network of a course's project: 68.76 % on CIFAR-10.

Documented on a TensorFlow of mid-2017: 6,876 of 10,000 after 25 epochs, with loss,
training and validation accuracy after each file of each epoch; and the same of a run on
the first file alone. Oddity kept: dropout on the logits too.
"""

from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import dropout
from cifar10_tf1.graph import variables
from cifar10_tf1.graph.mode import Mode
from cifar10_tf1.kernels import stock
from cifar10_tf1.systems import notebook

_LAYERS = ([8, 8, 3, 32], [4, 4, 32, 64], [2, 2, 64, 256], [4096, 512],
           [512, 64], [64, 10])  # shapes of the weights


class Settings(NamedTuple):
    name: str = 'udacity_cnn'
    batch_size: int = 1000       # images; a file has nine of them
    test_batch_size: int = 1000  # images
    dataset_repeats: int = 1
    keep_prob: float = 0.8
    stddev: float = 0.05         # of initial weights; biases start at 0
    learning_rate: float = 0.001
    num_epochs: int = 25


class UdacityCnn(notebook.Notebook):

    settings = Settings()
    num_epochs = settings.num_epochs
    takes_figures_by_file = True

    def build_network(self, images, seed, kernels=stock, mode=Mode()):
        """Adds the network and its twelve variables."""
        images.shape.assert_is_compatible_with([None, 32, 32, 3])
        layers = self._build_layers(0, seed)
        # To 16 x 16, 8 x 8 and 4 x 4 pixels.
        net = kernels.build_pooled_convolutions(
            images, layers[:3], padding='SAME', strides=(1, 1, 1), has_relu=True)
        for weights, biases in layers[3:5]:
            net = tf.nn.relu(tf.matmul(net, weights) + biases)
        net = dropout.build(net, 'before_5', mode)
        weights, biases = layers[5]
        # Quirk: training drops the logits themselves.
        return dropout.build(tf.matmul(net, weights) + biases, 'logits', mode)

    def build_original_graph(self, seed):
        """Quirk: the course's own test leaves a second network in the graph.

        It was built after the optimizer, is saved and was never trained.
        """
        super().build_original_graph(seed)
        self._build_layers(len(_LAYERS), seed)
        return True

    def _build_layers(self, first, seed):
        return [variables.build_anonymous_layer(
            number, shape, self.settings.stddev, seed)
            for number, shape in enumerate(_LAYERS, first)]

    def format_progress(self, entry):
        return [f'{notebook.format_place(entry)}Loss: {entry["loss"]:>10.4f} , '
                f'Training Acc: {entry["training_accuracy"]:.4f}, '
                f'Validation Acc: {entry["validation_accuracy"]:.4f}']


SYSTEM = UdacityCnn()
