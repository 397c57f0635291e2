"""The predict command: its lines, its JSON, its figure, bad files."""

import json
import re
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
from cifar10_tf1 import inference
from cifar10_tf1.benchmark import plain_deep_cnn
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import cifar10, synthetic
from cifar10_tf1.predict import __main__ as predict, classification, figure as predict_figure
from cifar10_tf1.predict.pictures import Picture
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return model_helpers.write_checkpoint(
        tmp_path_factory.mktemp('model'), model_helpers.random_tensors())


@pytest.fixture
def run(checkpoint, capsys):
    """Runs the command with that checkpoint; returns what it prints and its errors."""
    def predict_with(*arguments, status=0):
        assert predict.main(['--checkpoint', checkpoint, *map(str, arguments)]) == status
        return capsys.readouterr()

    return predict_with


def test_the_classifier_takes_the_averages_and_any_number(checkpoint):
    images = np.random.RandomState(1).randint(0, 256, [250, 32, 32, 3]).astype(np.uint8)
    images[1] = 77  # constant, so the deviation is at its floor
    with inference.Classifier(deep_cnn, checkpoint) as classifier:
        assert classifier.step == 7
        many = classifier.classify(images)
        assert classifier.classify(images[:0]).shape == (0, 10)
        assert np.allclose(classifier.classify(images[7:8]), many[7:8], atol=1e-6)
    assert many.shape == (250, 10)
    tensors = model_helpers.random_tensors()
    crops = images[:3, 4:28, 4:28].astype(np.float64)
    crops -= crops.mean((1, 2, 3), keepdims=True)
    crops /= np.maximum(crops.std((1, 2, 3), keepdims=True), 1728 ** -0.5)
    with tf.Graph().as_default(), tf.Session() as session:
        expected = session.run(tf.nn.softmax(plain_deep_cnn.build_logits(
            tf.constant(crops, tf.float32),
            {name: tf.constant(tensors[name + '/ExponentialMovingAverage'])
             for name in plain_deep_cnn.VARIABLES})))
    assert np.abs(many[:3] - expected).max() < 1e-5


def test_a_broken_network_is_said(tmp_path):
    tensors = model_helpers.random_tensors()
    tensors['model/FC_2/biases/ExponentialMovingAverage'][:] = np.nan
    prefix = model_helpers.write_checkpoint(tmp_path, tensors)
    with inference.Classifier(deep_cnn, prefix) as classifier:
        with pytest.raises(UserError, match='not finite'):
            classifier.classify(np.zeros([2, 32, 32, 3], np.uint8))


@pytest.fixture
def folder(image, tmp_path):
    """Two good pictures and one of each bad kind."""
    folder = tmp_path / 'pictures'
    folder.mkdir()
    model_helpers.draw_scene(image).save(str(folder / 'b good.JPG'), format='JPEG')
    model_helpers.draw_scene(image).rotate(90).save(str(folder / 'z good.png'))
    whole = (folder / 'z good.png').read_bytes()
    (folder / 'cut.png').write_bytes(whole[:len(whole) // 2])
    (folder / 'text.jpeg').write_text('no picture')
    (folder / 'notes.txt').write_text('not looked at')
    (folder / '.hidden.png').write_text('not looked at')
    (folder / 'inside.png').mkdir()
    return folder


def test_files_are_classified_and_bad_ones_stop_no_other(folder, run):
    """The lines and the JSON have the same probabilities."""
    (folder.parent / 'nothing').mkdir()
    bad = {folder / 'cut.png': 'truncated', folder / 'text.jpeg': 'PNG or JPEG',
           folder / 'not there.png': 'No such file', folder.parent / 'nothing': 'no picture'}
    arguments = [folder, *list(bad)[2:]]
    output, errors = (text.splitlines() for text in run(*arguments, status=1))
    assert len(errors) == len(bad)
    for error, (path, reason) in zip(errors, bad.items()):
        assert error.startswith(f'{path}: ') and reason in error and '<' not in error
    content = json.loads(run(*arguments, '--json', status=1).out)
    assert content['step'] == 7 and len(content['errors']) == len(bad)
    assert [entry['picture'] for entry in content['pictures']] == [
        str(folder / 'b good.JPG'), str(folder / 'z good.png')]
    for line, entry in zip(output, content['pictures']):
        probabilities = np.array(entry['probabilities'])
        assert abs(probabilities.sum() - 1) < 1e-5 and 'label' not in entry
        top = [(cifar10.CLASS_NAMES[i], probabilities[i]) for i in np.argsort(-probabilities)[:3]]
        assert [(item['class'], item['probability']) for item in entry['top']] == top
        assert line == f'{entry["picture"]}: ' + ', '.join(
            f'{name} {100 * value:.1f} %' for name, value in top)


def test_random_test_images(tiny_cifar10, checkpoint, run):
    output = run('--test', 150).out  # more than a block
    assert output == run('--test', 150).out
    assert run('--test', 5) != run('--test', 5, '--seed', 2)
    labels, images = tiny_cifar10.labels_and_images('test')
    with inference.Classifier(deep_cnn, checkpoint) as classifier:
        best = classifier.classify(images).argmax(axis=1)
    lines = re.findall(r'^test image (\d+): (\w+) .*; true label (\w+?)(, WRONG)?$', output, re.M)
    chosen = [int(index) for index, *unused_words in lines]
    assert len(set(chosen)) == 150
    assert lines == [
        (str(i), cifar10.CLASS_NAMES[best[i]], cifar10.CLASS_NAMES[labels[i]],
         '' if best[i] == labels[i] else ', WRONG') for i in chosen]
    num_correct = (best[chosen] == labels[chosen]).sum()
    assert output.endswith(f'\nCorrect: {num_correct} of 150\n') and 0 < num_correct < 150


def test_what_a_user_has_to_mend_is_one_line(tiny_cifar10, checkpoint, tmp_path, capsys):
    model_helpers.need('matplotlib')
    taken = tmp_path / 'taken.png'
    taken.write_text('kept')
    for arguments, named in (
            (['--test', '201', '--checkpoint', checkpoint], '200 test images'),
            (['--test', '1', '--model-dir', str(tmp_path)], 'no checkpoint in'),
            (['--test', '1', '--figure', str(taken)], 'already exists'),
            (['--test', '1', '--figure', 's3://x/a.png'], 's3://x/a.png'),
            ([], 'name pictures'), (['a.png', '--figure', 'a.jpg'], 'must end in .png')):
        try:
            assert predict.main(arguments) == 1
        except SystemExit as stop:
            assert stop.code == 2
        error = capsys.readouterr().err
        assert named in error and error.count('\n') == 1
    assert taken.read_text() == 'kept'


def test_a_network_of_the_generated_data(tiny_cifar10, tmp_path, monkeypatch, capsys):
    prefix = model_helpers.write_checkpoint(
        tmp_path, model_helpers.random_tensors(), data='synthetic')
    monkeypatch.setattr(synthetic, 'load_data_set',
                        lambda data_dir, source: tiny_cifar10._replace(name='synthetic'))
    assert predict.main(['--checkpoint', prefix, '--test', '2']) == 0
    for line in capsys.readouterr().out.splitlines():
        assert line.startswith('[synthetic, not CIFAR-10] ')
    with inference.Classifier(deep_cnn, prefix) as classifier:
        assert classifier.class_names == synthetic.CLASS_NAMES
        with pytest.raises(UserError, match='trained on synthetic'):
            classifier.check_data_set(tiny_cifar10)


@pytest.mark.parametrize('module, arguments', [
    ('PIL', ['a.png']), ('matplotlib', ['--test', '1', '--figure', 'not-there.png'])])
def test_packages_that_are_missing_are_named(monkeypatch, capsys, module, arguments):
    monkeypatch.setitem(sys.modules, module, None)
    assert predict.main(arguments) == 1
    error = capsys.readouterr().err
    assert f'needs {module}, which is not installed' in error
    assert 'make setup EXTRAS=pictures' in error and error.count('\n') == 1


def test_a_figure_is_written_whole_or_not_at_all(folder, image, run, tmp_path):
    model_helpers.need('matplotlib')
    path = tmp_path / 'out.png'
    arguments = folder / 'b good.JPG', '--figure', path
    with model_helpers.file_size_limit():
        assert f'cannot write {path}: File too large' in run(*arguments, status=1).err
    assert not path.exists()
    assert run(*arguments).err == f'Figure: {path}\n'
    with image.open(str(path)) as figure:
        assert figure.format == 'PNG' and min(figure.size) > 300


def test_the_figure_marks_the_wrong_ones(monkeypatch):
    """Three bars, the largest on top, beside at most 24 pictures in two columns."""
    figure = model_helpers.need('matplotlib.figure').Figure()
    monkeypatch.setattr(predict_figure.drawing, 'draw',
                        lambda width, height, draw_on, *unused: draw_on(figure))
    probabilities = np.full(10, 0.03, np.float32)
    probabilities[[3, 8, 5]] = 0.5, 0.2, 0.09  # cat, ship, dog
    pixels = np.zeros([32, 32, 3], np.uint8)
    shown = [Picture('$a^b$_{\udcff.png', pixels, pixels, label=label)
             for label in [None, 3, 8, 0] + 26 * [1]]
    predict_figure.draw_predictions(
        [(picture, classification.describe(picture, probabilities, cifar10.CLASS_NAMES))
         for picture in shown], deep_cnn)
    assert len(figure.axes) == 2 * 24 and 'The first 24 of 30.' in figure.texts[-1].get_text()
    assert len({round(axes.get_position().x0, 3) for axes in figure.axes}) == 2 * 2
    pictures, bars = figure.axes[:8:2], figure.axes[1:8:2]
    assert [axes.get_title() for axes in bars] == [
        'cat 50.0 %', 'right: cat 50.0 %', 'WRONG: cat 50.0 %', 'WRONG: cat 50.0 %']
    assert [axes.get_title() for axes in pictures] == [
        r'\$a^b\$_{\udcff.png', 'cat', 'ship', 'airplane']
    assert [[text.get_text() for text in axes.get_yticklabels()] for axes in bars] == [
        ['cat', 'ship', 'dog'], ['cat (true)', 'ship', 'dog'], ['cat', 'ship (true)', 'dog'],
        ['cat', 'ship', 'dog']]
    assert [[bar.get_hatch() == '///' for bar in axes.patches] for axes in bars] == (
        2 * [[False] * 3] + 2 * [[True, False, False]])
    assert bars[0].get_ylim()[0] > bars[0].get_ylim()[1] and bars[0].get_xlim() == (0, 1)
