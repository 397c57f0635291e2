"""The grey stand-in data set: generated, in four files like MNIST's.

It is for trying the programs without MNIST, and has shapes, not digits. Its
results say nothing about MNIST, so every line with a figure is marked.
"""

import os

from cifar10_tf1.data import mnist
from cifar10_tf1.data import synthetic
from cifar10_tf1.data import synthetic_images
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.data.mnist import IdxFile

FOLDER = 'mnist'  # in DATA_DIR/synthetic
LINE_PREFIX = '[synthetic, not MNIST] '
CLASS_NAMES = synthetic.CLASS_NAMES

# In the order of mnist.FILES.
FILES = (
    IdxFile('train-images-idx3-ubyte', (6000, mnist.HEIGHT, mnist.WIDTH),
            '6a4bdb6d9c794b299d3fabca278f4b8ca3be8808c0c2685adb67f5e471becdfc'),
    IdxFile('train-labels-idx1-ubyte', (6000,),
            '529f3b4c9f320c8f8ed50d9d69f9a2fe632eef7e38c0219dd525c6a8740cb017'),
    IdxFile('t10k-images-idx3-ubyte', (1000, mnist.HEIGHT, mnist.WIDTH),
            'e0b8f1a5244b5932d0497e2f89f9dec79d7c84e0d117e6560af8fc408394df9c'),
    IdxFile('t10k-labels-idx1-ubyte', (1000,),
            'dfa1deae56cc9886ef7149e77e6064f7c953e5eb2513780dd5aec4730961c463'),
)


def load_data_set(data_dir):
    """Finds or generates the four files; otherwise as synthetic.load_data_set."""
    folder = synthetic.prepare(data_dir, FOLDER, FILES, _generate)
    paths = [os.path.join(folder, file.name) for file in FILES]
    return mnist.build_data_set('synthetic-mnist', paths, FILES, LINE_PREFIX,
                                CLASS_NAMES)


def is_present(data_dir):
    """Whether load_data_set would find the files instead of generating them."""
    return synthetic.is_complete(
        os.path.join(data_dir, synthetic.FOLDER, FOLDER), FILES)


def _generate():
    for images, labels in (FILES[:2], FILES[2:]):
        records = synthetic_images.build_records(
            images.name, images.shape[0], synthetic_images.GREY)
        yield mnist.build_header(images.shape) + records[:, LABEL_BYTES:].tobytes()
        yield mnist.build_header(labels.shape) + records[:, 0].tobytes()
