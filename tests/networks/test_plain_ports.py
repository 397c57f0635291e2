"""The plain ports alone: training of deep_cnn, tensors of lenet5."""

import csv
import os

import pytest
import tensorflow.compat.v1 as tf

import runs
import system_cases
from cifar10_tf1.checkpoints import reading
from cifar10_tf1 import data
from cifar10_tf1.benchmark import plain_deep_cnn, plain_lenet5, plain_notebook
from cifar10_tf1.data import mnist

not_seeded = pytest.mark.skipif(
    not tf.__version__.startswith('1.15'),
    reason='TensorFlow 2 is told here to insist on seeds; the port has none')


@pytest.fixture
def data_set(tiny_data_set):
    """Four batches of 20; 40 test images."""
    return system_cases.shorten(tiny_data_set, 80, 40)


@pytest.fixture
def train(data_set, monkeypatch):
    monkeypatch.setattr(plain_deep_cnn, 'BATCH_SIZE', 20)
    monkeypatch.setattr(data.Source, 'load',
                        lambda self, *unused, **also_unused: data_set)
    return lambda *arguments: plain_deep_cnn.main(list(map(str, arguments)))


def load_epochs(folder):
    with open(str(folder / plain_deep_cnn.EPOCHS_FILE), newline='') as file:
        return list(csv.DictReader(file))


@not_seeded
def test_it_goes_on_and_its_checkpoint_is_tested_here(train, tmp_path, data_set, capsys):
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
    # The original is not seeded.
    assert train(tmp_path / 'other', '--epochs', 1) == 0
    capsys.readouterr()
    assert len({reading.fingerprint(str(tmp_path / name / 'model.ckpt-4'))
                for name in ('plain', 'other')}) == 2
    assert rows[:2] == first and [row['epoch'] for row in rows] == list('1234')
    # Four batches of a fresh network: about 2.3 nats each for ten classes.
    assert 4 * 2.2 < float(rows[0]['summed_loss']) < 4 * 8
    assert rows[2]['summed_loss'] != '99.0'
    # A run that did not restore step 8 would have counted from 0.
    assert tf.train.load_variable(str(folder / 'model.ckpt-16'), 'global_step') == 16
    result = runs.evaluate(system_cases.CASES['deep_cnn'].system, data_set, 'unused',
                           str(folder / 'model.ckpt-16'))
    assert result.count.num_examples == 40


@not_seeded
def test_a_run_of_train_py_is_left_alone(train, tmp_path, capsys):
    (tmp_path / 'run.json').write_text('')
    assert train(tmp_path, '--epochs', 9) == 1
    captured = capsys.readouterr()
    assert 'contains a run of train.py' in captured.err
    assert captured.err.count('\n') == 1 and captured.out == ''
    assert os.listdir(str(tmp_path)) == ['run.json']
    (tmp_path / 'file').write_text('')
    assert train(tmp_path / 'file' / 'plain') == 1
    assert 'cannot create' in capsys.readouterr().err


@not_seeded
@pytest.mark.parametrize('system', sorted(plain_notebook.NOTEBOOKS))
def test_a_notebook_writes_the_figures_it_prints(system, train, tmp_path, capsys):
    path = tmp_path / 'run.csv'
    assert plain_notebook.main([system, str(path), '--epochs', '2',
                                '--train-files', '1']) == 0
    with open(str(path), newline='') as file:
        rows = list(csv.DictReader(file))
    assert [(row['epoch'], row['part']) for row in rows] == [('1', '1'), ('2', '1')]
    assert all(0 <= float(row['validation_accuracy']) <= 1 for row in rows)
    num_correct = int(capsys.readouterr().out.split()[-2])
    assert 0 <= num_correct <= 200
    assert plain_notebook.main([system, str(tmp_path / 'none' / 'run.csv'),
                                '--epochs', '1']) == 1
    error = capsys.readouterr().err
    assert 'none/run.csv' in error and error.count('\n') == 1


# Names a checkpoint of the original LeNet-5 program, which is not distributed.
VARIABLE = 'LENET5_ORIGINAL'


@pytest.fixture
def original():
    path = os.environ.get(VARIABLE)
    if not path or not os.path.exists(path):
        pytest.skip(f'{VARIABLE} names no checkpoint of the original program')
    reader = tf.train.NewCheckpointReader(path)
    return {name: reader.get_tensor(name)
            for name in reader.get_variable_to_shape_map()}


def test_the_original_s_weights_score_what_it_printed(original, real_mnist_dir):
    """Validation Accuracy = 0.985 and Test Accuracy = 0.984, to the image."""
    data_set = mnist.load_data_set(real_mnist_dir)
    counts = {}
    with tf.Graph().as_default(), tf.Session() as session:
        lenet5_port = plain_lenet5.build_training()
        assert {name: list(value.shape) for name, value in original.items()} == {
            variable.op.name: variable.shape.as_list()
            for variable in tf.global_variables()}
        for variable in tf.trainable_variables():
            variable.load(original[variable.op.name], session)
        for split, count in (('test', 10000), ('train', 5000)):
            table = data_set.raw_records(split)[:count]
            images = plain_lenet5.pad(table[:, 1:].reshape(-1, 28, 28))
            counts[split] = sum(session.run(lenet5_port['num_correct'], {
                lenet5_port['images']: images[i:i + 128],
                lenet5_port['labels']: table[i:i + 128, 0]})
                for i in range(0, count, 128))
    assert counts == {'test': 9836, 'train': 4924}
