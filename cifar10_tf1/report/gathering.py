"""Selects the runs that count, from a folder or from records, and groups them.

A run counts once its training is finished; its number is the mean of its tests, in
the document's own measure. The runs of a group differ only in seed and processor,
and each seed counts once: on another machine it starts from the same weights and
random numbers, so it is not a second sample.
"""

import os
import re
import statistics
from typing import NamedTuple, Optional

from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.records import run_record
from cifar10_tf1.report import measures

COMPLETE = 'complete'


class Kind(NamedTuple):
    """What the runs of a group have in common."""
    data: str
    runtime: str
    kernels: str
    device: str
    train_files: Optional[int]  # None: all
    is_from_scratch: bool       # seeded weights instead of published ones
    has_other_weights: bool     # pretrained weights other than the documented ones
    epochs: int


class Run(NamedTuple):
    """A run that exists, or that the user asked for."""
    name: str                 # of its folder
    seed: Optional[int]
    state: str                # COMPLETE, or what is missing, in words
    record: Optional[run_record.RunRecord] = None  # None: not begun, or damaged
    is_trained: bool = False  # to its last epoch
    tests: dict = {}          # variant -> list of the tests that count, by seed
    values: list = []         # the documented tests' results, in the document's measure
    missing: list = []        # (variant, seed) of the tests that a complete run has

    @property
    def is_complete(self):
        return self.state == COMPLETE

    @property
    def kind(self):
        record, kind = self.record, self.record.kind
        return Kind(record.data_name, kind['wheel'], kind['kernels'], kind['device'],
                    count_files(record), record.is_from_scratch, record.has_other_weights,
                    count_epochs(record))

    @property
    def number(self):
        """The mean of the values; the run must have been tested."""
        return float(statistics.mean(self.values)) if len(self.values) > 1 else self.values[0]

    def list_counts(self, variant):
        """The variant's numbers of correct images, by test seed."""
        return [test['num_correct'] for test in self.tests.get(variant, ())]


def count_files(record):
    """The number of training files that a run used; None: all."""
    number = record.settings.train_files
    return None if number in (None, record.entry.source.num_train_files) else number


def count_epochs(record):
    """The last recorded epoch; an epoch may have several entries."""
    return max((entry['epoch'] for entry in record.epochs), default=0)


def name_run(seed):
    """The name of a run's folder in a sweep."""
    return f'seed-{seed:02}'


def name_runtime(wheel):
    """'TensorFlow 1.15.0' for 'tensorflow-gpu 1.15.0'."""
    name, unused_space, version = wheel.partition(' ')
    return f'TensorFlow {version}' if name.startswith('tensorflow') else wheel


def load_folder(folder, entry, num_epochs=None, seeds=()):
    """Loads the runs of a systems.Entry in a folder: list of Run, by runtime and seed.

    Damaged runs are among them, and the missing ones of the seeds that the user asked for.
    A complete run has num_epochs, by default those in its settings.
    """
    with explained(f'read {folder}', '--folder'):
        names = set(os.listdir(folder))
    asked, runs = {name_run(seed) for seed in seeds}, []
    for name in names | asked:
        path, number = os.path.join(folder, name), re.search(r'\d+$', name)
        run = Run(name, number and int(number.group()), 'not begun')
        if os.path.exists(os.path.join(path, run_record.FILE)):
            try:
                record = run_record.load_folder(path)
                if record.content['system'] != entry.name:
                    continue
                run = build_run(record, num_epochs)
            except UserError as error:
                run = run._replace(state=f'damaged: {error}')
        elif name not in asked:
            continue
        runs.append(run)
    return sorted(runs, key=_find_place)


def load_records(records):
    """Builds the runs of a list of RunRecord, each with a process: by runtime and seed.

    Raises UserError if they differ in system, data set, amount of data or first weights.
    """
    def find_subject(run):
        return run.record.content['system'], run.kind._replace(
            runtime='', kernels='', device='', epochs=0)

    runs = [build_run(record) for record in records]
    for run in runs:
        if find_subject(run) != find_subject(runs[0]):
            raise UserError(
                f'{run.record.path} and {runs[0].record.path} differ in system, data set, amount '
                'of data or first weights; a report covers one of each, so omit one')
    return sorted(runs, key=_find_place)


def build_run(record, num_epochs=None):
    """The Run of a RunRecord; num_epochs, of a complete run, is its settings' if None."""
    entry = record.entry
    num_epochs = num_epochs or record.settings.epochs
    is_trained = _is_trained(record, num_epochs)
    step = record.epochs[-1]['step'] if is_trained else max(
        (test['step'] for test in record.content['tests']), default=None)
    tests, missing, num_seeds = {}, [], entry.num_test_seeds
    for variant in entry.variants:  # the first with all test seeds, the others once
        counted = _find_counted(record, variant, step)
        tests[variant] = list(counted.values())
        missing += [(variant, seed) for seed in range(1, num_seeds + 1) if seed not in counted]
        num_seeds = 1
    state = ('no epoch yet' if not record.epochs
             else f'at epoch {count_epochs(record)} of {num_epochs}' if not is_trained
             else f'tests are missing: {len(missing)}' if missing else COMPLETE)
    measure = measures.choose(entry.documented)
    values = [measure.read(test) for test in tests[entry.variants[0]]
              if test.get(measure.key) is not None]
    return Run(os.path.basename(os.path.abspath(record.folder)), record.settings.seed,
               state, record, is_trained, tests, values, missing)


def _is_trained(record, num_epochs):
    """Whether a record has all epochs, and the hash of the final weights."""
    weights, epochs = record.content['weights'] or {}, record.epochs
    if not epochs or weights.get('step') != epochs[-1]['step']:
        return False
    # If epochs are recorded in parts, the last epoch may lack some.
    numbers = [entry['epoch'] for entry in epochs]
    return numbers[-1] >= num_epochs and (numbers.count(numbers[0]) == numbers.count(numbers[-1]))


def _find_counted(record, variant, step):
    """A variant's tests at a step that count, by seed: those with the training's wheel."""
    # Another machine may have made them. If a seed was tested twice, the test on the
    # training's kind of machine counts, else the later one.
    counted = {}
    # The training's kind comes last and replaces the other.
    for test in sorted(record.content['tests'], key=lambda test: test['kind'] == record.kind):
        if (test['crop'] == variant and test['step'] == step
                and test.get('data', record.data_name) == record.data_name
                and test['kind']['wheel'] == record.kind['wheel']):
            counted[test['seed']] = test
    return dict(sorted(counted.items()))


def gather(runs):
    """(groups, repeated): lists of the runs that count; runs whose seed already counts."""
    groups, repeated = {}, []
    # If a seed has several runs, the one with all its tests counts.
    for run in sorted((run for run in runs if run.is_trained),
                      key=lambda run: not run.is_complete):
        group = groups.setdefault(run.kind, {})
        if group.setdefault(run.seed, run) is not run:
            repeated.append(run)
    return sorted(([group[seed] for seed in sorted(group)] for group in groups.values()),
                  key=lambda group: _find_place(group[0])), repeated


def _find_place(run):
    """Sorts by data, runtime version and kernels; runs without a record come last."""
    if not run.record:
        return True, run.seed or 0, run.name
    kind = run.kind
    return False, kind.data, kind.runtime.split()[-1], str(kind[2:]), run.seed, run.name
