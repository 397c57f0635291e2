"""The pages in docs/: their pictures, links, and what each answers."""

import os
import re

import pytest

from cifar10_tf1 import systems
from test_readme import PAGES
from test_readme import ROOT
from test_readme import read

DOCS = os.path.join(ROOT, 'docs')
# [text](target) and ![text](target), outside of code.
LINK = re.compile(r'!?\[[^\]]*\]\(([^)\s]+)\)')


def strip_code(text):
    """A page without its code blocks and the code within lines."""
    text = re.sub(r'^```.*?^```$', '', text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r'`[^`\n]*`(?!\])', '', text)


def list_anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r'^#+ (.*)$', re.sub(
        r'^```.*?^```$', '', text, flags=re.MULTILINE | re.DOTALL), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-')
            for heading in headings}


def find_dead_links(page, text):
    """The links of a page that lead nowhere: other files, or anchors in pages."""
    dead = []
    for target in LINK.findall(strip_code(text)):
        if re.match(r'[a-z]+:', target):
            continue  # elsewhere
        name, unused_hash, anchor = target.partition('#')
        path = os.path.join(os.path.dirname(page), name) if name else page
        if not os.path.exists(path):
            dead.append(target)
        elif anchor and anchor not in list_anchors(read(path)):
            dead.append(target)
    return dead


@pytest.mark.parametrize('page', PAGES, ids=lambda page: os.path.relpath(page, ROOT))
def test_every_link_leads_somewhere(page):
    assert find_dead_links(page, read(page)) == []


def test_a_dead_link_is_found():
    page = os.path.join(DOCS, 'README.md')
    text = ('[a](tour.md) [b](tour.md#the-report) [c](absent.md) [d](tour.md#absent)'
            ' [e](#one-or-two) ![f](../docs/absent.png) `[g](absent)` '
            '[h](https://example.org/absent)\n```\n[i](absent)\n```\n')
    assert find_dead_links(page, text) == ['absent.md', 'tour.md#absent',
                                           '#one-or-two', '../docs/absent.png']


def test_every_page_is_in_the_index():
    text = read('docs/README.md')
    for page in PAGES:
        name = os.path.relpath(page, DOCS)
        if name not in ('README.md', '../README.md'):
            assert f'({name})' in text, name


def test_every_page_begins_with_what_it_answers():
    """In its first paragraph, as a question."""
    for page in PAGES:
        if page not in (os.path.join(ROOT, 'README.md'),
                        os.path.join(DOCS, 'README.md'),
                        os.path.join(ROOT, 'docker', 'README.md')):
            paragraph, = re.match(r'# [^\n]*\n\n(.*?)\n\n', read(page),
                                  re.DOTALL).groups()
            assert '?' in paragraph, page


def test_pictures_are_small():
    names = {name for name in os.listdir(DOCS) if not name.endswith('.md')}
    names -= {'systems', 'cluster'}
    assert {'loss.png', 'deviation.png', 'predict.png', 'sample.png'} <= names
    for name in names:
        assert name.endswith('.png'), name
        with open(os.path.join(DOCS, name), 'rb') as file:
            content = file.read()
        assert content.startswith(b'\x89PNG') and len(content) < 200e3, name


@pytest.mark.parametrize('name', systems.NAMES)
def test_each_system_has_a_page_with_its_quirks(name):
    assert '\n## Deviations and quirks\n' in read(f'docs/systems/{name}.md')
    assert f'docs/systems/{name}.md' in read('README.md')
    assert f'`{name}`' in read('docs/documents.md')
