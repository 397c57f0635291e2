"""Files in the layouts in which weights of Inception v3 are published."""

import numpy as np
import tensorflow.compat.v1 as tf

MARK = 'InceptionV3/Logits/Conv2d_1c_1x1/weights'
CHECKPOINT, FROZEN = 'inception_v3.ckpt', 'inception_v3_2016_08_28_frozen.pb'


def draw(shapes):
    """{name: float32 array} of small numbers, from {name: shape}; variances are positive."""
    random = np.random.RandomState(3)
    tensors = {name: np.float32(0.1 * random.standard_normal(shape))
               for name, shape in shapes.items()}
    return {name: 0.5 + np.abs(value) if name.endswith('variance') else value
            for name, value in tensors.items()}


def write_checkpoint(path, tensors, is_v1=False):
    """As tf.train.Saver does, in its second or first format."""
    with tf.Graph().as_default(), tf.Session() as session:
        variables = {name: tf.Variable(value, use_resource=False)
                     for name, value in tensors.items()}
        session.run(tf.global_variables_initializer())
        version = tf.train.SaverDef.V1 if is_v1 else tf.train.SaverDef.V2
        tf.train.Saver(variables, write_version=version).save(
            session, str(path), write_meta_graph=False, write_state=False)
    return path


def write_frozen(path, tensors):
    """A graph of constants, each with its reader, as freezing leaves it."""
    with tf.Graph().as_default() as graph:
        for name, value in tensors.items():
            tf.identity(tf.constant(value, name=name), name + '/read')
        path.write_bytes(graph.as_graph_def().SerializeToString())
    return path


def write_npz(path, tensors):
    np.savez(str(path), **tensors)
    return path
