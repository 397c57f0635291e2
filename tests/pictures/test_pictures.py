"""A user's picture files as the network sees them."""

import os
import struct
import zlib

import numpy as np
import pytest

import model_helpers
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.predict import pictures
from cifar10_tf1.systems.base import PictureShape

COLOR = PictureShape(32, 3, 24)
DIGIT = PictureShape(28, 1, 28, is_light_on_dark=True)


@pytest.fixture
def load(image, tmp_path):
    """Saves a PIL image and reads it as predict does: a Picture, of int64 pixels."""
    def save_and_load(picture, shape=COLOR, **options):
        path = str(tmp_path / 'a.png')
        picture.save(path, **options)
        loaded = pictures.load_picture(path, shape)
        return loaded._replace(pixels=loaded.pixels.astype(int))

    return save_and_load


@pytest.mark.parametrize('orientation, stored', [
    (1, None), (2, 'FLIP_LEFT_RIGHT'), (3, 'ROTATE_180'), (4, 'FLIP_TOP_BOTTOM'),
    (5, 'TRANSPOSE'), (6, 'ROTATE_90'), (7, 'TRANSVERSE'), (8, 'ROTATE_270')])
def test_pictures_are_turned_upright(image, load, orientation, stored):
    upright = model_helpers.draw_scene(image)
    exif = image.Exif()
    exif[0x0112] = orientation
    turned = load(upright.transpose(getattr(image, stored)) if stored else upright,
                  exif=exif.tobytes())
    assert np.abs(turned.pixels - load(upright).pixels).max() <= 1
    assert turned.preview.shape == (60, 90, 3)


def test_damaged_exif_data_is_no_reason_to_refuse_a_picture(image, load):
    scene = model_helpers.draw_scene(image)
    assert (load(scene, exif=b'nonsense').pixels == load(scene).pixels).all()


@pytest.mark.parametrize('size', [(500, 100), (99, 98), (1, 1)])
def test_the_central_square_is_taken(image, load, size):
    picture = image.new('RGB', size, (255, 0, 0))
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    picture.paste((0, 200, 0), (left, top, left + side + 1, top + side + 1))
    pixels = load(picture).pixels
    assert pixels.shape == (32, 32, 3)
    assert (np.abs(pixels - [0, 200, 0]) <= 1)[2:-2, 2:-2].all()


def test_scaling_does_not_alias(image, load):
    """A fine chequerboard becomes grey, not stripes."""
    board = (np.indices((640, 640)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.abs(load(image.fromarray(board)).pixels - 127.5).max() < 3


def test_32_pixels_pass_unchanged(image, load):
    pixels = np.random.RandomState(0).randint(0, 256, [32, 32, 3]).astype(np.uint8)
    assert (load(image.fromarray(pixels)).pixels == pixels).all()


def test_modes(image, load):
    color = model_helpers.draw_scene(image)
    grey = color.convert('L')
    expected, expected_grey = load(color).pixels, load(grey).pixels
    deep = image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    assert np.abs(load(deep).pixels - expected_grey).max() <= 1
    palette = color.convert('P', palette=1, colors=256)
    assert np.abs(load(palette).pixels - expected).mean() < 6
    for mode in ('RGB', 'CMYK'):
        pixels = load(color.convert(mode), format='JPEG', quality=95).pixels
        assert np.abs(pixels - expected).mean() < 3
    assert set(np.unique(load(grey.convert('1', dither=0)).pixels)) >= {0, 255}


@pytest.mark.parametrize('mode', ['RGBA', 'LA'])
def test_what_is_transparent_is_white(image, load, mode):
    opaque = model_helpers.draw_scene(image, (64, 64)).convert(mode[:-1])
    alpha = np.zeros([64, 64], np.uint8)
    alpha[:, 32:] = 255
    picture = opaque.copy()
    picture.putalpha(image.fromarray(alpha))
    pixels = load(picture).pixels
    assert (pixels[:, :15] >= 254).all()
    assert np.abs(pixels - load(opaque).pixels)[:, 17:].max() <= 5


@pytest.mark.parametrize('depth, transparent, opaque, shown', [
    (1, [0], [1], 255), (2, [1], [2], 170), (4, [3], [6], 102), (8, [9], [50], 50),
    (16, [0x1234], [0x1235], 0x12), (16, [1, 0x203, 5], [0x101, 0x203, 5], [1, 2, 0]),
    (8, [7, 8, 9], [7, 8, 10], [7, 8, 10])])
def test_a_transparent_value_is_white_at_every_depth(image, tmp_path, depth, transparent,
                                                     opaque, shown):
    """The left half of a PNG is transparent by a tRNS chunk; Pillow writes only 8 bits."""
    def chunk(kind, content):
        return (struct.pack('>I', len(content)) + kind + content
                + struct.pack('>I', zlib.crc32(kind + content)))

    bits = ''.join(format(value, f'0{depth}b') for value in transparent * 16 + opaque * 16)
    row = b'\0' + int(bits, 2).to_bytes(len(bits) // 8, 'big')
    color_type = 0 if len(opaque) == 1 else 2
    path = tmp_path / 'a.png'
    path.write_bytes(
        b'\x89PNG\r\n\x1a\n'
        + chunk(b'IHDR', struct.pack('>IIBBBBB', 32, 32, depth, color_type, 0, 0, 0))
        + chunk(b'tRNS', struct.pack(f'>{len(transparent)}H', *transparent))
        + chunk(b'IDAT', zlib.compress(row * 32)) + chunk(b'IEND', b''))
    pixels = pictures.load_picture(str(path), COLOR).pixels
    assert (pixels[:, :16] == 255).all()
    assert (pixels[:, 16:] == shown).all()


@pytest.mark.parametrize('shape', [COLOR, DIGIT])
def test_a_blank_picture_is_said_to_be_blank(image, load, shape):
    """White strokes on a transparent page become white on white."""
    digit = image.new('LA', (100, 100), (255, 0))
    digit.paste((255, 255), (40, 10, 60, 90))
    assert 'blank' in load(digit, shape).note
    digit.paste((0, 255), (40, 10, 60, 90))
    assert 'blank' not in load(digit, shape).note


def test_digits_become_light_on_dark(image, load):
    page = image.new('L', (28, 28), 255)
    page.paste(30, (10, 4, 18, 24))
    dark = load(page, DIGIT)
    light = load(image.fromarray(255 - np.asarray(page)), DIGIT)
    assert 'inverted' in dark.note and light.note == ''
    assert (light.pixels == dark.pixels).all()
    assert light.pixels.shape == (28, 28, 1) and light.pixels[14, 14] == 225


def test_damage_is_seen(image, tmp_path):
    """Cut files, and damaged pixels, which Pillow reports only once."""
    path = tmp_path / 'a.png'
    model_helpers.draw_scene(image).save(str(path))
    whole = path.read_bytes()
    place = whole.index(b'IDAT') + 24
    for content in (*(whole[:length] for length in range(1, len(whole) - 20, 97)),
                    whole[:place] + bytes(20) + whole[place + 20:]):
        path.write_bytes(content)
        with pytest.raises(UserError, match='cannot be read'):
            pictures.load_picture(str(path), COLOR)
    path.unlink()
    os.mkfifo(str(path))  # to open it would wait for ever
    with pytest.raises(UserError, match='not a regular file'):
        pictures.load_picture(str(path), COLOR)
