"""Files of CIFAR-10's Python version, read as the binary version's records.

A file is a pickled dict: `labels`, a list of integers, and `data`, an array with
a row of bytes for each image, in the order of the planes.
"""

import hashlib
import os
import stat

import numpy as np

from cifar10_tf1.data import preparation
from cifar10_tf1.data import safe_pickle
from cifar10_tf1.data import verification
from cifar10_tf1.data.data_set import LABEL_BYTES
from cifar10_tf1.data.data_set import new_table
from cifar10_tf1.data.safe_pickle import Refused
from cifar10_tf1.common.errors import UserError


def decode(content):
    """The records of a file's bytes: uint8 [N, 1 + M], the label, then M bytes.

    Raises:
      safe_pickle.Refused: where it is no such pickle.
    """
    batch = safe_pickle.load(content)
    if type(batch) is not dict:
        raise Refused('it holds no dict')
    # Python 2 wrote the names, which are bytes in Python 3.
    labels, planes = (batch.get(name.encode(), batch.get(name))
                      for name in ('labels', 'data'))
    if type(planes) is not np.ndarray or planes.ndim != 2:
        raise Refused('it holds no images')
    if type(labels) is not list or len(labels) != len(planes) or not all(
            type(label) is int and 0 <= label < 256 for label in labels):
        raise Refused('it does not hold a label for each image')
    records = np.empty([len(planes), LABEL_BYTES + planes.shape[1]], np.uint8)
    records[:, 0], records[:, LABEL_BYTES:] = labels, planes
    return records


def find_damage(folder, names, files):
    """Compares the records with those of the binary version.

    Args:
      folder: str.
      names: sequence of str, of the files.
      files: sequence of DataFile, the binary version's.
    Returns:
      list of (name, reason), both str, of those that are wrong; else empty.
    Raises:
      UserError: where a file can't be read.
    """
    damage = []
    for name, file in zip(names, files):
        try:
            records = _load(os.path.join(folder, name), file.most_bytes)
        except Refused as refused:
            damage.append((name, str(refused)))
            continue
        digest = hashlib.sha256(records).hexdigest()
        if digest != file.sha256:
            damage.append((name, f'SHA-256 of its records {digest[:12]}... '
                                 f'instead of {file.sha256[:12]}...'))
    return damage


def load_bytes(paths, num_records, record_bytes):
    """The records of several verified files, one after the other.

    Args, Returns, Raises: as data_set.load_files.
    """
    table = new_table(num_records, record_bytes)
    most_bytes = verification.DataFile('', table.nbytes, '').most_bytes
    first = 0
    try:
        for path in paths:
            records = _load(path, most_bytes)
            table[first:first + len(records)] = records
            first += len(records)
    except (Refused, ValueError):  # another number of rows or columns
        first = 0
    if first != num_records:
        raise UserError(f'{", ".join(paths)} changed after the check; start '
                        'again')
    return table


def _load(path, most_bytes):
    with preparation.explained(f'read {path}'):
        status = os.stat(path)
        if not stat.S_ISREG(status.st_mode):
            raise Refused('not a regular file')
        if status.st_size > most_bytes:
            raise Refused(f'{status.st_size:,} bytes, too many')
        with open(path, 'rb') as stream:
            content = stream.read(most_bytes)
    return decode(content)
