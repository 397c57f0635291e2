"""lenet5 in the programs around training: report, predict, export, TensorBoard."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
import runs
from cifar10_tf1 import cli
from cifar10_tf1.training import summaries
from cifar10_tf1.data import mnist
from cifar10_tf1.export.__main__ import main as export_main
from cifar10_tf1.predict import pictures
from cifar10_tf1.predict.__main__ import main as predict_main
from cifar10_tf1.report import comparison
from cifar10_tf1.report.__main__ import main as report_main
from cifar10_tf1.report.text import format_report
from cifar10_tf1.systems.lenet5 import SYSTEM as lenet5
from test_lenet5 import data_set  # noqa: F401


@pytest.fixture(scope='module')
def trained(data_set, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp('trained')
    runs.train(folder, data_set, system=lenet5, epochs=2, with_summaries=True)
    return folder


@pytest.fixture(autouse=True)
def mnist_is_here(monkeypatch, data_set):  # noqa: F811
    monkeypatch.setattr(mnist, 'load_data_set', lambda folder: data_set)
    monkeypatch.setattr(mnist, 'is_at_hand', lambda folder: True)


def test_report_compares_the_accuracies(trained):
    record = runs.load_record(trained)
    report = comparison.build_report(record)
    (compared,) = report.curves
    deviations = compared.comparison.deviations
    assert [d.reference for d in deviations] == [0.961, 0.975]
    ours = record.epochs[1]['validation_accuracy']
    assert deviations[1].percent == pytest.approx(
        100 * (ours - 0.975))
    text = format_report(record, report)
    assert 'Validation accuracy' in text and ' points' in text


def test_the_html_report(trained, tmp_path):
    model_helpers.need('matplotlib')
    output = tmp_path / 'report.html'
    report_main([str(trained / 'run.json'), '--output', str(output)])
    text = output.read_text()
    assert 'Validation accuracy' in text and '9,836 of 10,000' in text
    assert 'multiplied by the float32 number' in text  # a quirk of its page


def test_predict_inverts_a_dark_digit_on_light_paper(trained, tmp_path, capsys,
                                                     data_set):  # noqa: F811
    model_helpers.need('PIL')
    from PIL import Image
    digit = data_set.labels_and_images('test')[1][3, :, :, 0]
    outputs = []
    for name, pixels in (('light', digit), ('dark', 255 - digit)):
        path = tmp_path / f'{name}.png'
        Image.fromarray(pixels).save(str(path))
        picture = pictures.load_picture(str(path), lenet5.picture)
        assert np.array_equal(picture.pixels[:, :, 0], digit)
        assert predict_main([str(path), '--model-dir', str(trained)]) == 0
        outputs.append(capsys.readouterr().out.split('.png')[1])
    assert outputs[1] == ' (inverted: light on dark)' + outputs[0]


def test_predict_draws_test_images(trained, tmp_path, capsys):
    model_helpers.need('matplotlib')
    figure = tmp_path / 'out.png'
    assert predict_main(['--test', '3', '--model-dir', str(trained), '--figure',
                         str(figure)]) == 0
    assert capsys.readouterr().out.count('true label') == 3
    assert figure.read_bytes().startswith(b'\x89PNG')


def test_export_takes_grey_pictures(trained, tmp_path, capsys):
    assert export_main(['--model-dir', str(trained), '--output',
                        str(tmp_path / 'model')]) == 0
    assert 'the same classes' in capsys.readouterr().out
    with tf.Graph().as_default(), tf.Session() as session:
        model = tf.saved_model.load(session, [tf.saved_model.SERVING],
                                    str(tmp_path / 'model'))
        shape = model.signature_def['serving_default'].inputs[
            'images'].tensor_shape
        assert [d.size for d in shape.dim] == [-1, 28, 28, 1]


def test_event_files_have_the_accuracies(trained):
    (path,) = (trained / summaries.FOLDER).iterdir()
    values = [(event.step, value.simple_value)
              for event in tf.train.summary_iterator(str(path))
              for value in event.summary.value
              if value.tag == 'validation_accuracy']
    assert [step for step, unused in values] == [5, 10]
    expected = runs.load_record(trained).epochs[1]['validation_accuracy']
    assert values[1][1] == pytest.approx(expected)


def test_the_system_is_that_of_the_checkpoint(trained):
    class Options:
        system = None
        model_dir = str(trained)
        checkpoint = None

    assert cli.find_system(Options) == 'lenet5'
    Options.system = 'deep_cnn'
    with pytest.raises(cli.UserError, match='of the system lenet5, not deep_cnn'):
        cli.find_system(Options)
