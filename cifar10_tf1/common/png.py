"""Encodes PNG without Pillow, which is optional."""

import struct
import zlib

import numpy as np


def encode(pixels, level=-1):
    """Encodes uint8 [rows, columns, 3], red, green, blue, as the bytes of a PNG file.

    zlib's level 0 stores the pixels, so that every zlib gives the same bytes.
    """
    rows, columns, unused_channels = pixels.shape
    # Each row begins with its filter's number, 0 for none.
    lines = np.pad(pixels.reshape(rows, -1), ((0, 0), (1, 0)), 'constant')
    header = struct.pack('>IIBBBBB', columns, rows, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(content)) + kind + content
        + struct.pack('>I', zlib.crc32(kind + content))
        for kind, content in ((b'IHDR', header),
                              (b'IDAT', zlib.compress(lines.tobytes(), level)),
                              (b'IEND', b'')))
