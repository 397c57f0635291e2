"""The pictures that README.md shows, and the systems' pages."""

import os

import pytest

from cifar10_tf1 import systems

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
DOCS = os.path.join(ROOT, 'docs')


def test_pictures_are_small():
    names = set(os.listdir(DOCS)) - {'systems'}
    assert {'loss.png', 'deviation.png', 'predict.png'} <= names
    for name in names:
        assert name.endswith('.png'), name
        with open(os.path.join(DOCS, name), 'rb') as file:
            content = file.read()
        assert content.startswith(b'\x89PNG') and len(content) < 200e3, name


@pytest.mark.parametrize('name', systems.NAMES)
def test_each_system_has_a_page_with_its_quirks(name):
    with open(os.path.join(DOCS, 'systems', f'{name}.md')) as file:
        text = file.read()
    assert '\n## Deviations and quirks\n' in text
    with open(os.path.join(ROOT, 'README.md')) as file:
        assert f'docs/systems/{name}.md' in file.read()
