"""Writes the tables of all pages from the records in results/.

    python tools/readme_tables.py

How to add one: page_tables/__init__.py.
"""

import glob
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.join(ROOT, 'tools')]

import page_tables  # noqa: E402
# Importing them registers their tables.
from page_tables import deep_cnn, elsewhere, inception_v3, lenet5  # noqa: E402,F401
from page_tables import notebooks, overview, speed  # noqa: E402,F401


def list_pages():
    """Lists the paths of all pages."""
    return [*(os.path.join(ROOT, *path) for path in (
        ['README.md'], ['CHANGELOG.md'], ['CONTRIBUTING.md'], ['docker', 'README.md'],
        ['results', 'README.md'])),
            *sorted(glob.glob(os.path.join(ROOT, 'docs', '**', '*.md'),
                              recursive=True))]


def render(text):
    """A page's text with its tables from the records."""
    def build(match):
        begin, name, end = match.group(1, 2, 4)
        return '\n'.join([begin, *page_tables.TABLES[name](), end])

    return re.sub(r'^(<!-- (\w+) -->)\n(.*?\n)??(<!-- /\2 -->)$', build, text,
                  flags=re.MULTILINE | re.DOTALL)


def main():
    for path in list_pages():
        with open(path, encoding='utf-8') as file:
            text = render(file.read())
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)


if __name__ == '__main__':
    main()
