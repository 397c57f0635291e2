"""Inference for predict, report and export: pixels to classes and probabilities.

It uses a checkpoint's moving averages, or its weights if it has none, the central crop,
and the stock kernels, which every TensorFlow has.
"""

from typing import NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import data
from cifar10_tf1.checkpoints import model_dir, reading
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph import calibration
from cifar10_tf1.machine import description, runtime
from cifar10_tf1.records import run_record

BLOCK = 100  # images per session.run; more could exceed the memory


class InferenceGraph(NamedTuple):
    graph: tf.Graph
    images: tf.Tensor         # uint8 [N, side, side, channels] placeholder
    classes: tf.Tensor        # int64 [N], the first largest logit
    probabilities: tf.Tensor  # float32 [N, 10], of the softmax
    variables: dict           # checkpoint name -> tf.Variable
    saver: tf.train.Saver


def build_inference_graph(system):
    """Builds the network of a systems.base.System behind a placeholder, on the CPU."""
    picture = system.picture
    with tf.Graph().as_default() as graph, tf.device('/cpu:0'):
        images = tf.placeholder(
            tf.uint8, [None, picture.side, picture.side, picture.channels],
            name='images')
        logits = system.build_network(system.build_images(images), seed=0)
        classes = tf.argmax(logits, axis=1, name='classes')
        probabilities = tf.nn.softmax(logits, name='probabilities')
        variables = system.list_restored()
        return InferenceGraph(graph, images, classes, probabilities, variables,
                              tf.train.Saver(variables))


class Classifier:
    """A checkpoint, ready to classify; a context manager.

    Attributes:
      checkpoint: str, its prefix.
      step: int, the global step inside it.
      data_name: str, the data set of its training, such as 'cifar10'.
      is_synthetic: bool, whether that is generated data.
      line_prefix: str, to print before each line about it.
      session: tf.Session with its moving averages.
    """

    def __init__(self, system, checkpoint, threads=description.Threads(0, 0, 1), data_dir=None):
        """Restores a prefix; data_dir is for systems that calibrate on their data."""
        self.checkpoint, self.system = checkpoint, system
        # The originals' checkpoints have no settings.
        settings = model_dir.load_settings(checkpoint) or {'data': system.source.module}
        self.data_name = settings['data']
        self.is_synthetic = data.is_synthetic(self.data_name)
        self.class_names = system.source.class_names(self.is_synthetic)
        self.line_prefix = (system.source.line_prefix(self.is_synthetic)
                            + run_record.find_line_prefix(checkpoint))
        self.graph = build_inference_graph(system)
        self.session = tf.Session(graph=self.graph.graph, config=runtime.session_config(threads))
        unused_prefix, self.step = reading.restore(
            self.session, self.graph.saver, self.graph.variables, system.find_step,
            None, checkpoint)
        if system.num_calibration_batches:
            calibration.calibrate(system, self.session, system.source.load(
                data_dir or system.source.data_dir, self.is_synthetic), threads)

    def __enter__(self):
        return self

    def __exit__(self, *unused_exception):
        self.session.close()

    def check_data_set(self, data_set):
        """Raises UserError if the data set's classes are not the network's."""
        if data.is_synthetic(data_set.name) != self.is_synthetic:
            raise UserError(
                f'{self.checkpoint} was trained on {self.data_name}, whose classes '
                f'are not those of {data_set.name}; omit --synthetic, or choose another '
                'checkpoint with --checkpoint or --model-dir')

    def classify(self, images):
        """Probabilities, float32 [N, 10], of images, uint8 [N, side, side, channels]."""
        blocks = [self.session.run(self.graph.probabilities,
                                   {self.graph.images: images[i:i + BLOCK]})
                  for i in range(0, len(images), BLOCK)]
        probabilities = np.concatenate(
            blocks or [np.empty([0, len(self.class_names)], np.float32)])
        if not np.isfinite(probabilities).all():
            raise UserError(f'{self.checkpoint} gives probabilities that are not '
                            'finite; choose another checkpoint')
        return probabilities
