"""The pictures that README.md shows."""

import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DOCS = os.path.join(ROOT, 'docs')


def test_pictures_are_small():
    names = os.listdir(DOCS)
    assert {'loss.png', 'deviation.png', 'predict.png'} <= set(names)
    for name in names:
        assert name.endswith('.png'), name
        with open(os.path.join(DOCS, name), 'rb') as file:
            content = file.read()
        assert content.startswith(b'\x89PNG') and len(content) < 200e3, name
