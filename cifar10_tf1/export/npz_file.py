"""The weights as a NumPy file, for those who build the network themselves.

Each tensor that testing takes, under its weight's own name: where a system has
moving averages these stand for the weights. What a loader needs beside them is
in `about/...`: no variable has such a name.
"""

import io

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import inference
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph.variables import load_variables

_ABOUT = 'about/'
_TOLD = ('system', 'classes', 'step', 'data', 'checkpoint_sha256')


def convert(classifier, about):
    """The file of a network.

    Args:
      classifier: inference.Classifier.
      about: dict, as of saved_model.describe.
    Returns:
      bytes; the same of the same weights.
    """
    variables = {variable.op.name: variable
                 for variable in classifier.graph.variables.values()}
    arrays = classifier.session.run(variables)
    arrays.update((_ABOUT + name, np.array(about[name])) for name in _TOLD)
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def run(content, system, images):
    """(classes, probabilities) of a network with the weights of a file.

    Args:
      content: bytes, the file.
      system: a systems.base.System.
      images: uint8 [N, side, side, channels].
    Raises:
      UserError: where the file lacks a weight.
    """
    graph = inference.build_inference_graph(system)
    # No pickles, as everyone's numpy.load has it.
    with np.load(io.BytesIO(content)) as arrays, tf.Session(
            graph=graph.graph) as session:
        for variable in graph.variables.values():
            if variable.op.name not in arrays:
                raise UserError(f'the NumPy file lacks {variable.op.name}')
        load_variables(session, [(variable, arrays[variable.op.name])
                                 for variable in graph.variables.values()])
        return session.run([graph.classes, graph.probabilities],
                           {graph.images: images})
