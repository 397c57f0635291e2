"""Reads picture files and converts them to the network's input.

A PNG or JPEG of any size is turned upright according to its EXIF data and put on a
white page. Its central square is scaled, with antialiasing, to the size of the data
set's images. For a grey data set it becomes grey; if the data set is light on dark, a
picture with a light border is inverted.
"""

import contextlib
import os
import warnings
from typing import NamedTuple, Optional

import numpy as np

from cifar10_tf1.common import files, packages
from cifar10_tf1.common.errors import UserError

SUFFIXES = ('.png', '.jpg', '.jpeg')  # of files in folders; upper case counts too
PREVIEW_SIZE = 160                    # pixels, the longer side

# Converts a PNG's transparent value (tRNS) to 8 bits; Pillow converts only the pixels.
_TRANSPARENT = {'L;2': lambda grey: grey * 85, 'L;4': lambda grey: grey * 17,
                'RGB;16B': lambda rgb: tuple(value >> 8 for value in rgb)}


class Picture(NamedTuple):
    """A picture to classify."""
    name: str                    # the path
    pixels: np.ndarray           # uint8 [side, side, channels], the network's input
    preview: np.ndarray          # uint8 [rows, columns, 3], the whole picture
    note: str = ''               # what was unusual about it
    label: Optional[int] = None  # the true class, if known


def list_files(path):
    """The PNG and JPEG files in a folder that are not hidden; else [path]."""
    unused_path, unused_folders, names = next(os.walk(path), (path, [], []))
    return [os.path.join(path, name) for name in sorted(names)
            if name.lower().endswith(SUFFIXES) and not name.startswith('.')] or [path]


def load_picture(path, shape):
    """Reads and scales one file, or the first frame of an animation: Picture.

    The shape is a systems.base.PictureShape. Raises UserError, which does not name the file,
    if it can't be read.
    """
    Image = packages.load('PIL.Image', 'reading pictures')
    if os.path.isdir(path):
        raise UserError(f'no picture in this folder (no {", ".join(SUFFIXES)} file)')
    with warnings.catch_warnings():
        # Pillow refuses pictures above 178 megapixels and warns above half of that.
        warnings.simplefilter('ignore')
        try:
            with files.open_regular(path) as file, Image.open(
                    file, formats=('PNG', 'JPEG')) as image:
                return _convert(image, path, shape)
        # On damaged bytes Pillow raises OSError, SyntaxError, ValueError, struct.error and
        # others. One text ends with the file object, "<_io.BufferedReader ...>".
        except Exception as error:  # pylint: disable=broad-except
            reason = getattr(error, 'strerror', None) or str(error) or repr(error)
            reason = reason.splitlines()[0].split(' <')[0]
            raise UserError(f'cannot be read as PNG or JPEG: {reason}')


def as_rgb(pixels):
    """uint8 [rows, columns, 1 or 3] as [rows, columns, 3]."""
    return np.broadcast_to(pixels, pixels.shape[:2] + (3,))


def _convert(image, name, shape):
    from PIL import Image, ImageOps
    # Decoding a JPEG at a fraction of its size, down to an eighth, is much faster and
    # leaves enough pixels for the filter.
    scale = max(4 * shape.side / min(image.size), 2 * PREVIEW_SIZE / max(image.size))
    image.draft(None, tuple(int(side * scale) for side in image.size))
    raw_mode = image.tile[0][3]
    image.load()  # first, because Pillow reports damaged pixels only once
    image = _as_rgba(image, raw_mode)
    pixels = _finish(ImageOps.fit(image, (shape.side, shape.side), Image.LANCZOS))
    image.thumbnail((PREVIEW_SIZE, PREVIEW_SIZE), Image.LANCZOS)
    preview, note = np.asarray(_finish(image)), ''
    if shape.channels == 1:
        pixels = np.asarray(pixels.convert('L'))[:, :, np.newaxis]
        border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        if shape.is_light_on_dark and np.median(border) > 127:
            pixels, note = 255 - pixels, 'inverted: light on dark'
        preview = as_rgb(pixels)
    pixels = np.asarray(pixels)
    if (pixels == pixels[0, 0]).all():
        note = 'blank: a single colour'
    return Picture(name, pixels, preview, note)


def _as_rgba(image, raw_mode):
    from PIL import Image
    transparent = image.info.get('transparency')
    if image.mode.startswith('I'):
        # Pillow would clip 16-bit grey at 255 instead of scaling it.
        values = np.asarray(image)
        image = Image.fromarray((values >> 8).astype(np.uint8))
        if transparent is not None:
            image.putalpha(Image.fromarray((values != transparent).astype(np.uint8) * 255))
    elif transparent is not None and raw_mode in _TRANSPARENT:
        image.info['transparency'] = _TRANSPARENT[raw_mode](transparent)
    return image.convert('RGBA')


def _finish(image):
    """Turns an RGBA picture upright and puts it on a white page."""
    from PIL import Image, ImageOps
    with contextlib.suppress(Exception):  # damaged EXIF data beside a whole picture
        image = ImageOps.exif_transpose(image)
    page = Image.new('RGBA', image.size, 'white')
    return Image.alpha_composite(page, image).convert('RGB')
