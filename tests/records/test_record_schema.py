"""What a run.json may hold, whoever edited it."""

import contextlib
import copy
import glob
import json
import types
import os

import pytest

import pages
from cifar10_tf1.records import record_schema
from cifar10_tf1.records import run_record
from cifar10_tf1.records import run_settings
from cifar10_tf1 import verify
from cifar10_tf1.common.errors import UserError

RECORDS = sorted(glob.glob(os.path.join(pages.ROOT, 'results', 'runs', '**',
                                        'run.json'), recursive=True))


@pytest.fixture
def content():
    with open(RECORDS[0], encoding='utf-8') as file:
        return json.load(file)


@pytest.mark.parametrize('path', RECORDS)
def test_every_record_here_loads(path):
    record = run_record.load(path)
    # One is of a few steps of a day's training.
    assert len(record.epochs) >= 3 or (
        record.content['weights']['step'] == 30 and '30-steps' in path)


def put(value, *path):
    def edit(content):
        for name in path[:-1]:
            content = content[name]
        content[path[-1]] = value
    return edit


@pytest.mark.parametrize('edit, misfit', [
    # What a terminal would obey, or take for a line of the program.
    (put('\x1b[31mred', 'processes', 0, 'kind', 'cpu', 'name'),
     'processes 0 kind cpu name'),
    (put('x\nVerdict: within the band', 'processes', 0, 'commit'),
     'processes 0 commit'),
    (put('\udc80', 'settings', 'device'), 'settings device'),
    (put('x', 'data', 'sha256', '\x07'), 'data sha256'),
    (put(0, 'epochs', 0, 'summed_loss'), 'epochs 0 summed_loss'),
    (put(-1.5, 'epochs', 0, 'summed_loss'), 'epochs 0 summed_loss'),
    (put(10 ** 400, 'epochs', 0, 'summed_loss'), 'epochs 0 summed_loss'),
    (put(float('inf'), 'epochs', 0, 'summed_loss'), 'epochs 0 summed_loss'),
    (put('5', 'epochs', 0, 'step'), 'epochs 0 step'),
    (put(-4, 'epochs', 0, 'step'), 'epochs 0 step'),
    (put(True, 'settings', 'seed'), 'settings seed'),
    (put(1, 'epochs', 1, 'epoch'), 'epochs: the order of their epochs'),
    (put(10 ** 6 - 1, 'tests', 0, 'num_correct'), 'tests 0 num_correct'),
    (lambda content: content.pop('not_bit_exact'), 'not_bit_exact'),
    (lambda content: content['processes'][0].pop('end'), 'processes 0 end'),
    (put({}, 'weights'), 'weights step'),
    (put({}, 'epochs'), 'epochs'),
    (put([], 'processes'), 'settings'),
    (lambda content: content.update(processes=[], settings={'seed': 'abc'},
                                    data={}), 'settings'),
])
def test_what_is_refused(content, edit, misfit):
    assert record_schema.find_misfit(content) is None
    edit(content)
    assert record_schema.find_misfit(content) == misfit


def test_what_may_be_absent(content):
    content['settings'].pop('train_files', None)
    content['settings']['kernels'] = None
    content.update(weights=None, epochs=[], tests=[])
    content['processes'][0].update(end=None, to_step=None, commit=None)
    assert record_schema.find_misfit(content) is None


@pytest.fixture
def repeat(content, monkeypatch):
    """A function that verifies a record against what another run gives."""
    def verify_against(epochs, **options):
        record = run_record.RunRecord('', content)
        repeated = run_record.RunRecord('', copy.deepcopy(content))

        class DataSet:
            sha256 = content['data']['sha256']

        @contextlib.contextmanager
        def repetition(*unused_arguments):
            yield types.SimpleNamespace(epochs=lambda: epochs, status=0)

        verify._check(record, DataSet, None)
        monkeypatch.setattr(verify, '_Repetition', repetition)
        monkeypatch.setattr(run_record, 'load_folder', lambda folder: repeated)
        return verify.verify(record, [], run_settings.RunSettings(), **options)

    return verify_against


def test_an_epoch_that_the_record_lacks_can_not_be_repeated(content, repeat):
    del content['epochs'][1]
    with pytest.raises(UserError, match='lacks epoch 2'):
        repeat([])


def test_weights_of_an_epoch_that_the_record_lacks(content, repeat):
    epochs = copy.deepcopy(content['epochs'])
    del content['epochs'][3:]
    with pytest.raises(UserError, match='a later step than epoch 4'):
        repeat(epochs)


def test_an_epoch_of_which_losses_are_unknown_is_not_compared(content, repeat,
                                                              capsys):
    """A part of the sum says nothing of the whole."""
    epochs = copy.deepcopy(content['epochs'])
    assert repeat(epochs) == verify.EQUAL
    assert 'Equal to the bit\n' in capsys.readouterr().out
    content['epochs'][1].update(unknown_losses=7, summed_loss=1.0)
    assert repeat(epochs) == verify.EQUAL
    output = capsys.readouterr().out
    assert 'Epoch 2 : ' in output and 'not compared' in output
    assert 'Equal to the bit where it can be compared' in output
