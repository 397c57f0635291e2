"""cifar-tf1: documented TensorFlow 1 results, reproduced on TensorFlow 1.15."""

__version__ = '0.2.0'
