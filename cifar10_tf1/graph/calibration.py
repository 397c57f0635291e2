"""Moments for normalisation while the moving averages are of no use yet.

A network with batch normalisation is tested with the moving averages of its batches'
moments. After few steps these are mostly their initial values, so they are replaced by
means over some batches of training images, with the current weights.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import variables
from cifar10_tf1.graph.mode import BATCH_STATISTICS
from cifar10_tf1.graph.mode import Mode


def calibrate(system, session, data_set, threads):
    """Replaces the moving averages by means over batches, if the system needs it.

    The batches are the first ones of the training records, in file order, as
    large as in training.

    Args:
      system: systems.base.System.
      session: tf.Session, whose weights are taken, and whose averages change.
      data_set: data.data_set.DataSet.
      threads: description.Threads.
    Raises:
      UserError: as DataSet.labels_and_images.
    """
    if not system.num_calibration_batches:
        return
    weights = variables.read_network(session)
    unused_labels, images = data_set.labels_and_images('train')
    size = system.batch_size
    with tf.Graph().as_default(), tf.device('/cpu:0'):
        pixels = tf.placeholder(tf.uint8, [size, *images.shape[1:]])
        system.build_network(system.build_images(pixels), seed=0,
                             mode=Mode(uses_batch_statistics=True))
        moments = dict(tf.get_collection(BATCH_STATISTICS))
        with variables.open_network(weights, threads) as copy:
            batches = [copy.run(moments, {pixels: np.take(
                images, range(size * number, size * (number + 1)), axis=0,
                mode='wrap')}) for number
                in range(system.num_calibration_batches)]
    with session.graph.as_default():
        averages = {variable.op.name: variable
                    for variable in variables.list_network_variables()}
    variables.load_variables(session, [
        (averages[name], np.mean([batch[name] for batch in batches], axis=0,
                                 dtype=np.float64).astype(np.float32))
        for name in moments])
