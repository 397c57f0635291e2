"""The stand-in data set: generated, in the binary layout of CIFAR-10.

It is for trying the programs without CIFAR-10. Its results say nothing about
CIFAR-10, so every line with a figure is marked.
"""

import os
import sys

from cifar10_tf1.common import files
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import preparation
from cifar10_tf1.data import synthetic_images
from cifar10_tf1.data import verification
from cifar10_tf1.data.verification import DataFile

FOLDER = 'synthetic'  # in the data folder
LINE_PREFIX = '[synthetic, not CIFAR-10] '
CLASS_NAMES = ('striped disc', 'striped square', 'striped triangle',
               'striped ring', 'striped cross', 'checked disc',
               'checked square', 'checked triangle', 'checked ring',
               'checked cross')  # labels 0 to 9

# 20 batches of 100 in a file, 100 steps in an epoch.
FILES = tuple(DataFile(name, 2000 * cifar10.RECORD_BYTES, digest)
              for name, digest in (
    ('data_batch_1.bin',
     '7bc442d5a7e22b0491374b1e53c7c19003909ea1afa970d10e1cfd68bb408550'),
    ('data_batch_2.bin',
     '53cb90385780458b58cfb8a201fc95497e5cb0d2442efebd31b43945a84ac9bc'),
    ('data_batch_3.bin',
     '08567604827f705a22eab3f69a665cb92d71ded665ce7ac72ef009d3d09490fd'),
    ('data_batch_4.bin',
     '7805de07ac559545cfebf36b2fde2636ec0b0ff4cec41a5fc8f9bd5455d225d4'),
    ('data_batch_5.bin',
     '85badf69838f5aff37363d6dcb8ac1aea9d2b903b3d82c507e0c052f12c2841e'),
    ('test_batch.bin',
     '3b49bd0a2983f3bbaa9649c2abd4f2053198291fe71021959027dd608d413564')))


def load_data_set(data_dir):
    """Finds or generates the six files, and verifies them.

    Args:
      data_dir: str, the folder for synthetic/.
    Returns:
      data_set.DataSet.
    Raises:
      UserError: no space, no permission, a damaged file; overwrites nothing.
    """
    folder = prepare(data_dir, cifar10.FOLDER, FILES, _generate)
    return cifar10.build_data_set('synthetic', folder, FILES, LINE_PREFIX,
                                  CLASS_NAMES)


def is_present(data_dir):
    """Whether load_data_set would find the files instead of generating them."""
    return is_complete(os.path.join(data_dir, FOLDER, cifar10.FOLDER), FILES)


def prepare(data_dir, name, data_files, generate):
    """Generates the files that a folder lacks, and verifies all.

    Args:
      data_dir: str, the data folder.
      name: str, the folder in DATA_DIR/synthetic.
      data_files: sequence of DataFile or IdxFile.
      generate: function without arguments that yields the bytes of each file.
    Returns:
      str, the folder.
    Raises:
      UserError: as load_data_set.
    """
    parent = os.path.join(preparation.check_data_dir(data_dir, 'the data'), FOLDER)
    folder = os.path.join(parent, name)
    if not is_complete(folder, data_files):
        with preparation.locked(parent):
            # Another process may have generated it while this one waited.
            if not is_complete(folder, data_files):
                _write(folder, data_files, generate)
    verification.check_files(folder, data_files,
                             f'Move {folder} away to have it generated again.')
    return folder


def is_complete(folder, data_files):
    return all(os.path.lexists(os.path.join(folder, file.name))
               for file in data_files)


def _write(folder, data_files, generate):
    print(f'Generating the synthetic data set in {folder}', file=sys.stderr,
          flush=True)
    with preparation.explained(f'write {folder}'):
        os.makedirs(folder, exist_ok=True)
        preparation.check_free_space(folder, sum(file.size for file in data_files))
        for file, content in zip(data_files, generate()):
            path = os.path.join(folder, file.name)
            if not os.path.lexists(path):
                files.write_atomically(path, content)


def _generate():
    for file in FILES:
        yield synthetic_images.build_records(
            file.name, file.size // cifar10.RECORD_BYTES).tobytes()
