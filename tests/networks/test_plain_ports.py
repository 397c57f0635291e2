"""The plain ports as programs; 1.15 only, because they have no seeds."""

import csv
import os

import pytest
import tensorflow.compat.v1 as tf

import runs
import system_cases
from cifar10_tf1 import data
from cifar10_tf1.benchmark import plain_deep_cnn, plain_notebook

pytestmark = pytest.mark.skipif(
    not tf.__version__.startswith('1.15'),
    reason='TensorFlow 2 is told here to insist on seeds; the ports have none')


@pytest.fixture
def data_set(tiny_data_set, monkeypatch):
    """Four batches of 20; 40 test images."""
    found = system_cases.shorten(tiny_data_set, 80, 40)
    monkeypatch.setattr(plain_deep_cnn, 'BATCH_SIZE', 20)
    monkeypatch.setattr(data.Source, 'load', lambda self, *unused: found)
    return found


def train(*arguments):
    return plain_deep_cnn.main(list(map(str, arguments)))


def load_rows(path):
    with open(str(path), newline='') as file:
        return list(csv.DictReader(file))


def test_it_goes_on_and_its_checkpoint_is_tested_here(tmp_path, data_set, capsys):
    folder = tmp_path / 'plain'
    path = folder / plain_deep_cnn.EPOCHS_FILE
    assert train(folder, '--epochs', 2) == 0
    first = load_rows(path)
    # As after a kill between a row and its checkpoint.
    with path.open('a') as file:
        file.write('3,99.0,1.0\n')
    capsys.readouterr()
    assert train(folder, '--epochs', 4) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(' :')[0] for line in lines] == ['Epoch 3', 'Epoch 4']
    rows = load_rows(path)
    assert rows[:2] == first and [row['epoch'] for row in rows] == list('1234')
    # Four batches of a fresh network: about 2.3 nats each for ten classes.
    assert 4 * 2.2 < float(rows[0]['summed_loss']) < 4 * 8
    assert rows[2]['summed_loss'] != '99.0'
    result = runs.evaluate(system_cases.CASES['deep_cnn'].system, data_set, folder)
    # A run that did not restore step 8 would have counted from 0.
    assert result.step == 16 and result.count.num_examples == 40
    # The original is not seeded.
    assert train(tmp_path / 'other', '--epochs', 1) == 0
    (row,) = load_rows(tmp_path / 'other' / plain_deep_cnn.EPOCHS_FILE)
    assert row['summed_loss'] != rows[0]['summed_loss']


def test_a_run_of_train_py_is_left_alone(data_set, tmp_path, capsys):
    (tmp_path / 'run.json').write_text('')
    assert train(tmp_path, '--epochs', 9) == 1
    captured = capsys.readouterr()
    assert 'contains a run of train.py' in captured.err
    assert captured.err.count('\n') == 1 and captured.out == ''
    assert os.listdir(str(tmp_path)) == ['run.json']
    assert train(tmp_path / 'run.json' / 'plain') == 1
    assert 'cannot create' in capsys.readouterr().err


@pytest.mark.parametrize('system', sorted(plain_notebook.NOTEBOOKS))
def test_a_notebook_writes_the_figures_it_prints(system, data_set, tmp_path, capsys):
    path = tmp_path / 'run.csv'
    assert plain_notebook.main([system, str(path), '--epochs', '2', '--train-files', '1']) == 0
    rows = load_rows(path)
    assert [(row['epoch'], row['part']) for row in rows] == [('1', '1'), ('2', '1')]
    assert all(0 <= float(row['validation_accuracy']) <= 1 for row in rows)
    assert 0 <= int(capsys.readouterr().out.split()[-2]) <= 40
    assert plain_notebook.main([system, str(tmp_path / 'none' / 'run.csv'), '--epochs', '1']) == 1
    error = capsys.readouterr().err
    assert 'none/run.csv' in error and error.count('\n') == 1
