"""The deviations and quirks of a system, from its page in docs/systems/.

As much of Markdown as those pages have: headings, paragraphs, lists, code,
tables, emphasis. A link becomes its text, because a report is one file.
"""

import os
import re

from cifar10_tf1.report.page import escape

_PAGES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), 'docs', 'systems')


def add(page, system_name):
    """Of the system's page, which is the one place where they are listed."""
    page.heading('Deviations and quirks')
    try:
        with open(os.path.join(_PAGES, f'{system_name}.md'),
                  encoding='utf-8') as file:
            section = file.read().split('\n## Deviations and quirks\n')[1]
    except (OSError, IndexError):
        page.paragraph(f'They stand in docs/systems/{system_name}.md, which is '
                       'not here.', 'lacking')
        return
    add_markdown(page, section.split('\n## ')[0])


def add_markdown(page, text):
    text = re.sub(r'<!--.*?-->', '', text, flags=re.DOTALL)
    for block in re.split(r'\n[ \t]*\n', text.strip('\n')):
        if block.strip():
            _add_block(page, block)


def _add_block(page, block):
    if block.startswith('#'):
        page.raw(f'<h3>{_format(block.lstrip("# "))}</h3>')
    elif block.startswith('|'):
        header, unused_rule, *rows = [
            [_strip(cell) for cell in line.strip().strip('|').split('|')]
            for line in block.splitlines()]
        page.table(header, rows, long=range(len(header)))
    elif re.match(r' {4}', block):
        page.raw(f'<pre><code>{escape(_dedent(block))}</code></pre>')
    else:
        for kind, lines in _split_lists(block):
            items = ''.join(f'<li>{_format(item)}</li>' for item in lines)
            page.raw(f'<p>{_format(lines[0])}</p>' if kind == 'p'
                     else f'<{kind}>{items}</{kind}>')


def _split_lists(block):
    """[(kind, texts)]: kind is 'p', 'ul' or 'ol'; a text of p is a paragraph."""
    groups = []
    for line in block.splitlines():
        item = re.match(r'\s*([-*]|\d+\.)\s+(.*)', line)
        kind = 'p' if not item else 'ul' if item.group(1) in '-*' else 'ol'
        if item:
            if not groups or groups[-1][0] != kind:
                groups.append((kind, []))
            groups[-1][1].append(item.group(2))
        elif groups:  # goes on with the text or the item
            groups[-1][1][-1] += '\n' + line
        else:
            groups.append((kind, [line]))
    return groups


def _format(text):
    """Inline Markdown as HTML."""
    parts = re.split(r'`([^`]*)`', _unlink(' '.join(text.split())))
    return ''.join(
        f'<code>{escape(part)}</code>' if i % 2 else re.sub(
            r'\*(?=\S)([^*]+)(?<=\S)\*', r'<em>\1</em>', re.sub(
                r'\*\*([^*]+)\*\*', r'<b>\1</b>', escape(part)))
        for i, part in enumerate(parts))


def _unlink(text):
    return re.sub(r'!?\[([^\]]*)\]\([^)]*\)', r'\1', text)


def _strip(cell):
    """A table's cell as plain text."""
    return re.sub(r'[`*]', '', _unlink(cell.strip()))


def _dedent(block):
    return '\n'.join(line[4:] for line in block.splitlines())
