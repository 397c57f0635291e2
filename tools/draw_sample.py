"""Draws docs/sample.png, a sailing boat, so that there is a picture to classify.

    python tools/draw_sample.py

Needs Pillow. No photograph of anybody: sky, sea, a hull, a mast and two sails.
"""

import os

from PIL import Image
from PIL import ImageDraw

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SAMPLE = os.path.join(ROOT, 'docs', 'sample.png')
SIZE = 192  # pixels, of the picture
_SCALE = 4  # drawn so much larger, for smooth edges

# In hundredths of the picture's size; painted one over the other.
_SKY_TOP, _SKY_BOTTOM = (105, 160, 215), (205, 225, 240)
_SEA_TOP, _SEA_BOTTOM = (45, 100, 140), (20, 55, 90)
_HORIZON = 66
_SHAPES = (
    ((88, 88, 96), ((49, 12), (51, 12), (51, 72), (49, 72))),           # mast
    ((245, 245, 240), ((53, 15), (82, 65), (53, 65))),                  # mainsail
    ((225, 225, 222), ((47, 20), (47, 65), (24, 65))),                  # jib
    ((120, 45, 35), ((12, 69), (90, 69), (79, 82), (23, 82))),          # hull
    ((235, 235, 230), ((12, 69), (90, 69), (88, 72), (14, 72))),        # its edge
)


def draw(size=SIZE):
    """The picture: PIL.Image.Image, RGB, [size, size]."""
    large = size * _SCALE
    picture = Image.new('RGB', (large, large))
    pen = ImageDraw.Draw(picture)
    horizon = large * _HORIZON // 100
    _fill(pen, large, 0, horizon, _SKY_TOP, _SKY_BOTTOM)
    _fill(pen, large, horizon, large, _SEA_TOP, _SEA_BOTTOM)
    for colour, corners in _SHAPES:
        pen.polygon([(x * large / 100, y * large / 100) for x, y in corners],
                    fill=colour)
    for row in range(70, 100, 5):  # waves
        for left in range(row * 7 % 23, 100, 23):
            if row > 82 or not 12 < left < 84:
                pen.line([(left * large / 100, row * large / 100),
                          ((left + 9) * large / 100, row * large / 100)],
                         fill=(120, 165, 195), width=large // 150)
    return picture.resize((size, size), Image.LANCZOS)


def _fill(pen, width, top, bottom, first, last):
    """Rows from one colour to another."""
    for row in range(top, bottom):
        share = (row - top) / (bottom - top)
        pen.line([(0, row), (width, row)], fill=tuple(
            round(a + share * (b - a)) for a, b in zip(first, last)))


if __name__ == '__main__':
    draw().save(SAMPLE, optimize=True)
