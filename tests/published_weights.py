"""Files in the layouts in which the weights of 2016-08-28 are published."""

import os
import tarfile

import numpy as np
import tensorflow.compat.v1 as tf

MARK = 'InceptionV3/Logits/Conv2d_1c_1x1/weights'
CHECKPOINT, FROZEN = 'inception_v3.ckpt', 'inception_v3_2016_08_28_frozen.pb'


def draw(shapes, seed=3):
    """{name: float32 array} of small numbers; variances are positive.

    Args:
      shapes: {name: shape}.
    """
    random = np.random.RandomState(seed)
    tensors = {}
    for name, shape in shapes.items():
        value = 0.1 * random.standard_normal(shape)
        if name.endswith('variance'):
            value = 0.5 + np.abs(value)
        tensors[name] = np.asarray(value, np.float32)
    return tensors


def write_checkpoint(path, tensors, is_v1=False):
    """As tf.train.Saver does, in its second or first format."""
    with tf.Graph().as_default(), tf.Session() as session:
        variables = {name: tf.Variable(value, use_resource=False)
                     for name, value in tensors.items()}
        session.run(tf.global_variables_initializer())
        tf.train.Saver(variables, write_version=(
            tf.train.SaverDef.V1 if is_v1 else tf.train.SaverDef.V2)).save(
                session, str(path), write_meta_graph=False, write_state=False)
    return path


def write_frozen(path, tensors):
    """A graph of constants, each with its reader, as freezing leaves it."""
    with tf.Graph().as_default() as graph:
        for name, value in tensors.items():
            tf.identity(tf.constant(value, name=name), name + '/read')
        path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def pack(path, *members):
    """A .tar.gz of files, under a folder's name as some archives have it."""
    with tarfile.open(str(path), 'w:gz') as archive:
        for member in members:
            archive.add(str(member), './' + os.path.basename(str(member)))
    return path
