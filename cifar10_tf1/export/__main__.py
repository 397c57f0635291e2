"""Exports a checkpoint as a SavedModel, an ONNX file and a NumPy file.

    python -m cifar10_tf1.export --output export --onnx export.onnx --npz export.npz

The first two map uint8 images [N, 32, 32, 3], N at least 1, to classes and
probabilities. They use stock ops, and crop and standardise the images themselves.
"""

import contextlib
import os
import sys
import tempfile

from cifar10_tf1 import cli, systems
from cifar10_tf1.common import extras, files, paths
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import runtime


def _check_options(options):
    """Checks paths and packages before TensorFlow, which is slow to load."""
    if os.path.lexists(options.output) and (
            not os.path.isdir(options.output) or os.listdir(options.output)):
        raise UserError(f'--output {options.output} already exists; remove it, or name '
                        'another folder')
    for name in ('onnx', 'npz'):
        if getattr(options, name) is not None:
            setattr(options, name, paths.check_new_file(getattr(options, name),
                                                        f'--{name}'))
    given = [os.path.realpath(path)
             for path in (options.output, options.onnx, options.npz) if path]
    if len(set(given)) < len(given):
        raise UserError('--output, --onnx and --npz must have different names; '
                        f'rename one of {", ".join(given)}')
    if options.onnx is not None:
        for package in ('onnx', 'onnxruntime', 'tf2onnx'):
            extras.require(package, '--onnx')


def _export(options):
    _check_options(options)
    runtime.prepare_environment()
    tf = runtime.load_tensorflow()
    # These import TensorFlow, which is ready only now.
    from cifar10_tf1 import inference
    from cifar10_tf1.checkpoints import reading
    from cifar10_tf1.export import formats
    system = systems.load(cli.find_system(options))
    prefix = reading.choose(*cli.locate_checkpoint(options))
    images = formats.generate_images(system.picture)
    with inference.Classifier(system, prefix, data_dir=cli.find_data_dir(
            options, system.name)) as classifier:
        network = formats.extract(classifier)
        expected = classifier.classify(images)
    print(f'Checkpoint: {prefix}', flush=True)
    deviations = []
    for file_format in formats.FORMATS:
        path = getattr(options, file_format.option)
        if path is None:
            continue
        try:
            with _temporary_path(path) as temporary:
                file_format.write(network, temporary)
                deviations.append(formats.compare(
                    file_format.title, file_format.run(network, temporary, images),
                    expected))
        except (OSError, RecursionError, tf.errors.OpError) as error:
            reason = getattr(error, 'strerror', None) or reading.one_line(error)
            raise UserError(f'cannot write {path}: {reason}; free some space, or name '
                            'another place')
        print(f'{file_format.title}: {path}', flush=True)
    print(f'Checked on {len(images)} generated images: the same classes, probabilities '
          f'within {max(deviations):.1g}', flush=True)
    return 0


@contextlib.contextmanager
def _temporary_path(path):
    """A temporary path that is renamed to `path` if nothing fails."""
    path = os.path.abspath(path)
    parent = os.path.dirname(path)
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='.export-', dir=parent) as folder:
        temporary = os.path.join(folder, 'export')
        yield temporary
        files.sync(temporary)
        os.rename(temporary, path)  # fails if `path` is a folder that is not empty


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.export',
        description='Writes a checkpoint\'s moving averages as a SavedModel and as an '
        'ONNX file, which turn the data set\'s uint8 images into classes and '
        'probabilities, and as a NumPy file with only the weights. Compares each file '
        'with the checkpoint on 100 images before it gives the file its name.',
        epilog='example: python -m cifar10_tf1.export --output export --onnx '
        'export.onnx --npz export.npz')
    cli.add_path(parser, '--output', 'DIR',
                 'new folder for the SavedModel (default: export)', default='export')
    parser.add_argument('--onnx', metavar='FILE',
                        help='also write a new ONNX file (default: none)')
    parser.add_argument('--npz', metavar='FILE',
                        help='also write a new NumPy file (default: none)')
    cli.add_system_option(parser)
    cli.add_checkpoint_options(parser)
    cli.add_data_dir_option(parser)
    return cli.run_command(parser, argv, _export)


if __name__ == '__main__':
    sys.exit(main())
