"""Pickles of CIFAR-10's Python version, put together by hand."""

import struct

import numpy as np

import data_helpers
from cifar10_tf1.data import cifar10
from data_helpers import NUM_RECORDS

FOLDER = 'cifar-10-batches-py'
NAMES = tuple(name[:-len('.bin')] for name in data_helpers.NAMES)


def text(content):
    """A string as Python 2 wrote it."""
    return (b'U' + bytes([len(content)]) if len(content) < 256
            else b'T' + struct.pack('<I', len(content))) + content


def number(value):
    return (b'K' + bytes([value]) if value < 256
            else b'M' + struct.pack('<H', value))


def array(planes, is_fortran=False, kind=b'u1'):
    """uint8 [N, 3072] as NumPy's own reduction under Python 2."""
    content = planes.tobytes('F' if is_fortran else 'C')
    return (
        b'cnumpy.core.multiarray\n_reconstruct\nq\x07'
        b'cnumpy\nndarray\nq\x08K\x00\x85U\x01b\x87Rq\x09'
        b'(K\x01' + number(len(planes)) + number(planes.shape[1]) + b'\x86'
        b'cnumpy\ndtype\nq\x0a' + text(kind) + b'K\x00K\x01\x87Rq\x0b'
        b'(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb'
        + (b'\x88' if is_fortran else b'\x89') + text(content) + b'tb')


def batch(records, is_fortran=False, **changes):
    """bytes of a file of the official archive, with other records.

    Args:
      records: uint8 [N, 3073].
      is_fortran: bool, whether the array lies column by column.
      changes: bytes to take the place of the pickled `labels`, `data` or of
        `filenames`, by name.
    """
    items = {
        'batch_label': text(b'training batch 1 of 5') + b'q\x03',
        'labels': b']q\x05(' + b''.join(map(number, records[:, 0].tolist()))
                  + b'e',
        'data': array(np.ascontiguousarray(records[:, 1:]), is_fortran),
        'filenames': b']q\x0d(' + b''.join(
            text(b'leptodactylus_pentadactylus_s_%06d.png' % i)
            + b'r' + struct.pack('<I', 256 + i)
            for i in range(len(records))) + b'e'}
    items.update(changes)
    return b'\x80\x02}q\x01(' + b''.join(
        text(name.encode()) + value for name, value in items.items()) + b'u.'


def records_of(name):
    """uint8 [N, 3073], of one of the tiny data's files."""
    return np.frombuffer(data_helpers.CONTENTS[name], np.uint8).reshape(
        NUM_RECORDS, cifar10.RECORD_BYTES)


CONTENTS = {name: batch(records_of(name + '.bin')) for name in NAMES}


def write_files(data_dir, contents=None):
    """Puts the six pickles into data_dir; returns their folder."""
    folder = data_dir / FOLDER
    folder.mkdir(parents=True)
    for name, content in (contents or CONTENTS).items():
        (folder / name).write_bytes(content)
    return folder


def members(contents=None):
    """What the official archive has: the folder, the six files, two more."""
    return [data_helpers.special(FOLDER, data_helpers.tarfile.DIRTYPE),
            data_helpers.regular(f'{FOLDER}/batches.meta', b'\x80\x02}.')] + [
                data_helpers.regular(f'{FOLDER}/{name}', content)
                for name, content in (contents or CONTENTS).items()]


def describe(packed, url='http://127.0.0.1:9/'):
    """The Archive that has these bytes, as data_helpers.describe."""
    return data_helpers.describe(packed, url)._replace(
        name='cifar-10-python.tar.gz')
