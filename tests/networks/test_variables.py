"""Values for the variables of a session, all in one run."""

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

from cifar10_tf1.graph.variables import load_variables


@pytest.mark.parametrize('is_resource', [False, True])
def test_some_variables_get_their_values(is_resource):
    with tf.Graph().as_default(), tf.Session() as session:
        first, second, third = (
            tf.get_variable(name, [2], initializer=tf.zeros_initializer(),
                            use_resource=is_resource)
            for name in ('first', 'second', 'third'))
        # As a moving average, which begins with another variable's first value.
        average = tf.train.ExponentialMovingAverage(0.5)
        average.apply([first])
        session.run(tf.global_variables_initializer())
        load_variables(session, [(second, np.array([3, 4], 'f')),
                                 (average.average(first), np.array([7, 8], 'f')),
                                 (first, np.array([1, 2], 'f'))])
        assert [list(value) for value in session.run(
            [first, second, third, average.average(first)])] == [
                [1, 2], [3, 4], [0, 0], [7, 8]]


def test_one_tensor_for_two_is_refused():
    with tf.Graph().as_default(), tf.Session() as session:
        zeros = tf.zeros([2])
        pairs = [(tf.Variable(zeros, use_resource=True), [number] * 2)
                 for number in (1, 2)]
        with pytest.raises(AssertionError, match='one tensor'):
            load_variables(session, pairs)
        with pytest.raises(ValueError, match='shape'):
            load_variables(session, [(pairs[0][0], np.zeros(3, 'f'))])
