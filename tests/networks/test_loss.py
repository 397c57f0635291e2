"""The loss and the update: cross-entropy, schedule, order, moving average."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import system_cases
from cifar10_tf1.graph import loss
from cifar10_tf1 import scripts
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn, Schedule


def run_small_model(num_steps, schedule):
    """loss = sum((w - t)^2) + decay: one variable, with every value of a run."""
    with tf.Graph().as_default(), tf.Session() as session:
        weight = tf.get_variable('w', [2], initializer=tf.constant_initializer(
            [3.0, -1.0]), use_resource=True)
        total_loss = tf.reduce_sum(tf.square(weight - [1.0, 2.0]))
        system = system_cases.make_small('deep_cnn', schedule=schedule)
        global_step = loss.build_global_step()
        train_op, rate, unused_gradients = scripts.load('train').build_update(
            system, total_loss, global_step)
        average = [v for v in tf.global_variables() if 'Exponential' in v.name]
        assert [v.op.name for v in average] == ['w/ExponentialMovingAverage']
        session.run(tf.global_variables_initializer())
        values = [session.run([weight, average[0], global_step])]
        losses = []
        for unused_step in range(num_steps):
            unused_result, total, lr = session.run([train_op, total_loss, rate])
            losses.append((total, lr))
            values.append(session.run([weight, average[0], global_step]))
    return values, losses


@pytest.mark.parametrize('ceiling', [0.9999, 0.3])
def test_updates_then_averages_with_the_incremented_step(ceiling):
    """The rate is a staircase; the average's decay has a ceiling."""
    values, losses = run_small_model(12, Schedule(
        initial_learning_rate=0.2, decay_steps=5, decay_rate=0.5, ema_decay=ceiling))
    weight = np.array([3.0, -1.0])
    average = weight.copy()  # the shadow starts at the initial value
    target = np.array([1.0, 2.0])
    for step in range(12):
        # The printed loss belongs to the weights before the update.
        assert np.isclose(losses[step][0], np.sum((weight - target) ** 2), 1e-5)
        rate = 0.2 * 0.5 ** (step // 5)
        assert np.isclose(losses[step][1], rate)
        weight = weight - rate * 2.0 * (weight - target)
        decay = min(ceiling, (1 + step + 1) / (10 + step + 1))
        average = decay * average + (1 - decay) * weight
        assert np.allclose(values[step + 1][0], weight, 1e-5)
        assert np.allclose(values[step + 1][1], average, 1e-5)
        assert values[step + 1][2] == step + 1


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
        a, b, da, db = session.run([ours, fused, tf.gradients(ours, logits)[0],
                                    tf.gradients(fused, logits)[0]])
    assert abs(a - b) <= 1e-6 * abs(b)
    assert np.abs(da - db).max() <= 1e-6 * np.abs(db).max()
