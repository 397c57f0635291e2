"""All runs of a folder, whatever became of them, and their lines in seeds.csv."""

import csv
import io
import os
import re
from typing import NamedTuple
from typing import Optional

from cifar10_tf1 import data
from cifar10_tf1.machine import description
from cifar10_tf1.records import run_record
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1 import systems
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.sweep import counts
from cifar10_tf1.sweep import jobs

COMPLETE = 'complete'
_COLUMNS = ('seed', 'state', 'epochs', 'runtime', 'kernels', 'machine',
            'num_correct', 'mean_correct', 'sd_correct', 'min_correct', 'max_correct')
_LAST_COLUMN = 'weights_sha256'


class Group(NamedTuple):
    """What runs must share to be summed up together."""
    data: str
    runtime: str
    kernels: str
    train_files: Optional[int]  # None: all
    is_from_scratch: bool       # seeded weights in the place of published ones
    epochs: int


class Run(NamedTuple):
    """A run that is there, or was to be."""
    name: str                 # of its folder
    seed: Optional[int]
    state: str                # COMPLETE, or what it lacks, in words
    record: Optional[run_record.RunRecord] = None  # None: not begun, or damaged
    counts: dict = {}         # variant -> list of right images by test seed

    @property
    def is_complete(self):
        return self.state == COMPLETE

    @property
    def group(self):
        record = self.record
        source = data.SOURCES[systems.find(record.content['system']).data]
        train_files = record.settings.train_files
        return Group(record.content['data']['name'], record.kind['wheel'],
                     record.kind['kernels'],
                     None if train_files == source.num_train_files
                     else train_files, bool(record.is_from_scratch),
                     record.epochs[-1]['epoch'])


def load_runs(folder, entry, num_epochs=None, seeds=()):
    """Every run of a system that is in a folder, or was to be there.

    Args:
      folder: str; each folder in it that holds a run.json is a run.
      entry: systems.Entry.
      num_epochs: int, of a complete run; None: as it was begun.
      seeds: list of int, those that were asked for.
    Returns:
      list of Run, in the order of runtimes and seeds.
    Raises:
      UserError: where the folder can't be read.
    """
    try:
        names = set(os.listdir(folder))
    except OSError as error:
        raise UserError(f'cannot read {folder}: {error.strerror}; choose '
                        'another --folder')
    request = jobs.Request(entry, folder)
    asked = {jobs.Job(request, seed).name: seed for seed in seeds}
    logs = os.path.join(folder, jobs.LOGS)
    if jobs.LOGS in names:
        asked.update((match.group(1), int(match.group(2))) for match in filter(
            None, (re.match(r'^(seed-(\d+))\.failure$', name)
                   for name in os.listdir(logs))))
    runs = []
    for name in sorted(names | set(asked)):
        path = os.path.join(folder, name)
        if os.path.exists(os.path.join(path, run_record.FILE)):
            run = _load_run(path, name, entry, num_epochs)
        elif name in asked:
            run = Run(name, asked[name], 'not begun')
        else:
            continue
        failure = _read(os.path.join(logs, name + '.failure'))
        if run and failure and not run.is_complete:
            run = run._replace(state=f'failed: {failure}')
        runs += [run] if run else []
    return sorted(runs, key=_find_place)


def _load_run(path, name, entry, num_epochs):
    """The Run of a folder; None where it is of another system."""
    try:
        record = run_record.load_folder(path)
    except UserError as error:
        number = re.search(r'\d+$', name)
        return Run(name, number and int(number.group()), f'damaged: {error}')
    if record.content['system'] != entry.name:
        return None
    seed = record.settings.seed
    if not record.epochs:
        return Run(name, seed, 'no epoch yet')
    numbers = {variant: list(counts.list_counts(record, variant).values())
               for variant in entry.variants}
    num_epochs = num_epochs or record.settings.epochs
    missing = counts.list_missing(record)
    if not jobs.is_trained(record, num_epochs):
        state = f'at epoch {record.epochs[-1]["epoch"]} of {num_epochs}'
    elif missing:
        state = f'{len(missing)} tests are missing'
    else:
        state = COMPLETE
    return Run(name, seed, state, record, numbers)


def _find_place(run):
    """By data, version of the runtime and kernels; those without a record last."""
    seed = -1 if run.seed is None else run.seed
    if not run.record:
        return 1, '', '', '', seed, run.name
    group = run.group
    return (0, group.data, group.runtime.split()[-1],
            str(group[2:]), seed, run.name)


def format_csv(runs, entry):
    """seeds.csv: a line for each run, also for those that failed.

    Args:
      runs: list of Run.
      entry: systems.Entry.
    """
    first, *others = entry.variants
    columns = list(_COLUMNS) + [f'{variant}_correct' for variant in others] + [
        _LAST_COLUMN]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, restval='', lineterminator='\n')
    writer.writeheader()
    for run in runs:
        row = {'seed': run.seed, 'state': run.state}
        if run.record:
            kind = run.record.kind
            row.update(epochs=run.group.epochs, runtime=kind['wheel'],
                       kernels=kind['kernels'],
                       machine=description.name_machine(kind))
            weights = run.record.content['weights'] or {}
            row[_LAST_COLUMN] = weights.get('sha256', '')
        numbers = run.counts.get(first)
        if numbers:
            unused_n, mean, sd, least, greatest = statistics_of_runs.summarize(
                numbers)
            row.update(num_correct=numbers[0], mean_correct=f'{mean:.1f}',
                       min_correct=least, max_correct=greatest,
                       sd_correct='' if sd is None else f'{sd:.1f}')
        for variant in others:
            if run.counts.get(variant):
                row[f'{variant}_correct'] = run.counts[variant][0]
        writer.writerow(row)
    return text.getvalue()


def _read(path):
    try:
        with open(path, encoding='utf-8') as file:
            return file.read().strip()
    except FileNotFoundError:
        return ''
