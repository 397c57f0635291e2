"""Event files: what is in them, and that training does not notice them."""

import errno
import glob

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.training import summaries

@pytest.fixture(scope='module')
def written(tiny_data_set, tmp_path_factory):
    """The model folder of a run with event files."""
    folder = tmp_path_factory.mktemp('model')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summaries, 'EVERY_STEPS', 5)
        assert runs.train(folder, tiny_data_set, max_steps=6, with_summaries=True) == 0
    return folder


def events_of(folder):
    (path,) = glob.glob(str(folder / summaries.FOLDER / '*tfevents*'))
    return list(tf.train.summary_iterator(path))


def values_of(folder, tag):
    """[(step, value)]"""
    return [(event.step, value) for event in events_of(folder)
            for value in event.summary.value if value.tag == tag]


def test_scalars(written):
    folder, losses = written, runs.step_losses(written)
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


def test_pictures(written):
    for tag, shape in (('augmented_images', (24, 24, 3)), ('filters', (5, 5, 3))):
        pictures = values_of(written, tag + '/image/0')
        assert [step for step, unused in pictures] == [0, 4]
        with tf.Graph().as_default(), tf.Session() as session:
            decoded = session.run([tf.image.decode_png(value.image.encoded_image_string)
                                   for unused, value in pictures])
        assert decoded[0].shape == decoded[1].shape == shape
        assert (decoded[0] != decoded[1]).any()


def test_histograms(written):
    tensors = runs.tensors_of(written / 'model.ckpt-6')
    for name in ('model/conv_1/weights', 'model/FC_2/biases'):
        histograms = values_of(written, name)
        assert [step for step, unused in histograms] == [0, 4]
        histogram = histograms[0][1].histo
        assert histogram.num == sum(histogram.bucket) == tensors[name].size
    assert not values_of(written, 'model/FC_2/biases/ExponentialMovingAverage')


def test_graph_and_start(written):
    (path,) = (written / summaries.FOLDER).iterdir()
    assert path.name.endswith('.step-0')  # and not with the name of the host
    version, start, graph = events_of(written)[:3]
    assert version.file_version == 'brain.Event:2'
    assert start.session_log.status == tf.SessionLog.START
    graph_def = tf.GraphDef.FromString(graph.graph_def)
    scopes = {node.name.split('/')[0] for node in graph_def.node}
    assert {'model', 'training_input', 'cross_entropy'} <= scopes


@pytest.mark.parametrize('is_full', [True, False])
def test_event_files_that_cannot_be_written_stop_no_run(is_full, tmp_path, tiny_data_set,
                                                        monkeypatch, capsys):
    def write(writer, record):
        raise OSError(errno.ENOSPC, 'No space left on device')

    if is_full:
        monkeypatch.setattr(tf.io.TFRecordWriter, 'write', write)
    else:
        (tmp_path / summaries.FOLDER).write_text('in the way')
    assert runs.train(tmp_path, tiny_data_set, max_steps=1, with_summaries=True) == 0
    error = capsys.readouterr().err
    assert 'TensorBoard' in error and error.count('\n') == 1
