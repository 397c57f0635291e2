"""A checkpoint for other programs: a SavedModel, an ONNX file, a NumPy file.

    python -m cifar10_tf1.export --output export --onnx export.onnx --npz export.npz

The first two take uint8 images [N, 32, 32, 3], N at least 1, and give classes
and probabilities; the central crop and the standardisation are inside. Their
ops are stock ones, whatever kernels trained the network. The third has the
weights alone. What does not agree with the checkpoint on 100 images is not
written.

Exit status: 0; 1 an error that the user can mend.
"""

import contextlib
import os
import shutil
import sys
import tempfile

from cifar10_tf1 import cli
from cifar10_tf1.machine import devices
from cifar10_tf1.common import extras
from cifar10_tf1.machine import runtime
from cifar10_tf1 import systems
from cifar10_tf1.data import preparation
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.export import checking
from cifar10_tf1.export import npz_file
from cifar10_tf1.export import onnx_file
from cifar10_tf1.export import saved_model


def _check_options(options):
    """Before TensorFlow, which takes its time."""
    if os.path.lexists(options.output) and (
            not os.path.isdir(options.output) or os.listdir(options.output)):
        raise UserError(f'--output {options.output} is there already and is '
                        'not overwritten; give another folder, or remove it')
    if options.onnx is not None:
        for package in ('onnx', 'onnxruntime', 'tf2onnx'):
            extras.require(package, '--onnx')
    names = {os.path.realpath(options.output): '--output'}
    for option, path in _list_files(options):
        other = names.setdefault(os.path.realpath(path), option)
        if other != option:
            raise UserError(f'{other} and {option} both name {path}; give '
                            'another name for one')
        if os.path.lexists(path):
            raise UserError(f'{option} {path} is there already and is not '
                            'overwritten; give another name, or remove it')
        folder = os.path.dirname(path) or '.'
        if not os.path.isdir(folder):
            raise UserError(f'{option} {path}: there is no folder {folder}; '
                            'make it, or give another name')


def _list_files(options):
    """[(option, path)] of the files that are asked for."""
    return [(option, path) for option, path in (
        ('--onnx', options.onnx), ('--npz', options.npz)) if path is not None]


def _export(options):
    _check_options(options)
    runtime.prepare_environment()
    devices.prepare('cpu')
    runtime.load_tensorflow()
    from cifar10_tf1.checkpoints import reading
    from cifar10_tf1 import inference
    system = systems.load(cli.find_system(options))
    prefix = reading.choose(*cli.locate_checkpoint(options))
    data_dir = cli.find_data_dir(options, system.name)
    images, what = checking.load_images(data_dir, system)
    with inference.Classifier(system, prefix, data_dir=data_dir) as classifier:
        expected = classifier.classify(images)
        graph_def = saved_model.freeze(classifier)
        about = saved_model.describe(classifier)
        arrays = npz_file.convert(classifier, about)
    print(f'Checkpoint: {prefix}', flush=True)
    deviations = []
    with _explained(options.output):
        deviations.append(
            _export_saved_model(graph_def, about, options.output, images,
                                expected))
    print(f'SavedModel: {options.output}', flush=True)
    if options.onnx is not None:
        with _explained(options.onnx):
            deviations.append(_export_onnx(graph_def, about, options.onnx,
                                           images, expected))
        print(f'ONNX: {options.onnx}', flush=True)
    if options.npz is not None:
        with _explained(options.npz):
            deviations.append(_export_npz(arrays, system, options.npz, images,
                                          expected))
        print(f'NumPy: {options.npz}', flush=True)
    print(f'Checked on {len(images)} {what}: the same classes, probabilities '
          f'within {max(deviations):.1g}', flush=True)
    return 0


@contextlib.contextmanager
def _explained(path):
    """Turns what Python or TensorFlow raise, on a full disk or elsewhere."""
    from cifar10_tf1.checkpoints import reading
    tf = runtime.load_tensorflow()
    try:
        yield
    except (OSError, tf.errors.OpError) as error:
        reason = getattr(error, 'strerror', None) or reading.one_line(error)
        raise UserError(f'cannot write {path}: {reason}')


def _export_saved_model(graph_def, about, output, images, expected):
    """Beside its place, checked, then moved there. Returns the deviation."""
    output = os.path.abspath(output)
    parent = os.path.dirname(output)
    os.makedirs(parent, exist_ok=True)
    temporary = tempfile.mkdtemp(prefix='.export-', dir=parent)
    try:
        folder = os.path.join(temporary, 'saved_model')
        saved_model.write(graph_def, about, folder)
        deviation = checking.check(
            'SavedModel', saved_model.run(folder, images), expected)
        os.rename(folder, output)  # fails where it holds anything
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return deviation


def _export_onnx(graph_def, about, path, images, expected):
    """Returns the deviation."""
    content = onnx_file.convert(graph_def, about)
    deviation = checking.check('ONNX file', onnx_file.run(content, images),
                               expected)
    preparation.write_file(path, [content])
    return deviation


def _export_npz(content, system, path, images, expected):
    """Returns the deviation."""
    deviation = checking.check(
        'NumPy file', npz_file.run(content, system, images), expected)
    preparation.write_file(path, [content])
    return deviation


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.export',
        description='Writes a checkpoint\'s moving averages as a SavedModel, '
        'and as an ONNX file: uint8 images as the data set\'s in, classes and '
        'probabilities out; and as a NumPy file: the weights alone. Each is '
        'compared with the checkpoint on 100 images before it is put into its '
        'place.',
        epilog='example: python -m cifar10_tf1.export --output export --onnx '
        'export.onnx --npz export.npz')
    parser.add_argument('--output', metavar='DIR', default='export',
                        help='the new SavedModel\'s folder (default: export)')
    parser.add_argument('--onnx', metavar='FILE',
                        help='a new ONNX file as well (default: none)')
    parser.add_argument('--npz', metavar='FILE',
                        help='a new NumPy file as well (default: none)')
    cli.add_system_option(parser)
    cli.add_checkpoint_options(parser)
    cli.add_data_dir_option(parser)
    return cli.run_command(parser, argv, _export)


if __name__ == '__main__':
    sys.exit(main())
