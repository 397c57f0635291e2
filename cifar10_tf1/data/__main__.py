"""Prints the statistics of CIFAR-10's training files that two of the documents show.

    python -m cifar10_tf1.data --file 4 --image 10

These are the number of samples of each class, the first labels, and an image's minimum,
maximum, shape and class. The files are verified first.
"""

import sys

from cifar10_tf1 import cli, systems
from cifar10_tf1.common.errors import UserError

# Indices of the images that the documents show from each file.
_SHOWN = (0, 1), (0, 1), (0, 1), (0, 1, 10), (0, 1)
_LAST_IMAGE = 9999  # in a file


def _print_statistics(options):
    import numpy as np
    data_set = cli.load_data_set(options, systems.DEFAULT)
    labels_of_files, images_of_files = (
        np.split(values, len(_SHOWN)) for values in data_set.labels_and_images('train'))
    for number in [options.file] if options.file else range(1, len(_SHOWN) + 1):
        labels, images = labels_of_files[number - 1], images_of_files[number - 1]
        counts = np.bincount(labels, minlength=len(data_set.class_names)).tolist()
        shown = _SHOWN[number - 1] if options.image is None else [options.image]
        for index in shown:
            if index >= len(images):
                raise UserError(f'a file has {len(images):,} images; use a smaller '
                                '--image, counted from 0')
            image, label = images[index], int(labels[index])
            # As the documents print them, to the character.
            for line in ('', f'Stats of batch {number}:',
                         f'Samples: {len(labels)}',
                         f'Label Counts: {dict(enumerate(counts))}',
                         f'First 20 Labels: {labels[:20].tolist()}',
                         '', f'Example of Image {index}:',
                         f'Image - Min Value: {image.min()} Max Value: {image.max()}',
                         f'Image - Shape: {image.shape}',
                         f'Label - Label Id: {label} Name: {data_set.class_names[label]}'):
                print(line and data_set.line_prefix + line)
    return 0


def main(argv=None):
    parser = cli.Parser(__doc__)
    cli.add_number(parser, '--file', 1, len(_SHOWN), 'number of the training file (default: all)')
    cli.add_number(parser, '--image', 0, _LAST_IMAGE,
                   'number of the image in the file, from 0 (default: those in the '
                   'documents: 0 and 1, and 10 in file 4)')
    cli.add_data_options(parser)
    return cli.run_command(parser, argv, _print_statistics)


if __name__ == '__main__':
    sys.exit(main())
