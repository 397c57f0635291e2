"""Moments to normalise with, where the moving averages are of no use yet.

A network with batch normalisation is tested with averages of its batches' moments
that training has kept. After few steps these are mostly what they began with. So
they are averaged anew, over some batches of training images, with the weights as
they are.
"""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.machine import runtime
from cifar10_tf1.systems import base
from cifar10_tf1.graph.variables import load_variables


def calibrate(system, session, data_set, threads):
    """Puts means over batches in the place of the moving averages.

    The batches are the first ones of the training records, in file order, as
    large as in training. Nothing is done for a system that needs none.

    Args:
      system: systems.base.System.
      session: tf.Session, whose weights are taken, and whose averages change.
      data_set: data.data_set.DataSet.
      threads: machine.Threads.
    Raises:
      UserError: as DataSet.raw_records.
    """
    if not system.num_calibration_batches:
        return
    with session.graph.as_default():
        variables = {variable.op.name: variable
                     for variable in base.list_network_variables()}
        values = session.run(variables)
    unused_labels, images = data_set.labels_and_images('train')
    size = system.batch_size
    with tf.Graph().as_default(), tf.device('/cpu:0'):
        pixels = tf.placeholder(tf.uint8, [size, *images.shape[1:]])
        system.build_network(system.build_images(pixels), seed=0,
                             mode=base.Mode(uses_batch_statistics=True))
        moments = dict(tf.get_collection(base.BATCH_STATISTICS))
        with tf.Session(config=runtime.session_config(threads)) as other:
            load_variables(other, [(variable, values[variable.op.name])
                                   for variable in base.list_network_variables()])
            batches = [other.run(moments, {pixels: np.take(
                images, range(size * number, size * (number + 1)), axis=0,
                mode='wrap')}) for number
                in range(system.num_calibration_batches)]
    load_variables(session, [
        (variables[name], np.mean([batch[name] for batch in batches], axis=0,
                                  dtype=np.float64).astype(np.float32))
        for name in moments])
