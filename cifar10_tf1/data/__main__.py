"""Prints the statistics of CIFAR-10's files that two of the documents show.

    python -m cifar10_tf1.data --file 4 --image 10

Exit status: 0 on success, 1 on an error that the user can mend.
"""

import sys

from cifar10_tf1 import cli
from cifar10_tf1 import data
from cifar10_tf1.common.errors import UserError

_SOURCE = data.SOURCES['cifar10']


def _print_statistics(options):
    from cifar10_tf1.data import statistics
    data_set = _SOURCE.load(options.data_dir or _SOURCE.data_dir,
                            options.synthetic)
    files = statistics.compute_statistics(data_set, options.image)
    for number, file in enumerate(files[:data_set.num_train_files], 1):
        if options.file not in (None, number):
            continue
        if not file.images:
            raise UserError(f'{file.name} has {file.num_examples:,} images; '
                            'give a smaller --image, they count from 0')
        for image in file.images:
            for line in statistics.format_statistics(
                    number, file, image, data_set.class_names).split('\n'):
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
