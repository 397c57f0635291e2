"""The generated data set, in the binary layout of CIFAR-10.

It is for trying out the programs. Its results say nothing about CIFAR-10, so every line
with a figure is marked.
"""

import os
import sys

from cifar10_tf1.common import files
from cifar10_tf1.data import cifar10, preparation, synthetic_images
from cifar10_tf1.data.cifar10_files import BINARY

FOLDER = 'synthetic'  # in the data folder
LINE_PREFIX = '[synthetic, not CIFAR-10] '
CLASS_NAMES = ('striped disc', 'striped square', 'striped triangle',
               'striped ring', 'striped cross', 'checked disc',
               'checked square', 'checked triangle', 'checked ring',
               'checked cross')  # labels 0 to 9

# 20 batches of 100 in a file, 100 steps in an epoch.
NUM_RECORDS = 2000
FILES = tuple(file._replace(size=NUM_RECORDS * cifar10.RECORD_BYTES, digest=digest)
              for file, digest in zip(BINARY.files, (
    '7bc442d5a7e22b0491374b1e53c7c19003909ea1afa970d10e1cfd68bb408550',
    '53cb90385780458b58cfb8a201fc95497e5cb0d2442efebd31b43945a84ac9bc',
    '08567604827f705a22eab3f69a665cb92d71ded665ce7ac72ef009d3d09490fd',
    '7805de07ac559545cfebf36b2fde2636ec0b0ff4cec41a5fc8f9bd5455d225d4',
    '85badf69838f5aff37363d6dcb8ac1aea9d2b903b3d82c507e0c052f12c2841e',
    '3b49bd0a2983f3bbaa9649c2abd4f2053198291fe71021959027dd608d413564')))


def load_data_set(data_dir):
    """Finds or generates the six files, and verifies them: DataSet."""
    folder = generate(data_dir, BINARY.folder, FILES, _build_contents)
    return cifar10.build_data_set(
        'synthetic', LINE_PREFIX, CLASS_NAMES, folder, FILES,
        BINARY._replace(files=FILES),
        f'Move {folder} away to generate it again.')


def is_present(data_dir):
    """Whether load_data_set would generate nothing."""
    return is_complete(os.path.join(data_dir, FOLDER, BINARY.folder), FILES)


def generate(data_dir, name, data_files, build_contents):
    """Generates the files missing in DATA_DIR/synthetic/NAME; returns that folder.

    `build_contents` yields the bytes of each file.
    """
    parent = os.path.join(preparation.check_data_dir(data_dir), FOLDER)
    folder = os.path.join(parent, name)
    if is_complete(folder, data_files):
        return folder
    with preparation.locked(parent), preparation.explained(f'write {folder}'):
        # Another process may have generated it while this one waited.
        if not is_complete(folder, data_files):
            print(f'Generating the synthetic data set in {folder}', file=sys.stderr,
                  flush=True)
            os.makedirs(folder, exist_ok=True)
            for file, content in zip(data_files, build_contents()):
                path = os.path.join(folder, file.name)
                if not os.path.lexists(path):
                    files.write_atomically(path, content)
    return folder


def is_complete(folder, data_files):
    return all(os.path.lexists(os.path.join(folder, file.name))
               for file in data_files)


def _build_contents():
    for file in FILES:
        yield synthetic_images.build_records(file.name, NUM_RECORDS).tobytes()
