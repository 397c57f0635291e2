"""What a training says of the recorded run of its seed."""

import json

import pytest

import runs
from cifar10_tf1.records import recorded_runs
from cifar10_tf1.records import run_record


@pytest.fixture
def compare(finished_run, tmp_path):
    """A function: edits a copy of the run's record and compares the run with it."""
    def edit_and_compare(edit):
        folder = tmp_path / 'deep_cnn' / '1.15-seed-03'
        folder.mkdir(parents=True)
        content = json.loads((finished_run / run_record.FILE).read_text())
        edit(content)
        (folder / run_record.FILE).write_text(json.dumps(content))
        return recorded_runs.describe(runs.load_record(finished_run), str(tmp_path))

    return edit_and_compare


def change_loss(content):
    content['epochs'][1]['summed_loss'] *= 1.01


def change_loss_and_processor(content):
    change_loss(content)
    content['processes'][-1]['kind']['cpu']['model'] = '0'


@pytest.mark.parametrize('edit, texts', [
    (lambda content: None, ['seed-03: 2 of 2 summed losses equal to the bit']),
    (change_loss, ['1 of 2', '0.9901 %', 'the SAME kind']),
    (change_loss_and_processor, ['another kind of machine (cpu model']),
    (lambda content: content['settings'].update(seed=4), None)])
def test_a_run_beside_the_recorded_one(edit, texts, compare):
    line = compare(edit)
    assert line is None if texts is None else all(text in line for text in texts)
