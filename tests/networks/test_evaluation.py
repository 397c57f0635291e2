"""Counting, the averages in place of the weights, networks that are broken."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
import runs
from cifar10_tf1 import evaluation
from cifar10_tf1.benchmark import plain_port
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


@pytest.fixture(scope='module')
def random_tensors():
    return model_helpers.random_tensors()


def write_checkpoint(folder, tensors, step=7):
    """With a plain Saver, as the original. Returns the prefix."""
    with tf.Graph().as_default(), tf.Session() as session:
        variables = {name: tf.Variable(value) for name, value in tensors.items()}
        session.run(tf.global_variables_initializer())
        return tf.train.Saver(variables).save(
            session, str(folder / 'model.ckpt'), step)


@pytest.fixture(scope='module')
def random_checkpoint(random_tensors, tmp_path_factory):
    return write_checkpoint(tmp_path_factory.mktemp('random'), random_tensors)


def logits_by_the_port(data_set, tensors, suffix):
    """The centrally cropped test images through the plain port."""
    unused_labels, pixels = data_set.labels_and_images('test')
    crops = pixels[:, 4:28, 4:28].astype(np.float64)
    axes = (1, 2, 3)
    images = (crops - crops.mean(axes, keepdims=True)) / crops.std(
        axes, keepdims=True)
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(plain_port.build_logits(
            tf.constant(images, tf.float32),
            {name: tf.constant(tensors[name + suffix])
             for name in plain_port.VARIABLES}))


def test_counts_with_the_moving_averages(tiny_data_set, random_checkpoint,
                                         random_tensors):
    result = runs.evaluate(deep_cnn, tiny_data_set, 'unused',
                           random_checkpoint, variant='central')
    labels = tiny_data_set.labels_and_images('test')[0]
    expected = logits_by_the_port(tiny_data_set, random_tensors,
                                  '/ExponentialMovingAverage').argmax(axis=1)
    plain = logits_by_the_port(tiny_data_set, random_tensors, '').argmax(axis=1)
    assert (expected != plain).mean() > 0.3  # or this test shows nothing
    assert np.array_equal(result.predictions, expected)
    assert result.num_correct == (expected == labels).sum()
    assert result.num_examples == 200
    assert result.accuracy == result.num_correct / 200


@pytest.mark.parametrize('variant', ['random', 'central'])
def test_the_first_images_alone(tiny_data_set, random_checkpoint, variant):
    def evaluate(**options):
        return runs.evaluate(deep_cnn, tiny_data_set, 'unused', random_checkpoint,
                             variant=variant, **options)

    result = evaluate(max_images=30)
    assert result.num_examples == 30
    everything = evaluate(max_images=1000)
    assert everything.num_examples == 200
    assert np.array_equal(result.predictions, everything.predictions[:30])


@pytest.mark.slow
def test_crops_are_the_seed_s(tiny_data_set, random_checkpoint):
    def predictions(seed, crop='random'):
        return runs.evaluate(
            deep_cnn, tiny_data_set, 'unused', random_checkpoint, seed=seed,
            variant=crop).predictions.tolist()

    assert predictions(1) == predictions(1)
    assert predictions(1) != predictions(2)
    assert predictions(1, 'central') == predictions(2, 'central')


def changed(tensors, name, value):
    return dict(tensors, **{name + '/ExponentialMovingAverage': np.full_like(
        tensors[name], value)})


def test_a_dead_network_is_caught(tiny_data_set, random_tensors, tmp_path):
    """in_top_k counts ties as right: it would have all 200 of 200."""
    tensors = changed(random_tensors, 'model/softmax_linear/weights', 0)
    tensors = changed(tensors, 'model/softmax_linear/biases', 0)
    prefix = write_checkpoint(tmp_path, tensors)
    with pytest.raises(UserError, match='200 of 200 images share'):
        runs.evaluate(deep_cnn, tiny_data_set, 'unused', prefix)


def test_a_network_of_nan_is_caught(tiny_data_set, random_tensors, tmp_path):
    for value in (np.nan, np.inf):
        tensors = changed(random_tensors, 'model/FC_2/biases', value)
        prefix = write_checkpoint(tmp_path, tensors)
        with pytest.raises(UserError, match='200 of 200 images are not finite'):
            runs.evaluate(deep_cnn, tiny_data_set, 'unused', prefix)


def test_a_hundred_ties_pass_one_more_does_not():
    logits = np.random.RandomState(0).randn(300, 10).astype(np.float32)
    logits[:100, :2] = 9.0
    evaluation.check_countable(logits, 'model.ckpt-1')
    logits[100, :2] = 9.0
    with pytest.raises(UserError, match='101 of 300 images share'):
        evaluation.check_countable(logits, 'model.ckpt-1')


def test_newest_checkpoint_of_the_folder(tiny_data_set, random_tensors,
                                         tmp_path):
    write_checkpoint(tmp_path, random_tensors, step=5)
    write_checkpoint(tmp_path, random_tensors, step=40)
    result = runs.evaluate(deep_cnn, tiny_data_set, str(tmp_path))
    assert result.checkpoint == str(tmp_path / 'model.ckpt-40')


def test_no_checkpoint(tiny_data_set, tmp_path):
    with pytest.raises(UserError, match='no checkpoint in .*; train first'):
        runs.evaluate(deep_cnn, tiny_data_set, str(tmp_path))


def test_a_checkpoint_without_averages(tiny_data_set, random_tensors, tmp_path):
    prefix = write_checkpoint(tmp_path, {
        name: value for name, value in random_tensors.items()
        if 'Moving' not in name})
    with pytest.raises(UserError, match='ExponentialMovingAverage is missing'):
        runs.evaluate(deep_cnn, tiny_data_set, 'unused', prefix)


def test_training_goes_on_from_the_original_s_checkpoint(
        tiny_data_set, random_tensors, tmp_path, capsys):
    write_checkpoint(tmp_path, random_tensors, step=7)
    assert runs.train(tmp_path, tiny_data_set, epochs=2) == 0
    captured = capsys.readouterr()
    assert 'Restored' in captured.out and 'epoch 1, step 7' in captured.out
    # Three of the four losses are the original's and unknown here.
    assert '3 losses of this epoch were not recorded' in captured.err
    assert list(runs.losses_of(captured.out)) == [2]
    assert (tmp_path / 'model.ckpt-7.index').exists()
    runs.evaluate(deep_cnn, tiny_data_set, str(tmp_path))


def test_the_original_restores_ours(tiny_data_set, tmp_path):
    """A plain Saver() on the original's graph finds its 21 tensors and no
    other, by the state file."""
    runs.train(tmp_path, tiny_data_set, max_steps=2)
    with tf.Graph().as_default(), tf.Session() as session:
        port = plain_port.build_training()
        state = tf.train.get_checkpoint_state(str(tmp_path))
        assert state.model_checkpoint_path.split('-')[-1] == '2'
        port['saver'].restore(session, state.model_checkpoint_path)
        restored = {variable.op.name: session.run(variable)
                    for variable in tf.global_variables()}
    ours = runs.tensors_of(tmp_path / 'model.ckpt-2')
    assert sorted(restored) == sorted(ours) and len(ours) == 21
    for name in ours:
        assert np.array_equal(restored[name], ours[name])


def test_ours_is_in_the_graph_file(tiny_data_set, tmp_path):
    """The .meta file alone rebuilds the graph, as TensorFlow 1 users do."""
    runs.train(tmp_path, tiny_data_set, max_steps=1)
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(str(tmp_path / 'model.ckpt-1.meta'))
        saver.restore(session, str(tmp_path / 'model.ckpt-1'))
        assert len(tf.trainable_variables()) == 10
        assert session.run(tf.train.get_global_step()) == 1
