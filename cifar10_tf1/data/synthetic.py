"""The generated data sets, in the files of CIFAR-10 and MNIST.

They are for trying out the programs. Their results say nothing about the real data, so
every line with a figure is marked.
"""

import os
import struct
import sys
from typing import Callable, NamedTuple, Tuple

from cifar10_tf1 import data
from cifar10_tf1.common import files
from cifar10_tf1.common.errors import explained
from cifar10_tf1.data import cifar10, mnist, preparation, synthetic_images
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.data.verification import DataFile

FOLDER = 'synthetic'  # in the data folder
CLASS_NAMES = ('striped disc', 'striped square', 'striped triangle',
               'striped ring', 'striped cross', 'checked disc',
               'checked square', 'checked triangle', 'checked ring',
               'checked cross')  # labels 0 to 9

# 20 batches of 100 in a file, 100 steps in an epoch.
_NUM_RECORDS = 2000
_NUM_GREY_RECORDS = {'train': 6000, 't10k': 1000}


class _StandIn(NamedTuple):
    name: str                    # in records
    folder: str                  # in DATA_DIR/synthetic
    files: Tuple[DataFile, ...]
    draw: Callable               # () -> the bytes of each file
    build_data_set: Callable     # (paths, files, fields of the DataSet) -> DataSet


def load_data_set(data_dir, source='cifar10'):
    """Finds or generates the stand-in of one of data.SOURCES, and verifies it: DataSet.

    It is in data_dir/synthetic. Raises UserError if a file is damaged or can't be written.
    """
    stand_in, paths = _STAND_INS[source], _list_paths(data_dir, source)
    preparation.prepare(os.path.join(data_dir, FOLDER),
                        lambda: is_present(data_dir, source),
                        lambda: _generate(paths, stand_in.draw))
    return stand_in.build_data_set(
        paths, stand_in.files, name=stand_in.name, class_names=CLASS_NAMES,
        line_prefix=data.SOURCES[source].line_prefix(True))


def is_present(data_dir, source='cifar10'):
    """Whether load_data_set would generate nothing."""
    return all(map(os.path.lexists, _list_paths(data_dir, source)))


def _list_paths(data_dir, source):
    stand_in = _STAND_INS[source]
    return [os.path.join(data_dir, FOLDER, stand_in.folder, file.name) for file in stand_in.files]


def _generate(paths, draw):
    """Writes the files that are missing."""
    folder = os.path.dirname(paths[0])
    with explained(f'write {folder}', '--data-dir'):
        print(f'Generating the synthetic data set in {folder}', file=sys.stderr)
        os.makedirs(folder, exist_ok=True)
        for path, content in zip(paths, draw()):
            if not os.path.lexists(path):
                files.write_atomically(path, content)


def _draw_color():
    for file in cifar10.BINARY.files:
        yield synthetic_images.build_records(file.name, _NUM_RECORDS).tobytes()


def _draw_grey():
    for split, number in _NUM_GREY_RECORDS.items():
        records = synthetic_images.build_records(
            f'{split}-images-idx3-ubyte', number, synthetic_images.GREY)
        yield (struct.pack('>4I', 0x803, number, mnist.HEIGHT, mnist.WIDTH)
               + records[:, LABEL_BYTES:].tobytes())
        yield struct.pack('>2I', 0x801, number) + records[:, 0].tobytes()


def _describe(real_files, sizes, digests):
    return tuple(file._replace(size=size, digest=digest)
                 for file, size, digest in zip(real_files, sizes, digests))


_STAND_INS = {
    'cifar10': _StandIn(
        'synthetic', cifar10.BINARY.folder,
        _describe(cifar10.BINARY.files,
                  [_NUM_RECORDS * cifar10.RECORD_BYTES] * 6, (
            '7bc442d5a7e22b0491374b1e53c7c19003909ea1afa970d10e1cfd68bb408550',
            '53cb90385780458b58cfb8a201fc95497e5cb0d2442efebd31b43945a84ac9bc',
            '08567604827f705a22eab3f69a665cb92d71ded665ce7ac72ef009d3d09490fd',
            '7805de07ac559545cfebf36b2fde2636ec0b0ff4cec41a5fc8f9bd5455d225d4',
            '85badf69838f5aff37363d6dcb8ac1aea9d2b903b3d82c507e0c052f12c2841e',
            '3b49bd0a2983f3bbaa9649c2abd4f2053198291fe71021959027dd608d413564')),
        _draw_color, cifar10.build_data_set),
    'mnist': _StandIn(
        'synthetic-mnist', 'mnist',
        _describe(mnist.FILES, (4704016, 6008, 784016, 1008), (
            '6a4bdb6d9c794b299d3fabca278f4b8ca3be8808c0c2685adb67f5e471becdfc',
            '529f3b4c9f320c8f8ed50d9d69f9a2fe632eef7e38c0219dd525c6a8740cb017',
            'e0b8f1a5244b5932d0497e2f89f9dec79d7c84e0d117e6560af8fc408394df9c',
            'dfa1deae56cc9886ef7149e77e6064f7c953e5eb2513780dd5aec4730961c463')),
        _draw_grey, mnist.build_data_set),
}
