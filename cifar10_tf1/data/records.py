"""One record of the binary version of CIFAR-10 as tensors."""

import tensorflow.compat.v1 as tf

from cifar10_tf1.data import cifar10


def build_record(record):
    """Decodes one record.

    Args:
      record: string scalar, 3,073 bytes: label, then the red, the green and
        the blue plane of 32 x 32 bytes, row by row.
    Returns:
      (label, image): int32 scalar in 0..9; float32 [32, 32, 3] in 0..255,
      rows, columns, channels.
    Raises:
      InvalidArgumentError: at run time, where the record has another length.
    """
    record = tf.reshape(tf.decode_raw(record, tf.uint8), [cifar10.RECORD_BYTES])
    label = tf.cast(record[0], tf.int32)
    planes = tf.reshape(record[cifar10.LABEL_BYTES:],
                        [cifar10.CHANNELS, cifar10.HEIGHT, cifar10.WIDTH])
    image = tf.cast(tf.transpose(planes, [1, 2, 0]), tf.float32)
    return label, image
