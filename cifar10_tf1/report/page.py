"""One HTML file that needs no network and no other file."""

import base64
import html

# What our own files begin with; nothing else is ever overwritten.
HEAD = '<!DOCTYPE html>\n<!-- cifar10_tf1.report -->\n'

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, "DejaVu Sans", sans-serif; color: #1a1a1a;
  background: #fff; max-width: 68rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .6rem;
  border-bottom: 1px solid #ccc; padding-bottom: .2rem; }
p, li { max-width: 46rem; }
.note { color: #555; font-size: .9rem; }
.lacking { border-left: 4px solid #D55E00; padding-left: .8rem; }
.scroll { overflow-x: auto; margin-bottom: .9rem; }
summary { cursor: pointer; margin: .5rem 0; }
table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .8rem .25rem 0;
  border-bottom: 1px solid #e6e6e6; vertical-align: top;
  white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
td.long { white-space: normal; overflow-wrap: anywhere; min-width: 9rem; }
code { font: .85em ui-monospace, "DejaVu Sans Mono", monospace;
  overflow-wrap: anywhere; }
.charts { display: grid; gap: 1.5rem;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
figure { margin: 0; }
figure > img { width: 100%; max-width: 36rem; height: auto; }
figcaption { color: #555; font-size: .85rem; max-width: 36rem; }
.mistakes { display: grid; gap: .9rem;
  grid-template-columns: repeat(auto-fill, minmax(7rem, 1fr)); }
.mistakes img { width: 96px; height: 96px; image-rendering: pixelated; }
.mistakes figcaption { line-height: 1.3; }
"""


class Page:
    """HTML in the making; every text that it is given is escaped."""

    def __init__(self):
        self._parts = []

    def raw(self, text):
        self._parts.append(text)

    def heading(self, text):
        self.raw(f'<h2>{escape(text)}</h2>')

    def paragraph(self, text, kind=''):
        self.raw(f'<p class="{kind}">{escape(text)}</p>')

    def table(self, header, rows, numeric=(), long=()):
        """numeric, long: the columns to the right, and those that may break."""
        def cells(row, tag):
            return ''.join(
                '<{0} class="{1}">{2}</{0}>'.format(
                    tag, 'n' if i in numeric else 'long' if i in long else '',
                    escape(cell)) for i, cell in enumerate(row))

        self.raw('<div class="scroll"><table>'
                 + (f'<tr>{cells(header, "th")}</tr>' if header else '')
                 + ''.join(f'<tr>{cells(row, "td")}</tr>' for row in rows)
                 + '</table></div>')

    def figure(self, content, alternative, caption=''):
        self.raw(f'<figure><img alt="{escape(alternative)}" '
                 f'src="data:image/svg+xml;base64,{encode_base64(content)}">'
                 f'<figcaption>{escape(caption)}</figcaption></figure>')

    def finish(self, title):
        return (HEAD + '<html lang="en"><head><meta charset="utf-8">'
                '<meta name="viewport" content="width=device-width, '
                f'initial-scale=1"><title>{escape(title)}</title>'
                f'<style>{_STYLE}</style></head><body>\n'
                + '\n'.join(self._parts) + '\n</body></html>\n')


def escape(value):
    return html.escape(str(value))


def encode_base64(content):
    return base64.b64encode(content).decode('ascii')
