"""The project's pages, for tests that hold them against code and records."""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tools'))

import readme_tables  # noqa: E402

PAGES = readme_tables.list_pages()


def read(name):
    with open(os.path.join(ROOT, name), encoding='utf-8') as file:
        return file.read()
