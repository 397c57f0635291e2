"""The tables of the pages, each made from the records in results/.

A table stands in a page between two marks, each on a line of its own:

    <!-- NAME ARGUMENT... -->
    <!-- /NAME -->

To add one, write a function build_NAME in a module here that returns its lines, and
name it by @table.
"""

import csv
import json
import os
import textwrap

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLES = {}  # name: the function of its lines


def table(build):
    """Makes a function build_NAME the table NAME."""
    TABLES[build.__name__[len('build_'):]] = build
    return build


def format_table(header, rows):
    """The lines of a table in Markdown."""
    lines = ['| ' + ' | '.join(map(str, row)) + ' |' for row in [header, *rows]]
    return [lines[0], '|---' * len(header) + '|', *lines[1:]]


def wrap(text, indent=''):
    """Lines of at most 98 characters; 'p = 0.02' and '5 %' stay together."""
    text = text.replace(' = ', '\0=\0').replace(' %', '\0%')
    lines = textwrap.wrap(text, 98, subsequent_indent=indent)
    return [line.replace('\0', ' ') for line in lines]


def load_rows(path):
    """The rows of a CSV file of the project, each a dict."""
    with open(os.path.join(ROOT, path), newline='') as file:
        return list(csv.DictReader(file))


def load_json(path):
    with open(os.path.join(ROOT, path)) as file:
        return json.load(file)


@table
def build_csv(path, *columns):
    """Columns of a CSV file, as they are."""
    return format_table([name.replace('_', ' ') for name in columns],
                        [[row[name] for name in columns] for row in load_rows(path)])
