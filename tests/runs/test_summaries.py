"""Event files: what is in them, and that training does not notice them."""

import errno

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.training import summaries


@pytest.fixture(scope='module')
def written(tiny_data_set, tmp_path_factory):
    """The model folder of a run of an epoch and a half."""
    folder = tmp_path_factory.mktemp('model')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summaries, 'EVERY_STEPS', 5)
        assert runs.train(folder, tiny_data_set, max_steps=6, no_summaries=False) == 0
    return folder


@pytest.fixture(scope='module')
def events(written):
    (path,) = (written / summaries.FOLDER).iterdir()
    assert path.name.endswith('.step-0')  # and not with the name of the host
    return list(tf.train.summary_iterator(str(path)))


def list_values(events, tag, *steps):
    """The values of a tag, which has them at these and no other steps."""
    found = {event.step: value for event in events for value in event.summary.value
             if value.tag == tag}
    assert tuple(found) == steps
    return list(found.values())


def test_scalars(written, events):
    losses = runs.step_losses(written)
    total, decay, cross_entropy, rate, speed = (
        np.array([value.simple_value for value in list_values(events, tag, 1, 6)])
        for tag in ('loss/total', 'loss/weight_decay', 'loss/cross_entropy', 'learning_rate',
                    'images_per_second'))
    assert total.tolist() == [losses[0], losses[5]]
    assert total == pytest.approx(decay + cross_entropy, abs=1e-5)
    # Of the initial weights, since the step reads them before its update.
    assert abs(cross_entropy[0] - np.log(10)) < 0.2
    assert rate == pytest.approx(0.1) and (speed > 0).all()


@pytest.mark.parametrize('tag, shape', [('augmented_images', (24, 24, 3)), ('filters', (5, 5, 3))])
def test_pictures(tag, shape, events):
    with tf.Graph().as_default(), tf.Session() as session:
        first, second = session.run([tf.image.decode_png(value.image.encoded_image_string)
                                     for value in list_values(events, tag + '/image/0', 0, 4)])
    assert first.shape == second.shape == shape
    assert (first != second).any()


def test_histograms_and_graph(written, events):
    name = 'model/conv_1/weights'
    histogram = list_values(events, name, 0, 4)[0].histo
    size = runs.tensors_of(written / 'model.ckpt-6')[name].size
    assert histogram.num == sum(histogram.bucket) == size
    assert not list_values(events, 'model/FC_2/biases/ExponentialMovingAverage')
    version, start, graph = events[:3]
    assert version.file_version == 'brain.Event:2'
    assert start.session_log.status == tf.SessionLog.START
    scopes = {node.name.split('/')[0] for node in tf.GraphDef.FromString(graph.graph_def).node}
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
    assert runs.train(tmp_path, tiny_data_set, max_steps=1, no_summaries=False) == 0
    error = capsys.readouterr().err
    assert 'TensorBoard' in error and error.count('\n') == 1
