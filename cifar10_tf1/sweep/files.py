"""Writes the files of a sweep: seeds.csv, statistics, the report."""

import csv
import io
import json
import os

from cifar10_tf1.common import files
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.report import gathering, page, building, summary as summaries, words

SEEDS = 'seeds.csv'
STATISTICS = 'statistics.json'
TEXT = 'statistics.txt'
REPORT = 'report.html'  # with the figures


def write(folder, runs, entry):
    """Writes the files about a system's runs (gathering.Run).

    Returns:
      list of str: the lines of the text, and the names of the files.
    Raises:
      UserError: the folder can't be written to.
    """
    text, lines, lacking = io.StringIO(), [], ''
    csv.writer(text, lineterminator='\n').writerows(building.list_rows(runs, entry))
    contents = {SEEDS: text.getvalue()}
    try:
        summary = summaries.summarize(runs, entry)
        lines = words.format_summary(summary) + ['']
        contents[STATISTICS] = json.dumps(summary, indent=1, sort_keys=True) + '\n'
        contents[TEXT] = '\n'.join(lines)
        complete = [run.record for run in runs if run.is_complete]
        if complete:
            gathering.load_records(complete)  # refuses runs that don't fit one report
            contents[REPORT] = page.render(building.build(runs), entry)
    except UserError as error:  # or an optional package is missing
        lacking = f', but no more: {error}'
    for name, content in contents.items():
        path = os.path.join(folder, name)
        try:
            files.write_atomically(path, content)
        except OSError as error:
            raise UserError(f'cannot write {path}: {error.strerror}; free some space, or '
                            'choose another --folder')
    return lines + [f'Written to {folder}: {", ".join(contents)}{lacking}']
