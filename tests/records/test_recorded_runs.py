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


def test_the_same_run(compare):
    assert compare(lambda content: None).endswith(
        'seed-03: 2 of 2 summed losses equal to the bit')


def test_another_loss(compare):
    def edit(content):
        content['epochs'][1]['summed_loss'] *= 1.01

    line = compare(edit)
    assert '1 of 2' in line and '0.9901 %' in line and 'the SAME kind' in line


def test_another_loss_on_another_kind_of_machine(compare):
    def edit(content):
        content['epochs'][1]['summed_loss'] *= 1.01
        content['processes'][-1]['kind']['cpu']['model'] = '0'

    line = compare(edit)
    assert 'another kind of machine (cpu model' in line


def test_another_seed_is_not_compared(compare):
    assert compare(lambda content: content['settings'].update(seed=4)) is None
