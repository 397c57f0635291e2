"""run.json: what a run was, complete enough for a stranger to repeat and judge it.

It is made to be published: no absolute path, no name of a user or a host. Imports no
TensorFlow.
"""

import contextlib
import csv
import glob
import io
import json
import os
import time

from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common import files
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import description
from cifar10_tf1.records import record_schema
from cifar10_tf1.records.run_settings import RunSettings

FILE = 'run.json'
METRICS_FILE = 'metrics.csv'
FORMAT = 1

_METRICS = ('epoch', 'step', 'summed_loss', 'learning_rate', 'seconds')


class RunRecord:
    """The content of one run.json; `content` is the JSON object."""

    def __init__(self, folder, content):
        self.folder, self.content = folder, content
        self.path = os.path.join(folder, FILE)

    @property
    def settings(self):
        known = self.content['settings']
        settings = RunSettings(**{name: known.get(name)
                                  for name in RunSettings._fields})
        if self.content['processes'] and settings.kernels is None:
            # Written before there was a choice.
            settings = settings._replace(kernels=self.kind['kernels'])
        return settings

    @property
    def epochs(self):
        """list of dict, one for each part of an epoch after which figures were taken."""
        return self.content['epochs']

    @property
    def is_from_scratch(self):
        """Whether it began with seeded weights instead of published ones."""
        return self.content['data'].get('pretrained', '') is None

    @property
    def has_other_weights(self):
        """Whether it began with published weights other than the documented ones."""
        pretrained = self.content['data'].get('pretrained') or {}
        return not pretrained.get('is_documented', True)

    @property
    def kind(self):
        """The kind of machine of the latest process."""
        return self.content['processes'][-1]['kind']

    @contextlib.contextmanager
    def updating(self):
        """Yields the content, then writes it; test.py may do so meanwhile."""
        try:
            with files.Lock(os.path.join(self.folder, '.run.json.lock'), wait=True):
                # A writer that was killed leaves its temporary file.
                for name in (FILE, METRICS_FILE):
                    for leftover in glob.glob(f'{glob.escape(self.folder)}/{name}*.tmp'):
                        os.remove(leftover)
                if os.path.exists(self.path):
                    self.content = load(self.path).content
                yield self.content
                files.write_atomically(self.path, json.dumps(
                    self.content, indent=1, sort_keys=True) + '\n')
        except OSError as error:
            raise UserError(f'cannot write {self.path}: {error.strerror}; free some '
                            'space or choose another folder with --model-dir')

    def start_process(self, command, kind, settings, data_set, step, beginning=()):
        """Notes that a process trains on from a step; drops later epochs."""
        commit, clean = description.find_commit()
        with self.updating() as content:
            processes = content['processes']
            if processes and processes[-1]['end'] is None:
                processes[-1]['end'] = 'killed'
            if processes:
                content['not_bit_exact'] += [
                    f'from step {step}: {difference}' for difference
                    in description.list_differences(processes[-1]['kind'], kind)]
            content['settings'] = settings._asdict()
            content['data'] = {'name': data_set.name, 'sha256': dict(data_set.sha256),
                               **dict(beginning)}
            content['epochs'] = [epoch for epoch in content['epochs']
                                 if epoch['step'] <= step]
            processes.append({
                'command': command,
                'started': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
                'from_step': step, 'to_step': None, 'end': None, 'kind': kind,
                'input_threads': settings.input_threads,
                'versions': description.find_versions(), 'commit': commit,
                'commit_is_clean': clean})

    def add_epoch(self, **metrics):
        """Notes a finished epoch, in run.json and in metrics.csv."""
        with self.updating():
            self.epochs.append(metrics)
            text = io.StringIO()
            others = sorted(set(metrics) - set(_METRICS) - {'unknown_losses'})
            writer = csv.DictWriter(text, _METRICS + tuple(others),
                                    extrasaction='ignore', lineterminator='\n')
            writer.writeheader()
            writer.writerows(self.epochs)
            files.write_atomically(os.path.join(self.folder, METRICS_FILE),
                                   text.getvalue())

    def end_process(self, step, end, weights_sha256):
        """Notes how the process ended: 'finished', or the signal's name."""
        with self.updating() as content:
            content['processes'][-1].update(to_step=step, end=end)
            content['weights'] = {'step': step, 'sha256': weights_sha256}

    def add_test(self, **test):
        """Notes a test, in the place of the same test on the same kind of machine."""
        key = ('step', 'data', 'crop', 'seed', 'kind')
        with self.updating() as content:
            content['tests'] = [
                other for other in content['tests']
                if any(other.get(name) != test.get(name) for name in key)] + [test]


def new(folder, system):
    """The RunRecord of a run that has not begun; nothing is written."""
    return RunRecord(folder, {
        'format': FORMAT,
        'system': system.name,     # name of the module in systems/
        'system_settings': _to_dict(system.settings),
        'settings': {},            # RunSettings
        'data': {},                # name, SHA-256 of each file
        'processes': [],           # one for each start of a training
        'not_bit_exact': [],       # why another run may differ, if so
        'epochs': [],              # summed loss in full precision
        'weights': None,           # step and fingerprint at the latest end
        'tests': []})              # of test.py


def load(path):
    """The RunRecord of a run.json; raises UserError if it is none."""
    way_out = 'give another, or move it away'
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
        version = content['format']
    except OSError as error:
        raise UserError(f'cannot read {path}: {error.strerror}')
    except (ValueError, RecursionError, TypeError, KeyError) as error:
        raise UserError(f'{path} is cut off, or not the record of a run ({error}); '
                        + way_out)
    if version != FORMAT:
        raise UserError(f'{path} has the format {version}, and this version reads '
                        f'{FORMAT}; use the version that wrote it')
    misfit = record_schema.find_misfit(content)
    if misfit:
        raise UserError(f'{path} is damaged: {misfit} is missing or invalid; {way_out}')
    return RunRecord(os.path.dirname(path), content)


def load_folder(folder, for_training=False):
    """The record of a model folder, or None.

    Raises UserError if it is damaged, of another run than the newest checkpoint, or lost
    although a training has to go on from that.
    """
    newest = model_dir.find_newest(folder, ours=True)
    path = os.path.join(folder, FILE)
    if os.path.exists(path):
        record = load(path)
        if newest:
            check_settings(record, newest.prefix)
        return record
    if newest and for_training:
        raise UserError(
            f'{path} is lost, which says how the run of {newest.name} goes on; '
            f'restore it ({newest.prefix}.json has a copy, as "record"), or choose '
            'another folder with --model-dir')
    return None


def check_settings(record, prefix):
    """Raises UserError if a record and a checkpoint beside it are of two runs."""
    settings, content = model_dir.load_settings(prefix) or {}, record.content
    kind = record.kind if content['processes'] else {}
    for name, value in [('system', content['system']),
                        ('data', content['data'].get('name')),
                        ('seed', content['settings'].get('seed')),
                        ('kernels', kind.get('kernels')), ('wheel', kind.get('wheel'))]:
        if settings.get(name, value) != value:
            raise UserError(
                f'{record.path} says {name} {value}, and {prefix}.json '
                f'{settings[name]}: they are of two runs; move one of them away')


def check_system_name(record, name):
    """Raises UserError if a record is of another system."""
    theirs = record.content['system']
    if theirs != name:
        raise UserError(f'{record.path} is of the system {theirs}, not {name}; give '
                        'another record, or another folder with --model-dir')


def check_kind(record, kind):
    """Raises UserError for another wheel or other kernels; lists other differences."""
    if not record.content['processes']:
        return []
    began = record.kind
    venv = '.venv' if began['wheel'].endswith(' 1.15.0') else '.venv-tf2'
    for name, way_out in (('wheel', f'use {venv}/bin/python'),
                          ('wheel_sha256', 'another build of the wheel; use the '
                           'environment that make setup makes'),
                          ('kernels', 'leave --kernels out')):
        if began[name] != kind[name]:
            raise UserError(
                f'the run in {record.folder} was trained with {began[name]}, and this is '
                f'{kind[name]}; {way_out}, or choose another folder with --model-dir')
    return description.list_differences(began, kind)


def _to_dict(settings):
    """A NamedTuple of NamedTuples as dicts."""
    return {name: _to_dict(value) if hasattr(value, '_asdict') else value
            for name, value in settings._asdict().items()}
