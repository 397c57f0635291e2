"""Hand-made PNGs whose compressed data ends early, which Pillow takes."""

import struct
import zlib

import pytest

from cifar10_tf1.common.errors import UserError
from cifar10_tf1.predict import png
from cifar10_tf1.predict import pictures
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

# (depth, colour type, interlaced): bytes of the rows of 32 x 32 pixels.
SIZES = {
    (8, 2, 0): 32 * (1 + 96), (8, 6, 0): 32 * (1 + 128), (1, 0, 0): 32 * (1 + 4),
    (16, 4, 0): 32 * (1 + 128), (4, 3, 0): 32 * (1 + 16),
    # 4, 4, 4, 8, 8, 16, 16 rows of 4, 4, 8, 8, 16, 16, 32 pixels.
    (8, 0, 1): 60 + 4 * 4 + 4 * 4 + 4 * 8 + 8 * 8 + 8 * 16 + 16 * 16 + 16 * 32}


def make_png(path, depth, colour_type, interlaced, num_bytes, parts=2):
    def chunk(kind, content):
        checksum = zlib.crc32(kind + content)
        return (struct.pack('>I', len(content)) + kind + content
                + struct.pack('>I', checksum))

    data = zlib.compress(bytes(num_bytes))
    cut = len(data) // parts
    path.write_bytes(
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', struct.pack('>IIBBBBB', 32, 32, depth, colour_type, 0,
                                     0, interlaced))
        + (chunk(b'PLTE', bytes(48)) if colour_type == 3 else b'')
        + chunk(b'IDAT', data[:cut]) + chunk(b'IDAT', data[cut:])
        + chunk(b'IEND', b''))
    return str(path)


@pytest.mark.parametrize('form', sorted(SIZES))
def test_whole(form, tmp_path):
    png.check_complete(make_png(tmp_path / 'a.png', *form, SIZES[form]))


@pytest.mark.parametrize('form', sorted(SIZES))
def test_one_byte_is_missing(form, tmp_path):
    path = make_png(tmp_path / 'a.png', *form, SIZES[form] - 1)
    with pytest.raises(UserError, match='is cut off: 99 % of its pixels'):
        png.check_complete(path)


def test_ten_rows_of_32(tmp_path):
    pytest.importorskip('PIL.Image')
    path = make_png(tmp_path / 'a.png', 8, 2, 0, 10 * 97)
    with pytest.raises(UserError, match='is cut off: 31 % of its pixels'):
        pictures.load_picture(path, deep_cnn.picture)
    whole = make_png(tmp_path / 'b.png', 8, 2, 0, 32 * 97)
    assert pictures.load_picture(whole, deep_cnn.picture).pixels.shape == (32, 32, 3)


def test_data_that_unpacks_to_gigabytes_is_not_unpacked(tmp_path):
    path = make_png(tmp_path / 'a.png', 8, 2, 0, 1 << 26)
    png.check_complete(path)
