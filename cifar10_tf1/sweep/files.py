"""What a sweep writes into its folder: seeds.csv, statistics, the report."""

import json
import os

from cifar10_tf1.common import extras
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.report import several
from cifar10_tf1.sweep import runs as runs_module
from cifar10_tf1.sweep import summary as summaries
from cifar10_tf1.sweep import text

SEEDS = 'seeds.csv'
STATISTICS = 'statistics.json'
TEXT = 'statistics.txt'
REPORT = 'report.html'  # with the figures


def write(folder, runs, entry):
    """Writes the files anew, each at once.

    Args:
      folder: str.
      runs: list of runs.Run.
      entry: systems.Entry.
    Returns:
      list of str: the text's lines, and what was written.
    Raises:
      UserError: where the folder can't be written.
    """
    summary = summaries.summarize(runs, entry)
    lines = text.format_summary(summary)
    write_file(os.path.join(folder, SEEDS), runs_module.format_csv(runs, entry))
    write_file(os.path.join(folder, STATISTICS), json.dumps(
        summary, indent=1, sort_keys=True) + '\n')
    write_file(os.path.join(folder, TEXT), '\n'.join(lines) + '\n')
    written = f'Written to {folder}: {SEEDS}, {STATISTICS}, {TEXT}'
    return lines + ['', written + _write_report(folder, runs)]


def _write_report(folder, runs):
    """The page of all runs; returns what is to be said of it."""
    records = [run.record for run in runs if run.is_complete]
    if not records:
        return ''
    try:
        extras.require('matplotlib', REPORT)
        gathered = several.gather(records)
    except UserError as error:  # not installed; or runs that no page can hold
        return f'; no {REPORT}: {error}'
    from cifar10_tf1.report import several_sections
    write_file(os.path.join(folder, REPORT), several_sections.build(gathered))
    return f', {REPORT}'


def write_file(path, content):
    """Puts a file into its place; a reader sees the old or the new one whole.

    Args:
      path: str.
      content: str or bytes.
    Raises:
      UserError: where it can't be written.
    """
    # Several tasks of a cluster may do so at the same time.
    temporary = f'{path}.{os.getpid()}.tmp'
    content = content if isinstance(content, bytes) else content.encode('utf-8')
    try:
        with open(temporary, 'wb') as file:
            file.write(content)
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f'cannot write {path}: {error.strerror}; free some '
                        'space, or choose another --folder')
