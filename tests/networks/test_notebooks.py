"""laptop_cnn and udacity_cnn: dropout, figures, and the notebook's own test."""

import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1 import systems
from cifar10_tf1.benchmark import plain_notebook
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph.mode import Mode
from cifar10_tf1.graph.mode import build_dropout
from cifar10_tf1.graph.mode import build_training_mode
from system_cases import CASES
from system_cases import make_data


@pytest.fixture(scope='module', params=['laptop_cnn', 'udacity_cnn'])
def run(request, finished):
    """(system, folder, data) of a finished run."""
    case = CASES[request.param]
    return (case.system, *finished(case)[:2])


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


def test_the_figures_of_the_record(run):
    """Those of the last entry, computed by NumPy from the logits of the last batch."""
    system, folder, data = run
    entries = runs.load_record(folder).epochs
    assert [entry['part'] for entry in entries] == 2 * (
        [1, 2, 3, 4, 5] if system.takes_figures_by_file else [5])
    labels, images = data.labels_and_images('train')
    plan = system.build_plan(data)
    size = plan.batch_sizes[-1]
    rows = plan.rows[-size:]
    with tf.Graph().as_default(), tf.Session() as session:
        logits = system.build_network(tf.constant(
            plain_notebook.prepare(images[rows])), seed=1)
        tf.train.Saver().restore(session, reading.find_newest(str(folder)).prefix)
        logits = session.run(logits).astype(np.float64)
    right = logits.argmax(axis=1) == labels[rows]
    assert entries[-1]['training_accuracy'] == right.mean()
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(size), labels[rows]]
    assert entries[-1]['loss'] == pytest.approx(losses.mean(), rel=1e-5)


def test_the_document_s_test_runs_on_what_is_published(run):
    """By the names of tensors in the .meta file, as the notebooks do it."""
    system, folder, data = run
    prefix = str(folder / 'published' / 'image_classification')
    labels, images = data.labels_and_images('test')
    features = plain_notebook.prepare(images)
    targets = plain_notebook.one_hot(labels)
    shares = []
    with tf.Graph().as_default() as graph, tf.Session() as session:
        tf.train.import_meta_graph(prefix + '.meta').restore(session, prefix)
        x, y, keep_prob, logits, accuracy = (
            graph.get_tensor_by_name(name) for name in (
                'x:0', 'y:0', 'keep_prob:0', 'logits:0', 'accuracy:0'))
        for start in range(0, len(labels), 48):
            shares.append(float(session.run(accuracy, {
                x: features[start:start + 48], y: targets[start:start + 48],
                keep_prob: 1.0})))
        assert session.run(logits, {x: features[:3], keep_prob: 1.0}).shape == (3, 10)
    result = runs.evaluate(system, data, str(folder))
    assert np.mean(shares) == pytest.approx(result.mean_over_batches, abs=1e-12)


def test_a_run_on_the_first_file(tiny_data_set, tmp_path, capsys):
    case = CASES['laptop_cnn']

    def train(**given):
        return runs.train(tmp_path, make_data(case, tiny_data_set), system=case.system,
                          **given)

    assert train(epochs=1, train_files=1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == 'Checking the Training on a Single Batch...'
    assert re.match(r'Epoch  1, CIFAR-10 Batch 1:  batch loss is :  [\d.]+$', lines[2])
    assert runs.load_record(tmp_path).settings.train_files == 1
    for train_files, message in ((5, '1 training file'), (6, '5 file')):
        with pytest.raises(UserError, match=message):
            train(train_files=train_files)
