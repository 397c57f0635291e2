"""run.json: what a run was, so that a stranger can repeat and judge it.

Written beside the checkpoints, atomically, and appended to by each process that
goes on with the run or tests it. It is made to be published: no absolute path,
no name of a user or a host. Imports no TensorFlow.
"""

import contextlib
import copy
import csv
import fcntl
import hashlib
import io
import json
import os
import time

from cifar10_tf1.machine import description
from cifar10_tf1.checkpoints import model_dir
from cifar10_tf1.records import record_schema
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.records.run_settings import RunSettings

FILE = 'run.json'
METRICS_FILE = 'metrics.csv'
FORMAT = 1

_FIELDS = {
    'format': FORMAT,
    'system': None,            # name of the module in systems/
    'system_settings': {},     # its constants
    'settings': {},            # RunSettings
    'data': {},                # name, SHA-256 of each file
    'processes': [],           # one each time that training was started
    'not_bit_exact': [],       # why another run may differ, if so
    'epochs': [],              # summed loss in full precision
    'weights': None,           # step and fingerprint at the latest end
    'tests': [],               # of test.py
}

_METRICS = ('epoch', 'step', 'summed_loss', 'learning_rate', 'seconds')


class RunRecord:
    """The content of one run.json; `content` is the JSON object."""

    def __init__(self, folder, content):
        self.folder = folder
        self.content = content

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
        """list of dict: epoch, step, summed_loss, learning_rate, seconds.

        An entry for each part of an epoch after which figures were taken, with
        `part` where there are several; and the system's figures, see
        systems.FIGURES.
        """
        return self.content['epochs']

    @property
    def is_from_scratch(self):
        """Whether it began with seeded weights, of a system that has others."""
        return self.content['data'].get('pretrained', '') is None

    @property
    def has_other_weights(self):
        """Whether it began with weights of others than the documented ones."""
        pretrained = self.content['data'].get('pretrained') or {}
        return not pretrained.get('is_documented', True)

    @property
    def kind(self):
        """The kind of machine of the latest process."""
        return self.content['processes'][-1]['kind']

    @contextlib.contextmanager
    def updating(self):
        """Changes the content and writes it; test.py may do so meanwhile.

        Raises:
          UserError: where the folder can't be written.
        """
        path = os.path.join(self.folder, FILE)
        try:
            with open(os.path.join(self.folder, '.run.json.lock'), 'a') as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if os.path.exists(path):
                    self.content = load(path).content
                yield
                text = json.dumps(self.content, indent=1, sort_keys=True)
                _write(path, text + '\n')
        except OSError as error:
            raise UserError(f'cannot write {path}: {error.strerror}; free some '
                            'space or choose another folder with --model-dir')

    def start_process(self, command, kind, settings, data_set, step,
                      beginning=()):
        """Notes that a process trains on from a step; drops what came later."""
        with self.updating():
            content = self.content
            processes = content['processes']
            if processes and processes[-1]['end'] is None:
                processes[-1]['end'] = 'killed'
            if processes:
                differences = description.list_differences(processes[-1]['kind'],
                                                           kind)
                content['not_bit_exact'] += [
                    f'from step {step}: {difference}'
                    for difference in differences]
            content['settings'] = settings._asdict()
            content['data'] = {'name': data_set.name,
                               'sha256': dict(data_set.sha256),
                               **dict(beginning)}
            content['epochs'] = [epoch for epoch in content['epochs']
                                 if epoch['step'] <= step]
            commit, clean = description.find_commit()
            processes.append({
                'command': command, 'started': _now(), 'from_step': step,
                'to_step': None, 'end': None, 'kind': kind,
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
            _write(os.path.join(self.folder, METRICS_FILE), text.getvalue())

    def end_process(self, step, end, weights_sha256):
        """Notes how the process ended: 'finished', 'SIGINT' or 'SIGTERM'."""
        with self.updating():
            self.content['processes'][-1].update(to_step=step, end=end)
            self.content['weights'] = {'step': step, 'sha256': weights_sha256}

    def add_test(self, **test):
        """Notes a test; it takes the place of the same one on the same kind.

        The kind names the runtime: a result of TensorFlow 2 stands beside one
        of 1.15, not instead of it.
        """
        key = ('step', 'data', 'crop', 'seed', 'kind')
        with self.updating():
            self.content['tests'] = [
                other for other in self.content['tests']
                if any(other.get(name) != test.get(name) for name in key)
                ] + [test]


def new(folder, system):
    """A record without processes yet; nothing is written."""
    content = dict(_FIELDS, system=system.name,
                   system_settings=_plain(system.settings))
    return RunRecord(folder, copy.deepcopy(content))


def load(path):
    """Reads a run.json.

    Returns:
      RunRecord.
    Raises:
      UserError: where it is not there, cut off, not a record or newer.
    """
    try:
        with open(path, encoding='utf-8') as file:
            content = json.load(file)
    except OSError as error:
        raise UserError(f'cannot read {path}: {error.strerror}')
    except (ValueError, RecursionError) as error:
        raise UserError(f'{path} is damaged or cut off ({error}); give another, '
                        'or move it away')
    _check_content(content, path)
    return RunRecord(os.path.dirname(path), content)


def _check_content(content, name):
    """Raises UserError where JSON is not what the programs read of a record."""
    way_out = 'give another, or move it away'
    if not isinstance(content, dict) or type(content.get('format')) is not int:
        raise UserError(f'{name} is not the record of a run; {way_out}')
    if content['format'] != FORMAT:
        raise UserError(f'{name} has the format {content["format"]}, and this '
                        f'version reads {FORMAT}; use the version that wrote it')
    misfit = record_schema.find_misfit(content)
    if misfit:
        raise UserError(f'{name} is damaged: {misfit} is missing, or not what it '
                        f'can be; {way_out}')


def load_folder(folder):
    """The record of a model folder, or None.

    Raises:
      UserError: as load; where it and the newest checkpoint are of two runs.
    """
    path = os.path.join(folder, FILE)
    if not os.path.exists(path):
        return None
    record = load(path)
    prefix = _find_newest(folder)
    if prefix:
        check_settings(record, prefix)
    return record


def recover(folder):
    """The record of a folder that has lost it, from beside the weights.

    Returns:
      RunRecord as it was when the newest checkpoint was saved; nothing is
      written. None where no checkpoint of this program is there.
    Raises:
      UserError: where there is one that says too little, or contradicts itself.
    """
    prefix = _find_newest(folder)
    if prefix is None:
        return None
    content = model_dir.load_settings(prefix).get('record')
    if content is None:
        raise UserError(
            f'{os.path.join(folder, FILE)} is lost, and {prefix}.json does not '
            'hold it: the run can\'t go on as it was; restore the file, or '
            'choose another folder with --model-dir')
    _check_content(content, f'the record in {prefix}.json')
    record = RunRecord(folder, content)
    check_settings(record, prefix)
    return record


def check_settings(record, prefix):
    """Looks whether a record and what lies beside weights are of one run.

    Args:
      record: RunRecord, of the folder.
      prefix: str, of a checkpoint there.
    Returns:
      dict: as model_dir.load_settings, empty where the checkpoint is not this
      program's.
    Raises:
      UserError: naming the first difference; as model_dir.load_settings.
    """
    settings = model_dir.load_settings(prefix) or {}
    identities = [settings]
    if settings.get('record') is not None:
        _check_content(settings['record'], f'the record in {prefix}.json')
        identities.append(_identify(RunRecord('', settings['record'])))
    for beside in identities:
        for name, value in _identify(record).items():
            if name in beside and beside[name] != value:
                raise UserError(
                    f'{os.path.join(record.folder, FILE)} says {name} {value}, '
                    f'and {prefix}.json {beside[name]}: they are of two runs; '
                    'move one of them away')
    return settings


def _identify(record):
    """What another run has otherwise: dict; None before the first process."""
    kind = record.kind if record.content['processes'] else {}
    data = record.content['data']
    digests = json.dumps(data.get('sha256'), sort_keys=True).encode('utf-8')
    return {'system': record.content['system'], 'data': data.get('name'),
            'seed': record.settings.seed, 'kernels': kind.get('kernels'),
            'wheel': kind.get('wheel'),
            'data files': hashlib.sha256(digests).hexdigest()[:12]}


def _find_newest(folder):
    """The prefix of the newest checkpoint of this program, or None."""
    return next((checkpoint.prefix
                 for checkpoint in model_dir.list_checkpoints(folder)
                 if checkpoint.ours and checkpoint.holds_tensors), None)


def check_system_name(record, name):
    """Raises UserError where a record is of another system."""
    theirs = record.content['system']
    if theirs != name:
        raise UserError(
            f'{os.path.join(record.folder, FILE)} is of the system {theirs}, '
            f'not {name}; give another record, or another folder with '
            '--model-dir')


def check_kind(record, kind):
    """Refuses another wheel or other kernels; returns further differences.

    Returns:
      list of str: why the run can differ from here on.
    Raises:
      UserError: naming the difference.
    """
    if not record.content['processes']:
        return []
    began = record.kind
    venv = '.venv' if began['wheel'].endswith(' 1.15.0') else '.venv-tf2'
    for name, then, now, way_out in (
            ('wheel', began['wheel'], kind['wheel'], f'use {venv}/bin/python'),
            ('wheel_sha256', began['wheel'], 'another build of it',
             'use the environment that make setup makes'),
            ('kernels', f'--kernels {began["kernels"]}',
             f'--kernels {kind["kernels"]}', 'leave --kernels out')):
        if began[name] != kind[name]:
            raise UserError(
                f'the run in {record.folder} was trained with {then}, and this '
                f'is {now}; {way_out}, or choose another folder with --model-dir')
    return description.list_differences(record.kind, kind)


def _plain(settings):
    """A NamedTuple of NamedTuples as dicts."""
    return {name: _plain(value) if hasattr(value, '_asdict') else value
            for name, value in settings._asdict().items()}


def _now():
    return time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())


def _write(path, text):
    """Whole or not at all, also after a power cut. One writer at a time."""
    try:
        with open(path + '.tmp', 'w', encoding='utf-8') as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        os.remove(path + '.tmp')  # on a full disk, what it took is needed
        raise
    os.replace(path + '.tmp', path)
    folder = os.open(os.path.dirname(path) or '.', os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
