"""The deviations and quirks of a system, from its page in docs/systems/."""

import os
import re

from cifar10_tf1.common import extras

_PAGES = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__)))), 'docs', 'systems')


def render(system_name):
    """HTML of that section of the page; None where the pages are not installed.

    Links become their text, because a report is one file.
    """
    try:
        with open(os.path.join(_PAGES, f'{system_name}.md'), encoding='utf-8') as file:
            section = file.read().split('\n## Deviations and quirks\n')[1]
    except (OSError, IndexError):
        return None
    return render_markdown(section.split('\n## ')[0])


def render_markdown(text):
    text = re.sub(r'!?\[([^\]]*)\]\([^)]*\)', r'\1', text)
    # Most renderers begin a list without the empty line that this one needs.
    text = re.sub(r'(?m)^(?![-*] |  |\d+\. )(\S.*)\n(?=[-*] |\d+\. )', r'\1\n\n', text)
    return extras.load('markdown', 'the HTML report').markdown(
        re.sub(r'<!--.*?-->', '', text, flags=re.DOTALL), extensions=['tables'])
