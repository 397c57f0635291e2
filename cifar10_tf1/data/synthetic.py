"""The stand-in data set: generated, in the binary layout of CIFAR-10.

For trying the programs out where CIFAR-10 can't be had. A result on it says
nothing about CIFAR-10, so every line with a figure is marked.
"""

import os
import sys

from cifar10_tf1.data import cifar10
from cifar10_tf1.data import preparation
from cifar10_tf1.data import synthetic_images
from cifar10_tf1.data.verification import DataFile

FOLDER = 'synthetic'  # in the data folder
LINE_PREFIX = '[synthetic, not CIFAR-10] '

# 20 batches of 100 in a file, so 100 steps in an epoch.
RECORDS_PER_FILE = 2000
FILE_BYTES = RECORDS_PER_FILE * cifar10.RECORD_BYTES

CLASS_NAMES = ('striped disc', 'striped square', 'striped triangle',
               'striped ring', 'striped cross', 'checked disc',
               'checked square', 'checked triangle', 'checked ring',
               'checked cross')  # labels 0 to 9

FILES = (
    DataFile('data_batch_1.bin', FILE_BYTES,
             '7bc442d5a7e22b0491374b1e53c7c19003909ea1afa970d10e1cfd68bb408550'),
    DataFile('data_batch_2.bin', FILE_BYTES,
             '53cb90385780458b58cfb8a201fc95497e5cb0d2442efebd31b43945a84ac9bc'),
    DataFile('data_batch_3.bin', FILE_BYTES,
             '08567604827f705a22eab3f69a665cb92d71ded665ce7ac72ef009d3d09490fd'),
    DataFile('data_batch_4.bin', FILE_BYTES,
             '7805de07ac559545cfebf36b2fde2636ec0b0ff4cec41a5fc8f9bd5455d225d4'),
    DataFile('data_batch_5.bin', FILE_BYTES,
             '85badf69838f5aff37363d6dcb8ac1aea9d2b903b3d82c507e0c052f12c2841e'),
    DataFile('test_batch.bin', FILE_BYTES,
             '3b49bd0a2983f3bbaa9649c2abd4f2053198291fe71021959027dd608d413564'),
)


def load_data_set(data_dir):
    """Finds the six files, or generates them on first use; verifies them.

    Args:
      data_dir: str, the folder that holds or will hold synthetic/.
    Returns:
      data_set.DataSet.
    Raises:
      UserError: what is wrong and the way out; nothing is overwritten.
    """
    parent = os.path.join(cifar10.check_data_dir(data_dir), FOLDER)
    folder = os.path.join(parent, cifar10.FOLDER)
    way_out = f'Move {folder} away to have it generated again.'
    if preparation.is_absent(folder, FILES, way_out):
        with preparation.locked(parent):
            # Another process may have generated it while this one waited.
            if preparation.is_absent(folder, FILES, way_out):
                _generate(folder)
    cifar10.check_files(folder, FILES, way_out)
    return cifar10.build_data_set('synthetic', folder, FILES, LINE_PREFIX,
                                  CLASS_NAMES)


def is_at_hand(data_dir):
    """Whether load_data_set finds something there, rather than generate it."""
    try:
        return bool(os.listdir(os.path.join(data_dir, FOLDER, cifar10.FOLDER)))
    except OSError:
        return False


def _generate(folder):
    print(f'Generating the synthetic data set in {folder}', file=sys.stderr,
          flush=True)
    num_bytes = sum(file.size for file in FILES)
    with preparation.new_folder(folder, num_bytes) as temporary:
        for file in FILES:
            records = synthetic_images.build_records(
                file.name, file.size // cifar10.RECORD_BYTES)
            preparation.write_file(os.path.join(temporary, file.name),
                                   [records.tobytes()])
