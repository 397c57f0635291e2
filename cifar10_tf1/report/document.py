"""The parts of a report, and their form as text; page.py renders them as HTML."""

from typing import Callable, List, NamedTuple, Optional, Sequence, Union


class Sentence(NamedTuple):
    word: str                       # bold on the page
    text: str                       # the rest of the sentence
    is_good: Optional[bool] = None  # None: neither, or unknown


class Figure(NamedTuple):
    content: Union[Callable, bytes]  # draws on a matplotlib Figure; or a PNG
    alternative: str
    caption: str = ''
    is_picture: bool = False  # keeps its colours in the dark


class Table(NamedTuple):
    header: Sequence[str]
    rows: List[Sequence]
    title: str = ''  # folded on the page under this title


class Section(NamedTuple):
    title: str
    sentences: Sequence[Sentence] = ()
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    code: str = ''  # only on the page, and folded


class Document(NamedTuple):
    title: str
    counts: List[tuple]  # (label, number, note): the answer
    sections: List[Section]


def format_text(document, with_tables):
    """The text of a Document; with_tables adds each epoch, test or run."""
    width = max(len(label) for label, unused_number, unused_note in document.counts)
    lines = [f'{label:{width}s}  {number}' + (f'; {note}' if note else '')
             for label, number, note in document.counts]
    return '\n'.join(lines + format_sections(document.sections, with_tables)) + '\n'


def format_sections(sections, with_tables=False):
    lines = []
    for section in sections:
        content = [f'  {sentence.word} {sentence.text}' for sentence in section.sentences]
        for table in section.tables if with_tables else ():
            content += _format_table(table)
        lines += ['', f'{section.title}:', *content] if content else []
    return lines


def _format_table(table):
    rows = [[str(cell) for cell in row] for row in [table.header, *table.rows]]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ['  ' + '  '.join(map(str.ljust, row, widths)).rstrip() for row in rows]


def count(number, what):
    """'1 epoch', '3 epochs', '2 processes'."""
    plural = what + ('es' if what.endswith('s') else 's')
    return f'{number} {what if number == 1 else plural}'
