"""One HTML file that needs no network and no other file."""

import base64
import html
import re

# What our own files begin with; nothing else is ever overwritten.
HEAD = '<!DOCTYPE html>\n<!-- cifar10_tf1.report -->\n'

# On a narrow screen the rows of a table of many columns become blocks, each
# cell with the name of its column. In the dark the charts are turned to light
# on dark; their colours keep their hues.
_STYLE = """
:root { color-scheme: light dark; --page: #fff; --text: #1a1a1a;
  --soft: #555; --line: #ddd; --link: #005a8d; --warn: #c24e00;
  --good: #00694d; --box: #f4f4f4; }
@media (prefers-color-scheme: dark) {
  :root { --page: #121212; --text: #e6e6e6; --soft: #adadad; --line: #3c3c3c;
    --link: #78bdf0; --warn: #ff9a57; --good: #4fd1a5; --box: #1e1e1e; }
  img.chart { filter: invert(1) hue-rotate(180deg); }
}
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif;
  color: var(--text); background: var(--page); max-width: 68rem;
  margin: 0 auto; padding: 1rem; overflow-wrap: break-word; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem;
  border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .4rem; }
p, li { max-width: 46rem; }
a { color: var(--link); }
.note { color: var(--soft); font-size: .9rem; }
.lacking { border-left: 4px solid var(--warn); padding-left: .8rem; }
.counts { display: grid; gap: .8rem; margin: 1rem 0;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 17rem), 1fr)); }
.counts > div { background: var(--box); border-radius: .4rem;
  padding: .7rem .9rem; }
.counts b { font-size: 1.7rem; line-height: 1.2; }
.counts span { display: block; color: var(--soft); font-size: .9rem; }
.verdict { border-left: 4px solid var(--soft); padding-left: .8rem;
  margin: .6rem 0; }
.good { border-color: var(--good); }
.bad { border-color: var(--warn); }
.good > b { color: var(--good); }
.bad > b { color: var(--warn); }
nav ul { padding: 0; margin: 1rem 0; display: flex; flex-wrap: wrap;
  gap: .3rem 1.1rem; list-style: none; }
summary { cursor: pointer; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .9rem; margin-bottom: .9rem; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top; }
.n { text-align: right; font-variant-numeric: tabular-nums; }
.long { overflow-wrap: anywhere; min-width: 6rem; }
code { font: .85em ui-monospace, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
pre { white-space: pre-wrap; margin: .6rem 0 .6rem 1rem; }
.charts { display: grid; gap: 1.5rem; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; }
img.chart, img.picture { width: 100%; max-width: 36rem; height: auto; }
figcaption { color: var(--soft); font-size: .85rem; max-width: 36rem; }
.mistakes { display: grid; gap: .9rem;
  grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); }
.mistakes img { width: 96px; height: 96px; image-rendering: pixelated; }
.mistakes figcaption { line-height: 1.3; }
@media (max-width: 42rem) {
  table { width: 100%; }
  .wide, .wide tbody, .wide tr, .wide td { display: block; }
  .wide tr { border-bottom: 2px solid var(--line); padding: .3rem 0; }
  .wide tr.header { display: none; }
  .wide td { display: flex; justify-content: space-between; gap: 1rem;
    text-align: right; border: 0; padding: .1rem 0; min-width: 0; }
  .wide td::before { content: attr(data-label); color: var(--soft);
    text-align: left; flex: none; max-width: 45%; }
}
"""
_CONTENTS = object()
_MAX_COLUMNS = 4  # that stand side by side on a narrow screen


class Page:
    """HTML in the making; every text that it is given is escaped."""

    def __init__(self):
        self._parts = []
        self._headings = []  # (id, text)

    def raw(self, text):
        self._parts.append(text)

    def heading(self, text):
        anchor = re.sub(r'[^a-z0-9]+', '-', text.lower()).strip('-')
        self._headings.append((anchor, text))
        self.raw(f'<h2 id="{escape(anchor)}">{escape(text)}</h2>')

    def contents(self):
        """A line of links to all headings, also to those that follow."""
        self._parts.append(_CONTENTS)

    def paragraph(self, text, kind=''):
        self.raw(f'<p class="{kind}">{escape(text)}</p>')

    def counts(self, items):
        """Large numbers side by side.

        Args:
          items: list of (what it is of, number, note, or '').
        """
        self.raw('<div class="counts">' + ''.join(
            f'<div><span>{escape(label)}</span><b>{escape(number)}</b>'
            f'<span>{escape(note)}</span></div>'
            for label, number, note in items) + '</div>')

    def verdict(self, is_good, word, text):
        """A finding: is_good is None where nothing can be said."""
        kind = {True: ' good', False: ' bad', None: ''}[is_good]
        self.raw(f'<p class="verdict{kind}"><b>{escape(word)}</b> '
                 f'{escape(text)}</p>')

    def table(self, header, rows, numeric=(), long=()):
        """numeric, long: the columns to the right, and those that may break."""
        def cells(row, tag):
            return ''.join(
                '<{0} class="{1}"{2}>{3}</{0}>'.format(
                    tag, 'n' if i in numeric else 'long' if i in long else '',
                    f' data-label="{escape(header[i])}"'
                    if tag == 'td' and header else '', escape(cell))
                for i, cell in enumerate(row))

        kind = ' class="wide"' if len(header) > _MAX_COLUMNS else ''
        self.raw(f'<table{kind}>' + (
            f'<tr class="header">{cells(header, "th")}</tr>' if header else '')
            + ''.join(f'<tr>{cells(row, "td")}</tr>' for row in rows)
            + '</table>')

    def figure(self, content, alternative, caption='', kind='chart'):
        """An SVG: a 'chart', or a 'picture', whose colours are what it shows."""
        self.raw(f'<figure><img class="{kind}" alt="{escape(alternative)}" '
                 f'src="data:image/svg+xml;base64,{encode_base64(content)}">'
                 f'<figcaption>{escape(caption)}</figcaption></figure>')

    def finish(self, title):
        contents = '<nav><ul>' + ''.join(
            f'<li><a href="#{escape(anchor)}">{escape(text)}</a></li>'
            for anchor, text in self._headings) + '</ul></nav>'
        return (HEAD + '<html lang="en"><head><meta charset="utf-8">'
                '<meta name="viewport" content="width=device-width, '
                f'initial-scale=1"><title>{escape(title)}</title>'
                f'<style>{_STYLE}</style></head><body>\n'
                + '\n'.join(contents if part is _CONTENTS else part
                            for part in self._parts) + '\n</body></html>\n')


def escape(value):
    return html.escape(str(value))


def encode_base64(content):
    return base64.b64encode(content).decode('ascii')
