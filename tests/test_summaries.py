"""Event files: what is in them, and that training does not notice them."""

import errno
import glob

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1 import summaries
from cifar10_tf1.machine import Threads
from cifar10_tf1.runtime import session_config
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

STEPS = 6


def train(data_set, folder, build=summaries.Summaries):
    """Six steps, an epoch and a half, as training does. Returns (tensors,
    losses, what was read at the start of each epoch)."""
    graph = runs.build_training_graph(deep_cnn, data_set, seed=2)
    config = session_config(Threads(1, 1, 1))
    losses, read = [], []
    with tf.Session(graph=graph.graph, config=config) as session:
        session.run(graph.initializer)
        graph.inputs.training.load(session, data_set)
        handle = session.run(graph.inputs.handles['training'])
        feed = {graph.inputs.handle: handle}
        writer = build(str(folder), graph, deep_cnn, 0)
        for step in range(STEPS):
            if step % 4 == 0:
                def read_images(epoch=step // 4):
                    graph.inputs.training.initialize(session, epoch)
                    read.append(session.run(graph.inputs.images, feed))
                    return read[-1]

                writer.start_epoch(session, read_images, step)
                graph.inputs.training.initialize(session, step // 4)
            writer.before_step(session, step)
            unused, loss = session.run([graph.train_op, graph.total_loss], feed)
            losses.append(loss)
            writer.after_step(step + 1, loss, 0.5)
        writer.close()
        return session.run(graph.variables), losses, read


@pytest.fixture(scope='module')
def written(tiny_data_set, tmp_path_factory):
    folder = tmp_path_factory.mktemp('summaries')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(summaries, 'EVERY_STEPS', 5)
        return (folder,) + train(tiny_data_set, folder)


def events_of(folder):
    (path,) = glob.glob(str(folder / summaries.FOLDER / '*tfevents*'))
    return list(tf.train.summary_iterator(path))


def values_of(folder, tag):
    """[(step, value)]"""
    return [(event.step, value) for event in events_of(folder)
            for value in event.summary.value if value.tag == tag]


@pytest.mark.slow
def test_training_has_the_same_bits(written, tiny_data_set, tmp_path):
    tensors, losses, read = train(tiny_data_set, tmp_path,
                                  lambda *unused: summaries.NoSummaries())
    assert losses == written[2] and read == [] and len(written[3]) == 2
    assert len(tensors) == 21
    for name, value in tensors.items():
        assert value.tobytes() == written[1][name].tobytes(), name
    assert list(tmp_path.iterdir()) == []


def test_scalars(written):
    folder, unused_tensors, losses, unused_read = written
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
    assert [value.simple_value for unused, value in values_of(
        folder, 'images_per_second')] == [200, 200]


def test_pictures(written):
    folder, unused_tensors, unused_losses, read = written
    images = values_of(folder, 'augmented_images')
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
        (unused_step, filters) = values_of(folder, 'filters')[0]
        assert decoded(filters).shape == (8 * 6 * 6, 8 * 6 * 6, 3)
    first = read[1][0]  # of the second epoch
    expected = np.rint(255 * (first - first.min()) / (first.max() - first.min()))
    assert (mosaic[:24, :24] == expected).all()
    assert (mosaic[24] == 255).all()


def test_histograms(written):
    folder, tensors, unused_losses, unused_read = written
    for name in ('model/conv_1/weights', 'model/FC_2/biases'):
        histograms = values_of(folder, name)
        assert [step for step, unused in histograms] == [0, 4]
        histogram = histograms[0][1].histo
        assert histogram.num == sum(histogram.bucket) == tensors[name].size
        assert len(histogram.bucket) == len(histogram.bucket_limit)
        assert histogram.bucket_limit[-1] >= histogram.max
    assert not values_of(folder, 'model/FC_2/biases/ExponentialMovingAverage')


def test_constant_and_broken_weights_have_a_histogram():
    assert sum(summaries.build_histogram(np.full(7, 0.1)).bucket) == 7
    assert summaries.build_histogram([np.nan, 1.0, np.inf]).num == 1
    assert summaries.build_histogram([np.nan]).num == 0


def test_graph_and_start(written):
    version, start, graph = events_of(written[0])[:3]
    assert version.file_version == 'brain.Event:2'
    assert start.session_log.status == tf.SessionLog.START
    graph_def = tf.GraphDef.FromString(graph.graph_def)
    scopes = {node.name.split('/')[0] for node in graph_def.node}
    assert {'model', 'training_input', 'cross_entropy'} <= scopes


def test_the_file_names_no_host(written):
    import socket
    (path,) = (written[0] / summaries.FOLDER).iterdir()
    assert socket.gethostname() not in path.name or (
        len(socket.gethostname()) < 4)
    assert path.name.endswith('.step-0')


class Stub:
    """A graph and a session without a network."""
    graph = tf.Graph()
    weight_decay_loss = learning_rate = None
    variables = {}

    @staticmethod
    def run(fetches):
        return [0.5, 0.1]


def use(writer):
    """What training calls."""
    writer.start_epoch(Stub, None, 0)
    for step in range(30):
        writer.before_step(Stub, step)
        writer.after_step(step + 1, 2.0, 0.1)
    writer.close()


def test_a_full_disk_stops_no_run(tmp_path, monkeypatch, capsys):
    def fail(*unused_arguments, **unused_fields):
        raise OSError(errno.ENOSPC, 'No space left on device')

    writer = summaries.Summaries(str(tmp_path), Stub, deep_cnn, 0)
    monkeypatch.setattr(summaries.Summaries, '_start_epoch', fail)
    use(writer)
    assert capsys.readouterr().err == (
        'warning: no more event files for TensorBoard: No space left on '
        'device\n')


def test_a_folder_that_cannot_be_made(tmp_path, capsys):
    (tmp_path / summaries.FOLDER).write_text('in the way')
    use(summaries.Summaries(str(tmp_path), Stub, deep_cnn, 0))
    assert capsys.readouterr().err.count('\n') == 1
