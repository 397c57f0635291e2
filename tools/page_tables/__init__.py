"""The tables of the pages, each made from the records in results/.

A table stands in a page between two marks, `<!-- name -->` and `<!-- /name -->`,
each on a line of its own. To add one, write a function in a module here that
returns its lines, and name it by @table.
"""

import textwrap

TABLES = {}  # name: the function of its lines


def table(build):
    """Makes a function build_NAME the table NAME."""
    TABLES[build.__name__[len('build_'):]] = build
    return build


def wrap(text, indent=''):
    """Lines of at most 98 characters; 'p = 0.02' and '5 %' stay together."""
    text = text.replace(' = ', '\0=\0').replace(' %', '\0%')
    lines = textwrap.wrap(text, 98, subsequent_indent=indent)
    return [line.replace('\0', ' ') for line in lines]
