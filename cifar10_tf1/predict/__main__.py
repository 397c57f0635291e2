"""Classifies pictures with a checkpoint and prints the three most likely classes of each.

    python -m cifar10_tf1.predict photo.jpg --figure out.png

A picture is turned upright according to its EXIF data, its transparent parts become
white, and its central square is scaled to the size of the data set's images. For CIFAR-10
that is 32 x 32 pixels, and the network sees the middle 24 x 24; for MNIST it is 28 x 28,
and a dark digit on light paper is inverted. The exit status is 1 if a picture can't be
read; the others are still classified.
"""

import sys

from cifar10_tf1 import cli
from cifar10_tf1.common import limits, packages, paths
from cifar10_tf1.machine import runtime


def main(argv=None):
    parser = cli.Parser(__doc__)
    cli.add_path(parser, 'images', 'IMAGE',
                 'PNG or JPEG file of any size, or a folder of such files', nargs='*')
    cli.add_number(
        parser, '--test', 1, limits.IMAGES,
        'also classify N random test images and print their true labels (default: none)')
    cli.add_number(
        parser, '--seed', 0, limits.NUMPY_SEED,
        'seed that chooses the test images (default: 1)', default=1)
    parser.add_argument(
        '--json', action='store_true',
        help='print one JSON object (default: a line for each picture)')
    cli.add_path(parser, '--figure', 'PNG', 'draw up to 24 pictures and their '
                 'probabilities in a new file (default: none)')
    cli.add_system_option(parser)
    cli.add_checkpoint_options(parser)
    cli.add_data_options(parser)

    def predict(options):
        if not (options.images or options.test):
            parser.error('name pictures or folders, or use --test N')
        # TensorFlow and the pictures take a while, so the options are checked first.
        if options.images:
            packages.require('PIL', 'reading pictures')
        if options.figure is not None:
            if not options.figure.lower().endswith('.png'):
                parser.error(f'--figure {options.figure}: the name must end in .png')
            packages.require('matplotlib', '--figure')
            options.figure = paths.check_new_file(options.figure, '--figure')
        runtime.prepare_environment()
        runtime.load_tensorflow()
        # This imports TensorFlow, which is ready only now.
        from cifar10_tf1.predict import classification
        return classification.classify(options)

    return cli.run_command(parser, argv, predict)


if __name__ == '__main__':
    sys.exit(main())
