"""A checkpoint for other programs: a SavedModel, and an ONNX file.

    python -m cifar10_tf1.export --output export --onnx export.onnx

Both take uint8 images [N, 32, 32, 3], N at least 1, and give classes and
probabilities; the central crop and the standardisation are inside. Their ops are stock ones,
whatever kernels trained the network. What does not agree with the checkpoint on
100 images is not written.

Exit status: 0; 1 an error that the user can mend.
"""

import json
import os
import shutil
import sys
import tempfile

import numpy as np

from cifar10_tf1 import cli
from cifar10_tf1 import devices
from cifar10_tf1 import extras
from cifar10_tf1 import runtime
from cifar10_tf1.errors import UserError

NUM_CHECKED = 100             # images
TOLERANCE = 1e-5              # of a probability
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
    from cifar10_tf1 import checkpoints
    return {'classes': list(classifier.class_names), 'step': classifier.step,
            'data': classifier.data_name,
            'checkpoint_sha256': checkpoints.fingerprint(classifier.checkpoint),
            'input': 'images: uint8 [N, 32, 32, 3], rows, columns, RGB; the '
            'middle 24 x 24 is standardised inside',
            'outputs': 'classes: int64 [N]; probabilities: float32 [N, 10]'}


def write_saved_model(graph_def, about, folder):
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


def run_saved_model(folder, images):
    """(classes, probabilities) of a SavedModel, by its signature."""
    tf = runtime.load_tensorflow()
    with tf.Graph().as_default(), tf.Session() as session:
        model = tf.saved_model.load(session, [tf.saved_model.SERVING], folder)
        signature = model.signature_def[_SIGNATURE]
        return session.run(
            [signature.outputs['classes'].name,
             signature.outputs['probabilities'].name],
            {signature.inputs['images'].name: images})


def check(what, outputs, expected):
    """Compares an export with the checkpoint that it was made of.

    Args:
      what: str, for the message.
      outputs: (classes, probabilities) of the export.
      expected: float32 [N, 10], probabilities of the checkpoint.
    Returns:
      float, the largest deviation of a probability.
    Raises:
      UserError: where a class differs, or a probability by more than TOLERANCE.
    """
    classes, probabilities = outputs
    deviation = float(np.abs(probabilities - expected).max())
    num_others = int((classes != expected.argmax(axis=1)).sum())
    # Written so that a NaN fails as well.
    if num_others or not deviation <= TOLERANCE:
        raise UserError(
            f'the {what} does not agree with the checkpoint: {num_others} of '
            f'{len(expected)} classes differ, probabilities by up to '
            f'{deviation:.1e}; it is not written')
    return deviation


def load_images(data_dir):
    """What the exports are checked on; downloads nothing.

    Returns:
      (uint8 [100, 32, 32, 3], what they are): the first test images where
      CIFAR-10 is there, else generated ones.
    """
    from cifar10_tf1.data import cifar10
    from cifar10_tf1.data import synthetic_images
    path = os.path.join(data_dir, cifar10.FOLDER, cifar10.TEST_FILE)
    if os.path.isfile(path):
        return (cifar10.load_records(path)[1][:NUM_CHECKED], 'test images')
    with tempfile.TemporaryDirectory(prefix='cifar10_tf1-export-') as folder:
        path = os.path.join(folder, 'generated.bin')
        synthetic_images.build_records('export', NUM_CHECKED).tofile(path)
        return cifar10.load_records(path)[1], 'generated images'


def _check_options(options):
    """Before TensorFlow, which takes its time."""
    if os.path.lexists(options.output) and (
            not os.path.isdir(options.output) or os.listdir(options.output)):
        raise UserError(f'--output {options.output} is there already and is '
                        'not overwritten; give another folder, or remove it')
    if options.onnx is None:
        return
    for package in ('onnx', 'onnxruntime', 'tf2onnx'):
        extras.require(package, '--onnx')
    if os.path.lexists(options.onnx):
        raise UserError(f'--onnx {options.onnx} is there already and is not '
                        'overwritten; give another name, or remove it')
    folder = os.path.dirname(options.onnx) or '.'
    if not os.path.isdir(folder):
        raise UserError(f'--onnx {options.onnx}: there is no folder {folder}; '
                        'make it, or give another name')


def _export(options):
    _check_options(options)
    runtime.prepare_environment()
    devices.prepare('cpu')
    runtime.load_tensorflow()
    from cifar10_tf1 import checkpoints
    from cifar10_tf1 import inference
    from cifar10_tf1.systems import deep_cnn
    prefix = checkpoints.choose(options.model_dir, options.checkpoint)
    images, what = load_images(options.data_dir)
    with inference.Classifier(deep_cnn, prefix) as classifier:
        expected = classifier.classify(images)
        graph_def, about = freeze(classifier), describe(classifier)
    print(f'Checkpoint: {prefix}', flush=True)
    deviations = []
    try:
        deviations.append(
            _export_saved_model(graph_def, about, options.output, images,
                                expected))
        print(f'SavedModel: {options.output}', flush=True)
        if options.onnx is not None:
            deviations.append(_export_onnx(graph_def, about, options.onnx,
                                           images, expected))
            print(f'ONNX: {options.onnx}', flush=True)
    except OSError as error:
        raise UserError(f'cannot write {error.filename}: {error.strerror}')
    print(f'Checked on {len(images)} {what}: the same classes, probabilities '
          f'within {max(deviations):.1g}', flush=True)
    return 0


def _export_saved_model(graph_def, about, output, images, expected):
    """Beside its place, checked, then moved there. Returns the deviation."""
    output = os.path.abspath(output)
    parent = os.path.dirname(output)
    os.makedirs(parent, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix='.export-', dir=parent)
    try:
        folder = os.path.join(temporary, 'saved_model')
        write_saved_model(graph_def, about, folder)
        deviation = check('SavedModel', run_saved_model(folder, images),
                          expected)
        os.rename(folder, output)  # fails where it holds anything
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return deviation


def _export_onnx(graph_def, about, path, images, expected):
    """Returns the deviation."""
    from cifar10_tf1 import export_onnx
    content = export_onnx.convert(graph_def, about)
    deviation = check('ONNX file', export_onnx.run(content, images), expected)
    with open(path, 'xb') as file:
        file.write(content)
    return deviation


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.export',
        description='Writes a checkpoint\'s moving averages as a SavedModel, '
        'and as an ONNX file: uint8 images [N, 32, 32, 3] in, classes and '
        'probabilities out. Each is compared with the checkpoint on 100 images '
        'before it is put into its place.',
        epilog='example: python -m cifar10_tf1.export --output export --onnx '
        'export.onnx')
    parser.add_argument('--output', metavar='DIR', default='export',
                        help='the new SavedModel\'s folder (default: export)')
    parser.add_argument('--onnx', metavar='FILE',
                        help='a new ONNX file as well (default: none)')
    cli.add_checkpoint_options(parser)
    cli.add_data_dir_option(parser)
    return cli.run_command(parser, argv, _export)


if __name__ == '__main__':
    sys.exit(main())
