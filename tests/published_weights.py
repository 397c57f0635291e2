"""Files in the layouts in which weights of Inception v3 are published."""

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


def write_npz(path, tensors):
    np.savez(str(path), **tensors)
    return path


def write_keras(path, convolutions, offset=1, ending=':0'):
    """As Keras saves weights: the layers' groups by their names' order.

    Args:
      path: pathlib.Path.
      convolutions: list of (kernel, beta, moving_mean, moving_variance).
      offset: int, the number of the first; 0 has none in its name.
      ending: str, of the values' names.
    """
    import h5py

    def name(kind, number):
        return f'{kind}_{number}' if number else kind

    with h5py.File(str(path), 'w') as file:
        for number, (kernel, *moments) in enumerate(convolutions, offset):
            layer = name('conv2d', number)
            file[f'{layer}/{layer}/kernel{ending}'] = kernel
            layer = name('batch_normalization', number)
            file.create_group(layer)
            for value, moment in zip(('beta', 'moving_mean', 'moving_variance'),
                                     moments):
                if moment is not None:
                    file[f'{layer}/{layer}/{value}{ending}'] = moment
        file[f'predictions/predictions/kernel{ending}'] = np.zeros([2048, 1000], 'f')
        file.attrs['layer_names'] = np.array([b'input_1', b'conv2d_1'])
    return path


def pack(path, *members):
    """A .tar.gz of files, under a folder's name as some archives have it."""
    with tarfile.open(str(path), 'w:gz') as archive:
        for member in members:
            archive.add(str(member), './' + os.path.basename(str(member)))
    return path
