"""laptop_cnn and udacity_cnn: batches, dropout, update, lines, what they publish."""

import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.graph import dropout
from cifar10_tf1 import evaluation
from cifar10_tf1 import systems
from cifar10_tf1.benchmark import plain_laptop_cnn
from cifar10_tf1.benchmark import plain_notebook
from cifar10_tf1.benchmark import plain_udacity_cnn
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.systems import base

PORTS = {'laptop_cnn': plain_laptop_cnn, 'udacity_cnn': plain_udacity_cnn}
NUM_PUBLISHED = {'laptop_cnn': 38, 'udacity_cnn': 50}  # tensors
STEPS = 25  # of an epoch on tiny data: five files of four batches of 16 and an 8


def make_small(name, **settings):
    """The system with batches that a file of 80 records has several of."""
    system = type(systems.load(name))()
    system.settings = system.settings._replace(batch_size=16, test_batch_size=48,
                                               **settings)
    return system


@pytest.fixture(scope='module', params=sorted(PORTS))
def system(request):
    return make_small(request.param)


@pytest.fixture(scope='module')
def whole_run(system, tiny_data_set, tmp_path_factory):
    """Two epochs, never interrupted: a folder."""
    folder = tmp_path_factory.mktemp(system.name)
    assert runs.train(folder, tiny_data_set, system=system, epochs=2) == 0
    return folder


class Cifar10:
    num_train_files, num_train_examples = 5, 50000


@pytest.mark.parametrize('name, batch_sizes, parts', [
    ('laptop_cnn', (256,) * 35 + (40,), ((180, 5),)),
    ('udacity_cnn', (1000,) * 9, ((9, 1), (18, 2), (27, 3), (36, 4), (45, 5)))])
def test_the_documented_plan(name, batch_sizes, parts):
    plan = systems.load(name).build_plan(Cifar10)
    assert plan.batch_sizes == batch_sizes * 5 and plan.reporting_points == parts
    rows = plan.rows.reshape(5, 9000)
    assert (rows[:, 0] == np.arange(5) * 10000).all()
    assert (np.diff(rows, axis=1) == 1).all()
    held_back = plan.validation.reshape(5, 1000)
    assert (held_back[:, 0] == np.arange(5) * 10000 + 9000).all()
    assert (np.diff(held_back, axis=1) == 1).all()
    alone = systems.load(name).build_plan(Cifar10, num_files=1)
    assert alone.batch_sizes == batch_sizes
    assert alone.reporting_points == ((len(batch_sizes), 1),)
    # Validation stays pooled over all files.
    assert np.array_equal(alone.validation, plan.validation)
    assert np.array_equal(alone.rows, plan.rows[:9000])


def test_batches_are_the_port_s(system, tiny_data_set):
    """Each image once, in order, to the bit, all 256 values of a byte."""
    graph = runs.build_training_graph(system, tiny_data_set, seed=1)
    labels, images = tiny_data_set.labels_and_images('train')
    rows = system.build_plan(tiny_data_set).rows
    with tf.Session(graph=graph.graph) as session:
        inputs = graph.inputs
        inputs.training.load(session, tiny_data_set)
        inputs.training.initialize(session, epoch=3)
        feeds = {inputs.handle: session.run(inputs.handles['training'])}
        batches = [session.run([inputs.labels, inputs.images], feeds)
                   for unused_step in range(STEPS)]
    assert [len(batch[0]) for batch in batches] == [16, 16, 16, 16, 8] * 5
    assert np.array_equal(np.concatenate([batch[0] for batch in batches]),
                          labels[rows])
    assert len(np.unique(images)) == 256
    assert np.concatenate([batch[1] for batch in batches]).tobytes() == (
        plain_notebook.prepare(images[rows]).tobytes())


def test_three_updates_are_the_port_s(system, tiny_data_set):
    """Without dropout, whose draws differ: the same loss and weights."""
    graph = runs.build_training_graph(system, tiny_data_set, seed=1)
    with tf.Graph().as_default() as port_graph:
        port = plain_notebook.build_training(PORTS[system.name].build_logits,
                                             seed=1)
        variables = tf.trainable_variables()
        start = tf.global_variables_initializer()
    with tf.Session(graph=graph.graph) as ours, \
            tf.Session(graph=port_graph) as theirs:
        ours.run(graph.initializer)
        theirs.run(start)
        for variable in variables:
            variable.load(ours.run(graph.variables[variable.op.name]), theirs)
        graph.inputs.training.load(ours, tiny_data_set)
        graph.inputs.training.initialize(ours, epoch=0)
        feeds = {graph.inputs.handle: ours.run(graph.inputs.handles['training'])}
        for unused_step in range(3):
            unused, loss, images, labels = ours.run(
                [graph.train_op, graph.total_loss, graph.inputs.images,
                 graph.inputs.labels], feeds)
            port_loss, unused = theirs.run(
                [port['loss'], port['train_op']],
                {port['x']: images, port['y']: plain_notebook.one_hot(labels),
                 port['keep_prob']: 1.0})
            assert abs(loss - port_loss) <= 2e-6 * abs(port_loss)
        for variable in variables:
            difference = np.abs(ours.run(graph.variables[variable.op.name])
                                - theirs.run(variable))
            assert difference.max() < 2e-5, variable.op.name


def test_initial_weights():
    """laptop_cnn draws its biases too; udacity_cnn's begin at 0."""
    for name, num_zero in (('laptop_cnn', 0), ('udacity_cnn', 6)):
        with tf.Graph().as_default(), tf.Session() as session:
            systems.load(name).build_network(tf.zeros([1, 32, 32, 3]), seed=7)
            session.run(tf.global_variables_initializer())
            values = session.run(tf.trainable_variables())
        assert sum(not value.any() for value in values) == num_zero
        for value in values:
            assert np.abs(value).max() <= 0.1
            if value.size > 5000:
                # Cut off at two deviations, a normal one has 0.88 of its own.
                assert value.std() == pytest.approx(0.044, rel=0.05)


# Of seed 1: which of a layer's first twelve units are kept, 1, at three steps.
GOLDEN_MASKS = {
    ('before_3', 0.5): ('100110101011', '101100110000', '100100000000'),
    ('before_4', 0.5): ('011100000001', '101000110010', '111101101000'),
    ('before_5', 0.8): ('111101110111', '111111110101', '111111111111'),
    ('logits', 0.8): ('111111110101', '111001111111', '010011111111'),
}


@pytest.mark.parametrize('layer, keep_prob', sorted(GOLDEN_MASKS))
def test_what_dropout_keeps(layer, keep_prob):
    """The same bits on every runtime and processor, others at each step."""
    masks = []
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.placeholder(tf.int64, [])
        net = dropout.build(tf.fill([2, 1000], 3.0), layer, base.Mode(
            tf.constant(keep_prob), step, seed=1))
        for number in (0, 1, 1000):
            values = session.run(net, {step: number})
            kept = values != 0
            assert np.array_equal(values[kept], np.full(
                kept.sum(), np.float32(3) / np.float32(keep_prob)))
            assert kept.mean() == pytest.approx(keep_prob, abs=0.05)
            assert not np.array_equal(kept[0], kept[1])
            masks.append(''.join(str(int(bit)) for bit in kept[0, :12]))
    assert tuple(masks) == GOLDEN_MASKS[layer, keep_prob]


def test_all_is_kept_where_nothing_is_fed():
    """Figures and tests are without dropout: to the bit what stands before it."""
    with tf.Graph().as_default(), tf.Session() as session:
        net = tf.constant(np.random.RandomState(1).randn(5, 7).astype('f'))
        step = tf.get_variable('step', [], tf.int64, tf.zeros_initializer(),
                               use_resource=True)
        mode = base.build_training_mode(systems.load('laptop_cnn'), 1, step)
        session.run(tf.global_variables_initializer())
        before, after = session.run([net, dropout.build(net, 'layer', mode)])
    assert before.tobytes() == after.tobytes()


def count_dropped(name, keep_prob):
    """How many of 1,000 logits are exactly 0 in training."""
    with tf.Graph().as_default(), tf.Session() as session:
        images = np.random.RandomState(1).uniform(size=[100, 32, 32, 3])
        logits = systems.load(name).build_network(
            tf.constant(images, tf.float32), 1, mode=base.Mode(
                tf.constant(keep_prob), tf.constant(0, tf.int64), 1))
        session.run(tf.global_variables_initializer())
        return int((session.run(logits) == 0).sum())


def test_logits_are_dropped_by_udacity_cnn_alone():
    assert 150 < count_dropped('udacity_cnn', 0.8) < 250
    assert count_dropped('udacity_cnn', 1.0) == 0
    assert count_dropped('laptop_cnn', 0.5) == 0


def test_the_documented_lines():
    entry = {'epoch': 1, 'part': 1, 'loss': 2.049341, 'training_accuracy': 0.183,
             'validation_accuracy': 0.3524}
    assert systems.load('laptop_cnn').format_progress(entry) == [
        'Epoch  1, CIFAR-10 Batch 1:  batch loss is :  2.04934',
        'batch_accuracy accuracy is : 0.3524']
    entry.update(epoch=25, part=5, loss=0.56321)
    assert systems.load('udacity_cnn').format_progress(entry) == [
        'Epoch 25, CIFAR-10 Batch 5:  Loss:     0.5632 , Training Acc: 0.1830, '
        'Validation Acc: 0.3524']
    # Ten float32 shares of 6,876 images in all.
    mean = evaluation.average_batches([687] * 4 + [688] * 6, (1000,) * 10)
    assert mean != 0.6876 and abs(mean - 0.6876) < 1e-7
    count = base.TestCount(6876, 10000, 1.5, 0.6875999808311463)
    assert systems.load('udacity_cnn').format_test(count)[:3] == [
        'INFO:tensorflow:Restoring parameters from ./image_classification',
        'Testing Accuracy: 0.6875999808311463', '']


def test_a_short_last_batch_counts_as_much_as_the_others():
    assert evaluation.average_batches([1, 2], (2, 2)) == 0.75
    assert evaluation.average_batches([2, 0], (4, 1)) == 0.25


def test_figures_of_the_record(whole_run, system, tiny_data_set):
    """Those of the last entry, by the test's own graph and by NumPy."""
    entries = runs.load_record(whole_run).epochs
    places = [(entry['epoch'], entry['part']) for entry in entries]
    files = range(1, 6) if system.takes_figures_by_file else (5,)
    assert places == [(epoch, part) for epoch in (1, 2) for part in files]
    result = runs.evaluate(system, tiny_data_set, str(whole_run),
                           variant='validation')
    assert entries[-1]['validation_accuracy'] == result.accuracy
    # The last batch: the last eight images that are not held back.
    labels, images = tiny_data_set.labels_and_images('train')
    rows = system.build_plan(tiny_data_set).rows[-8:]
    with tf.Graph().as_default(), tf.Session() as session:
        logits = system.build_network(tf.constant(
            plain_notebook.prepare(images[rows])), seed=1)
        tf.train.Saver().restore(session, reading.find_newest(
            str(whole_run)).prefix)
        logits = session.run(logits)
    logits = logits.astype(np.float64)
    right = logits.argmax(axis=1) == labels[rows]
    assert entries[-1]['training_accuracy'] == right.mean()
    losses = np.log(np.exp(logits).sum(axis=1)) - logits[
        np.arange(8), labels[rows]]
    assert entries[-1]['loss'] == pytest.approx(losses.mean(), rel=1e-5)


def test_the_document_s_test_runs_on_what_is_published(whole_run, system,
                                                       tiny_data_set):
    """By the names of tensors in the .meta file, as the notebooks do it."""
    prefix = str(whole_run / 'published' / 'image_classification')
    tensors = runs.tensors_of(prefix)
    assert len(tensors) == NUM_PUBLISHED[system.name]
    assert 'global_step' not in tensors
    trained = runs.tensors_of(whole_run / f'model.ckpt-{2 * STEPS}')
    assert len(trained) == 39
    for name, value in tensors.items():
        if name in trained:
            assert value.tobytes() == trained[name].tobytes(), name
        else:
            assert int(name.split('_')[1]) in range(12, 24), name
    labels, images = tiny_data_set.labels_and_images('test')
    features = plain_notebook.prepare(images)
    targets = plain_notebook.one_hot(labels)
    total, number = 0, 0
    with tf.Graph().as_default() as graph, tf.Session() as session:
        loader = tf.train.import_meta_graph(prefix + '.meta')
        loader.restore(session, prefix)
        x, y, keep_prob, logits, accuracy = (
            graph.get_tensor_by_name(name) for name in (
                'x:0', 'y:0', 'keep_prob:0', 'logits:0', 'accuracy:0'))
        for start in range(0, 200, 48):
            total += float(session.run(accuracy, {
                x: features[start:start + 48], y: targets[start:start + 48],
                keep_prob: 1.0}))
            number += 1
        assert session.run(logits, {x: features[:3], keep_prob: 1.0}).shape == (
            3, 10)
    result = runs.evaluate(system, tiny_data_set, str(whole_run))
    assert total / number == pytest.approx(result.mean_over_batches, abs=1e-12)


def test_what_is_published_restores_in_the_port(whole_run, system):
    with tf.Graph().as_default(), tf.Session() as session:
        port = plain_notebook.build_training(PORTS[system.name].build_logits,
                                             seed=1)
        port['saver'].restore(session, str(
            whole_run / 'published' / 'image_classification'))


def test_an_interrupted_run_is_the_same_run(whole_run, system, tiny_data_set,
                                            tmp_path, monkeypatch):
    """In the middle of a file; dropout is drawn as if nothing had happened."""
    stop_at = STEPS + 12 if system.takes_figures_by_file else 3

    def stop(run):
        run.stop.signal_number = 15

    assert runs.train_until(stop_at, stop, monkeypatch, tmp_path, tiny_data_set,
                            system=system, epochs=2) == 143
    assert runs.train(tmp_path, tiny_data_set, system=system, epochs=2) == 0
    for name in (f'model.ckpt-{2 * STEPS}', 'published/image_classification'):
        assert reading.fingerprint(str(tmp_path / name)) == (
            reading.fingerprint(str(whole_run / name)))
    entries, others = ([{name: value for name, value in entry.items()
                         if name != 'seconds'} for entry in record.epochs]
                       for record in map(runs.load_record, (tmp_path, whole_run)))
    assert entries == others


def test_another_seed_drops_otherwise(tiny_data_set, tmp_path):
    """From the same weights: of another seed, one step later is another loss."""
    losses = []
    for seed in (1, 2):
        with tf.Graph().as_default(), tf.Session() as session:
            images = tf.ones([4, 32, 32, 3])
            logits = systems.load('laptop_cnn').build_network(
                images, 1, mode=base.Mode(tf.constant(0.5),
                                          tf.constant(5, tf.int64), seed))
            session.run(tf.global_variables_initializer())
            losses.append(session.run(logits).tobytes())
    assert losses[0] != losses[1]


def test_a_run_on_the_first_file(tiny_data_set, tmp_path, capsys):
    system = make_small('laptop_cnn')

    def train(**given):
        return runs.train(tmp_path, tiny_data_set, system=system, **given)

    assert train(epochs=1, train_files=1) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == 'Checking the Training on a Single Batch...'
    assert re.match(r'Epoch  1, CIFAR-10 Batch 1:  batch loss is :  [\d.]+$',
                    lines[2])
    assert runs.load_record(tmp_path).settings.train_files == 1
    with pytest.raises(UserError, match='a run on 1 training file'):
        train(train_files=5)
    with pytest.raises(UserError, match='has 5 file'):
        train(train_files=6)
