"""Dropout, the loss and the update: draws, cross-entropy, schedule, order, moving average."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import system_cases
from cifar10_tf1 import scripts, systems
from cifar10_tf1.graph import loss
from cifar10_tf1.graph.mode import Mode, build_dropout, build_training_mode
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn, Schedule


@pytest.mark.parametrize('layer, keep_prob, golden', [
    # Of seed 1: which of a layer's first twelve units are kept, 1, at three steps.
    ('before_3', 0.5, ['100110101011', '101100110000', '100100000000']),
    ('logits', 0.8, ['111111110101', '111001111111', '010011111111'])])
def test_dropout(layer, keep_prob, golden):
    """Equal bits on every runtime and processor; different for each step, seed and row."""
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.placeholder(tf.int64, [])
        nets = [build_dropout(tf.fill([2, 1000], 3.0), layer, Mode(
            tf.constant(keep_prob), step, seed)) for seed in (1, 2)]
        values = np.array([session.run(nets, {step: number}) for number in (0, 1, 1000)])
    kept = values != 0
    assert np.unique(values[kept]) == np.float32(3) / np.float32(keep_prob)
    assert np.abs(kept.mean(axis=3) - keep_prob).max() < 0.05
    assert len({row.tobytes() for row in kept.reshape(-1, 1000)}) == 12
    assert [''.join(map(str, row.astype(int))) for row in kept[:, 0, 0, :12]] == golden


@pytest.mark.parametrize('name, share', [('udacity_cnn', 0.2), ('laptop_cnn', 0.0)])
def test_logits_are_dropped_by_udacity_cnn_alone(name, share):
    """Without a fed keep_prob there is none: figures and tests run without dropout."""
    system = systems.load(name)
    images = np.random.RandomState(1).uniform(size=[100, 32, 32, 3])
    with tf.Graph().as_default(), tf.Session() as session:
        mode = build_training_mode(system, 1, loss.build_global_step())
        logits = system.build_network(tf.constant(images, tf.float32), 1, mode=mode)
        session.run(tf.global_variables_initializer())
        assert session.run(logits).all()
        dropped = session.run(logits, {mode.keep_prob: system.keep_prob}) == 0
    assert dropped.mean() == pytest.approx(share, abs=0.05)


@pytest.mark.parametrize('ceiling', [0.9999, 0.3])
def test_updates_then_averages_with_the_incremented_step(ceiling):
    """Of sum((w - t)^2): the rate is a staircase; the average's decay has a ceiling."""
    system = system_cases.make_small('deep_cnn', schedule=Schedule(
        initial_learning_rate=0.2, decay_steps=5, decay_rate=0.5, ema_decay=ceiling))
    weight = average = np.array([3.0, -1.0])  # the shadow starts at the initial value
    target = np.array([1.0, 2.0])
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.get_variable('w', initializer=tf.constant(weight, tf.float32),
                                   use_resource=True)
        total_loss = tf.reduce_sum(tf.square(variable - target.astype(np.float32)))
        step = loss.build_global_step()
        train_op, rate, unused_gradients = scripts.load('train').build_update(
            system, total_loss, step)
        (shadow,) = [v for v in tf.global_variables() if v.op.name == 'w/ExponentialMovingAverage']
        session.run(tf.global_variables_initializer())
        for number in range(12):
            unused_result, *figures = session.run([train_op, total_loss, rate])
            # The printed loss belongs to the weights before the update.
            expected_rate = 0.2 * 0.5 ** (number // 5)
            assert np.allclose(figures, [np.sum((weight - target) ** 2), expected_rate])
            weight = weight - expected_rate * 2.0 * (weight - target)
            decay = min(ceiling, (1 + number + 1) / (10 + number + 1))
            average = decay * average + (1 - decay) * weight
            assert np.allclose(session.run([variable, shadow]), [weight, average])
            assert session.run(step) == number + 1


def test_documented_schedule():
    """Constant through the run of record, the decay below its ceiling."""
    schedule = deep_cnn.settings.schedule
    last_step = schedule.num_epochs * 500
    assert last_step == 55000 < schedule.decay_steps == int(50000 / 100 * 350)
    assert (1 + last_step) / (10 + last_step) < schedule.ema_decay


def test_cross_entropy_equals_the_fused_op():
    """Value and gradient, with logits that would overflow an exp."""
    values = np.random.RandomState(1).randn(100, 10).astype(np.float32) * 5
    values[0], values[1] = 200.0, np.arange(10) * 100.0
    labels = np.arange(100, dtype=np.int32) % 10
    with tf.Graph().as_default(), tf.Session() as session:
        logits = tf.constant(values)
        ours = loss.build_cross_entropy(logits, tf.constant(labels))
        fused = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(
            logits=logits, labels=labels))
        pairs = session.run([(ours, fused), (tf.gradients(ours, logits)[0],
                                             tf.gradients(fused, logits)[0])])
    for actual, expected in pairs:
        assert np.abs(actual - expected).max() <= 1e-6 * np.abs(expected).max()
