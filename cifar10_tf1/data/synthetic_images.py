"""The pictures of the stand-in data set: ten classes of shape and texture.

A class is one of five shapes with one of two textures, at a random place and in
a random size, in colours that only sometimes give the class away, over a
blotchy background, under noise. Neither brightness nor a left-right flip tells
classes apart, because training undoes the one and draws the other.

Every pixel comes from integer arithmetic on the output of SHAKE-128, so that
each byte is the same on every machine and with every version of NumPy.
"""

import hashlib

import numpy as np

from cifar10_tf1.data import cifar10

NUM_SHAPES = 5     # disc, square, triangle, ring, cross
NUM_TEXTURES = 2   # stripes, checks

# How hard the set is to learn; all in units of one of 255 unless said.
NOISE = 32           # each byte is shifted by -NOISE..NOISE
BLOTCH = 32          # each 8 x 8 block of the background likewise
COLOR_SPREAD = 48    # each colour around that of its class
TYPICAL_PERCENT = 60  # of the pictures have their class's colour
CENTER = (12, 20)    # pixels, inclusive; of 0..31
RADIUS = (7, 10)     # pixels, inclusive


def build_records(file_name, num_records):
    """Draws the records of one file.

    Args:
      file_name: str; the same name gives the same records.
      num_records: int, a multiple of 10: the classes are balanced.
    Returns:
      uint8 [num_records, 3073], in the binary layout of CIFAR-10.
    """
    def draw(purpose, shape, low, high):
        return _draw_integers(f'{file_name}/{purpose}', (num_records,) + shape,
                              low, high)

    labels = _shuffle_labels(file_name, num_records)
    shape_masks = _build_shape_masks(draw, labels % NUM_SHAPES)
    texture_masks = _build_texture_masks(draw, labels // NUM_SHAPES)
    typical = draw('typical', (), 0, 99) < TYPICAL_PERCENT
    color = np.where(
        typical[:, None],
        _class_colors()[labels] + draw('spread', (3,), -COLOR_SPREAD,
                                       COLOR_SPREAD),
        draw('color', (3,), 0, 255))
    # At least a quarter of the scale apart in every channel, in a circle.
    second_color = (color + draw('second color', (3,), 64, 192)) % 256
    background = draw('background', (3,), 0, 255)
    blotches = draw('blotches', (3, 4, 4), -BLOTCH, BLOTCH)
    images = (background[:, :, None, None]
              + blotches.repeat(8, axis=2).repeat(8, axis=3))
    images = np.where(shape_masks[:, None], np.where(
        texture_masks[:, None], color[:, :, None, None],
        second_color[:, :, None, None]), images)
    images = images + _draw_noise(file_name, images.shape)
    records = np.empty((num_records, cifar10.RECORD_BYTES), np.uint8)
    records[:, 0] = labels
    records[:, cifar10.LABEL_BYTES:] = np.clip(images, 0, 255).reshape(
        num_records, cifar10.IMAGE_BYTES)
    return records


def _draw_integers(key, shape, low, high):
    """int32 `shape`, uniform in low..high inclusive, but for 2**-24 or so."""
    count = int(np.prod(shape, dtype=np.int64))
    digest = hashlib.shake_128(key.encode('ascii')).digest(4 * count)
    values = np.frombuffer(digest, '<u4').astype(np.uint64)
    scaled = (values * np.uint64(high - low + 1)) >> np.uint64(32)
    return (scaled.astype(np.int32) + np.int32(low)).reshape(shape)


def _draw_noise(key, shape):
    """int16 `shape`, -NOISE..NOISE; a byte of randomness each, for speed."""
    count = int(np.prod(shape, dtype=np.int64))
    digest = hashlib.shake_128(f'{key}/noise'.encode('ascii')).digest(count)
    values = np.frombuffer(digest, np.uint8).astype(np.int16)
    return (((values * np.int16(2 * NOISE + 1)) >> 8) - NOISE).reshape(shape)


def _shuffle_labels(file_name, num_records):
    """int [num_records], each class equally often, in random order."""
    keys = _draw_integers(f'{file_name}/order', (num_records,), 0, 2 ** 31 - 2)
    return np.argsort(keys, kind='mergesort') % cifar10.NUM_CLASSES


def _class_colors():
    """int32 [10, 3]: red, green, blue."""
    return np.array([[220, 60, 60], [60, 200, 60], [70, 70, 230],
                     [220, 200, 50], [200, 60, 200], [60, 200, 210],
                     [235, 140, 50], [130, 60, 160], [120, 120, 120],
                     [150, 220, 160]], np.int32)


def _build_shape_masks(draw, shapes):
    """bool [N, 32, 32]: which pixels are the shape's.

    Args:
      draw: function of (purpose, shape, low, high), gives int32 [N, ...].
      shapes: int [N], 0..4.
    """
    pixels = np.arange(cifar10.HEIGHT, dtype=np.int32)
    radius = draw('radius', (1, 1), *RADIUS)
    dy = pixels[None, :, None] - draw('row', (1, 1), *CENTER)
    dx = pixels[None, None, :] - draw('column', (1, 1), *CENTER)
    distance = dx * dx + dy * dy
    wide = np.maximum(abs(dx), abs(dy))
    disc = distance <= radius * radius
    return np.choose(shapes[:, None, None], [
        disc,
        8 * wide <= 7 * radius,
        (abs(dy) <= radius) & (2 * abs(dx) <= dy + radius),
        disc & (4 * distance >= radius * radius),
        (wide <= radius) & (3 * np.minimum(abs(dx), abs(dy)) <= radius)])


def _build_texture_masks(draw, textures):
    """bool [N, 32, 32]: which of its shape's two colours a pixel has.

    Args:
      draw: as above.
      textures: int [N], 0 or 1.
    """
    pixels = np.arange(cifar10.HEIGHT, dtype=np.int32)
    rows = (pixels[None, :, None] + draw('texture row', (1, 1), 0, 3)) // 2
    columns = (pixels[None, None, :] + draw('texture column', (1, 1), 0, 3)) // 2
    stripes = rows + 0 * columns
    return np.choose(textures[:, None, None],
                     [stripes, rows + columns]) % 2 == 0
