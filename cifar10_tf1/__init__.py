"""cifar-tf1: documented TensorFlow 1 results, reproduced on TensorFlow 1.15."""

from cifar10_tf1.common import packages

__version__ = '0.2.0'

packages.install_hook()
