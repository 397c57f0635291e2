"""The generated grey data set: shapes instead of digits, in MNIST's four files."""

import os
import struct

from cifar10_tf1.data import mnist, synthetic, synthetic_images
from cifar10_tf1.data.data_set import LABEL_BYTES

FOLDER = 'mnist'  # in DATA_DIR/synthetic
LINE_PREFIX = '[synthetic, not MNIST] '
CLASS_NAMES = synthetic.CLASS_NAMES
_NUM_RECORDS = {'train': 6000, 't10k': 1000}

FILES = tuple(file._replace(size=size, digest=digest)
              for file, size, digest in zip(mnist.FILES, (4704016, 6008, 784016, 1008), (
    '6a4bdb6d9c794b299d3fabca278f4b8ca3be8808c0c2685adb67f5e471becdfc',
    '529f3b4c9f320c8f8ed50d9d69f9a2fe632eef7e38c0219dd525c6a8740cb017',
    'e0b8f1a5244b5932d0497e2f89f9dec79d7c84e0d117e6560af8fc408394df9c',
    'dfa1deae56cc9886ef7149e77e6064f7c953e5eb2513780dd5aec4730961c463')))


def load_data_set(data_dir):
    """Finds or generates the four files, and verifies them: DataSet."""
    folder = synthetic.generate(data_dir, FOLDER, FILES, _build_contents)
    return mnist.build_data_set(
        'synthetic-mnist', LINE_PREFIX, CLASS_NAMES,
        [os.path.join(folder, file.name) for file in FILES], FILES)


def is_present(data_dir):
    """Whether load_data_set would generate nothing."""
    return synthetic.is_complete(
        os.path.join(data_dir, synthetic.FOLDER, FOLDER), FILES)


def _build_contents():
    for split, number in _NUM_RECORDS.items():
        records = synthetic_images.build_records(
            f'{split}-images-idx3-ubyte', number, synthetic_images.GREY)
        yield (struct.pack('>4I', 0x803, number, mnist.HEIGHT, mnist.WIDTH)
               + records[:, LABEL_BYTES:].tobytes())
        yield struct.pack('>2I', 0x801, number) + records[:, 0].tobytes()
