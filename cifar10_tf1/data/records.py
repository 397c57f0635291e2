"""Records of the binary version of CIFAR-10 as tensors."""

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.data import cifar10


def build_labels(records):
    """uint8 [batch, 3073] to int32 [batch], in 0..9."""
    return tf.cast(records[:, 0], tf.int32)


def build_crops(records, rows, columns, flips, size):
    """Cuts a square out of every image, by one gather for all of them.

    Args:
      records: uint8 [batch, 3073]: label, then the red, the green and the blue
        plane of 32 x 32 bytes, row by row.
      rows, columns: int32 [batch], where the squares begin.
      flips: bool [batch], whether to turn left and right around.
      size: int, pixels.
    Returns:
      float32 [batch, size, size, 3] in 0..255: rows, columns, channels.
    """
    batch = records.shape[0].value
    row, column, channel = np.indices([size, size, cifar10.CHANNELS])
    places = [row * cifar10.WIDTH + some + channel * cifar10.PLANE_BYTES
              for some in (column, size - 1 - column)]
    places = tf.constant(np.reshape(places, [2, -1]), tf.int32)
    starts = (np.arange(batch, dtype=np.int32) * cifar10.RECORD_BYTES
              + cifar10.LABEL_BYTES + rows * cifar10.WIDTH + columns)
    indices = starts[:, tf.newaxis] + tf.gather(places, tf.cast(flips, tf.int32))
    pixels = tf.gather(tf.reshape(records, [-1]), indices)
    return tf.reshape(tf.cast(pixels, tf.float32),
                      [batch, size, size, cifar10.CHANNELS])
