"""A user's pictures, as the network gets to see them."""

import tracemalloc
import warnings

import numpy as np
import pytest

import model_helpers
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.predict import pictures
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


def load(picture, path, **options):
    """Saves a PIL image, and reads it as predict does."""
    picture.save(str(path), **options)
    return pictures.load_picture(str(path), deep_cnn.picture).pixels.astype(int)


@pytest.mark.parametrize('orientation, stored', [
    (1, None), (2, 'FLIP_LEFT_RIGHT'), (3, 'ROTATE_180'),
    (4, 'FLIP_TOP_BOTTOM'), (5, 'TRANSPOSE'), (6, 'ROTATE_90'),
    (7, 'TRANSVERSE'), (8, 'ROTATE_270')])
def test_pictures_are_turned_upright(image, tmp_path, orientation, stored):
    upright = model_helpers.draw_scene(image)
    turned = upright.transpose(getattr(image, stored)) if stored else upright
    exif = image.Exif()
    exif[0x0112] = orientation
    pixels = load(turned, tmp_path / 'a.png', exif=exif.tobytes())
    assert np.abs(pixels - load(upright, tmp_path / 'b.png')).max() <= 1
    assert np.abs(pixels - pixels[::-1]).max() > 50


@pytest.mark.parametrize('size', [(500, 100), (100, 500), (99, 98)])
def test_the_central_square_is_taken(image, tmp_path, size):
    picture = image.new('RGB', size, (255, 0, 0))
    side = min(size)
    left, top = (size[0] - side) // 2, (size[1] - side) // 2
    picture.paste((0, 200, 0), (left, top, left + side + 1, top + side + 1))
    pixels = load(picture, tmp_path / 'a.png')
    assert pixels.shape == (32, 32, 3)
    assert (np.abs(pixels[:, 2:-2] - [0, 200, 0]) <= 1)[2:-2].all()


def test_scaling_does_not_alias(image, tmp_path):
    """A fine chequerboard becomes grey, not stripes."""
    board = (np.indices((640, 640)).sum(axis=0) % 2 * 255).astype(np.uint8)
    pixels = load(image.fromarray(board), tmp_path / 'a.png')
    assert np.abs(pixels - 127.5).max() < 3


def test_32_pixels_pass_unchanged(image, tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, [32, 32, 3])
    assert (load(image.fromarray(pixels.astype(np.uint8)), tmp_path / 'a.png')
            == pixels).all()


def test_modes(image, tmp_path):
    color = model_helpers.draw_scene(image)
    grey = color.convert('L')
    expected = load(color, tmp_path / 'color.png')
    expected_grey = load(grey, tmp_path / 'grey.png')
    assert (expected_grey[..., 0] == expected_grey[..., 2]).all()
    deep = image.fromarray(np.asarray(grey).astype(np.uint16) * 257)
    assert np.abs(load(deep, tmp_path / 'deep.png') - expected_grey).max() <= 1
    assert np.abs(load(color.convert('P', palette=1, colors=256),
                       tmp_path / 'palette.png') - expected).mean() < 6
    for name in ('a.jpg', 'cmyk.jpg'):
        picture = color.convert('CMYK') if name == 'cmyk.jpg' else color
        assert np.abs(load(picture, tmp_path / name, quality=95)
                      - expected).mean() < 3
    assert set(np.unique(load(grey.convert('1', dither=0),
                              tmp_path / 'bits.png'))) >= {0, 255}


def test_what_is_transparent_is_white(image, tmp_path):
    picture = model_helpers.draw_scene(image, (64, 64)).convert('RGBA')
    alpha = np.zeros([64, 64], np.uint8)
    alpha[:, 32:] = 255
    picture.putalpha(image.fromarray(alpha))
    pixels = load(picture, tmp_path / 'a.png')
    assert (pixels[:, :15] >= 254).all()
    opaque = load(model_helpers.draw_scene(image, (64, 64)), tmp_path / 'b.png')
    assert np.abs(pixels[:, 17:] - opaque[:, 17:]).max() <= 5
    grey = picture.convert('LA')
    assert (load(grey, tmp_path / 'c.png')[:, :15] >= 254).all()
    palette = image.new('P', (64, 64), 1)
    palette.putpalette([0, 0, 0, 10, 20, 30])
    palette.paste(0, (0, 0, 32, 64))
    pixels = load(palette, tmp_path / 'd.png', transparency=0)
    assert (pixels[:, :15] >= 254).all()
    assert np.abs(pixels[:, 17:] - [10, 20, 30]).max() <= 5


def test_one_pixel_and_a_line(image, tmp_path):
    one = image.new('RGB', (1, 1), (200, 30, 40))
    assert (load(one, tmp_path / 'a.png') == [200, 30, 40]).all()
    line = image.new('L', (20000, 1), 90)
    assert (load(line, tmp_path / 'b.png') == 90).all()


def test_damage_in_the_pixels_is_seen(image, tmp_path):
    """Pillow raises at the first attempt only; the next gives black pixels."""
    path = tmp_path / 'a.png'
    model_helpers.draw_scene(image).save(str(path))
    content = bytearray(path.read_bytes())
    place = content.index(b'IDAT') + 4
    content[place + 20:place + 40] = bytes(20)
    path.write_bytes(bytes(content))
    with pytest.raises(UserError, match='is damaged'):
        pictures.load_picture(str(path), deep_cnn.picture)


def test_16_bits_take_no_more_memory_than_colours(image, tmp_path):
    path = tmp_path / 'a.png'
    image.fromarray(np.full([1000, 1000], 30000, np.uint16)).save(str(path))
    tracemalloc.start()
    try:
        pixels = pictures.load_picture(str(path), deep_cnn.picture).pixels
        unused_now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (pixels == 30000 >> 8).all()
    assert peak < 14e6  # bytes: of NumPy, not those of Pillow


@pytest.mark.slow
def test_100_megapixels_without_a_warning(image, tmp_path, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        picture = image.new('1', (10000, 10000), 1)
        pixels = load(picture, tmp_path / 'a.png', compress_level=1)
    assert (pixels == 255).all()
    assert capfd.readouterr().err == ''
