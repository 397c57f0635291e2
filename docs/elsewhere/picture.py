import numpy as np
from PIL import Image, ImageOps


def load(path):
    """A PNG or JPEG to uint8 [32, 32, 3]: its central square, upright, on white."""
    with Image.open(path) as picture:
        width, height = picture.size
        # Of a large JPEG, Pillow can decode a part of the pixels.
        scale = max(128 / min(width, height), 320 / max(width, height))
        picture.draft(None, (int(width * scale), int(height * scale)))
        picture = picture.convert('RGBA')
    picture = ImageOps.fit(picture, (32, 32), Image.LANCZOS)
    picture = ImageOps.exif_transpose(picture)
    page = Image.new('RGBA', (32, 32), 'white')
    return np.array(Image.alpha_composite(page, picture).convert('RGB'))


def prepare(pixels):
    """uint8 [N, 32, 32, 3] to float32 [N, 24, 24, 3], as the network takes them."""
    crops = pixels[:, 4:28, 4:28].astype(np.float32)
    crops -= crops.mean((1, 2, 3), keepdims=True)
    deviations = crops.std((1, 2, 3), keepdims=True)
    return crops / np.maximum(deviations, 1728 ** -0.5)  # of a flat picture it is 0
