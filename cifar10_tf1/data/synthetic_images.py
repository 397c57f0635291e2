"""The images of the stand-in data sets: ten classes of shape and texture.

A class is one of five shapes (disc, square, triangle, ring, cross) with one of
two textures (stripes, checks). Place and size are random, colours hint at the
class, the background is blotchy, and noise covers everything. Neither brightness
nor a left-right flip changes the class, because training changes both.

Every pixel is integer arithmetic on the output of SHAKE-128, so every machine and
every version of NumPy gives the same bytes.
"""

import hashlib
from typing import NamedTuple, Tuple

import numpy as np

NUM_CLASSES = 10
NUM_SHAPES = 5

# How hard the set is to learn. Values are bytes, 0 to 255, unless noted.
NOISE = 32            # each byte shifts by -NOISE..NOISE
BLOTCH = 32           # each of the background's 4 x 4 blocks shifts by -BLOTCH..BLOTCH
COLOR_SPREAD = 48     # largest distance of a colour from its class's
TYPICAL_PERCENT = 60  # share of images with their class's colour
CENTER = (12, 20)     # 32nds of the image, inclusive
RADIUS = (7, 10)      # 32nds of the image, inclusive


class Style(NamedTuple):
    """Size and colours of the images."""
    side: int  # pixels, a multiple of 4
    class_colors: Tuple[Tuple[int, ...], ...]  # [10, channels], 0..255
    background: Tuple[int, int]                # 0..255, inclusive


# Red, green, blue.
COLOR = Style(32, (
    (220, 60, 60), (60, 200, 60), (70, 70, 230), (220, 200, 50),
    (200, 60, 200), (60, 200, 210), (235, 140, 50), (130, 60, 160),
    (120, 120, 120), (150, 220, 160)), (0, 255))
# Light on dark, like MNIST.
GREY = Style(28, ((130,), (170,), (210,), (150,), (190,), (200,), (160,),
                      (220,), (180,), (140,)), (0, 64))


def build_records(file_name, num_records, style=COLOR):
    """Draws the records of one file; its name is the seed.

    num_records is a multiple of 10, for balanced classes.

    Returns:
      uint8 [num_records, 1 + channels * side * side]: the label, then the planes, row by
      row. COLOR gives the binary layout of CIFAR-10.
    """
    def draw(purpose, shape, low, high):
        return _draw_integers(f'{file_name}/{purpose}', (num_records,) + shape, low, high)

    side, channels = style.side, len(style.class_colors[0])
    # Every class equally often, in random order.
    order = draw('order', (), 0, 2 ** 31 - 2)
    labels = np.argsort(order, kind='mergesort') % NUM_CLASSES
    shape_masks = _build_shape_masks(draw, labels % NUM_SHAPES, side)
    texture_masks = _build_texture_masks(draw, labels // NUM_SHAPES, side)
    typical = draw('typical', (), 0, 99) < TYPICAL_PERCENT
    color = np.where(
        typical[:, None],
        np.array(style.class_colors, np.int32)[labels]
        + draw('spread', (channels,), -COLOR_SPREAD, COLOR_SPREAD),
        draw('color', (channels,), 0, 255))
    # At least 64 away from the first colour in each channel, modulo 256.
    second_color = (color + draw('second color', (channels,), 64, 192)) % 256
    background = draw('background', (channels,), *style.background)
    blotches = draw('blotches', (channels, 4, 4), -BLOTCH, BLOTCH).repeat(
        side // 4, axis=2).repeat(side // 4, axis=3)
    images = np.where(
        shape_masks[:, None],
        np.where(texture_masks[:, None], color[:, :, None, None], second_color[:, :, None, None]),
        background[:, :, None, None] + blotches)
    images = np.clip(images + _draw_noise(file_name, images.shape), 0, 255)
    return np.column_stack([labels, images.reshape(num_records, -1)]).astype(np.uint8)


def _draw_integers(key, shape, low, high):
    """int32 `shape`, uniform in low..high inclusive, up to about 2**-24."""
    count = int(np.prod(shape, dtype=np.int64))
    digest = hashlib.shake_128(key.encode('ascii')).digest(4 * count)
    values = np.frombuffer(digest, '<u4').astype(np.uint64)
    scaled = (values * np.uint64(high - low + 1)) >> np.uint64(32)
    return (scaled.astype(np.int32) + np.int32(low)).reshape(shape)


def _draw_noise(key, shape):
    """int16 `shape`, -NOISE..NOISE, from one random byte each, for speed."""
    count = int(np.prod(shape, dtype=np.int64))
    digest = hashlib.shake_128(f'{key}/noise'.encode('ascii')).digest(count)
    values = np.frombuffer(digest, np.uint8).astype(np.int16)
    return (((values * np.int16(2 * NOISE + 1)) >> 8) - NOISE).reshape(shape)


def _build_shape_masks(draw, shapes, side):
    """bool [N, side, side], the pixels of the shapes; `shapes` is int [N], 0..4."""
    center, (least, most) = ([side * limit // 32 for limit in limits]
                             for limits in (CENTER, RADIUS))
    radius = draw('radius', (1, 1), least, most)
    places = np.arange(side, dtype=np.int32)
    dy = places[:, None] - draw('row', (1, 1), *center)
    dx = places - draw('column', (1, 1), *center)
    distance = dx * dx + dy * dy
    wide = np.maximum(abs(dx), abs(dy))
    disc = distance <= radius * radius
    return np.choose(shapes[:, None, None], [
        disc,
        8 * wide <= 7 * radius,
        (abs(dy) <= radius) & (2 * abs(dx) <= dy + radius),
        disc & (4 * distance >= radius * radius),
        (wide <= radius) & (3 * np.minimum(abs(dx), abs(dy)) <= radius)])


def _build_texture_masks(draw, textures, side):
    """bool [N, side, side], the pixels with the shape's first colour."""
    places = np.arange(side, dtype=np.int32)
    rows = (places[:, None] + draw('texture row', (1, 1), 0, 3)) // 2
    columns = (places + draw('texture column', (1, 1), 0, 3)) // 2
    stripes = rows + 0 * columns
    return np.choose(textures[:, None, None], [stripes, rows + columns]) % 2 == 0
