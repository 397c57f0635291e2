"""Finished runs of every system: lines, tests, published checkpoints, interruption."""

import argparse
import contextlib
import functools
import io
import os
import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
import system_cases
from cifar10_tf1 import cli
from cifar10_tf1.benchmark import plain, plain_notebook
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import mnist
from cifar10_tf1.export.__main__ import main as export_main
from cifar10_tf1.predict import pictures
from cifar10_tf1.predict.__main__ import main as predict_main
from cifar10_tf1.training import summaries
from system_cases import CASES


@pytest.fixture(scope='module')
def finished(tiny_data_set, tmp_path_factory):
    """Function of a name to (Case, folder, data, output) of a run, which is made once."""
    @functools.lru_cache(maxsize=None)
    def train(name):
        case, folder = CASES[name], tmp_path_factory.mktemp(name)
        data = system_cases.make_data(case, tiny_data_set)
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            assert runs.train(folder, data, system=case.system, epochs=case.num_epochs,
                              no_summaries=name != 'lenet5') == 0
        return case, folder, data, output.getvalue()

    return train


# Patterns of the lines of a run of two epochs or more: the first ones, and the last
# before the hash of the weights.
LINES = {
    'deep_cnn': ([r'Epoch 1 : Loss = \d+\.\d{5}, Epoch Time = \d+\.\d\ds'],
                 [r'Done Training, Total Epoch Time = \d+\.\d\ds']),
    'lenet5': (['Training...', '', 'EPOCH 1 ...', r'Validation Accuracy = \d\.\d{3}', '',
                'EPOCH 2 ...'],
               ['EPOCH 7 ...', r'Validation Accuracy = \d\.\d{3}', '', 'Model saved',
                r'Test Accuracy = \d\.\d{3}']),
    'laptop_cnn': (['Training...', r'Epoch  1, CIFAR-10 Batch 5:  batch loss is :  [\d.]+',
                    r'batch_accuracy accuracy is : [\d.]+'],
                   [r'batch_accuracy accuracy is : [\d.]+']),
    'udacity_cnn': (['Training...', r'Epoch  1, CIFAR-10 Batch 1:  Loss: {5}\d\.\d{4} , '
                     r'Training Acc: \d\.\d{4}, Validation Acc: \d\.\d{4}',
                     r'Epoch  1, CIFAR-10 Batch 2:  Loss: .*'],
                    ['Epoch  2, CIFAR-10 Batch 5:  Loss: .*']),
}


@pytest.mark.parametrize('name', sorted(LINES))
def test_the_documented_lines_of_a_run(name, finished):
    first, last = LINES[name]
    output, unused_rest = finished(name)[-1].split('Weights at step')
    lines = output.splitlines()[1:]
    for pattern, line in zip(first + last, lines[:len(first)] + lines[-len(last):]):
        assert re.match(pattern + '$', line), (pattern, line)


@pytest.mark.parametrize('name', system_cases.TRAINED)
def test_a_test_counts_each_image_once(name, finished):
    case, folder, data, unused_output = finished(name)
    for variant in case.system.variants:
        result = runs.evaluate(case.system, data, folder, variant=variant)
        num_examples = data.num_test_examples
        if variant == 'validation':
            num_examples = len(np.arange(data.num_train_examples)[
                case.system.build_plan(data).validation])
        assert result.count.num_examples == num_examples
        assert result.step == system_cases.count_steps(case, data)
        if name == 'lenet5':  # the only one whose tiny data can be learned
            assert result.count.num_correct > 0.8 * num_examples
        for line in case.system.format_test(result.count):
            if 'Restoring parameters' in line:  # what was restored, not what was then
                assert line.endswith(f' {folder}/model.ckpt-{result.step}')
    if 'validation' in case.system.variants:
        entry = runs.load_record(folder).epochs[-1]
        assert entry['validation_correct'] == result.count.num_correct
        assert entry['validation_accuracy'] == result.count.accuracy


@pytest.mark.parametrize('name', [name for name in system_cases.TRAINED if CASES[name].published])
def test_the_published_checkpoints(name, finished):
    """As the original's plain Saver writes them; the last five."""
    case, folder, data, unused_output = finished(name)
    num_steps = system_cases.count_steps(case, data)
    published = folder / 'published'
    assert {path.stem for path in published.glob('*.index')} == set(case.published)
    prefix = tf.train.latest_checkpoint(str(published))
    assert os.path.basename(prefix) == case.published[-1]
    tensors = runs.tensors_of(prefix)
    assert len(tensors) == case.num_published
    trained = runs.tensors_of(folder / f'model.ckpt-{num_steps}')
    assert set(trained) - set(tensors) == {'global_step'}
    for tensor, value in tensors.items():
        if tensor in trained:
            assert value.tobytes() == trained[tensor].tobytes(), tensor
        else:  # the second network of udacity_cnn
            assert int(tensor.split('_')[1]) in range(12, 24), tensor
    with tf.Graph().as_default(), tf.Session() as session:
        case.build_port()['saver'].restore(session, prefix)
    if name == 'lenet5':  # it says its step by a power of Adam's
        assert case.system.find_step(tf.train.NewCheckpointReader(prefix)) == num_steps


@pytest.mark.parametrize('name', ['lenet5', 'udacity_cnn', pytest.param(
    'laptop_cnn', marks=pytest.mark.slow)])  # deep_cnn: tests/runs
def test_an_interrupted_run_is_the_same_run(name, finished, tmp_path, monkeypatch):
    """Also within a file; dropout is drawn as if nothing had happened."""
    system_cases.check_interrupted(*finished(name)[:-1], tmp_path, monkeypatch)


@pytest.mark.parametrize('name', ['laptop_cnn', 'udacity_cnn'])
def test_the_figures_of_the_record(name, finished):
    """Those of the last entry, computed by NumPy from the logits of the last batch."""
    case, folder, data, unused_output = finished(name)
    entries = runs.load_record(folder).epochs
    assert [entry['part'] for entry in entries] == 2 * (
        [1, 2, 3, 4, 5] if name == 'udacity_cnn' else [5])
    labels, images = data.labels_and_images('train')
    rows = case.system.build_plan(data).rows[-2:]  # a file's 18 images: 16 and the last two
    with tf.Graph().as_default(), tf.Session() as session:
        logits = case.system.build_network(tf.constant(
            plain_notebook.prepare(images[rows])), seed=1)
        tf.train.Saver().restore(session, reading.find_newest(str(folder)).prefix)
        logits = session.run(logits).astype(np.float64)
    assert entries[-1]['training_accuracy'] == (logits.argmax(axis=1) == labels[rows]).mean()
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(2), labels[rows]]
    assert entries[-1]['loss'] == pytest.approx(losses.mean(), rel=1e-5)


@pytest.mark.parametrize('name', ['laptop_cnn', 'udacity_cnn'])
def test_the_document_s_test_runs_on_what_is_published(name, finished):
    """By the names of tensors in the .meta file, as the notebooks do it."""
    case, folder, data, unused_output = finished(name)
    prefix = str(folder / 'published' / 'image_classification')
    labels, images = data.labels_and_images('test')
    x, y = plain_notebook.prepare(images), plain_notebook.one_hot(labels)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(prefix + '.meta').restore(session, prefix)
        shares, logits = zip(*(session.run(['accuracy:0', 'logits:0'], {
            'x:0': part_x, 'y:0': part_y, 'keep_prob:0': 1.0})
            for part_x, part_y in plain.batches(48, x, y)))
    assert np.concatenate(logits).shape == (60, 10)
    result = runs.evaluate(case.system, data, folder)
    assert np.mean(shares, dtype=float) == pytest.approx(result.count.mean_over_batches, abs=1e-12)


def test_a_run_on_the_first_file(tiny_data_set, tmp_path, capsys):
    case = CASES['laptop_cnn']
    data = system_cases.make_data(case, tiny_data_set)
    assert runs.train(tmp_path, data, system=case.system, epochs=1, train_files=1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == 'Checking the Training on a Single Batch...'
    assert re.match(r'Epoch  1, CIFAR-10 Batch 1:  batch loss is :  [\d.]+$', lines[2])
    assert runs.load_record(tmp_path).settings.train_files == 1
    for train_files, message in ((5, 'files: 1, not 5'), (6, 'only 5 training file')):
        with pytest.raises(UserError, match=message):
            runs.train(tmp_path, data, system=case.system, train_files=train_files)


@pytest.fixture
def digits(finished, monkeypatch):
    """(folder, data) of lenet5's finished run, whose data every command finds."""
    unused_case, folder, data, unused_output = finished('lenet5')
    monkeypatch.setattr(mnist, 'load_data_set', lambda unused_folder: data)
    monkeypatch.setattr(mnist, 'is_present', lambda unused_folder: True)
    return folder, data


def test_predict_inverts_a_dark_digit_on_light_paper(digits, image, tmp_path, capsys):
    trained, data_set = digits
    digit = data_set.labels_and_images('test')[1][3, :, :, 0]
    outputs = []
    for name, pixels in (('light', digit), ('dark', 255 - digit)):
        path = tmp_path / f'{name}.png'
        image.fromarray(pixels).save(str(path))
        picture = pictures.load_picture(str(path), CASES['lenet5'].system.picture)
        assert np.array_equal(picture.pixels[:, :, 0], digit)
        assert predict_main([str(path), '--model-dir', str(trained)]) == 0
        outputs.append(capsys.readouterr().out.split('.png')[1])
    assert outputs[1] == ' (inverted: light on dark)' + outputs[0]


def test_export_takes_grey_pictures(digits, tmp_path, capsys):
    folder = str(tmp_path / 'model')
    assert export_main(['--model-dir', str(digits[0]), '--output', folder]) == 0
    assert 'the same classes' in capsys.readouterr().out
    with tf.Graph().as_default(), tf.Session() as session:
        tf.saved_model.load(session, [tf.saved_model.SERVING], folder)
        shape = session.graph.get_tensor_by_name('images:0').shape
        assert shape.as_list() == [None, 28, 28, 1]


def test_event_files_have_the_accuracies(digits):
    (path,) = (digits[0] / summaries.FOLDER).iterdir()
    values = {event.step: value.simple_value
              for event in tf.train.summary_iterator(str(path))
              for value in event.summary.value if value.tag == 'validation_accuracy'}
    assert values == pytest.approx({
        entry['step']: entry['validation_accuracy']
        for entry in runs.load_record(digits[0]).epochs})


def test_the_system_is_that_of_the_folder(digits, tiny_data_set):
    options = argparse.Namespace(system=None, model_dir=str(digits[0]), checkpoint=None)
    assert cli.find_system(options) == 'lenet5'
    options.system = 'deep_cnn'
    with pytest.raises(UserError, match='lenet5.*deep_cnn'):
        cli.find_system(options)
    with pytest.raises(UserError, match='lenet5.*deep_cnn'):
        runs.train(digits[0], tiny_data_set)


def test_a_system_of_another_version(tmp_path):
    for suffix, content in ('index', ''), ('json', '{"data": "cifar10", "system": "lenet6"}'):
        (tmp_path / f'model.ckpt-1.{suffix}').write_text(content)
    options = argparse.Namespace(system=None, model_dir=str(tmp_path), checkpoint=None)
    with pytest.raises(UserError, match="ckpt-1 belongs to 'lenet6'.*--checkpoint"):
        cli.find_system(options)
