"""inception_v3: its structure on the graph, its order, its lines.

What needs the network to run, at 299 x 299, is in test_inception_v3_runs.py.
"""

import hashlib
import math
import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.systems.inception import network, weights
from cifar10_tf1.systems.inception_v3 import (BATCH, STORED, SYSTEM as inception_v3, draw_rows)

GOLDEN = os.path.join(os.path.dirname(os.path.dirname(__file__)), 'golden',
                      'inception_v3_layers.txt')
# In the weight decay, but of a loss that is not asked for.
WITHOUT_GRADIENT = {
    'InceptionV3/AuxLogits/Conv2d_1b_1x1/BatchNorm/beta',
    'InceptionV3/AuxLogits/Conv2d_2a_5x5/BatchNorm/beta',
    'InceptionV3/AuxLogits/Conv2d_2b_1x1/biases'}


def load_slim():
    """{name: shape} of slim's model variables, in its order of creation."""
    shapes = {}
    with open(GOLDEN) as file:
        for line in file:
            scope, shape, kind = line.split()
            shape = tuple(map(int, shape.split(',')))
            shapes[f'{scope}/weights'] = shape
            for name in ['biases'] if kind == 'biases' else [
                    'BatchNorm/beta', 'BatchNorm/moving_mean', 'BatchNorm/moving_variance']:
                shapes[f'{scope}/{name}'] = shape[-1:]
    return shapes


@pytest.fixture(scope='module')
def training(tiny_data_set):
    """The training graph of batches of 64, which is not run."""
    return runs.build_training_graph(inception_v3, tiny_data_set)


def test_the_variables_are_slim_s(training):
    """388 by name, shape and order; a checkpoint has 777 tensors."""
    found = [(variable.op.name, tuple(variable.shape.as_list())) for variable
             in training.graph.get_collection(tf.GraphKeys.MODEL_VARIABLES)]
    assert len(found) == 388 and found == list(load_slim().items())
    model = set(load_slim())
    slots = {f'{name}/{slot}' for name in model - WITHOUT_GRADIENT
             if not name.split('/')[-1].startswith('moving') for slot in ('Adam', 'Adam_1')}
    assert set(training.variables) == model | slots | {'global_step', 'beta1_power', 'beta2_power'}
    assert len(training.variables) == 777
    assert len(training.graph.get_collection('losses')) == 98
    assert len(training.figures) == 1 + 193
    lines = weights.format_list(load_slim())
    assert lines[0] == ('Tensor("InceptionV3/Conv2d_1a_3x3/weights/read:0", shape=(3, 3, 3, 32), '
                        'dtype=float32) ::RESTORED FROM CHECKPOINT')
    assert [line.split('::')[1] for line in lines] == (
        ['RESTORED FROM CHECKPOINT'] * 280 + ['SELECTED FOR RETRAINING'] * 108)


def test_moments_are_averaged_in_each_update(training):
    """Before the weights change, and not where the loss alone is asked for."""
    updates = {tensor.op for tensor in training.graph.get_collection(tf.GraphKeys.UPDATE_OPS)}
    assert len(updates) == 192 and not updates & list_ancestors(training.total_loss.op)
    applied = [op for op in training.graph.get_operations() if op.type == 'ResourceApplyAdam']
    assert len(applied) == 193
    for op in (applied[0], applied[-1]):
        assert updates <= list_ancestors(op)


def test_no_sum_depends_on_which_buffer_is_free(training):
    """AddN of three or more may begin with any of them; two have one sum."""
    sums = [op for op in training.graph.get_operations() if op.type == 'AddN']
    assert len(sums) > 200
    assert max(len(op.inputs) for op in sums) == 2


def list_ancestors(op):
    found, waiting = set(), [op]
    while waiting:
        op = waiting.pop()
        if op not in found:
            found.add(op)
            waiting += [tensor.op for tensor in op.inputs] + list(op.control_inputs)
    return found


def test_the_initial_values_of_each_kind():
    """One weight of each standard deviation, with its betas, moments or biases."""
    with tf.Graph().as_default(), tf.Session() as session:
        builder = network.Builder(1, 0.0, network.Normalization(), True)
        with tf.variable_scope('InceptionV3'):
            builder.build_chain(tf.zeros([1, 9, 9, 3]), network.BODY[:1])
            with tf.variable_scope('AuxLogits'):
                net = builder.build_chain(tf.zeros([1, 5, 5, 128]), network.AUXILIARY[2:])
                builder.build_linear(net, 'Conv2d_2b_1x1', 10, network.AUXILIARY_STDDEV)
            with tf.variable_scope('Logits'):
                builder.build_linear(tf.zeros([1, 1, 1, 2048]), 'Conv2d_1c_1x1', 10)
        session.run(tf.global_variables_initializer())
        values = session.run({variable.op.name: variable for variable in tf.global_variables()})
    for name, stddev in {'Conv2d_1a_3x3': math.sqrt(2.6 / 27),
                         'AuxLogits/Conv2d_2a_5x5': 0.01, 'AuxLogits/Conv2d_2b_1x1': 0.001,
                         'Logits/Conv2d_1c_1x1': math.sqrt(2.6 / 2048)}.items():
        # Cut off at two deviations, which leaves 0.88 of one.
        assert values[f'InceptionV3/{name}/weights'].std() == pytest.approx(0.88 * stddev, rel=0.1)
    assert reading.fingerprint_tensors(values) == (
        '02b413d3bdc994100389d0ac9a7e46c174bdfdea064fba7fa56d9d0ab24a6f7d')


def test_the_provider_s_order():
    rows = draw_rows(100, 1000, seed=1)
    # Golden: a change of it would make another run.
    assert hashlib.sha256(rows.tobytes()).hexdigest() == (
        '9553cfcf04fb92de3a6367e1a33a32b777b841210c038abc68a697f090e5376e')
    # All but those that are still in the queue, or a pass ahead.
    assert abs(np.bincount(rows, minlength=100) - 10).max() <= 3
    assert (rows[:60] < 32 + np.arange(60)).all()  # not read before its turn
    assert not np.array_equal(rows, draw_rows(100, 1000, seed=2))
    # Of whom the queue holds several passes at once.
    assert set(draw_rows(5, 500, seed=1)) == set(range(5))


def test_an_epoch_goes_on_where_the_last_one_ended(tiny_data_set):
    plan = inception_v3.build_plan(tiny_data_set)
    rows = np.concatenate([plan.order(1, epoch) for epoch in range(3)])
    assert np.array_equal(rows, draw_rows(400, 96000, seed=1))
    assert inception_v3.build_plan(tiny_data_set, num_files=2).order(1, 0).max() == 159
    # The documented test takes other rows.
    rows = inception_v3.list_test_rows(200, BATCH, 1)
    assert len(rows) == 200 and len(set(rows)) < 200
    assert inception_v3.list_test_rows(200, STORED, 1) == slice(200)
