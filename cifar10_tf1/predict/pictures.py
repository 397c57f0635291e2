"""A user's picture files as the network's input.

A PNG or JPEG of any size becomes as large as the data set's images: turned
upright as its EXIF data says, its central square scaled down (or up) with an
antialiasing filter. Where the data set is grey, so does the picture become, and
light on dark: one with a light border is inverted.
"""

import os
import stat
import warnings
from typing import NamedTuple

import numpy as np

from cifar10_tf1.common import extras
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.predict import png

SUFFIXES = ('.png', '.jpg', '.jpeg')  # looked for in folders, in any case
PREVIEW_SIZE = 160                    # pixels, the longer side
_ORIENTATION = 0x0112                 # EXIF's number for it

# What is shown through a transparent picture: the white of a page.
_BACKGROUND = (255, 255, 255)


class Picture(NamedTuple):
    name: str            # for people: one line, whatever the file is called
    pixels: np.ndarray   # uint8 [side, side, channels], what is classified
    preview: np.ndarray  # uint8 [rows, columns, 3], the whole picture, small;
    # where it is grey, what is classified
    note: str = ''       # what was done to it, where that is not usual


def list_files(path):
    """The pictures that a path names.

    Args:
      path: str, a file, or a folder, whose PNG and JPEG files are taken, by
        their names' endings and in the names' order; not those in folders
        inside of it.
    Returns:
      list of str.
    Raises:
      UserError: where a folder holds none or can't be read.
    """
    if not os.path.isdir(path):
        return [path]
    try:
        names = sorted(os.listdir(path))
    except OSError as error:
        raise UserError(f'cannot read the folder: {error.strerror}')
    paths = [os.path.join(path, name) for name in names
             if name.lower().endswith(SUFFIXES) and not name.startswith('.')]
    paths = [path for path in paths if not os.path.isdir(path)]
    if not paths:
        raise UserError('the folder holds no picture (no file that ends in '
                        + ', '.join(SUFFIXES) + ')')
    return paths


def load_picture(path, shape):
    """Reads and scales one file.

    Args:
      path: str.
      shape: systems.base.PictureShape.

    Returns:
      Picture.
    Raises:
      UserError: why it is none that can be read; without its name.
    """
    Image = extras.load('PIL.Image', 'reading pictures')
    with warnings.catch_warnings():
        # Pillow refuses what is over 178 megapixels, and warns from half of
        # that on; a large photograph needs no warning.
        warnings.simplefilter('ignore')
        try:
            # Anything else, a pipe among others, could block for ever.
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise UserError('is not a file')
            if not os.path.getsize(path):
                raise UserError('is empty')
            with Image.open(path, formats=('PNG', 'JPEG')) as image:
                if image.format == 'PNG':
                    png.check_complete(path)
                return _convert(Image, image, printable(path), shape)
        except UserError:
            raise
        except Image.DecompressionBombError:
            raise UserError(f'has more than {2 * Image.MAX_IMAGE_PIXELS:,} '
                            'pixels; make it smaller first')
        except MemoryError:
            raise UserError('does not fit into memory; make it smaller first')
        # What Pillow raises at bytes that it can't make sense of: OSError,
        # SyntaxError, ValueError, struct.error and others, by format and place.
        except Exception as error:  # pylint: disable=broad-except
            raise UserError(_explain(error))


def printable(text):
    """One line that any terminal takes, whatever a file is called."""
    return ''.join(character if character.isprintable() else
                   character.encode('unicode_escape').decode('ascii')
                   for character in text)


def _explain(error):
    strerror = getattr(error, 'strerror', None)
    if strerror:
        return f'cannot be read: {strerror}'
    if type(error).__name__ == 'UnidentifiedImageError':
        return 'is neither PNG nor JPEG, or damaged'
    line = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return f'is damaged: {printable(line)}'


def _convert(Image, image, name, shape):
    """Picture of an open PIL.Image; an animation's first frame."""
    width, height = image.size
    side = min(width, height)
    # A JPEG can be decoded at an eighth of its size, much faster. What is left
    # is large enough for the filter to do the rest.
    scale = max(4 * shape.side / side, 2 * PREVIEW_SIZE / max(width, height))
    image.draft(None, (max(1, int(width * scale)), max(1, int(height * scale))))
    # Before the EXIF data is looked for, which decodes a PNG and hides that it
    # is damaged; Pillow says so once only.
    image.load()
    turn = _find_turn(Image, image)
    image = _as_rgb_or_rgba(Image, image)
    width, height = image.size
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    # A box of half pixels keeps the middle in the middle.
    pixels = image.resize((shape.side, shape.side), Image.LANCZOS,
                          (left, top, left + side, top + side))
    scale = PREVIEW_SIZE / max(width, height)
    preview = image.resize((max(1, round(width * scale)),
                            max(1, round(height * scale))), Image.LANCZOS)
    pixels, preview = (
        _flatten(Image, part if turn is None else part.transpose(turn))
        for part in (pixels, preview))
    if shape.channels == 3:
        return Picture(name, np.asarray(pixels), np.asarray(preview))
    pixels, note = np.asarray(pixels.convert('L')), ''
    if shape.is_light_on_dark and _has_light_border(pixels):
        pixels, note = 255 - pixels, 'inverted: light on dark'
    return Picture(name, pixels[:, :, np.newaxis], as_rgb(pixels), note)


def as_rgb(pixels):
    """uint8 [rows, columns], or with 1 or 3 channels, to [rows, columns, 3]."""
    if pixels.ndim == 2:
        pixels = pixels[:, :, np.newaxis]
    return np.broadcast_to(pixels, pixels.shape[:2] + (3,))


def _has_light_border(pixels):
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    return np.median(border) > 127


def _find_turn(Image, image):
    """The PIL transposition that turns a picture upright, or None."""
    try:
        orientation = image.getexif().get(_ORIENTATION)
    # Damaged EXIF data says nothing; the picture can be whole all the same.
    except Exception:  # pylint: disable=broad-except
        return None
    return {2: Image.FLIP_LEFT_RIGHT, 3: Image.ROTATE_180,
            4: Image.FLIP_TOP_BOTTOM, 5: Image.TRANSPOSE, 6: Image.ROTATE_270,
            7: Image.TRANSVERSE, 8: Image.ROTATE_90}.get(orientation)


def _as_rgb_or_rgba(Image, image):
    """Any mode as one that the filter can average."""
    if image.mode.startswith('I'):
        # 16 bits of grey; Pillow would cut off at 255 instead of dividing.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.mode.endswith(('A', 'a')) or 'transparency' in image.info:
        return image.convert('RGBA')
    return image.convert('RGB')


def _flatten(Image, image):
    if image.mode == 'RGB':
        return image
    page = Image.new('RGBA', image.size, _BACKGROUND + (255,))
    return Image.alpha_composite(page, image).convert('RGB')
