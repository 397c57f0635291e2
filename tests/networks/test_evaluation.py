"""Counting, the averages in the place of the weights, networks that are broken."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
import runs
from cifar10_tf1 import evaluation
from cifar10_tf1.benchmark import plain_deep_cnn
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

AVERAGE = '/ExponentialMovingAverage'


@pytest.fixture(scope='module')
def random_tensors():
    return model_helpers.random_tensors()


@pytest.fixture(scope='module')
def random_checkpoint(random_tensors, tmp_path_factory):
    return model_helpers.write_checkpoint(tmp_path_factory.mktemp('random'), random_tensors)


def evaluate(data_set, checkpoint, **options):
    return runs.evaluate(deep_cnn, data_set, 'unused', checkpoint, **options)


def test_a_checkpoint_that_is_not_there_or_has_no_averages(tiny_data_set, random_tensors,
                                                           tmp_path):
    with pytest.raises(UserError, match='no checkpoint in .*train first'):
        runs.evaluate(deep_cnn, tiny_data_set, tmp_path)
    prefix = model_helpers.write_checkpoint(tmp_path, {
        name: value for name, value in random_tensors.items() if 'Moving' not in name})
    with pytest.raises(UserError, match='ExponentialMovingAverage.* missing'):
        evaluate(tiny_data_set, prefix)


def predict_by_the_port(data_set, tensors, suffix):
    """Classes of the centrally cropped test images by the plain port."""
    unused_labels, pixels = data_set.labels_and_images('test')
    crops = pixels[:, 4:28, 4:28].astype(np.float64)
    axes = (1, 2, 3)
    images = (crops - crops.mean(axes, keepdims=True)) / crops.std(axes, keepdims=True)
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(plain_deep_cnn.build_logits(tf.constant(images, tf.float32), {
            name: tf.constant(tensors[name + suffix])
            for name in plain_deep_cnn.VARIABLES})).argmax(axis=1)


def test_counts_with_the_moving_averages(tiny_data_set, random_checkpoint, random_tensors):
    result = evaluate(tiny_data_set, random_checkpoint, variant='central')
    labels = tiny_data_set.labels_and_images('test')[0]
    expected = predict_by_the_port(tiny_data_set, random_tensors, AVERAGE)
    plain = predict_by_the_port(tiny_data_set, random_tensors, '')
    assert (expected != plain).mean() > 0.3  # or this test shows nothing
    assert np.array_equal(result.predictions, expected)
    assert result.count.num_correct == (expected == labels).sum()
    assert result.count.accuracy == result.count.num_correct / 200


def test_the_first_images_only(tiny_data_set, random_checkpoint):
    """Also a number that is not a multiple of the batch size, 100."""
    few, more, all_images = (
        evaluate(tiny_data_set, random_checkpoint, variant='random', max_images=number)
        for number in (30, 150, 1000))
    assert [len(few.logits), len(more.logits), len(all_images.logits)] == [30, 150, 200]
    assert np.array_equal(few.predictions, all_images.predictions[:30])
    assert np.array_equal(more.predictions, all_images.predictions[:150])


def test_a_broken_network_is_refused(tiny_data_set, random_tensors, tmp_path):
    biases = f'model/FC_2/biases{AVERAGE}'
    tensors = {**random_tensors, biases: np.full_like(random_tensors[biases], np.nan)}
    with pytest.raises(UserError, match='200 of 200 images are not finite'):
        evaluate(tiny_data_set, model_helpers.write_checkpoint(tmp_path, tensors))


def test_a_hundred_ties_pass_one_more_does_not():
    """in_top_k counts them as right."""
    logits = np.random.RandomState(0).randn(300, 10).astype(np.float32)
    logits[:100, :2] = 9.0
    evaluation.check_countable(logits, 'model.ckpt-1')
    logits[100, :2] = 9.0
    with pytest.raises(UserError, match='101 of 300 images'):
        evaluation.check_countable(logits, 'model.ckpt-1')


def test_training_continues_from_the_original_s_checkpoint(tiny_data_set, random_tensors,
                                                           tmp_path, capsys):
    """And testing takes the newest one."""
    model_helpers.write_checkpoint(tmp_path, random_tensors)
    assert runs.train(tmp_path, tiny_data_set, epochs=2) == 0
    captured = capsys.readouterr()
    assert 'Restored' in captured.out and 'epoch 1, step 7' in captured.out
    # The original did not record three of the four losses.
    assert '3 losses of this epoch were not recorded' in captured.err
    assert list(runs.losses_of(captured.out)) == ['2']
    assert (tmp_path / 'model.ckpt-7.index').exists()
    result = runs.evaluate(deep_cnn, tiny_data_set, tmp_path)
    assert result.count.checkpoint == str(tmp_path / 'model.ckpt-8')


def test_the_original_restores_ours(finished_run):
    """A plain Saver() on the original's graph finds its 21 tensors and no other, by
    the state file; the .meta file alone rebuilds the graph."""
    prefix = str(finished_run / 'model.ckpt-8')
    with tf.Graph().as_default(), tf.Session() as session:
        port = plain_deep_cnn.build_training()
        state = tf.train.get_checkpoint_state(str(finished_run))
        assert state.model_checkpoint_path == prefix
        port['saver'].restore(session, prefix)
        restored = session.run({v.op.name: v for v in tf.global_variables()})
    ours = runs.tensors_of(prefix)
    assert len(ours) == 21
    assert reading.fingerprint_tensors(restored) == reading.fingerprint_tensors(ours)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(prefix + '.meta').restore(session, prefix)
        assert len(tf.trainable_variables()) == 10
        assert session.run(tf.train.get_global_step()) == 8
