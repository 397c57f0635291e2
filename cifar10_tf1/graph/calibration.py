"""Calibrates batch normalisation for a test after few training steps.

A test normalises with the moving averages of the training batches' moments. After few
steps these are still mostly their initial values, so means over some training batches,
computed with the current weights, replace them.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import variables
from cifar10_tf1.graph.mode import BATCH_STATISTICS, Mode


def calibrate(system, session, data_set, threads):
    """Replaces a session's moving averages, if the system needs it.

    The means are over the first num_calibration_batches training batches in file order.
    """
    if not system.num_calibration_batches:
        return
    unused_labels, images = data_set.labels_and_images('train')
    size = system.batch_size
    with tf.Graph().as_default(), tf.device('/cpu:0'):
        pixels = tf.placeholder(tf.uint8, [size, *images.shape[1:]])
        system.build_network(system.build_images(pixels), seed=0,
                             mode=Mode(uses_batch_statistics=True))
        moments = dict(tf.get_collection(BATCH_STATISTICS))
        with variables.open_copy(session, threads) as copy:
            batches = [copy.run(moments, {pixels: np.take(
                images, range(size * number, size * (number + 1)), axis=0, mode='wrap')})
                for number in range(system.num_calibration_batches)]
    with session.graph.as_default():
        averages = {variable.op.name: variable for variable in tf.model_variables()}
    variables.load_variables(session, [
        (averages[name], np.mean([batch[name] for batch in batches], axis=0,
                                 dtype=np.float64).astype(np.float32))
        for name in moments])
