"""The systems' pages in the report: read as Markdown, none of it left."""

import html
import re

import pytest

from cifar10_tf1 import systems
from cifar10_tf1.report import quirks
from cifar10_tf1.report.page import Page


def render(text):
    page = Page()
    quirks.add_markdown(page, text)
    return '\n'.join(page._parts)


@pytest.mark.parametrize('name', systems.NAMES)
def test_no_markdown_is_left(name):
    page = Page()
    quirks.add(page, name)
    content = page.finish('').split('</h2>')[1]
    assert content.count('<li>') > 5
    text = html.unescape(re.sub(r'<[^>]*>', '', re.sub(
        r'<code>[^<]*</code>', '', content)))
    for mark in ('](', '**', '`', '\n- ', '\n#', '|---', '<!--'):
        assert mark not in text, mark


def test_a_page_that_is_not_there():
    page = Page()
    quirks.add(page, 'none')
    assert 'docs/systems/none.md, which is not here' in page.finish('')


@pytest.mark.parametrize('text, expected', [
    ('Some *text* that is\n**wrapped** & short: `a * b * c`.',
     '<p>Some <em>text</em> that is <b>wrapped</b> &amp; short: '
     '<code>a * b * c</code>.</p>'),
    ('Kept:\n- one, see [Speed](../x.md#speed)\n  and on\n- two',
     '<p>Kept:</p>\n<ul><li>one, see Speed and on</li><li>two</li></ul>'),
    ('1. one\n2. [`two`](x)',
     '<ol><li>one</li><li><code>two</code></li></ol>'),
    ('### In short\n\n    a <b>\n      c',
     '<h3>In short</h3>\n<pre><code>a &lt;b&gt;\n  c</code></pre>'),
    ('<!-- hidden -->2 * 3 * 4', '<p>2 * 3 * 4</p>'),
])
def test_markdown(text, expected):
    assert render(text) == expected


def test_a_table():
    assert ('<td class="long" data-label="b">2</td>') in render(
        '| `a` | b |\n|---|---|\n| [1](x) | **2** |')
