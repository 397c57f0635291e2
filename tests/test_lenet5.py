"""lenet5: its batches, network, update, lines, checkpoints."""

import hashlib
import os
import re

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.checkpoints import reading
from cifar10_tf1 import kernels
from cifar10_tf1.graph import loss
from cifar10_tf1.graph import plan as plans
from cifar10_tf1.benchmark import plain_lenet5
from cifar10_tf1.data import mnist
from cifar10_tf1.common.errors import KernelsDisagree
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.kernels import blocks
from cifar10_tf1.systems.lenet5 import SYSTEM as lenet5

NUM_TRAIN, NUM_VALIDATION, NUM_TEST = 600, 50, 150
STEPS = 5  # of an epoch: four batches of 128 and one of 38


@pytest.fixture(scope='module')
def data_set(tmp_path_factory):
    """600 and 150 images of one of ten digits each: a bar at its place."""
    folder = tmp_path_factory.mktemp('mnist')
    random = np.random.RandomState(0)
    paths, files = [], []
    for name, number in (('train', NUM_TRAIN), ('t10k', NUM_TEST)):
        labels = random.randint(0, 10, number).astype(np.uint8)
        images = random.randint(0, 60, [number, 28, 28]).astype(np.uint8)
        for image, label in zip(images, labels):
            image[2 * label + 2:2 * label + 5, 4:24] += 190
        for kind, values in (('images', images), ('labels', labels)):
            path = folder / f'{name}-{kind}'
            path.write_bytes(mnist.build_header(values.shape)
                             + values.tobytes())
            paths.append(str(path))
            files.append(mnist.IdxFile(path.name, values.shape, 'any'))
    return mnist.build_data_set('mnist', paths, files, '', mnist.CLASS_NAMES)


def train(folder, data_set, **options):
    return runs.train(folder, data_set, system=lenet5, **options)


@pytest.fixture(scope='module')
def whole_run(data_set, tmp_path_factory):
    """Seven epochs, never interrupted: a folder."""
    folder = tmp_path_factory.mktemp('whole')
    assert train(folder, data_set, epochs=7) == 0
    return folder


def test_the_documented_plan():
    class Mnist:
        num_train_examples = 60000

    plan = lenet5.build_plan(Mnist)
    assert plan.batch_sizes == (128,) * 429 + (88,)
    assert plan.validation == slice(5000) and plan.rows == slice(5000, 60000)


@pytest.mark.parametrize('sizes, expected', [
    ((3, 3, 2), [(0, 3, 2), (6, 2, 1)]), ((4,), [(0, 4, 1)]),
    ((2, 3, 2), [(0, 2, 1), (2, 3, 1), (5, 2, 1)])])
def test_runs_of_equal_batches(sizes, expected):
    assert plans.list_runs(sizes) == expected


def read_batches(graph, session, feeds):
    batches = []
    while True:
        try:
            batches.append(session.run(
                [graph.inputs.labels, graph.inputs.images], feeds))
        except tf.errors.OutOfRangeError:
            return batches


def test_batches_are_the_port_s(data_set):
    """Each image once, in order, to the bit; from any batch on."""
    graph = runs.build_training_graph(lenet5, data_set, seed=1)
    table = data_set.raw_records('train')[NUM_VALIDATION:]
    with tf.Session(graph=graph.graph) as session:
        inputs = graph.inputs
        inputs.training.load(session, data_set)
        handles = session.run(inputs.handles)
        for first_batch in (0, 3, 4):
            inputs.training.initialize(session, 5, first_batch)
            batches = read_batches(graph, session, {inputs.handle: handles['training']})
            assert [len(labels) for labels, unused in batches] == (
                [128] * 4 + [38])[first_batch:]
            rest = table[128 * first_batch:]
            assert np.array_equal(np.concatenate([b[0] for b in batches]),
                                  rest[:, 0])
            images = np.concatenate([b[1] for b in batches])
            assert images.tobytes() == plain_lenet5.pad(
                rest[:, 1:].reshape(-1, 28, 28)).tobytes()
        for name, expected in (
                ('test', data_set.raw_records('test')),
                ('validation', data_set.raw_records('train')[:NUM_VALIDATION])):
            source = inputs.measured[name]
            source.load(session, data_set)
            source.initialize(session)
            batches = read_batches(graph, session,
                                   {inputs.handle: handles[name]})
            assert np.array_equal(np.concatenate([b[0] for b in batches]),
                                  expected[:, 0])


def test_three_updates_are_the_port_s(data_set):
    """The same loss and weights from the same weights on the same batches."""
    graph = runs.build_training_graph(lenet5, data_set, seed=1)
    with tf.Graph().as_default() as port_graph:
        port = plain_lenet5.build_training()
        port_start = tf.global_variables_initializer()
    with tf.Session(graph=graph.graph) as ours, \
            tf.Session(graph=port_graph) as theirs:
        ours.run(graph.initializer)
        theirs.run(port_start)
        for name, variable in port['variables'].items():
            variable.load(ours.run(graph.variables[name]), theirs)
        graph.inputs.training.load(ours, data_set)
        graph.inputs.training.initialize(ours, epoch=0)
        feeds = {graph.inputs.handle: ours.run(graph.inputs.handles['training'])}
        for unused_step in range(3):
            unused, loss, images, labels = ours.run(
                [graph.train_op, graph.total_loss, graph.inputs.images,
                 graph.inputs.labels], feeds)
            port_loss, unused = theirs.run(
                [port['loss'], port['train_op']],
                {port['images']: images, port['labels']: labels})
            assert abs(loss - port_loss) <= 2e-6 * abs(port_loss)
        for name, variable in port['variables'].items():
            assert np.abs(ours.run(graph.variables[name])
                          - theirs.run(variable)).max() < 2e-5, name


def test_initial_weights():
    with tf.Graph().as_default(), tf.Session() as session:
        lenet5.build_network(tf.zeros([1, 32, 32, 1]), seed=7)
        variables = tf.trainable_variables()
        assert [variable.op.name for variable in variables] == plain_lenet5.NAMES
        session.run(tf.global_variables_initializer())
        values = session.run(variables)
    for value in values[1::2]:
        assert not value.any()
    for value in values[4::2]:
        assert np.abs(value).max() <= 0.2
        # A normal distribution cut off at two deviations has 0.88 of one.
        assert value.std() == pytest.approx(0.088, rel=0.1)
    assert not np.array_equal(values[4][:84, :84], values[6][:84, :84])


def test_the_documented_lines(data_set, tmp_path, capsys):
    train(tmp_path, data_set, epochs=2)
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:3] == ['Training...', '']
    assert re.match(r'Validation Accuracy = \d\.\d{3}$', lines[4])
    assert [lines[3], lines[5], lines[6], lines[8], lines[9]] == [
        'EPOCH 1 ...', '', 'EPOCH 2 ...', '', 'Model saved']
    test_line = re.match(r'Test Accuracy = (\d\.\d{3})$', lines[10])
    train(tmp_path, data_set, epochs=2)
    again = capsys.readouterr().out
    assert f'Stored Test Accuracy = {test_line.group(1)}\n' in again
    runs.evaluate(lenet5, data_set, str(tmp_path))


def test_it_learns_and_counts_each_image_once(whole_run, data_set):
    for variant, number in (('whole', NUM_TEST), ('validation', NUM_VALIDATION)):
        result = runs.evaluate(lenet5, data_set, str(whole_run),
                               variant=variant)
        assert result.num_examples == number and result.step == 7 * STEPS
        assert result.num_correct > 0.8 * number
    recorded = runs.load_record(whole_run).epochs[-1]
    assert recorded['validation_correct'] == result.num_correct
    assert recorded['validation_accuracy'] == (
        result.num_correct / NUM_VALIDATION)


def test_the_published_checkpoints(whole_run):
    """As the original's plain Saver writes them; the last five."""
    folder = whole_run / 'published'
    with tf.Graph().as_default() as graph:
        port = plain_lenet5.build_training()
        expected = {variable.op.name: variable.shape.as_list()
                    for variable in tf.global_variables()}
    assert len(expected) == 32
    assert sorted(path.name for path in folder.glob('*.index')) == [
        f'train-{epoch}.index' for epoch in range(2, 7)]
    prefix = tf.train.latest_checkpoint(str(folder))
    assert os.path.basename(prefix) == 'train-6'
    tensors = runs.tensors_of(prefix)
    assert {name: list(value.shape) for name, value in tensors.items()} == (
        expected)
    ours = runs.tensors_of(whole_run / f'model.ckpt-{7 * STEPS}')
    assert set(ours) - set(tensors) == {'global_step'}
    for name, value in tensors.items():
        assert value.tobytes() == ours[name].tobytes()
    with tf.Session(graph=graph) as session:
        port['saver'].restore(session, prefix)
    # It says its step by a power of Adam's.
    assert lenet5.find_step(tf.train.NewCheckpointReader(prefix)) == 7 * STEPS


@pytest.mark.parametrize('stop_at', [2, STEPS, 2 * STEPS + 4])
def test_an_interrupted_run_is_the_same_run(whole_run, data_set, tmp_path,
                                            stop_at, monkeypatch):
    def stop(run):
        run.stop.signal_number = 15

    assert runs.train_until(stop_at, stop, monkeypatch, tmp_path, data_set,
                            system=lenet5, epochs=7) == 143
    assert train(tmp_path, data_set, epochs=7) == 0
    for name in ('metrics.csv', 'step_losses.f32'):
        if name.endswith('.csv'):
            assert without_seconds(tmp_path / name) == without_seconds(
                whole_run / name)
        else:
            assert (tmp_path / name).read_bytes() == (
                whole_run / name).read_bytes()
    for name in (f'model.ckpt-{7 * STEPS}', 'published/train-6'):
        assert reading.fingerprint(str(tmp_path / name)) == (
            reading.fingerprint(str(whole_run / name)))


def without_seconds(path):
    return re.sub(r',\d+\.\d+,(?=[\d.]+,\d+$)', ',', path.read_text(),
                  flags=re.MULTILINE)


def test_another_system_s_folder_is_refused_by_name(whole_run, data_set,
                                                    tiny_data_set):
    with pytest.raises(UserError, match='of the system lenet5, not deep_cnn'):
        runs.train(whole_run, tiny_data_set)
    assert 'lenet5' in (whole_run / 'run.json').read_text()


def compute(kernels_name, images, labels, weights):
    """{name: value}: logits, loss, gradients by a formulation."""
    with tf.Graph().as_default(), tf.Session(config=tf.ConfigProto(
            intra_op_parallelism_threads=1)) as session:
        logits = lenet5.build_network(tf.constant(images), 1,
                                      kernels.load(kernels_name))
        total_loss = loss.build_losses(logits, tf.constant(labels))[-1]
        variables = tf.trainable_variables()
        for variable in variables:
            variable.load(weights[variable.op.name], session)
        return session.run(dict(
            zip([variable.op.name for variable in variables],
                tf.gradients(total_loss, variables)), logits=logits, loss=total_loss))


@pytest.mark.parametrize('number', [1, 2, 7, 128])
def test_the_fast_kernels_are_the_stock_ones(number):
    """For any length of a batch; also where whole areas are blank.

    Of numbers whose convolutions are exact: rounding would turn a maximum over.
    """
    random = np.random.RandomState(number)
    images = random.randint(0, 9, [number, 32, 32, 1]).astype(np.float32) / 8
    images[random.uniform(size=images.shape) < 0.5] = 0
    images[::2, :, 12:] = 0
    labels = random.randint(0, 10, number).astype(np.int32)
    weights = {name: random.normal(0, 0.1, shape).astype(np.float32)
               for name, shape in plain_lenet5.VARIABLES.items()}
    for name in plain_lenet5.NAMES[:4]:
        weights[name] = np.rint(16 * weights[name]) / np.float32(16)
    fast, stock = (compute(name, images, labels, weights)
                   for name in ('fast', 'stock'))
    for name, expected in stock.items():
        assert np.linalg.norm(fast[name] - expected) <= (
            1e-5 * np.linalg.norm(expected)), name


def test_the_fast_kernels_are_checked_on_a_new_machine(data_set, monkeypatch,
                                                       tmp_path):
    real = blocks._build_pool
    monkeypatch.setattr(blocks, '_build_pool', lambda net: 1.01 * real(net))
    with pytest.raises(KernelsDisagree, match='of one batch'):
        train(tmp_path, data_set, epochs=1, kernels='fast')


# Of seed 1: the first weights and those of the largest layer, to the bit.
GOLDEN_WEIGHTS = {'Variable': '20c29f291112', 'Variable_4': '963064a07f4e'}


def test_initial_weights_are_the_same_bits_everywhere():
    with tf.Graph().as_default(), tf.Session() as session:
        lenet5.build_network(tf.zeros([1, 32, 32, 1]), seed=1)
        session.run(tf.global_variables_initializer())
        for variable in tf.trainable_variables():
            if variable.op.name in GOLDEN_WEIGHTS:
                digest = hashlib.sha256(session.run(variable).tobytes())
                assert digest.hexdigest()[:12] == GOLDEN_WEIGHTS[
                    variable.op.name]
