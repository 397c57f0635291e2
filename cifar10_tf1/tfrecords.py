"""CIFAR-10 as the TFRecord files of the document on Inception v3.

    python -m cifar10_tf1.tfrecords --output tfrecord

Training reads the binary records, whose pixels are the same: a PNG loses nothing.
The files have the same bytes wherever they are written: the pixels are stored and
not packed (they would shrink by a fifth), because packers differ.
"""

import os
import struct
import sys
import zlib

from cifar10_tf1 import cli
from cifar10_tf1 import data
from cifar10_tf1.machine import runtime
from cifar10_tf1.data import preparation
from cifar10_tf1.data import verification
from cifar10_tf1.common.errors import UserError

FILES = (('train', 'cifar-10-training-tfrecord'),
         ('test', 'cifar-10-test-tfrecord'))
LABELS_FILE = 'labels.txt'
_REPORT_EVERY = 10000  # records


def encode_png(picture):
    """PNG of uint8 [rows, columns, 3] of at most 65,535 bytes, not packed."""
    rows, columns, unused_channels = picture.shape
    # Each row begins with the number of its filter: none.
    lines = b''.join(b'\0' + row.tobytes() for row in picture)
    header = struct.pack('>IIBBBBB', columns, rows, 8, 2, 0, 0, 0)
    # One block of zlib's that says it is stored, and its length twice.
    stored = (b'\x78\x01\x01'
              + struct.pack('<HH', len(lines), len(lines) ^ 0xffff)
              + lines + struct.pack('>I', zlib.adler32(lines)))
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(content)) + kind + content
        + struct.pack('>I', zlib.crc32(kind + content))
        for kind, content in ((b'IHDR', header), (b'IDAT', stored),
                              (b'IEND', b'')))


def write(data_set, folder, report=lambda number, total: None):
    """Writes the three files, each whole or not at all.

    Args:
      data_set: data.data_set.DataSet.
      folder: str, made where there is none.
      report: function of the number of images written, and of all.
    Raises:
      UserError: where one of the files is there, or can't be written.
    """
    for name in [name for unused_split, name in FILES] + [LABELS_FILE]:
        if os.path.lexists(os.path.join(folder, name)):
            raise UserError(f'{os.path.join(folder, name)} is there already; '
                            'move it away, or choose another folder with '
                            '--output')
    total = data_set.num_train_examples + data_set.num_test_examples
    done = 0
    try:
        os.makedirs(folder, exist_ok=True)
        for split, name in FILES:
            examples = _build_examples(*data_set.read(split))
            for done in _write_records(os.path.join(folder, name), examples,
                                       done):
                report(done, total)
        preparation.write_file(os.path.join(folder, LABELS_FILE), [
            f'{label}:{name}\n'.encode('ascii')
            for label, name in enumerate(data_set.class_names)])
    except OSError as error:
        raise UserError(f'cannot write to {folder}: {error.strerror}; choose '
                        'another folder with --output')


def _build_examples(labels, images):
    """Yields a serialized tf.train.Example for each image."""
    tf = runtime.load_tensorflow()

    def whole(value):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=[value]))

    def text(value):
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))

    rows, columns = images.shape[1:3]
    for label, image in zip(labels, images):
        yield tf.train.Example(features=tf.train.Features(feature={
            'image/encoded': text(encode_png(image)),
            'image/format': text(b'png'),
            'image/class/label': whole(int(label)),
            'image/height': whole(rows),
            'image/width': whole(columns),
        })).SerializeToString(deterministic=True)  # in the names' order


def _write_records(path, examples, number):
    """Yields the number of records so far after each."""
    tf = runtime.load_tensorflow()
    unfinished = path + '.part'
    try:
        with tf.io.TFRecordWriter(unfinished) as writer:
            for example in examples:
                writer.write(example)
                number += 1
                yield number
        os.rename(unfinished, path)
    except tf.errors.OpError as error:
        raise UserError(f'cannot write {path}: {error.message}; choose another '
                        'folder with --output')
    finally:
        if os.path.exists(unfinished):
            os.remove(unfinished)


def _report(number, total):
    if number % _REPORT_EVERY == 0:
        print(f'{number:,} of {total:,} images', file=sys.stderr, flush=True)


def _run(options):
    runtime.prepare_environment()
    data_set = data.SOURCES['cifar10'].load(
        options.data_dir or data.SOURCES['cifar10'].data_dir, options.synthetic)
    write(data_set, options.output, _report)
    for name in [name for unused_split, name in FILES] + [LABELS_FILE]:
        path = os.path.join(options.output, name)
        print(f'{path}: {os.path.getsize(path):,} bytes, SHA-256 '
              f'{verification.hash_file(path)}', flush=True)
    return 0


def main(argv=None):
    parser = cli.Parser(
        prog='python -m cifar10_tf1.tfrecords',
        description='Writes CIFAR-10 as the three files of the document on '
        'Inception v3: PNG images in TFRecords of five features, and the '
        'labels. Training does not need them: it reads the same pixels from '
        'the binary files.',
        epilog='example: python -m cifar10_tf1.tfrecords --output tfrecord')
    parser.add_argument(
        '--output', metavar='DIR', default='tfrecord',
        help='where they are written, 200 MB (default: tfrecord)')
    cli.add_data_options(parser)
    return cli.run_command(parser, argv, _run)


if __name__ == '__main__':
    sys.exit(main())
