"""inception_v3 at work, at 299 x 299 in batches of two: slow.

The network beside a plain port, the warm start, interrupted runs, the tests.
"""

import os

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import published_weights
import runs
import system_cases
from cifar10_tf1.graph.mode import Mode
from cifar10_tf1.graph import loss
from cifar10_tf1.benchmark import plain_inception_v3
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph.variables import load_variables
from cifar10_tf1.records import run_record
from published_weights import CHECKPOINT, FROZEN, MARK
from test_inception_v3 import load_slim

pytestmark = pytest.mark.slow
CASE = system_cases.CASES['inception_v3']
SMALL = CASE.system
STEPS = 6
WEIGHTS = 'InceptionV3/Conv2d_1a_3x3/weights'


def train(folder, data_set, **options):
    return runs.train(folder, data_set, system=SMALL, **options)


@pytest.fixture(scope='module')
def few(tiny_data_set):
    return system_cases.make_data(CASE, tiny_data_set)


@pytest.fixture(scope='module')
def published(tmp_path_factory):
    """(checkpoint, frozen graph, tensors) of the published layout."""
    folder = tmp_path_factory.mktemp('published')
    tensors = published_weights.draw({
        name: shape for name, shape in load_slim().items()
        if 'AuxLogits' not in name and 'Logits/Conv2d_1c' not in name})
    for name, value in tensors.items():
        if value.ndim > 1:  # drawn with a standard deviation of 0.1
            tensors[name] = np.float32(value * 10 * np.sqrt(2 / np.prod(value.shape[:-1])))
    tensors[MARK] = np.zeros([1, 1, 2048, 1001], np.float32)
    return (published_weights.write_checkpoint(folder / CHECKPOINT, tensors),
            published_weights.write_frozen(folder / FROZEN, tensors), tensors)


def test_the_network_is_the_port_s():
    """Logits, loss and moving averages, from the same weights and images."""
    images = np.random.RandomState(0).uniform(-1, 1, [2, 299, 299, 3]).astype(np.float32)
    labels = np.array([3, 8], np.int32)
    with tf.Graph().as_default(), tf.Session() as session:
        logits = SMALL.build_network(tf.constant(images), seed=1,
                                     mode=Mode(uses_batch_statistics=True))
        total_loss = loss.build_losses(logits, tf.constant(labels))[-1]
        update, gradients = loss.build_update(
            tf.train.AdamOptimizer(0.001), total_loss, loss.build_global_step())
        variables = {variable.op.name: variable for variable in tf.model_variables()}
        session.run(tf.global_variables_initializer())
        values = session.run(variables)
        *ours, gradients, unused_result = session.run(
            [logits, total_loss, [gradient for gradient, unused in gradients], update])
        moments = session.run({name: variable for name, variable in variables.items()
                               if 'moving' in name})
    assert len(gradients) == 193 and all(np.isfinite(one).all() for one in gradients)
    with tf.Graph().as_default(), tf.Session() as session:
        port = plain_inception_v3.build_training(
            tf.constant(images), tf.constant(labels), keep_prob=1.0)
        session.run(tf.global_variables_initializer())
        variables = port['variables']
        assert set(variables) == set(values)
        load_variables(session, [(variables[name], value) for name, value in values.items()])
        *theirs, unused_result = session.run([port['logits'], port['loss'], port['train_op']])
        their_moments = session.run({name: variables[name] for name in moments})
    for our, their, tolerance in zip(ours, theirs, (1e-4, 1e-6)):
        assert np.abs(our - their).max() <= tolerance * np.abs(their).max()
    for name, value in moments.items():
        assert not np.array_equal(value, values[name]), name
        assert np.abs(value - their_moments[name]).max() <= 1e-4 * max(
            1.0, np.abs(their_moments[name]).max()), name


@pytest.fixture(scope='module')
def whole_run(published, few, tmp_path_factory):
    """Six steps from published weights, never interrupted: a folder."""
    folder = tmp_path_factory.mktemp('whole')
    assert train(folder, few, pretrained=published[0]) == 0
    return folder


def test_what_a_warm_start_leaves(whole_run, published):
    prefix = str(whole_run / f'model.ckpt-{STEPS}')
    tensors = runs.tensors_of(prefix)
    assert len(tensors) == 777
    assert os.path.getsize(prefix + '.data-00000-of-00001') == 292377648
    lines = (whole_run / 'tf_inception_vars.txt').read_text().splitlines()
    assert len(lines) == 388 and lines[0].endswith('::RESTORED FROM CHECKPOINT')
    record = runs.load_record(whole_run)
    assert set(record.content['data']['pretrained']['sha256']) == {
        CHECKPOINT + '.index', CHECKPOINT + '.data-00000-of-00001'}
    assert [(entry['epoch'], entry['part'], entry['step'])
            for entry in record.epochs] == [(1, 1, 3), (1, 2, 6)]
    # Adam moves each weight by about 0.001 a step, from the published value.
    assert 0 < np.abs(tensors[WEIGHTS] - published[-1][WEIGHTS]).max() < 0.02


def test_an_interrupted_run_is_the_same_run(whole_run, published, few, tmp_path, monkeypatch):
    """From the same weights in another packing."""
    system_cases.check_interrupted(CASE, whole_run, few, tmp_path, monkeypatch,
                                   pretrained=published[1])


def write_others(path, tensors):
    """The path of an .npz file with other weights in one layer."""
    return published_weights.write_npz(
        path, {**tensors, WEIGHTS: tensors[WEIGHTS] + np.float32(0.001)})


def test_other_weights_are_refused_on_resumption(whole_run, published, few, tmp_path):
    with pytest.raises(UserError, match='started from weights other than'):
        train(whole_run, few, pretrained=write_others(tmp_path / 'x.npz', published[-1]), epochs=2)
    with pytest.raises(UserError, match='omit --from-scratch'):
        train(whole_run, few, from_scratch=True)
    # The same ones in another packing are no others.
    assert train(whole_run, few, pretrained=published[1]) == 0


def test_a_run_from_scratch_says_so_in_every_line(few, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv('INCEPTION_V3_DIR', str(tmp_path / 'none'))
    monkeypatch.setenv('INCEPTION_V3_URL', 'http://127.0.0.1:9')
    with pytest.raises(UserError, match='--from-scratch'):
        train(tmp_path / 'a', few, max_steps=2)
    folder = tmp_path / 'b'
    assert train(folder, few, max_steps=2, from_scratch=True) == 0
    marked = [line for line in capsys.readouterr().out.splitlines() if 'loss' in line]
    assert len(marked) == 3
    assert all(line.startswith('[from seeded weights] ') for line in marked)
    assert 'global step 1: loss = ' in marked[0]
    assert 'Finished training. Last batch loss ' in marked[2]
    assert runs.load_record(folder).content['data']['pretrained'] is None
    with pytest.raises(UserError, match='omit --pretrained'):
        train(folder, few, pretrained='x')


def test_a_run_from_other_weights_says_so_in_every_line(published, few, tmp_path, capsys):
    """Started, then resumed."""
    prefix = '[from weights other than the documented ones] '
    path, folder = write_others(tmp_path / 'x.npz', published[-1]), tmp_path / 'model'
    for max_steps, pretrained in ((1, path), (2, None)):
        assert train(folder, few, max_steps=max_steps, pretrained=pretrained) == 0
        marked = [line for line in capsys.readouterr().out.splitlines() if 'loss' in line]
        assert len(marked) == 2 and all(line.startswith(prefix) for line in marked)
    record = runs.load_record(folder)
    assert set(record.content['data']['pretrained']['sha256']) == {'x.npz'}
    assert run_record.find_line_prefix(str(folder / 'model.ckpt-2')) == prefix


def test_tests_of_both_kinds(whole_run, few):
    def count(system=SMALL, **options):
        result = runs.evaluate(system, few, whole_run, **options)
        assert result.count.num_examples == 6
        return result.logits

    first = count()
    assert first.tobytes() == count().tobytes()
    # Other images, and another dropout.
    assert not np.array_equal(first, count(seed=2))
    # Each image by itself: another batch size gives the same.
    stored = count(variant='stored')
    threes = system_cases.make_small('inception_v3')
    threes.settings = SMALL.settings._replace(test_batch_size=3)
    apart = count(threes, variant='stored')
    assert np.abs(stored - apart).max() <= 1e-4 * np.abs(stored).max()
