"""Exports a checkpoint as a SavedModel, an ONNX file and a NumPy file.

    python -m cifar10_tf1.export --output export --onnx export.onnx --npz export.npz

The first two turn the data set's uint8 images into classes and probabilities, with the
moving averages as weights and stock ops; the NumPy file has only the weights. Each file
is compared with the checkpoint on 100 images before it gets its name.
"""

import functools
import os
import sys
import tempfile

from cifar10_tf1 import cli, systems
from cifar10_tf1.common import files, packages, paths
from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.machine import runtime


def _export(options):
    # TensorFlow takes a while to load, so the options are checked first.
    if os.path.lexists(options.output) and (
            not os.path.isdir(options.output) or os.listdir(options.output)):
        raise UserError(f'--output {options.output} already exists; remove it, or name '
                        'another folder')
    given = [os.path.realpath(path)
             for path in (options.output, options.onnx, options.npz) if path]
    if len(set(given)) < len(given):
        raise UserError('--output, --onnx and --npz must have different names; '
                        f'rename one of {", ".join(given)}')
    if options.onnx is not None:
        for package in ('onnx', 'onnxruntime', 'tf2onnx'):
            packages.require(package, '--onnx')
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
    print(f'Checkpoint: {prefix}')
    deviations = []
    for file_format in formats.FORMATS:
        path = getattr(options, file_format.option)
        if path is None:
            continue
        with explained(f'write {path}', f'--{file_format.option}', tf.errors.OpError,
                       RecursionError):  # of a path with thousands of folders
            deviations.append(_write(file_format, network, os.path.abspath(path),
                                     images, expected))
        print(f'{file_format.title}: {path}')
    print(f'Checked on {len(images)} generated images: the same classes, probabilities '
          f'within {max(deviations):.1g}')
    return 0


def _write(file_format, network, path, images, expected):
    """Writes and checks a file before it gets its name; returns its deviation."""
    parent = os.path.dirname(path)
    os.makedirs(parent, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix='.export-', dir=parent) as folder:
        temporary = os.path.join(folder, 'export')
        file_format.write(network, temporary)
        deviation = file_format.check(network, temporary, images, expected)
        files.sync(temporary)
        os.rename(temporary, path)  # fails if `path` is a folder that is not empty
    return deviation


def main(argv=None):
    parser = cli.Parser(__doc__)
    cli.add_path(parser, '--output', 'DIR',
                 'new folder for the SavedModel (default: export)', default='export')
    for name, title in (('--onnx', 'ONNX'), ('--npz', 'NumPy')):
        cli.add_path(parser, name, 'FILE', f'also write a new {title} file (default: '
                     'none)', functools.partial(paths.check_new_file, name=name))
    cli.add_system_option(parser)
    cli.add_checkpoint_options(parser)
    cli.add_data_dir_option(parser)
    return cli.run_command(parser, argv, _export)


if __name__ == '__main__':
    sys.exit(main())
