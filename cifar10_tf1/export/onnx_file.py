"""The network as an ONNX file, by tf2onnx, and what onnxruntime makes of it."""

import json
import logging

from cifar10_tf1.common import extras

_OPSET = 13  # of 2020; every onnxruntime since 1.6 reads it
_NAMES = ('classes', 'probabilities')


def convert(graph_def, about):
    """Converts a frozen graph.

    Args:
      graph_def: tf.GraphDef, as of saved_model.freeze.
      about: dict of str to JSON values, kept as the model's metadata.
    Returns:
      bytes, the file.
    """
    onnx = extras.load('onnx', '--onnx')
    extras.load('tf2onnx', '--onnx')
    from tf2onnx import convert as tf2onnx_convert
    logging.getLogger('tf2onnx').setLevel(logging.ERROR)
    model, unused_storage = tf2onnx_convert.from_graph_def(
        graph_def, input_names=['images:0'],
        output_names=[name + ':0' for name in _NAMES], opset=_OPSET,
        tensors_to_rename={name + ':0': name for name in ('images',) + _NAMES})
    onnx.helper.set_model_props(model, {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in about.items()})
    _name_batch_dimension(model)
    onnx.checker.check_model(model)
    return model.SerializeToString()


def run(content, images):
    """(classes, probabilities) of an ONNX file by onnxruntime, on the CPU."""
    onnxruntime = extras.load('onnxruntime', '--onnx')
    session = onnxruntime.InferenceSession(
        content, providers=['CPUExecutionProvider'])
    return session.run(list(_NAMES), {'images': images})


def _name_batch_dimension(model):
    """The converter calls each one unk__ and a number."""
    for value in list(model.graph.input) + list(model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = 'N'
