"""Renders a report as one HTML file that needs no network and no other file."""

import base64
import os
import re

from cifar10_tf1 import systems
from cifar10_tf1.common import extras
from cifar10_tf1.report import charts
from cifar10_tf1.report.document import Section

# The first lines of a report; only files that start with them are overwritten.
HEAD = '<!DOCTYPE html>\n<!-- cifar10_tf1.report -->\n'
_FOLDER = os.path.dirname(os.path.abspath(__file__))
_ROOT = os.path.dirname(os.path.dirname(_FOLDER))


def render(document, entry):
    """The HTML of a Document on runs of a system (systems.Entry).

    Raises:
      UserError: an optional package is missing.
    """
    jinja2 = extras.load('jinja2', charts.PURPOSE)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters.update(
        anchor=lambda title: re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-'),
        encode=lambda content: base64.b64encode(
            content if isinstance(content, bytes) else charts.draw(content)).decode())
    with open(os.path.join(_FOLDER, 'style.css'), encoding='utf-8') as file:
        style = file.read()
    return HEAD + environment.get_template('page.html').render(
        document=document, style=style, quirks=render_quirks(entry), page=entry.page,
        sections=[*document.sections, Section('Deviations and quirks')])


def render_quirks(entry):
    """HTML of that section of a system's page, or None if the page is not installed.

    On a page for several systems, a subsection named after another system is left
    out. Links become plain text, because a report is a single file.
    """
    try:
        with open(os.path.join(_ROOT, entry.page), encoding='utf-8') as file:
            section = file.read().split('\n## Deviations and quirks\n')[1]
    except (OSError, IndexError):
        return None
    common, *parts = section.split('\n## ')[0].split('\n### ')
    others = set(systems.NAMES) - {entry.name}
    text = '\n### '.join([common, *(
        part for part in parts if part.split('\n')[0].strip('`') not in others)])
    text = re.sub(r'!?\[([^\]]*)\]\([^)]*\)', r'\1', text)
    # Unlike most renderers, this one needs an empty line before a list.
    text = re.sub(r'(?m)^(?![-*] |  |\d+\. )(\S.*)\n(?=[-*] |\d+\. )', r'\1\n\n', text)
    return extras.load('markdown', charts.PURPOSE).markdown(
        re.sub(r'<!--.*?-->', '', text, flags=re.DOTALL), extensions=['tables'])
