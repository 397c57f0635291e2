"""The statistics that the two notebooks print of CIFAR-10's files.

    python -m cifar10_tf1.data --file 4 --image 10

Exit status: 0; 1 an error that the user can mend.
"""

import sys

from cifar10_tf1 import cli
from cifar10_tf1 import data
from cifar10_tf1.common.errors import UserError

_SOURCE = data.SOURCES['cifar10']


def _describe(options):
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
        description='Prints what the documents of laptop_cnn and udacity_cnn do '
        'of the files of CIFAR-10\'s training data: how many samples of each '
        'class, the first labels, and of an image its least and greatest value, '
        'its shape and its class. The files are verified first.',
        epilog='example: python -m cifar10_tf1.data --file 4 --image 10')
    cli.add_number(parser, '--file', 1, _SOURCE.num_train_files,
                   'the training file (default: all)')
    cli.add_number(parser, '--image', 0,
                   _SOURCE.num_train // _SOURCE.num_train_files - 1,
                   'the image of the file, from 0 (default: each that the '
                   'documents show: 0 and 1, of file 4 also 10)')
    cli.add_data_options(parser)
    return cli.run_command(parser, argv, _describe)


if __name__ == '__main__':
    sys.exit(main())
