"""The stand-in data set in grey: generated, in the four files of MNIST.

For trying the programs out where MNIST can't be had: shapes, not digits. A
result on it says nothing about MNIST, so every line with a figure is marked.
"""

import os
import sys

from cifar10_tf1.data import mnist
from cifar10_tf1.data import preparation
from cifar10_tf1.data import synthetic
from cifar10_tf1.data import synthetic_images
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.data.mnist import IdxFile
from cifar10_tf1.common.errors import UserError

FOLDER = 'mnist'  # in DATA_DIR/synthetic
LINE_PREFIX = '[synthetic, not MNIST] '
CLASS_NAMES = synthetic.CLASS_NAMES

# Images and labels to train with, then to test with, as mnist.FILES.
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
    """Finds the four files, or generates them on first use; verifies them.

    Args:
      data_dir: str, the folder that holds or will hold synthetic/mnist/.
    Returns:
      data_set.DataSet.
    Raises:
      UserError: what is wrong and the way out; nothing is overwritten.
    """
    data_dir = preparation.check_data_dir(data_dir, 'the data')
    parent = os.path.join(data_dir, synthetic.FOLDER)
    folder = os.path.join(parent, FOLDER)
    way_out = f'Move {folder} away to have it generated again.'
    if preparation.is_absent(folder, FILES, way_out):
        with preparation.locked(parent):
            # Another process may have generated it while this one waited.
            if preparation.is_absent(folder, FILES, way_out):
                _generate(folder)
    paths = [os.path.join(folder, file.name) for file in FILES]
    damage = [(path, mnist.find_damage(path, file))
              for path, file in zip(paths, FILES)]
    reasons = [f'{path} is damaged ({reason})' for path, reason in damage
               if reason]
    if reasons:
        raise UserError(f'{"; ".join(reasons)}. {way_out}')
    return mnist.build_data_set('synthetic-mnist', paths, FILES, LINE_PREFIX,
                                CLASS_NAMES)


def is_at_hand(data_dir):
    """Whether load_data_set finds something there, rather than generate it."""
    try:
        return bool(os.listdir(os.path.join(data_dir, synthetic.FOLDER, FOLDER)))
    except OSError:
        return False


def _generate(folder):
    print(f'Generating the synthetic data set in {folder}', file=sys.stderr,
          flush=True)
    num_bytes = sum(file.shape[0] for file in FILES) * mnist.RECORD_BYTES
    with preparation.new_folder(folder, num_bytes) as temporary:
        for images, labels in (FILES[:2], FILES[2:]):
            records = synthetic_images.build_records(
                images.name, images.shape[0], synthetic_images.GREY)
            for file, values in ((images, records[:, LABEL_BYTES:]),
                                 (labels, records[:, 0])):
                preparation.write_file(
                    os.path.join(temporary, file.name),
                    [mnist.build_header(file.shape), values.tobytes()])
