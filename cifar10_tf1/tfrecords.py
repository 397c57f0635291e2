"""Writes CIFAR-10 as the three files that the Inception v3 document uses.

    python -m cifar10_tf1.tfrecords --output tfrecord

Two have TFRecords with PNG images and five features, one the labels. Training does not
need them; it reads the same pixels from the binary files. The PNG images are not
compressed, so the files have the same bytes everywhere.
"""

import os
import sys

from tqdm import tqdm

from cifar10_tf1 import cli, systems
from cifar10_tf1.common import files, png
from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.data import verification
from cifar10_tf1.machine import runtime

SPLITS = {'train': 'cifar-10-training-tfrecord', 'test': 'cifar-10-test-tfrecord'}
LABELS_FILE = 'labels.txt'


def write(data_set, folder):
    """Writes the three files of a DataSet, each whole or not at all; returns the paths.

    Raises UserError if one of the files exists or can't be written.
    """
    tf = runtime.load_tensorflow()
    written = [os.path.join(folder, name) for name in (*SPLITS.values(), LABELS_FILE)]
    for path in written:
        if os.path.lexists(path):
            raise UserError(f'{path} already exists; move it, or choose another folder '
                            'with --output')
    with explained(f'write to {folder}', '--output', tf.errors.OpError):
        os.makedirs(folder, exist_ok=True)
        for split, path in zip(SPLITS, written):
            # TensorFlow's writer opens the file again by name.
            files.write_atomically(path, lambda file: _write_split(tf, data_set, split, file.name))
        files.write_atomically(written[-1], ''.join(
            f'{label}:{name}\n' for label, name in enumerate(data_set.class_names)))
    return written


def _write_split(tf, data_set, split, path):
    def bytes_feature(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    def int_feature(value):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    labels, images = data_set.labels_and_images(split)
    rows, columns = images.shape[1:3]
    with tf.io.TFRecordWriter(path) as writer:
        for label, image in zip(labels, tqdm(images, split, disable=None)):
            writer.write(tf.train.Example(features=tf.train.Features(feature={
                'image/encoded': bytes_feature(png.encode(image, level=0)),
                'image/format': bytes_feature(b'png'),
                'image/class/label': int_feature(int(label)),
                'image/height': int_feature(rows),
                'image/width': int_feature(columns),
            })).SerializeToString(deterministic=True))  # sorts the features by name


def _run(options):
    runtime.prepare_environment()
    data_set = cli.load_data_set(options, systems.DEFAULT)
    for path in write(data_set, options.output):
        print(f'{path}: {os.path.getsize(path):,} bytes, SHA-256 {verification.hash_file(path)}')
    return 0


def main(argv=None):
    parser = cli.Parser(__doc__)
    cli.add_path(parser, '--output', 'DIR',
                 'folder to write 200 MB to (default: tfrecord)',
                 default='tfrecord')
    cli.add_data_options(parser)
    return cli.run_command(parser, argv, _run)


if __name__ == '__main__':
    sys.exit(main())
