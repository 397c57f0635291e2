"""Writes the tables of all pages from the records in results/.

    python tools/readme_tables.py

How to add one: page_tables/__init__.py.
"""

import os
import pathlib
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT, os.path.join(ROOT, 'tools')]

import page_tables  # noqa: E402
from page_tables import claim, runs, speed  # noqa: E402,F401  they register their tables


def list_pages():
    """Lists the paths of all pages."""
    root = pathlib.Path(ROOT)
    return [str(path) for folder in ('.', 'docker', 'results', 'docs', 'docs/systems')
            for path in sorted((root / folder).glob('*.md'))]


def render(text):
    """A page's text with its tables from the records."""
    def build(match):
        begin, name, arguments, end = match.group(1, 2, 3, 5)
        return '\n'.join([begin, *page_tables.TABLES[name](*arguments.split()), end])

    return re.sub(r'^(<!-- (\w+)([^\n>]*) -->)\n(.*?\n)??(<!-- /\2 -->)$', build, text,
                  flags=re.MULTILINE | re.DOTALL)


def main():
    for path in list_pages():
        with open(path, encoding='utf-8') as file:
            text = render(file.read())
        with open(path, 'w', encoding='utf-8') as file:
            file.write(text)


if __name__ == '__main__':
    main()
