"""Dropout: a function of seed, layer and step."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from cifar10_tf1 import systems
from cifar10_tf1.graph.mode import Mode, build_dropout, build_training_mode

# Of seed 1: which of a layer's first twelve units are kept, 1, at three steps.
GOLDEN_MASKS = {
    ('before_3', 0.5): ('100110101011', '101100110000', '100100000000'),
    ('before_4', 0.5): ('011100000001', '101000110010', '111101101000'),
    ('before_5', 0.8): ('111101110111', '111111110101', '111111111111'),
    ('logits', 0.8): ('111111110101', '111001111111', '010011111111'),
}


@pytest.mark.parametrize('layer, keep_prob', sorted(GOLDEN_MASKS))
def test_dropout(layer, keep_prob):
    """The same bits on every runtime and processor, others at each step and seed."""
    masks = {}
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.placeholder(tf.int64, [])
        for seed in (1, 2):
            net = build_dropout(tf.fill([2, 1000], 3.0), layer, Mode(
                tf.constant(keep_prob), step, seed))
            for number in (0, 1, 1000):
                values = session.run(net, {step: number})
                kept = values != 0
                assert np.array_equal(values[kept], np.full(
                    kept.sum(), np.float32(3) / np.float32(keep_prob)))
                assert kept.mean() == pytest.approx(keep_prob, abs=0.05)
                assert not np.array_equal(kept[0], kept[1])
                masks[seed, number] = ''.join(str(int(bit)) for bit in kept[0])
    assert len(set(masks.values())) == 6
    assert tuple(masks[1, number][:12] for number in (0, 1, 1000)) == (
        GOLDEN_MASKS[layer, keep_prob])


def count_dropped(name, keep_prob):
    """How many of 1,000 logits are exactly 0 in training."""
    with tf.Graph().as_default(), tf.Session() as session:
        images = np.random.RandomState(1).uniform(size=[100, 32, 32, 3])
        logits = systems.load(name).build_network(
            tf.constant(images, tf.float32), 1, mode=Mode(
                tf.constant(keep_prob), tf.constant(0, tf.int64), 1))
        session.run(tf.global_variables_initializer())
        return int((session.run(logits) == 0).sum())


def test_logits_are_dropped_by_udacity_cnn_alone():
    """And none where nothing is fed: figures and tests are without dropout."""
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.get_variable('step', [], tf.int64, tf.zeros_initializer(),
                               use_resource=True)
        mode = build_training_mode(systems.load('laptop_cnn'), 1, step)
        session.run(tf.global_variables_initializer())
        before = tf.random.stateless_normal([5, 7], [1, 2])
        values = session.run([before, build_dropout(before, 'layer', mode)])
    assert values[0].tobytes() == values[1].tobytes()
    assert 150 < count_dropped('udacity_cnn', 0.8) < 250
    assert count_dropped('udacity_cnn', 1.0) == 0
    assert count_dropped('laptop_cnn', 0.5) == 0
