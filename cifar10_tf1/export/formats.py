"""The three export formats: writes each, and runs it as a user would."""

import io
import json
import logging
import os
from typing import Any, Callable, NamedTuple

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import inference
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.common import packages
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import synthetic_images
from cifar10_tf1.data.data_set import split_records
from cifar10_tf1.graph.variables import load_variables

NUM_CHECKED = 100  # images
TOLERANCE = 1e-5   # of a probability

_INPUT, _OUTPUTS = 'images', ('classes', 'probabilities')
_SIGNATURE = 'serving_default'
_OPSET = 13  # of 2020; every onnxruntime since 1.6 reads it
_IN_NPZ = ('system', 'classes', 'step', 'data', 'checkpoint_sha256')


class Network(NamedTuple):
    """A checkpoint without its session."""
    system: Any          # systems.base.System
    graph_def: tf.GraphDef  # images to classes and probabilities, weights inside
    weights: dict        # by name; the moving averages if there are any
    about: dict          # for JSON


class Format(NamedTuple):
    option: str
    title: str
    write: Callable  # (Network, path)
    run: Callable    # (Network, path, images) -> (classes, probabilities)

    def check(self, network, path, images, expected):
        """The largest deviation of a file's probabilities from its checkpoint's.

        Raises UserError if a class differs, or a probability by more than TOLERANCE.
        """
        classes, probabilities = self.run(network, path, images)
        deviation = float(np.abs(probabilities - expected).max())
        num_others = int((classes != expected.argmax(axis=1)).sum())
        if num_others or not deviation <= TOLERANCE:  # a NaN fails as well
            raise UserError(
                f'the {self.title} file does not agree with the checkpoint: '
                f'{num_others} of {len(expected)} classes differ, and probabilities by '
                f'up to {deviation:.1e}, so it is not written')
        return deviation


def extract(classifier):
    """The Network of an inference.Classifier."""
    graph_def = tf.graph_util.convert_variables_to_constants(
        classifier.session, classifier.graph.graph.as_graph_def(), list(_OUTPUTS))
    for node in graph_def.node:
        node.device = ''
    weights = classifier.session.run({
        variable.op.name: variable
        for variable in classifier.graph.variables.values()})
    picture = classifier.system.picture
    channels = 'RGB' if picture.channels == 3 else 'grey, light on dark'
    return Network(classifier.system, graph_def, weights, {
        'system': classifier.system.name, 'classes': list(classifier.class_names),
        'step': classifier.step, 'data': classifier.data_name,
        'checkpoint_sha256': reading.fingerprint(classifier.checkpoint),
        'input': f'images: uint8 [N, {picture.side}, {picture.side}, '
                 f'{picture.channels}], rows, columns, {channels}',
        'outputs': 'classes: int64 [N]; probabilities: float32 [N, 10]'})


def generate_images(picture):
    """Generated images to compare exports on: uint8 [100, side, side, channels]."""
    records = synthetic_images.build_records(
        'export', NUM_CHECKED, synthetic_images.COLOR if picture.channels == 3
        else synthetic_images.GREY)
    return split_records(records, (picture.side, picture.side, picture.channels))[1]


def _write_saved_model(network, path):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.import_graph_def(network.graph_def, name='')

        def describe_tensors(*names):
            return {name: tf.saved_model.build_tensor_info(
                graph.get_tensor_by_name(name + ':0')) for name in names}

        builder = tf.saved_model.Builder(path)
        builder.add_meta_graph_and_variables(
            session, [tf.saved_model.SERVING], {
                _SIGNATURE: tf.saved_model.build_signature_def(
                    describe_tensors(_INPUT), describe_tensors(*_OUTPUTS),
                    tf.saved_model.PREDICT_METHOD_NAME)},
            # An older TensorFlow may not know all attributes.
            strip_default_attrs=True)
        builder.save()
    os.mkdir(os.path.join(path, 'assets.extra'))
    with open(os.path.join(path, 'assets.extra', 'about.json'), 'w') as file:
        json.dump(network.about, file, indent=1)


def _run_saved_model(unused_network, path, images):
    with tf.Graph().as_default(), tf.Session() as session:
        model = tf.saved_model.load(session, [tf.saved_model.SERVING], path)
        signature = model.signature_def[_SIGNATURE]
        return session.run([signature.outputs[name].name for name in _OUTPUTS],
                           {signature.inputs[_INPUT].name: images})


def _write_onnx(network, path):
    onnx = packages.load('onnx', '--onnx')
    packages.load('tf2onnx', '--onnx')
    from tf2onnx import convert
    logging.getLogger('tf2onnx').setLevel(logging.ERROR)
    model, unused_storage = convert.from_graph_def(
        network.graph_def, input_names=[_INPUT + ':0'],
        output_names=[name + ':0' for name in _OUTPUTS], opset=_OPSET,
        tensors_to_rename={name + ':0': name for name in (_INPUT,) + _OUTPUTS})
    onnx.helper.set_model_props(model, {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in network.about.items()})
    # The converter names each batch dimension unk__ and a number.
    for value in list(model.graph.input) + list(model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = 'N'
    onnx.checker.check_model(model)
    with open(path, 'wb') as file:
        file.write(model.SerializeToString())


def _run_onnx(unused_network, path, images):
    onnxruntime = packages.load('onnxruntime', '--onnx')
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return session.run(list(_OUTPUTS), {_INPUT: images})


def write_npz(network, path):
    """Writes the weights by name, and what a loader needs to know as about/..."""
    about = {f'about/{name}': np.array(network.about[name]) for name in _IN_NPZ}
    content = io.BytesIO()  # NumPy prints a stack trace if it can't write a file
    # Sorted, so the same weights give the same bytes.
    np.savez(content, **dict(sorted(network.weights.items())), **about)
    with open(path, 'wb') as file:
        file.write(content.getvalue())


def _run_npz(network, path, images):
    graph = inference.build_inference_graph(network.system)
    with np.load(path) as arrays, tf.Session(graph=graph.graph) as session:
        load_variables(session, [(variable, arrays[variable.op.name])
                                 for variable in graph.variables.values()])
        return session.run([graph.classes, graph.probabilities], {graph.images: images})


FORMATS = (Format('output', 'SavedModel', _write_saved_model, _run_saved_model),
           Format('onnx', 'ONNX', _write_onnx, _run_onnx),
           Format('npz', 'NumPy', write_npz, _run_npz))
