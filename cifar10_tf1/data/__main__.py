"""Prints the statistics of CIFAR-10's files that two of the documents show.

    python -m cifar10_tf1.data --file 4 --image 10

Exit status: 0 on success, 1 on an error that the user can mend.
"""

import sys

from cifar10_tf1 import cli
from cifar10_tf1 import data
from cifar10_tf1.common.errors import UserError

_SOURCE = data.SOURCES['cifar10']
# Indices of the images that the documents show, of each file.
_SHOWN = (0, 1), (0, 1), (0, 1), (0, 1, 10), (0, 1)


def _print_statistics(options):
    from cifar10_tf1.data import statistics
    data_set = _SOURCE.load(options.data_dir or _SOURCE.data_dir,
                            options.synthetic)
    parts = statistics.list_parts(data_set)
    for number, (shown, (name, labels, images)) in enumerate(zip(_SHOWN, parts), 1):
        if options.file not in (None, number):
            continue
        for index in shown if options.image is None else (options.image,):
            if index >= len(images):
                raise UserError(f'{name} has {len(images):,} images; give a smaller '
                                '--image, they count from 0')
            for line in statistics.format_image(
                    number, labels, images, index, data_set.class_names).split('\n'):
                print(line and data_set.line_prefix + line)
    return 0


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.data',
        description='Prints the statistics of CIFAR-10\'s training files that the '
        'documents of laptop_cnn and udacity_cnn show: the number of samples of '
        'each class, the first labels, and an image\'s minimum, maximum, shape and '
        'class. Verifies the files first.',
        epilog='example: python -m cifar10_tf1.data --file 4 --image 10')
    cli.add_number(parser, '--file', 1, _SOURCE.num_train_files,
                   'the training file (default: all)')
    cli.add_number(parser, '--image', 0,
                   _SOURCE.num_train // _SOURCE.num_train_files - 1,
                   'the image in the file, from 0 (default: those in the '
                   'documents: 0 and 1, and 10 of file 4)')
    cli.add_data_options(parser)
    return cli.run_command(parser, argv, _print_statistics)


if __name__ == '__main__':
    sys.exit(main())
