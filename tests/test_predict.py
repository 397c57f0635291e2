"""A user's pictures: how they are read, what is said of them."""

import json
import re
import struct
import sys
import zlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
from cifar10_tf1 import inference
from cifar10_tf1.benchmark import plain_port
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import synthetic
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.predict import __main__ as predict
from cifar10_tf1.predict import figure as predict_figure
from cifar10_tf1.predict.prediction import Prediction
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

LINE = re.compile(r'^(.*): (\w+) (\d+\.\d) %, (\w+) (\d+\.\d) %, '
                  r'(\w+) (\d+\.\d) %(?:; true label (\w+)(, WRONG)?)?$')


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    return model_helpers.write_checkpoint(
        tmp_path_factory.mktemp('model'), model_helpers.random_tensors())


@pytest.fixture
def tiny_data(monkeypatch, tiny_data_set):
    monkeypatch.setattr(cifar10, 'load_data_set', lambda data_dir: tiny_data_set)
    return tiny_data_set


# --- The network on pictures --------------------------------------------------


def test_the_central_images_are_testing_s(tiny_data_set):
    """A whole batch of bytes, against the test pipeline with draws of 0.5."""
    records = cifar10.load_bytes([tiny_data_set.test_path], 200)[:20].copy()
    records[3, 1:] = 77  # constant, where the deviation has a floor
    images = records[:, 1:].reshape([20, 3, 32, 32]).transpose(0, 2, 3, 1)
    with tf.Graph().as_default(), tf.Session() as session:
        ours = deep_cnn.build_images(tf.constant(images))
        unused_labels, expected = deep_cnn.build_test_batch(
            tf.constant(records), tf.fill([20, 2], 0.5))
        ours, expected = session.run([ours, expected])
    assert ours.shape == (20, 24, 24, 3)
    assert np.abs(ours - expected).max() < 1e-5
    assert (ours[3] == 0).all()


def test_classifier_takes_the_averages_and_any_number(checkpoint):
    images = np.random.RandomState(1).randint(0, 256, [250, 32, 32, 3]).astype(
        np.uint8)
    with inference.Classifier(deep_cnn, checkpoint) as classifier:
        assert classifier.step == 7
        many = classifier.classify(images)
        assert classifier.classify(images[:0]).shape == (0, 10)
        assert np.allclose(classifier.classify(images[7:8]), many[7:8],
                           atol=1e-6)
    assert many.shape == (250, 10)
    assert np.allclose(many.sum(axis=1), 1.0, atol=1e-5)
    tensors = model_helpers.random_tensors()
    with tf.Graph().as_default(), tf.Session() as session:
        crops = images[:3, 4:28, 4:28].astype(np.float64)
        crops -= crops.mean((1, 2, 3), keepdims=True)
        crops /= crops.std((1, 2, 3), keepdims=True)
        expected = session.run(tf.nn.softmax(plain_port.build_logits(
            tf.constant(crops, tf.float32),
            {name: tf.constant(tensors[name + '/ExponentialMovingAverage'])
             for name in plain_port.VARIABLES})))
    assert np.abs(many[:3] - expected).max() < 1e-5


def test_a_broken_network_is_said(tmp_path):
    tensors = model_helpers.random_tensors()
    tensors['model/FC_2/biases/ExponentialMovingAverage'][:] = np.nan
    prefix = model_helpers.write_checkpoint(tmp_path, tensors)
    with inference.Classifier(deep_cnn, prefix) as classifier:
        with pytest.raises(UserError, match='not finite'):
            classifier.classify(np.zeros([2, 32, 32, 3], np.uint8))


# --- The command --------------------------------------------------------------


def png_header(width, height):
    """A small file that says it is a large picture."""
    def chunk(kind, content):
        return (struct.pack('>I', len(content)) + kind + content
                + struct.pack('>I', zlib.crc32(kind + content)))

    return (b'\x89PNG\r\n\x1a\n'
            + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0,
                                         0))
            + chunk(b'IDAT', zlib.compress(bytes(100))) + chunk(b'IEND', b''))


@pytest.fixture
def folder(image, tmp_path):
    """Two good pictures, and one of each bad kind."""
    folder = tmp_path / 'pictures'
    folder.mkdir()
    model_helpers.draw_scene(image).save(str(folder / 'b good.JPG'), format='JPEG')
    model_helpers.draw_scene(image).rotate(90).save(str(folder / 'z good.png'))
    whole = (folder / 'z good.png').read_bytes()
    (folder / 'cut.png').write_bytes(whole[:len(whole) // 2])
    (folder / 'empty.png').write_bytes(b'')
    (folder / 'huge.png').write_bytes(png_header(20000, 20000))
    (folder / 'text.jpeg').write_text('no picture')
    (folder / 'notes.txt').write_text('not looked at')
    (folder / '.hidden.png').write_text('not looked at')
    (folder / 'inside.png').mkdir()
    return folder


def test_bad_files_stop_no_other(folder, checkpoint, capsys):
    (folder.parent / 'nothing').mkdir()
    status = predict.main([str(folder), str(folder / 'not there.png'),
                           str(folder.parent / 'nothing'),
                           '--checkpoint', checkpoint])
    captured = capsys.readouterr()
    assert status == 1
    names = [LINE.match(line).group(1) for line in captured.out.splitlines()]
    assert names == [str(folder / 'b good.JPG'), str(folder / 'z good.png')]
    first, *others = captured.err.splitlines()
    assert first.startswith(f'{folder}/cut.png: is cut off: ')
    assert others == [
        f'{folder}/empty.png: is empty',
        f'{folder}/huge.png: has more than 178,956,970 pixels; make it smaller '
        'first',
        f'{folder}/text.jpeg: is neither PNG nor JPEG, or damaged',
        f'{folder}/not there.png: cannot be read: No such file or directory',
        f'{folder.parent}/nothing: the folder holds no picture (no file that '
        'ends in .png, .jpg, .jpeg)']


def test_the_lines_are_the_probabilities(image, checkpoint, tmp_path, capsys):
    paths = []
    for i in range(3):
        paths.append(str(tmp_path / f'{i}.png'))
        model_helpers.draw_scene(image, (40 + i, 80)).rotate(30 * i).save(paths[-1])
    assert predict.main(paths + ['--checkpoint', checkpoint]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert predict.main(paths + ['--checkpoint', checkpoint, '--json']) == 0
    content = json.loads(capsys.readouterr().out)
    assert content['step'] == 7 and content['errors'] == []
    for path, line, entry in zip(paths, lines, content['pictures']):
        assert entry['picture'] == path and 'label' not in entry
        probabilities = np.array(entry['probabilities'])
        assert abs(probabilities.sum() - 1) < 1e-5
        order = np.argsort(-probabilities)[:3]
        assert [top['class'] for top in entry['top']] == [
            cifar10.CLASS_NAMES[i] for i in order]
        words = LINE.match(line).groups()
        assert words[0] == path
        for i, name, percent in zip(order, words[1:7:2], words[2:7:2]):
            assert name == cifar10.CLASS_NAMES[i]
            assert percent == f'{100 * probabilities[i]:.1f}'


def test_random_test_images(tiny_data, checkpoint, capsys):
    def run(*arguments):
        assert predict.main(['--checkpoint', checkpoint] + list(arguments)) == 0
        return capsys.readouterr().out

    output = run('--test', '150')  # more than a block
    *lines, last = output.splitlines()
    assert output == run('--test', '150')
    assert run('--test', '5') != run('--test', '5', '--seed', '2')
    labels, images = cifar10.load_records(tiny_data.test_path)
    with inference.Classifier(deep_cnn, checkpoint) as classifier:
        best = classifier.classify(images).argmax(axis=1)
    seen, right = set(), 0
    for line in lines:
        words = LINE.match(line).groups()
        index = int(words[0].replace('test image ', ''))
        seen.add(index)
        assert words[1] == cifar10.CLASS_NAMES[best[index]]
        assert words[7] == cifar10.CLASS_NAMES[labels[index]]
        assert (words[8] is None) == (best[index] == labels[index])
        right += words[8] is None
    assert len(seen) == 150
    assert last == f'Right: {right} of 150' and 0 < right < 150


def test_more_test_images_than_there_are(tiny_data, checkpoint, capsys):
    assert predict.main(['--checkpoint', checkpoint, '--test', '201']) == 1
    assert 'there are 200 test images' in capsys.readouterr().err


def test_pictures_come_before_test_images_that_lack(
        image, checkpoint, tmp_path, monkeypatch, capsys):
    def load_data_set(data_dir):
        raise UserError('no data')

    monkeypatch.setattr(cifar10, 'load_data_set', load_data_set)
    path = tmp_path / 'a.png'
    model_helpers.draw_scene(image).save(str(path))
    assert predict.main([str(path), '--test', '1', '--checkpoint',
                         checkpoint]) == 1
    captured = capsys.readouterr()
    assert LINE.match(captured.out.strip()).group(1) == str(path)
    assert captured.err == 'python -m cifar10_tf1.predict: error: no data\n'


def test_a_network_of_the_generated_data(tiny_data, tmp_path, monkeypatch,
                                         capsys):
    prefix = model_helpers.write_checkpoint(
        tmp_path, model_helpers.random_tensors(), data='synthetic')
    monkeypatch.setattr(synthetic, 'load_data_set',
                        lambda data_dir: tiny_data._replace(name='synthetic'))
    assert predict.main(['--checkpoint', prefix, '--test', '2']) == 0
    for line in capsys.readouterr().out.splitlines():
        assert line.startswith('[synthetic, not CIFAR-10] ')
    assert synthetic.CLASS_NAMES[3] == 'striped ring'
    with inference.Classifier(deep_cnn, prefix) as classifier:
        assert classifier.class_names == synthetic.CLASS_NAMES
        with pytest.raises(UserError, match='trained on synthetic'):
            classifier.check_data_set(tiny_data)


def test_usage(capsys):
    for arguments, named in (([], 'give pictures'),
                             (['--test', '0'], '0 is not in 1 to'),
                             (['a.png', '--figure', 'a.jpg'], 'ends in .png'),
                             (['a.png', '--top', '5'], '--top')):
        with pytest.raises(SystemExit) as stop:
            predict.main(arguments)
        assert stop.value.code == 2
        error = capsys.readouterr().err
        assert named in error and error.count('\n') == 1


def test_no_checkpoint(tmp_path, tiny_data, capsys):
    assert predict.main(['--test', '1', '--model-dir', str(tmp_path)]) == 1
    assert 'no checkpoint in' in capsys.readouterr().err


def test_packages_that_are_missing_are_named(monkeypatch, capsys):
    for module, arguments in (('PIL', ['a.png']),
                              ('matplotlib', ['--test', '1', '--figure',
                                              'not-there.png'])):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, module, None)
            patch.delitem(sys.modules, module + '.Image', raising=False)
            assert predict.main(arguments) == 1
        error = capsys.readouterr().err
        assert f'needs {module}, which is not installed' in error
        assert 'make setup EXTRAS=pictures' in error
        assert re.search(r'requirements/pictures-(py36|py37|tf2)\.txt', error)
        assert error.count('\n') == 1


# --- The figure ---------------------------------------------------------------


def test_figure(folder, checkpoint, tmp_path, capsys):
    model_helpers.need('matplotlib')
    Image = model_helpers.need('PIL.Image')
    path = tmp_path / 'out.png'
    arguments = [str(folder / 'b good.JPG'), '--checkpoint', checkpoint,
                 '--figure', str(path)]
    assert predict.main(arguments) == 0
    assert capsys.readouterr().err == f'Figure: {path}\n'
    with Image.open(str(path)) as figure:
        assert figure.format == 'PNG' and min(figure.size) > 300
    content = path.read_bytes()
    assert predict.main(arguments) == 1
    assert 'is there already and is not overwritten' in capsys.readouterr().err
    assert path.read_bytes() == content
    arguments[-1] = str(tmp_path / 'none' / 'out.png')
    assert predict.main(arguments) == 1
    assert 'there is no folder' in capsys.readouterr().err


def test_half_a_figure_is_not_left(image, checkpoint, tmp_path, capsys):
    model_helpers.need('matplotlib')
    model_helpers.draw_scene(image).save(str(tmp_path / 'a.png'))
    path = tmp_path / 'out.png'
    with model_helpers.file_size_limit():
        assert predict.main([str(tmp_path / 'a.png'), '--checkpoint',
                             checkpoint, '--figure', str(path)]) == 1
    assert f'cannot write --figure {path}: File too large\n' in (
        capsys.readouterr().err)
    assert not path.exists()


def figure_of(predictions, monkeypatch):
    """The matplotlib Figure of predictions, instead of its PNG."""
    model_helpers.need('matplotlib')
    kept = []
    real = predict_figure.drawing.draw

    def draw(width, height, draw_on, *arguments):
        return real(width, height,
                    lambda figure: (draw_on(figure), kept.append(figure)),
                    *arguments)

    monkeypatch.setattr(predict_figure.drawing, 'draw', draw)
    image = np.zeros([32, 32, 3], np.uint8)
    content = predict_figure.draw_predictions(
        predictions, [image] * len(predictions), 99, deep_cnn)
    assert content.startswith(b'\x89PNG')
    return kept[0]


def test_the_figure_marks_the_wrong_ones(monkeypatch):
    """The three likeliest classes, the true one marked where it is there."""
    probabilities = np.full(10, 0.03, np.float32)
    probabilities[[3, 8, 5]] = 0.5, 0.2, 0.09
    figure = figure_of([
        Prediction(name, probabilities, label, cifar10.CLASS_NAMES)
        for name, label in (('$a^b$_{.png', None), ('right', 3), ('wrong', 8),
                            ('absent', 0))], monkeypatch)
    titles = [axes.get_title(loc='left') for axes in figure.axes]
    assert titles[1::2] == ['cat 50.0 %', 'right: cat 50.0 %',
                            'WRONG: cat 50.0 %', 'WRONG: cat 50.0 %']
    assert titles[::2] == [r'\$a^b\$_{.png', 'cat', 'ship', 'airplane']
    assert [axes.texts[0].get_text() for axes in figure.axes[2::2]] == [
        'right', 'wrong', 'absent']
    labels = [[text.get_text() for text in axes.get_yticklabels()]
              for axes in figure.axes[1::2]]
    assert labels == [['cat', 'ship', 'dog'], ['cat (true)', 'ship', 'dog'],
                      ['cat', 'ship (true)', 'dog'], ['cat', 'ship', 'dog']]
    hatched = [[bar.get_hatch() for bar in axes.patches].index('///')
               for axes in figure.axes[5::2]]
    assert hatched == [0, 0]
    assert [text.get_text() for text in figure.texts] == [
        'Softmax Predictions', 'The first 4 of 99. Frame: what the network '
        'sees.']


def test_the_figure_is_the_documents(monkeypatch):
    """A row a picture, bars of a share, the largest on top; two columns of more."""
    def draw(number):
        return figure_of([Prediction(
            'a', np.linspace(0, 0.2, 10).astype(np.float32), 1,
            cifar10.CLASS_NAMES)] * number, monkeypatch)

    def list_lefts(figure):
        return {round(axes.get_position().x0, 3) for axes in figure.axes}

    figure = draw(4)
    assert len(list_lefts(figure)) == 2 and len(figure.axes) == 8
    bars = figure.axes[1]
    assert bars.get_xticks().tolist() == [0, 0.5, 1]
    assert bars.get_ylim()[0] > bars.get_ylim()[1]  # the first one on top
    widths = [bar.get_width() for bar in bars.patches]
    assert len(widths) == 3 and widths == sorted(widths, reverse=True)
    assert len(list_lefts(draw(5))) == 4
