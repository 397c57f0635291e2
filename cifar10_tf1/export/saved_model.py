"""The network as a SavedModel: written, and run as a stranger would."""

import json
import os

from cifar10_tf1.machine import runtime

_SIGNATURE = 'serving_default'
_ABOUT = os.path.join('assets.extra', 'about.json')


def freeze(classifier):
    """The graph from images to classes and probabilities, weights inside.

    Args:
      classifier: inference.Classifier.
    Returns:
      tf.GraphDef without devices: it runs wherever it is loaded.
    """
    tf = runtime.load_tensorflow()
    graph_def = tf.graph_util.convert_variables_to_constants(
        classifier.session, classifier.graph.graph.as_graph_def(),
        ['classes', 'probabilities'])
    for node in graph_def.node:
        node.device = ''
    return graph_def


def describe(classifier):
    """What stands beside the weights: dict for JSON."""
    from cifar10_tf1.checkpoints import reading
    return {'system': classifier.system.name,
            'classes': list(classifier.class_names), 'step': classifier.step,
            'data': classifier.data_name,
            'checkpoint_sha256': reading.fingerprint(classifier.checkpoint),
            'input': 'images: ' + describe_input(classifier.system.picture),
            'outputs': 'classes: int64 [N]; probabilities: float32 [N, 10]'}


def describe_input(picture):
    """str, of a systems.base.PictureShape."""
    channels = 'RGB' if picture.channels == 3 else (
        'grey, light on dark' if picture.is_light_on_dark else 'grey')
    text = (f'uint8 [N, {picture.side}, {picture.side}, {picture.channels}], '
            f'rows, columns, {channels}')
    return text + (f'; the middle {picture.crop_size} x {picture.crop_size} is '
                   'standardised inside' if picture.crop_size < picture.side else '')


def write(graph_def, about, folder):
    """Writes a SavedModel with one signature, serving_default.

    Args:
      graph_def: tf.GraphDef, as of freeze.
      about: dict, as of describe.
      folder: str, a path where there is nothing.
    """
    tf = runtime.load_tensorflow()
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.import_graph_def(graph_def, name='')
        builder = tf.saved_model.Builder(folder)

        def describe_tensors(*names):
            return {name: tf.saved_model.build_tensor_info(
                graph.get_tensor_by_name(name + ':0')) for name in names}

        builder.add_meta_graph_and_variables(
            session, [tf.saved_model.SERVING], {
                _SIGNATURE: tf.saved_model.build_signature_def(
                    describe_tensors('images'),
                    describe_tensors('classes', 'probabilities'),
                    tf.saved_model.PREDICT_METHOD_NAME)},
            # Attributes that an older TensorFlow doesn't know are left out.
            strip_default_attrs=True)
        builder.save()
    os.makedirs(os.path.dirname(os.path.join(folder, _ABOUT)))
    with open(os.path.join(folder, _ABOUT), 'w') as file:
        json.dump(about, file, indent=1)


def run(folder, images):
    """(classes, probabilities) of a SavedModel, by its signature."""
    tf = runtime.load_tensorflow()
    with tf.Graph().as_default(), tf.Session() as session:
        model = tf.saved_model.load(session, [tf.saved_model.SERVING], folder)
        signature = model.signature_def[_SIGNATURE]
        return session.run(
            [signature.outputs['classes'].name,
             signature.outputs['probabilities'].name],
            {signature.inputs['images'].name: images})
