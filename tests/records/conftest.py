"""A report's page."""

import html
import re
from unittest import mock

import pytest

import model_helpers
from cifar10_tf1.report import __main__ as report, charts, page as pages


class Page:
    """A report: its text, the kinds of its pictures; nothing comes from elsewhere."""

    def __init__(self, path):
        self.raw = path.read_text(encoding='utf-8')
        assert self.raw.startswith(pages.HEAD)
        assert not re.search(r'<(script|link|iframe|object)|http', self.raw)
        links, anchors = (re.findall(pattern, self.raw)
                          for pattern in ('href="#([^"]+)"', 'id="([^"]+)"'))
        assert links == anchors and len(set(links)) == len(links) > 2
        self.text = html.unescape(re.sub('<[^>]*>', '\n', self.raw))
        self.kinds = re.findall('src="data:image/([a-z]+)', self.raw)


@pytest.fixture
def make_page(tmp_path):
    """Function of a report's arguments to its Page; charts take time to draw."""
    for package in ('matplotlib', 'jinja2', 'markdown'):
        model_helpers.need(package)
    output = tmp_path / 'report.html'

    def make(*arguments, status=0, with_charts=False):
        draw = charts.draw if with_charts else lambda plot: b'<svg/>'
        with mock.patch.object(charts, 'draw', draw):
            assert report.main([*map(str, arguments), '--output', str(output)]) == status
        return Page(output)

    return make
