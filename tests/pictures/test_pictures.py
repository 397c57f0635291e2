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
    """Saves a PIL image and reads it as predict does: int64 [32, 32, 3]."""
    def save_and_load(picture, name='a.png', **options):
        path = str(tmp_path / name)
        picture.save(path, **options)
        return pictures.load_picture(path, COLOR).pixels.astype(int)

    return save_and_load


@pytest.mark.parametrize('orientation, stored', [
    (1, None), (2, 'FLIP_LEFT_RIGHT'), (3, 'ROTATE_180'),
    (4, 'FLIP_TOP_BOTTOM'), (5, 'TRANSPOSE'), (6, 'ROTATE_90'),
    (7, 'TRANSVERSE'), (8, 'ROTATE_270')])
def test_pictures_are_turned_upright(image, load, tmp_path, orientation, stored):
    upright = model_helpers.draw_scene(image)
    turned = upright.transpose(getattr(image, stored)) if stored else upright
    exif = image.Exif()
    exif[0x0112] = orientation
    pixels = load(turned, exif=exif.tobytes())
    assert np.abs(pixels - load(upright)).max() <= 1
    assert np.abs(pixels - pixels[::-1]).max() > 50
    turned.save(str(tmp_path / 'b.png'), exif=exif.tobytes())
    preview = pictures.load_picture(str(tmp_path / 'b.png'), COLOR).preview
    assert preview.shape == (60, 90, 3)


def test_damaged_exif_data_is_no_reason_to_refuse_a_picture(image, load):
    scene = model_helpers.draw_scene(image)
    assert (load(scene, exif=b'nonsense') == load(scene)).all()


@pytest.mark.parametrize('size', [(500, 100), (99, 98), (1, 1)])
def test_the_central_square_is_taken(image, load, size):
    picture = image.new('RGB', size, (255, 0, 0))
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    picture.paste((0, 200, 0), (left, top, left + side + 1, top + side + 1))
    pixels = load(picture)
    assert pixels.shape == (32, 32, 3)
    assert (np.abs(pixels[:, 2:-2] - [0, 200, 0]) <= 1)[2:-2].all()


def test_scaling_does_not_alias(image, load):
    """A fine chequerboard becomes grey, not stripes."""
    board = (np.indices((640, 640)).sum(axis=0) % 2 * 255).astype(np.uint8)
    assert np.abs(load(image.fromarray(board)) - 127.5).max() < 3


def test_32_pixels_pass_unchanged(image, load):
    pixels = np.random.RandomState(0).randint(0, 256, [32, 32, 3])
    assert (load(image.fromarray(pixels.astype(np.uint8))) == pixels).all()


def test_modes(image, load):
    color = model_helpers.draw_scene(image)
    grey = color.convert('L')
    expected, expected_grey = load(color), load(grey)
    assert (expected_grey[..., 0] == expected_grey[..., 2]).all()
    deep = image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    assert np.abs(load(deep) - expected_grey).max() <= 1
    palette = color.convert('P', palette=1, colors=256)
    assert np.abs(load(palette) - expected).mean() < 6
    for mode in ('RGB', 'CMYK'):
        pixels = load(color.convert(mode), 'a.jpg', quality=95)
        assert np.abs(pixels - expected).mean() < 3
    assert set(np.unique(load(grey.convert('1', dither=0)))) >= {0, 255}


def test_what_is_transparent_is_white(image, load):
    picture = model_helpers.draw_scene(image, (64, 64)).convert('RGBA')
    alpha = np.zeros([64, 64], np.uint8)
    alpha[:, 32:] = 255
    picture.putalpha(image.fromarray(alpha))
    pixels = load(picture)
    assert (pixels[:, :15] >= 254).all()
    opaque = load(model_helpers.draw_scene(image, (64, 64)))
    assert np.abs(pixels[:, 17:] - opaque[:, 17:]).max() <= 5
    assert (load(picture.convert('LA'))[:, :15] >= 254).all()


def build_png(depth, colour_type, transparent, opaque):
    """A PNG of 32 x 32 pixels: left half transparent by a tRNS chunk, the rest not."""
    def chunk(kind, content):
        return (struct.pack('>I', len(content)) + kind + content
                + struct.pack('>I', zlib.crc32(kind + content)))

    bits = ''.join(format(value, f'0{depth}b')
                   for value in transparent * 16 + opaque * 16)
    row = b'\0' + int(bits, 2).to_bytes(len(bits) // 8, 'big')
    header = struct.pack('>IIBBBBB', 32, 32, depth, colour_type, 0, 0, 0)
    return (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', header)
            + chunk(b'tRNS', struct.pack(f'>{len(transparent)}H', *transparent))
            + chunk(b'IDAT', zlib.compress(row * 32)) + chunk(b'IEND', b''))


@pytest.mark.parametrize('depth, transparent, opaque, shown', [
    (1, [0], [1], 255), (2, [1], [2], 170), (4, [3], [6], 102), (8, [9], [50], 50),
    (16, [0x1234], [0x1235], 0x12), (16, [1, 0x203, 5], [0x101, 0x203, 5], [1, 2, 0]),
    (8, [7, 8, 9], [7, 8, 10], [7, 8, 10])])
def test_a_transparent_value_is_white_at_every_depth(image, tmp_path, depth,
                                                     transparent, opaque, shown):
    path = tmp_path / 'a.png'
    path.write_bytes(build_png(depth, 0 if len(opaque) == 1 else 2, transparent,
                               opaque))
    pixels = pictures.load_picture(str(path), COLOR).pixels
    assert (pixels[:, :16] == 255).all()
    assert (pixels[:, 16:] == shown).all()


@pytest.mark.parametrize('shape', [COLOR, DIGIT])
def test_a_blank_picture_is_said_to_be_blank(image, tmp_path, shape):
    """White strokes on a transparent page become white on white."""
    path = str(tmp_path / 'a.png')
    digit = image.new('LA', (100, 100), (255, 0))
    digit.paste((255, 255), (40, 10, 60, 90))
    digit.save(path)
    assert 'blank' in pictures.load_picture(path, shape).note
    digit.paste((0, 255), (40, 10, 60, 90))
    digit.save(path)
    assert 'blank' not in pictures.load_picture(path, shape).note


def test_digits_become_light_on_dark(image, tmp_path):
    path = str(tmp_path / 'a.png')
    page = image.new('L', (28, 28), 255)
    page.paste(30, (10, 4, 18, 24))
    page.save(path)
    dark = pictures.load_picture(path, DIGIT)
    assert 'inverted' in dark.note
    image.fromarray(255 - np.asarray(page)).save(path)
    light = pictures.load_picture(path, DIGIT)
    assert light.note == '' and (light.pixels == dark.pixels).all()
    assert light.pixels.shape == (28, 28, 1) and light.pixels[14, 14] == 225


def test_damage_is_seen(image, tmp_path):
    """Cut files, and damaged pixels, which Pillow reports only once."""
    path = tmp_path / 'a.png'
    model_helpers.draw_scene(image).save(str(path))
    whole = path.read_bytes()
    damaged = bytearray(whole)
    place = whole.index(b'IDAT') + 4
    damaged[place + 20:place + 40] = bytes(20)
    os.mkfifo(str(tmp_path / 'pipe.png'))  # to open it would wait for ever
    with pytest.raises(UserError, match='not a regular file'):
        pictures.load_picture(str(tmp_path / 'pipe.png'), COLOR)
    cuts = [whole[:length] for length in range(1, len(whole) - 20, 97)]
    for content in cuts + [bytes(damaged)]:
        path.write_bytes(content)
        with pytest.raises(UserError, match='cannot be read'):
            pictures.load_picture(str(path), COLOR)
