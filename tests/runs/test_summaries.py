"""Event files: what is in them, and that training does not notice them."""

import errno
import glob
import socket

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.training import step_losses
from cifar10_tf1.training import summaries
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

SEED = 2


def train(folder, data_set, **options):
    """Six steps, an epoch and a half, unless the options say another number."""
    options.setdefault('max_steps', 6)
    return runs.train(folder, data_set, seed=SEED, **options)


@pytest.fixture(scope='module')
def written(tiny_data_set, tmp_path_factory):
    """The model folder of a run with event files."""
    folder = tmp_path_factory.mktemp('model')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summaries, 'EVERY_STEPS', 5)
        assert train(folder, tiny_data_set, with_summaries=True) == 0
    return folder


def losses_of(folder):
    return np.fromfile(str(folder / step_losses.FILE), '<f4')


def events_of(folder):
    (path,) = glob.glob(str(folder / summaries.FOLDER / '*tfevents*'))
    return list(tf.train.summary_iterator(path))


def values_of(folder, tag):
    """[(step, value)]"""
    return [(event.step, value) for event in events_of(folder)
            for value in event.summary.value if value.tag == tag]


@pytest.mark.slow
def test_training_has_the_same_bits(written, tiny_data_set, tmp_path):
    assert train(tmp_path, tiny_data_set) == 0
    assert (losses_of(tmp_path) == losses_of(written)).all()
    runs.assert_same_bits(tmp_path / 'model.ckpt-6', written / 'model.ckpt-6')
    assert not (tmp_path / summaries.FOLDER).exists()


def test_scalars(written):
    folder, losses = written, losses_of(written)
    total = values_of(folder, 'loss/total')
    assert [step for step, unused in total] == [1, 6]
    assert [value.simple_value for unused, value in total] == [
        losses[0], losses[5]]
    decay = values_of(folder, 'loss/weight_decay')
    cross_entropy = values_of(folder, 'loss/cross_entropy')
    for (unused, a), (unused, b), (unused, c) in zip(total, decay,
                                                     cross_entropy):
        assert abs(a.simple_value - b.simple_value - c.simple_value) < 1e-5
    # Of the initial weights, since the step reads them before its update.
    assert abs(cross_entropy[0][1].simple_value - np.log(10)) < 0.2
    assert [round(value.simple_value, 6) for unused, value in values_of(
        folder, 'learning_rate')] == [0.1, 0.1]
    assert all(value.simple_value > 0 for unused, value in values_of(
        folder, 'images_per_second'))


def test_pictures(written, tiny_data_set):
    images = values_of(written, 'augmented_images')
    assert [step for step, unused in images] == [0, 4]
    with tf.Graph().as_default(), tf.Session() as session:
        content = tf.placeholder(tf.string, [])
        decode = tf.image.decode_png(content)

        def decoded(value):
            picture = session.run(
                decode, {content: value.image.encoded_image_string})
            assert picture.shape == (value.image.height, value.image.width, 3)
            return picture

        mosaic = decoded(images[1][1])[::2, ::2]
        (unused_step, filters) = values_of(written, 'filters')[0]
        assert decoded(filters).shape == (8 * 6 * 6, 8 * 6 * 6, 3)
    training = runs.build_training_graph(deep_cnn, tiny_data_set, SEED)
    with tf.Session(graph=training.graph) as session:
        training.inputs.training.load(session, tiny_data_set)
        training.inputs.training.initialize(session, 1)  # the second epoch
        first = session.run(training.inputs.images, {
            training.inputs.handle: session.run(training.inputs.handles['training'])})[0]
    expected = np.rint(255 * (first - first.min()) / (first.max() - first.min()))
    assert (mosaic[:24, :24] == expected).all()
    assert (mosaic[24] == 255).all()


def test_histograms(written):
    tensors = runs.tensors_of(written / 'model.ckpt-6')
    for name in ('model/conv_1/weights', 'model/FC_2/biases'):
        histograms = values_of(written, name)
        assert [step for step, unused in histograms] == [0, 4]
        histogram = histograms[0][1].histo
        assert histogram.num == sum(histogram.bucket) == tensors[name].size
        assert len(histogram.bucket) == len(histogram.bucket_limit)
        assert histogram.bucket_limit[-1] >= histogram.max
    assert not values_of(written, 'model/FC_2/biases/ExponentialMovingAverage')


def test_constant_and_broken_weights_have_a_histogram():
    assert sum(summaries.build_histogram(np.full(7, 0.1)).bucket) == 7
    assert summaries.build_histogram([np.nan, 1.0, np.inf]).num == 1
    assert summaries.build_histogram([np.nan]).num == 0


def test_graph_and_start(written):
    version, start, graph = events_of(written)[:3]
    assert version.file_version == 'brain.Event:2'
    assert start.session_log.status == tf.SessionLog.START
    graph_def = tf.GraphDef.FromString(graph.graph_def)
    scopes = {node.name.split('/')[0] for node in graph_def.node}
    assert {'model', 'training_input', 'cross_entropy'} <= scopes


def test_the_file_names_no_host(written):
    (path,) = (written / summaries.FOLDER).iterdir()
    assert socket.gethostname() not in path.name or (
        len(socket.gethostname()) < 4)
    assert path.name.endswith('.step-0')


def test_a_full_disk_stops_no_run(tmp_path, tiny_data_set, monkeypatch, capsys):
    class Writer:
        def __init__(self, path):
            pass

        def write(self, record):
            raise OSError(errno.ENOSPC, 'No space left on device')

    monkeypatch.setattr(tf.io, 'TFRecordWriter', Writer)
    assert train(tmp_path, tiny_data_set, max_steps=1, with_summaries=True) == 0
    assert capsys.readouterr().err == (
        'warning: no more event files for TensorBoard: No space left on '
        'device\n')


def test_a_folder_that_cannot_be_made(tmp_path, tiny_data_set, capsys):
    (tmp_path / summaries.FOLDER).write_text('in the way')
    assert train(tmp_path, tiny_data_set, max_steps=1, with_summaries=True) == 0
    assert capsys.readouterr().err.count('\n') == 1
