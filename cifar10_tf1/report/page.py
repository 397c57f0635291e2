"""Renders a report as one HTML file that needs no network and no other file."""

import base64
import os
import re

from cifar10_tf1 import systems
from cifar10_tf1.common import packages
from cifar10_tf1.report import charts

# The first lines of a report; only files that start with them are overwritten.
HEAD = '<!DOCTYPE html>\n<!-- cifar10_tf1.report -->\n'
_FOLDER = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(os.path.dirname(_FOLDER))


def render(document, entry):
    """The HTML of a Document on runs of a systems.Entry.

    Raises UserError if an optional package is missing.
    """
    jinja2 = packages.load('jinja2', charts.PURPOSE)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters.update(
        anchor=lambda title: re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-'),
        encode=lambda content: base64.b64encode(
            content if isinstance(content, bytes) else charts.draw(content)).decode())
    return HEAD + environment.get_template('page.html').render(
        document=document, quirks=render_quirks(entry))


def render_quirks(entry):
    """HTML of the section "Deviations and quirks" of a system's page.

    On a page for several systems, a subsection named after another system is left
    out. Links become plain text, because a report is a single file.
    """
    with open(os.path.join(_ROOT, entry.page), encoding='utf-8') as file:
        section = file.read().split('\n## Deviations and quirks\n')[1].split('\n## ')[0]
    others = set(systems.NAMES) - {entry.name}
    text = '\n### '.join(part for part in section.split('\n### ')
                         if part.split('\n')[0] not in others)
    return packages.load('markdown', charts.PURPOSE).markdown(
        re.sub(r'!?\[([^\]]*)\]\([^)]*\)', r'\1', text))
