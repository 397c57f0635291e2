"""A PNG encoder, because Pillow is optional."""

import struct
import zlib

import numpy as np


def encode(pixels, level=-1):
    """Encodes RGB pixels, uint8 [rows, columns, 3], as the bytes of a PNG file.

    Level 0 stores the pixels uncompressed, so every version of zlib gives the same bytes.
    """
    rows, columns, unused_channels = pixels.shape
    # Each row starts with the number of its filter; 0 is none.
    lines = np.pad(pixels.reshape(rows, -1), ((0, 0), (1, 0)), 'constant')
    header = struct.pack('>IIBBBBB', columns, rows, 8, 2, 0, 0, 0)
    return b'\x89PNG\r\n\x1a\n' + b''.join(
        struct.pack('>I', len(content)) + kind + content
        + struct.pack('>I', zlib.crc32(kind + content))
        for kind, content in ((b'IHDR', header),
                              (b'IDAT', zlib.compress(lines.tobytes(), level)),
                              (b'IEND', b'')))
