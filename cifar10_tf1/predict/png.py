"""Whether a PNG holds all of its rows.

Pillow takes one whose compressed data ends early, and leaves the other rows black.
"""

import struct
import zlib

from cifar10_tf1.common.errors import UserError

_SIGNATURE = 8        # bytes before the first chunk
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the number of a colour type
# First column and row of each pass of an interlaced picture, and the steps.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
           (1, 0, 2, 2), (0, 1, 1, 2))


def check_complete(path):
    """Raises UserError, without the name, where rows are missing.

    Args:
      path: str, of a file that Pillow has taken for a PNG.
    """
    expected = found = 0
    decompressor = zlib.decompressobj()
    for kind, content in _read_chunks(path):
        if kind == b'IHDR':
            expected = _count_bytes(*struct.unpack('>IIBBxxB', content[:13]))
        elif kind == b'IDAT':
            try:
                # In pieces: a small file can say that it holds gigabytes.
                while content and not decompressor.eof and found < expected:
                    found += len(decompressor.decompress(content, 1 << 20))
                    content = decompressor.unconsumed_tail
            except zlib.error as error:
                raise UserError(f'is damaged: {error}')
    if found < expected:
        raise UserError(f'is cut off: {100 * found // expected} % of its pixels '
                        'are there')


def _read_chunks(path):
    """Yields (kind, content) up to the end; a chunk that is cut off is short."""
    with open(path, 'rb') as file:
        file.seek(_SIGNATURE)
        while True:
            head = file.read(8)
            if len(head) < 8:
                return
            size, kind = struct.unpack('>I4s', head)
            yield kind, file.read(size)
            file.seek(4, 1)  # the checksum, which Pillow looks at


def _count_bytes(width, height, depth, colour_type, interlaced):
    """Of all rows, each with the byte that names its filter."""
    bits = depth * _CHANNELS.get(colour_type, 1)
    total = 0
    for left, top, step, row_step in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns = -(-max(width - left, 0) // step)
        rows = -(-max(height - top, 0) // row_step)
        if columns:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total
