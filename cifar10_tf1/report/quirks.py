"""The deviations and quirks of a system, from its page in docs/systems/."""

import os
import re

from cifar10_tf1 import systems
from cifar10_tf1.common import extras

_ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def render(entry):
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
    kept = [part for part in parts if part.split('\n')[0].strip('`') not in others]
    return render_markdown('\n### '.join([common, *kept]))


def render_markdown(text):
    text = re.sub(r'!?\[([^\]]*)\]\([^)]*\)', r'\1', text)
    # Unlike most renderers, this one needs an empty line before a list.
    text = re.sub(r'(?m)^(?![-*] |  |\d+\. )(\S.*)\n(?=[-*] |\d+\. )', r'\1\n\n', text)
    return extras.load('markdown', 'the HTML report').markdown(
        re.sub(r'<!--.*?-->', '', text, flags=re.DOTALL), extensions=['tables'])
