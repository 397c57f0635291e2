"""What a run.json may hold, whoever edited it."""

import glob
import json
import os

import pytest

import pages
from cifar10_tf1.records import record_schema, run_record

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
    (put(3, 'processes', 0, 'commit'), '/processes/0/commit is'),
    (put(0, 'epochs', 0, 'summed_loss'), '/epochs/0/summed_loss is'),
    (put(float('inf'), 'epochs', 0, 'summed_loss'), '/epochs/0/summed_loss is'),
    (put(-4, 'epochs', 0, 'step'), '/epochs/0/step is'),
    (put(True, 'settings', 'seed'), '/settings/seed is'),
    (put('tpu', 'settings', 'device'), '/settings/device is'),
    (put(10 ** 6 - 1, 'tests', 0, 'num_correct'), '/tests/0/num_correct is'),
    (lambda content: content.pop('not_bit_exact'), '/not_bit_exact is missing'),
    (put({}, 'weights'), '/weights/step is'), (put({}, 'epochs'), '/epochs is'),
    (put([], 'processes'), '/processes is empty')])
def test_what_is_refused(content, edit, misfit):
    edit(content)
    with pytest.raises(ValueError, match=misfit):
        record_schema.check_record(content)


def test_what_may_be_absent(content):
    content['settings'].pop('train_files', None)
    content['settings']['kernels'] = None
    content.update(weights=None, epochs=[], tests=[])
    content['processes'][0].update(end=None, to_step=None, commit=None)
    record_schema.check_record(content)
