"""The run and the checkpoint of record, and what a training says of recorded runs."""

import argparse
import json

import pytest

import model_helpers
import runs
from cifar10_tf1 import cli
from cifar10_tf1.records import reference_run, run_record
from cifar10_tf1.report.__main__ import main as report_main


@pytest.fixture
def record(tmp_path, monkeypatch):
    """A stand-in for the checkpoint of record; the current folder is empty."""
    folder = tmp_path / 'record'
    current = tmp_path / 'current'
    folder.mkdir()
    current.mkdir()
    monkeypatch.chdir(current)
    monkeypatch.setattr(reference_run, 'CHECKPOINT', str(folder))
    return model_helpers.write_checkpoint(folder, model_helpers.random_tensors())


def options(**given):
    values = dict(model_dir=None, checkpoint=None, synthetic=False)
    return argparse.Namespace(**dict(values, **given))


def test_the_one_of_record_if_there_is_no_other(record, tmp_path, capsys):
    assert cli.locate_checkpoint(options()) == ('./model', record)
    assert capsys.readouterr().err == (
        f'No checkpoint in ./model: this is the checkpoint of record, {record}\n')
    # Not if the user names one, even one that does not exist.
    assert cli.locate_checkpoint(options(model_dir='empty')) == ('empty', None)
    assert cli.locate_checkpoint(options(checkpoint='a/b')) == ('./model', 'a/b')
    assert cli.locate_checkpoint(options(synthetic=True)) == ('./model', None)
    (tmp_path / 'current' / 'model').mkdir()
    model_helpers.write_checkpoint(tmp_path / 'current' / 'model',
                                   model_helpers.random_tensors(6))
    assert cli.locate_checkpoint(options()) == ('./model', None)
    assert capsys.readouterr().err == ''


def test_testing_says_so(record, tiny_data_set, monkeypatch, capsys):
    monkeypatch.setattr(cli, 'load_data_set', lambda options, name: tiny_data_set)
    assert runs.main('test.py', ['--kernels', 'stock']) == 0
    captured = capsys.readouterr()
    assert 'checkpoint of record' in captured.err
    assert captured.out.splitlines()[-1].startswith('Test : Accuracy = ')
    monkeypatch.setattr(reference_run, 'CHECKPOINT', 'absent')
    assert runs.main('test.py', ['--kernels', 'stock']) == 1
    assert 'no checkpoint in ./model' in capsys.readouterr().err


def test_a_report_without_options_takes_the_run_of_record(tmp_path, monkeypatch,
                                                          capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv('CIFAR10_MODEL_DIR', raising=False)
    assert report_main(['--text']) == 0
    assert capsys.readouterr().out.startswith(
        f'No run in ./model: this is the run of record, {reference_run.RECORD}')


@pytest.fixture
def compare(finished_run, tmp_path):
    """A function: edits a copy of the run's record and compares the run with it."""
    def edit_and_compare(edit):
        folder = tmp_path / 'deep_cnn' / '1.15-seed-03'
        folder.mkdir(parents=True)
        content = json.loads((finished_run / run_record.FILE).read_text())
        edit(content)
        (folder / run_record.FILE).write_text(json.dumps(content))
        return reference_run.compare(runs.load_record(finished_run), str(tmp_path))

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
