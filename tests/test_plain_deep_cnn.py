"""The plain port's own training, as a whole run of it is made."""

import csv
import os
import shutil

import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.checkpoints import reading
from cifar10_tf1 import data
from cifar10_tf1.benchmark import plain_deep_cnn
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

pytestmark = pytest.mark.skipif(
    not tf.__version__.startswith('1.15'),
    reason='TensorFlow 2 is told here to insist on seeds; the port has none')


@pytest.fixture
def train(tiny_data_set, monkeypatch):
    monkeypatch.setattr(data.Source, 'load',
                        lambda self, *unused, **also_unused: tiny_data_set)
    return lambda *arguments: plain_deep_cnn.main(list(map(str, arguments)))


def load_epochs(folder):
    with open(str(folder / plain_deep_cnn.EPOCHS_FILE), newline='') as file:
        return list(csv.DictReader(file))


def test_it_goes_on_and_its_checkpoint_is_tested_here(train, tmp_path,
                                                      tiny_data_set, capsys):
    folder = tmp_path / 'plain'
    assert train(folder, '--epochs', 2) == 0
    first = load_epochs(folder)
    # As after a kill between a row and its checkpoint.
    with open(str(folder / plain_deep_cnn.EPOCHS_FILE), 'a') as file:
        file.write('3,99.0,1.0\n')
    capsys.readouterr()
    assert train(folder, '--epochs', 4) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(' :')[0] for line in lines] == ['Epoch 3', 'Epoch 4']
    rows = load_epochs(folder)
    assert rows[:2] == first and [row['epoch'] for row in rows] == list('1234')
    # Four batches; of ten classes the loss of a fresh network is some 2.3 nats.
    assert 4 * 2.2 < float(rows[0]['summed_loss']) < 4 * 8
    assert rows[2]['summed_loss'] != '99.0'
    # Restored at step 8, or it had counted from 0.
    assert tf.train.load_variable(str(folder / 'model.ckpt-16'), 'global_step') == 16
    result = runs.evaluate(deep_cnn, tiny_data_set, 'unused',
                           str(folder / 'model.ckpt-16'))
    assert result.num_examples == 200
    assert train(folder, '--epochs', 4) == 0
    assert capsys.readouterr().out == ''


def test_two_runs_differ(train, tmp_path, tiny_data_set):
    """The original is not seeded."""
    hashes = set()
    for name in 'ab':
        assert train(tmp_path / name, '--epochs', 1) == 0
        hashes.add(reading.fingerprint(str(tmp_path / name / 'model.ckpt-4')))
    assert len(hashes) == 2


def test_a_run_of_train_py_is_left_alone(train, finished_run, tmp_path, capsys):
    folder = shutil.copytree(str(finished_run), str(tmp_path / 'run'))
    before = sorted(os.listdir(folder))
    assert train(folder, '--epochs', 9) == 1
    captured = capsys.readouterr()
    assert 'holds a run of train.py' in captured.err
    assert captured.err.count('\n') == 1 and captured.out == ''
    assert sorted(os.listdir(folder)) == before
    (tmp_path / 'file').write_text('')
    assert train(tmp_path / 'file' / 'plain') == 1
    assert 'cannot make' in capsys.readouterr().err
