"""Every system against its plain port and its document."""

import argparse

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
import system_cases
from cifar10_tf1 import evaluation, systems
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.graph import pipeline
from cifar10_tf1.graph.variables import load_variables
from cifar10_tf1.report import comparison
from cifar10_tf1.systems import base
from system_cases import CASES


@pytest.mark.parametrize('name', systems.NAMES)
def test_the_catalog_agrees_with_the_system(name):
    entry, system = systems.find(name), systems.load(name)
    assert system.name == name and system.num_epochs == entry.num_epochs
    for curve in entry.documented.curves:
        epoch, unused_part = max(comparison.load_curve(name, curve.name, curve.figure))
        assert epoch <= entry.num_epochs


@pytest.mark.parametrize('name, batch_sizes, points', [
    ('deep_cnn', (100,) * 500, ()),
    ('lenet5', (128,) * 429 + (88,), ()),
    ('laptop_cnn', ((256,) * 35 + (40,)) * 5, ((180, 5),)),
    ('udacity_cnn', (1000,) * 45, ((9, 1), (18, 2), (27, 3), (36, 4), (45, 5))),
    ('inception_v3', (64,) * 500, ((100, 1), (200, 2), (300, 3), (400, 4), (500, 5)))])
def test_the_documented_plan(name, batch_sizes, points):
    source = systems.find(name).source
    data = argparse.Namespace(num_train_files=source.num_train_files,
                              num_train_examples=source.num_train)
    plan = systems.load(name).build_plan(data)
    assert plan.batch_sizes == batch_sizes and plan.reporting_points == points
    numbers = np.arange(source.num_train)
    rows = numbers[plan.rows]
    if name == 'lenet5':
        assert np.array_equal(rows, numbers[5000:])
        assert np.array_equal(numbers[plan.validation], numbers[:5000])
    elif name in ('laptop_cnn', 'udacity_cnn'):
        files = numbers.reshape(5, 10000)
        assert np.array_equal(rows, files[:, :9000].ravel())
        assert np.array_equal(plan.validation, files[:, 9000:].ravel())
        alone = systems.load(name).build_plan(data, num_files=1)
        assert alone.batch_sizes == batch_sizes[:len(batch_sizes) // 5]
        assert alone.reporting_points == ((len(alone.batch_sizes), 1),)
        assert np.array_equal(alone.rows, rows[:9000])
        # Validation stays pooled over all files.
        assert np.array_equal(alone.validation, plan.validation)
    else:
        assert np.array_equal(rows, numbers) and plan.validation is None


@pytest.mark.parametrize('case', [case for case in CASES.values() if case.prepare],
                         ids=lambda case: case.name)
def test_batches_are_the_port_s(case, tiny_data_set):
    """Each image once, in the plan's order, to the bit; from any batch on."""
    data = system_cases.make_data(case, tiny_data_set)
    plan = case.system.build_plan(data)
    train_rows = np.arange(data.num_train_examples)
    test_rows = np.arange(data.num_test_examples)[case.system.list_test_rows(
        data.num_test_examples, case.system.variants[0], 1)]
    with tf.Graph().as_default(), tf.Session() as session:
        trained = pipeline.build_training_inputs(case.system, data, plan, 1, 2)
        tested = pipeline.build_test_inputs(case.system, data, 1, case.system.variants[0], 2)

        def check(inputs, name, rows, epoch=0, first_batch=0):
            source = inputs.sources[name].plan
            labels, images = data.labels_and_images(source.split)
            feeds = inputs.start(session, name, epoch, first_batch)
            batch = inputs.labels, inputs.images
            sizes = source.batch_sizes[first_batch:]
            batches = [session.run(batch, feeds) for unused_size in sizes]
            with pytest.raises(tf.errors.OutOfRangeError):
                session.run(batch, feeds)
            assert tuple(len(labels) for labels, unused_images in batches) == sizes
            rows = rows[sum(source.batch_sizes[:first_batch]):]
            found = [np.concatenate(parts) for parts in zip(*batches)]
            assert np.array_equal(found[0], labels[rows])
            assert found[1].tobytes() == case.prepare(images[rows]).tobytes()

        for epoch, first in ((0, 0), (2, 3), (5, plan.num_steps - 1)):
            rows = train_rows[plan.rows]
            check(trained, pipeline.TRAINING, rows if plan.order is None else (
                rows[plan.order(1, epoch)]), epoch, first)
        check(tested, pipeline.TEST, test_rows)
        for name in set(trained.sources) - {pipeline.TRAINING}:
            check(trained, name, {
                pipeline.TEST: test_rows, pipeline.VALIDATION: train_rows[plan.validation],
                pipeline.LAST_BATCHES: trained.sources[name].plan.rows}[name])


@pytest.mark.parametrize('name', system_cases.TRAINED)
def test_three_updates_are_the_port_s(name, tiny_data_set):
    """The same loss and weights from the same weights on the same batches, without dropout.

    Each update waits for the loss.
    """
    case = CASES[name]
    data = system_cases.make_data(case, tiny_data_set)
    graph = runs.build_training_graph(case.system, data)
    assert list(graph.dropout_feed.values()) == list(filter(None, [case.system.keep_prob]))
    with tf.Graph().as_default() as port_graph:
        port = case.build_port()
        variables = {variable.op.name: variable for variable in tf.trainable_variables()}
        start = tf.global_variables_initializer()
    ours_by_name = {variable.op.name: variable for variable in graph.graph.get_collection(
        tf.GraphKeys.TRAINABLE_VARIABLES)}
    with tf.Session(graph=graph.graph) as ours, tf.Session(graph=port_graph) as theirs:
        ours.run(graph.initializer)
        theirs.run(start)
        values = ours.run(ours_by_name)
        assert set(values) == set(variables)
        load_variables(theirs, [(variables[name], values[name]) for name in variables])
        feeds = graph.inputs.start(ours, pipeline.TRAINING)
        fetches = graph.train_op, graph.total_loss, graph.inputs.images, graph.inputs.labels
        for unused_step in range(3):
            unused_result, loss, images, labels = ours.run(fetches, feeds)
            port_loss, unused_result = theirs.run([port['loss'], port['train_op']],
                                                  case.feed(port, images, labels))
            assert abs(loss - port_loss) <= 1e-5 * abs(port_loss)
        moved = ours.run(ours_by_name)
        for name, expected in theirs.run(variables).items():
            # A norm, for a pool may take the other of two maxima that round alike.
            distance = np.linalg.norm(moved[name] - expected)
            assert distance <= 0.01 * np.linalg.norm(expected - values[name]), name


# Digests of the initial weights of seed 1: the same on both runtimes and every machine.
INITIAL = {
    'deep_cnn': '97ce56171cbe88fce3e50de9182cc71a3e5124062da7e84d06bd69d4f0719028',
    'lenet5': '12356febf514f0c73e3ba6d80b5fa6b3132fa74ef23d33242d61853818641fd8',
    'laptop_cnn': '3e09de130b806fae72af70165af949934e97663b8d37a65d39ba2d9de3286207',
    'udacity_cnn': 'f0cc1251b14d273920cd4d455b78d5ae109cd4d46b58d9588c38a9190a943ab6',
}


def draw_initial_weights(system, seed):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.random.uniform([seed], seed=5, name='unrelated')
        picture = system.picture
        system.build_network(system.build_images(tf.zeros(
            [1, picture.side, picture.side, picture.channels], tf.uint8)), seed)
        session.run(tf.global_variables_initializer())
        return session.run({variable.op.name: variable for variable in tf.trainable_variables()})


@pytest.mark.parametrize('name', sorted(INITIAL))
def test_initial_weights(name):
    """By the seed and the variable's name alone."""
    values, others = (draw_initial_weights(systems.load(name), seed) for seed in (1, 2))
    assert reading.fingerprint_tensors(values) == INITIAL[name]
    assert all((value != others[full]).mean() > 0.99
               for full, value in values.items() if value.std() > 1e-6)


COUNT = base.TestCount(6876, 10000, 1.5, 0.6875999808311463, 'models/model.ckpt-40')
NOTEBOOK = ['INFO:tensorflow:Restoring parameters from models/model.ckpt-40',
            'Testing Accuracy: 0.6875999808311463', '']


@pytest.mark.parametrize('name, expected', [
    ('deep_cnn', ['Test : Accuracy = 6876/10000 = 0.688, Test Time : 1.50s']),
    ('lenet5', ['Stored Test Accuracy = 0.688']),
    ('laptop_cnn', NOTEBOOK), ('udacity_cnn', NOTEBOOK),
    ('inception_v3', ['Overall accuracy 0.6876'])])
def test_the_documented_lines_of_a_test(name, expected):
    lines = systems.load(name).format_test(COUNT)
    assert lines[:len(expected)] == expected
    assert '6876' in lines[-1] and '1.50s' in lines[-1]


def test_the_documented_lines_of_slim():
    system = systems.load('inception_v3')
    assert system.format_step(1, 2.97921, 76.3749) == [
        'INFO:tensorflow:global step 1: loss = 2.9792 (76.37 sec/step)']
    assert system.format_end(0.6416812, 1.0, None) == [
        'Finished training. Last batch loss 0.641681']


def test_mini_batches_are_averaged_as_the_notebooks_do():
    # Ten float32 shares of 6,876 images in all.
    mean = evaluation.average_batches([687] * 4 + [688] * 6, (1000,) * 10)
    assert mean != 0.6876 and abs(mean - 0.6876) < 1e-7
    # A short last batch counts as much as the others.
    assert evaluation.average_batches([1, 2], (2, 2)) == 0.75
    assert evaluation.average_batches([2, 0], (4, 1)) == 0.25
