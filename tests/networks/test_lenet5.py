"""lenet5: its fast kernels, and the programs around its training."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
import runs
import system_cases
from cifar10_tf1 import cli
from cifar10_tf1 import kernels
from cifar10_tf1.benchmark import plain_lenet5
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import mnist
from cifar10_tf1.export.__main__ import main as export_main
from cifar10_tf1.graph import loss
from cifar10_tf1.predict import pictures
from cifar10_tf1.predict.__main__ import main as predict_main
from cifar10_tf1.report.__main__ import main as report_main
from cifar10_tf1.systems.lenet5 import SYSTEM as lenet5
from cifar10_tf1.training import summaries


@pytest.fixture(scope='module')
def data_set(tiny_data_set):
    return system_cases.make_data(system_cases.CASES['lenet5'], tiny_data_set)


@pytest.fixture(scope='module')
def trained(data_set, tmp_path_factory):
    """The folder of a run of two epochs."""
    folder = tmp_path_factory.mktemp('trained')
    runs.train(folder, data_set, system=lenet5, epochs=2, with_summaries=True)
    return folder


@pytest.fixture
def mnist_is_here(monkeypatch, data_set):
    monkeypatch.setattr(mnist, 'load_data_set', lambda folder: data_set)
    monkeypatch.setattr(mnist, 'is_present', lambda folder: True)


def compute(kernels_name, images, labels, weights):
    """{name: value}: logits, loss, gradients by a formulation."""
    with tf.Graph().as_default(), tf.Session(config=tf.ConfigProto(
            intra_op_parallelism_threads=1)) as session:
        logits = lenet5.build_network(tf.constant(images), 1,
                                      kernels.load(kernels_name))
        total_loss = loss.build_losses(logits, tf.constant(labels))[-1]
        variables = tf.trainable_variables()
        for variable in variables:
            variable.load(weights[variable.op.name], session)
        return session.run(dict(
            zip([variable.op.name for variable in variables],
                tf.gradients(total_loss, variables)), logits=logits, loss=total_loss))


@pytest.mark.parametrize('number', [1, 7, 128])
def test_the_fast_kernels_are_the_stock_ones(number):
    """For any length of a batch; also where whole areas are blank.

    Of numbers whose convolutions are exact: rounding would turn a maximum over.
    """
    random = np.random.RandomState(number)
    images = random.randint(0, 9, [number, 32, 32, 1]).astype(np.float32) / 8
    images[random.uniform(size=images.shape) < 0.5] = 0
    images[::2, :, 12:] = 0
    labels = random.randint(0, 10, number).astype(np.int32)
    weights = {name: random.normal(0, 0.1, shape).astype(np.float32)
               for name, shape in plain_lenet5.VARIABLES.items()}
    for name in plain_lenet5.NAMES[:4]:
        weights[name] = np.rint(16 * weights[name]) / np.float32(16)
    fast, stock = (compute(name, images, labels, weights)
                   for name in ('fast', 'stock'))
    for name, expected in stock.items():
        assert np.linalg.norm(fast[name] - expected) <= (
            1e-5 * np.linalg.norm(expected)), name


def test_the_html_report(trained, mnist_is_here, tmp_path):
    model_helpers.need('matplotlib')
    output = tmp_path / 'report.html'
    report_main([str(trained / 'run.json'), '--output', str(output)])
    text = output.read_text()
    assert 'Validation accuracy' in text and '9,836 of 10,000' in text
    assert 'multiplied by the float32 number' in text  # a quirk of its page


def test_predict_inverts_a_dark_digit_on_light_paper(trained, mnist_is_here, tmp_path, capsys,
                                                     data_set):
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


def test_export_takes_grey_pictures(trained, mnist_is_here, tmp_path, capsys):
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


def test_the_system_is_that_of_the_folder(trained, tiny_data_set):
    class Options:
        system = None
        model_dir = str(trained)
        checkpoint = None

    assert cli.find_system(Options) == 'lenet5'
    Options.system = 'deep_cnn'
    with pytest.raises(UserError, match='lenet5.*deep_cnn'):
        cli.find_system(Options)
    with pytest.raises(UserError, match='lenet5.*deep_cnn'):
        runs.train(trained, tiny_data_set)
