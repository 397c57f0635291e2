"""run.json, the record of a run, from which a stranger can repeat and judge it.

It can be published: it has no absolute path and no name of a user or host. Imports no
TensorFlow.
"""

import contextlib
import csv
import glob
import io
import json
import os
import time

from cifar10_tf1 import data, systems
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.common import files, record_schema
from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.machine import description
from cifar10_tf1.records.run_settings import RunSettings

FILE = 'run.json'
METRICS_FILE = 'metrics.csv'

_METRICS = ('epoch', 'step', 'summed_loss', 'learning_rate', 'seconds')


class RunRecord:
    """The content of one run.json; `content` is the JSON object."""

    def __init__(self, folder, content):
        self.folder, self.content = folder, content
        self.path = os.path.join(folder, FILE)

    @property
    def has_begun(self):
        """Whether a process has trained."""
        return bool(self.content['processes'])

    @property
    def settings(self):
        known = self.content['settings']
        settings = RunSettings(**{name: known.get(name) for name in RunSettings._fields})
        if self.has_begun and settings.kernels is None:
            # Written before kernels could be chosen.
            settings = settings._replace(kernels=self.kind['kernels'])
        return settings

    @property
    def epochs(self):
        """list of dict, one for each reporting point: an epoch, or a file of one."""
        return self.content['epochs']

    @property
    def entry(self):
        """The systems.Entry."""
        return systems.find(self.content['system'])

    @property
    def data_name(self):
        return self.content['data'].get('name', '')

    @property
    def is_synthetic(self):
        return data.is_synthetic(self.data_name)

    @property
    def is_from_scratch(self):
        """Whether it started from seeded weights instead of published ones."""
        return self.content['data'].get('pretrained', '') is None

    @property
    def has_other_weights(self):
        """Whether it started from weights other than the documented ones."""
        pretrained = self.content['data'].get('pretrained') or {}
        return not pretrained.get('is_documented', True)

    @property
    def line_prefix(self):
        """Marks every printed line of a run from weights that are not documented."""
        if self.is_from_scratch:
            return '[from seeded weights] '
        if self.has_other_weights:
            return '[from weights other than the documented ones] '
        return ''

    @property
    def kind(self):
        """The kind of machine of the latest process."""
        return self.content['processes'][-1]['kind']

    def refuse_another(self, name, recorded, given, way_out):
        """Raises UserError if a given value, unless None, would make it another run."""
        if given not in (None, recorded):
            raise UserError(
                f'the run in {self.folder} has another {name}: {recorded}, not {given}; '
                f'{way_out}, or choose another folder with --model-dir')

    def check_kind(self, kind):
        """Raises UserError if wheel or kernels differ; lists other differences."""
        if not self.has_begun:
            return []
        began = self.kind
        for key, name, way_out in (
                ('wheel', 'TensorFlow', 'use the Python that has it'),
                ('wheel_sha256', 'build of TensorFlow', 'use the Python that make setup installs'),
                ('kernels', 'choice of kernels', 'omit --kernels')):
            self.refuse_another(name, began[key], kind[key], way_out)
        return description.list_differences(began, kind)

    @contextlib.contextmanager
    def updating(self):
        """Yields the content, then writes it, under a lock: test.py writes it too."""
        with explained(f'write {self.path}', '--model-dir'), files.Lock(
                os.path.join(self.folder, '.run.json.lock'), wait=True):
            # A writer that was killed leaves its temporary file.
            for name in (FILE, METRICS_FILE):
                for leftover in glob.glob(f'{glob.escape(self.folder)}/{name}*.tmp'):
                    os.remove(leftover)
            if os.path.exists(self.path):
                self.content = load(self.path).content
            yield self.content
            files.write_atomically(self.path, json.dumps(
                self.content, indent=1, sort_keys=True) + '\n')

    def start_process(self, command, kind, settings, data_set, step, beginning=()):
        """Records that a process trains from a step; drops later epochs."""
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
            content['epochs'] = [epoch for epoch in content['epochs'] if epoch['step'] <= step]
            processes.append({
                'command': command,
                'started': time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime()),
                'from_step': step, 'to_step': None, 'end': None, 'kind': kind,
                'input_threads': settings.input_threads,
                'versions': description.find_versions(), 'commit': commit,
                'commit_is_clean': clean})

    def add_epoch(self, **metrics):
        """Records a finished epoch in run.json and metrics.csv."""
        with self.updating():
            self.epochs.append(metrics)
            text = io.StringIO()
            others = sorted(set(metrics) - set(_METRICS) - {'unknown_losses'})
            writer = csv.DictWriter(text, _METRICS + tuple(others),
                                    extrasaction='ignore', lineterminator='\n')
            writer.writeheader()
            writer.writerows(self.epochs)
            files.write_atomically(os.path.join(self.folder, METRICS_FILE), text.getvalue())

    def end_process(self, step, end, weights_sha256):
        """Records how the process ended: 'finished', or the signal's name."""
        with self.updating() as content:
            content['processes'][-1].update(to_step=step, end=end)
            content['weights'] = {'step': step, 'sha256': weights_sha256}

    def add_test(self, **test):
        """Records a test; replaces the same test on the same kind of machine."""
        key = ('step', 'data', 'crop', 'seed', 'kind')
        with self.updating() as content:
            content['tests'] = [
                other for other in content['tests']
                if any(other.get(name) != test.get(name) for name in key)] + [test]


def new(folder, system):
    """The RunRecord of a run that has not begun; writes nothing."""
    return RunRecord(folder, {
        'format': record_schema.FORMAT,
        'system': system.name,     # name of the module in systems/
        'system_settings': _to_dict(system.settings),
        'settings': {},            # RunSettings
        'data': {},                # name, SHA-256 of each file
        'processes': [],           # one for each start of a training
        'not_bit_exact': [],       # reasons why another run may differ
        'epochs': [],              # summed loss in full precision
        'weights': None,           # step and fingerprint at the latest end
        'tests': []})              # of test.py


def load(path):
    """Loads a run.json as a RunRecord; raises UserError if it is not one."""
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
        record_schema.check_record(content)
        if content['system'] not in systems.NAMES:
            raise ValueError(f'/system is {content["system"]!r}; this version has '
                             + ', '.join(systems.NAMES))
    except OSError as error:
        raise UserError(f'cannot read {path}: {error.strerror}; name another, or move it away')
    except (ValueError, RecursionError) as error:
        raise UserError(f'{path} is truncated, damaged or of another version ({error}); '
                        'name another, or move it away')
    return RunRecord(os.path.dirname(path), content)


def load_folder(folder, for_training=False):
    """The record of a model folder, or None.

    Raises UserError if it is damaged, if it and the newest checkpoint belong to different
    runs, or if it is missing and training must continue from a checkpoint.
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
            f'{path} is missing, and the run of {newest.name} cannot continue without '
            f'it; restore it from {newest.prefix}.json (under "record"), or choose '
            'another folder with --model-dir')
    return None


def check_settings(record, prefix):
    """Raises UserError if a record and a checkpoint belong to different runs."""
    settings, content = model_dir.load_settings(prefix) or {}, record.content
    kind = record.kind if record.has_begun else {}
    for name, value in [('system', content['system']),
                        ('data', content['data'].get('name')),
                        ('seed', content['settings'].get('seed')),
                        ('kernels', kind.get('kernels')), ('wheel', kind.get('wheel'))]:
        if settings.get(name, value) != value:
            raise UserError(
                f'{record.path} has {name} {value}, but {prefix}.json has '
                f'{settings[name]}: they belong to different runs; move one away')


def find_line_prefix(checkpoint):
    """The line_prefix of the run of a checkpoint, from the settings beside it."""
    content = (model_dir.load_settings(checkpoint) or {}).get('record')
    return RunRecord('', content).line_prefix if content else ''


def _to_dict(settings):
    """A NamedTuple of NamedTuples as dicts."""
    return {name: _to_dict(value) if hasattr(value, '_asdict') else value
            for name, value in settings._asdict().items()}
