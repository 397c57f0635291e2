"""The files that a sweep writes: seeds.csv, statistics, the report."""

import csv
import io
import json
import os

from cifar10_tf1.common import files
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import counting
from cifar10_tf1.report import gathering
from cifar10_tf1.report import page
from cifar10_tf1.report import several
from cifar10_tf1.report import summary as summaries
from cifar10_tf1.report import words

SEEDS = 'seeds.csv'
STATISTICS = 'statistics.json'
TEXT = 'statistics.txt'
REPORT = 'report.html'  # with the figures

_COLUMNS = ('seed', 'state', 'epochs', 'runtime', 'kernels', 'machine',
            'num_correct', 'mean_correct', 'sd_correct', 'min_correct', 'max_correct')


def write(folder, runs, entry):
    """Writes the files on a system's runs (gathering.Run).

    Returns:
      list of str: the lines of the text, and what was written.
    Raises:
      UserError: the folder can't be written.
    """
    contents, lines, lacking = {SEEDS: format_csv(runs, entry)}, [], ''
    try:
        summary = summaries.summarize(runs, entry)
        lines = words.format_summary(summary) + ['']
        contents[STATISTICS] = json.dumps(summary, indent=1, sort_keys=True) + '\n'
        contents[TEXT] = '\n'.join(lines)
        complete = [run.record for run in runs if run.is_complete]
        if complete:
            gathering.load_records(complete)  # refuses what one page can't hold
            contents[REPORT] = page.render(several.build(runs, summary), entry)
    except UserError as error:  # or an optional package is missing
        lacking = f'; nothing more: {error}'
    for name, content in contents.items():
        path = os.path.join(folder, name)
        try:
            files.write_atomically(path, content)
        except OSError as error:
            raise UserError(f'cannot write {path}: {error.strerror}; free some space, or '
                            'choose another --folder')
    return lines + [f'Written to {folder}: {", ".join(contents)}{lacking}']


def format_csv(runs, entry):
    """The content of seeds.csv: a line for each run, also for those that failed."""
    first, *others = entry.variants
    measure = counting.choose_measure(entry.documented)
    columns = [*_COLUMNS, *([] if measure.is_count else [measure.key]),
               *(f'{variant}_correct' for variant in others), 'weights_sha256']
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval='', lineterminator='\n')
    writer.writeheader()
    for run in runs:
        row = {'seed': run.seed, 'state': run.state}
        if run.record and run.record.epochs:
            weights = run.record.content['weights'] or {}
            row.update(epochs=run.kind.epochs, runtime=run.kind.runtime,
                       kernels=run.kind.kernels,
                       machine=description.name_machine(run.record.kind),
                       weights_sha256=weights.get('sha256', ''))
        counts = run.list_counts(first)
        if counts:
            unused_n, mean, sd, least, greatest = statistics_of_runs.summarize(counts)
            row.update(num_correct=counts[0], mean_correct=f'{mean:.1f}',
                       min_correct=least, max_correct=greatest,
                       sd_correct='' if sd is None else f'{sd:.1f}')
        if not measure.is_count and run.values:
            row[measure.key] = run.tests[first][0][measure.key]
        row.update((f'{variant}_correct', run.list_counts(variant)[0])
                   for variant in others if run.list_counts(variant))
        writer.writerow(row)
    return text.getvalue()
