"""One batch compared with the stock kernels before a GPU or fast kernels are used."""

import pathlib
import shutil
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1 import kernels
from cifar10_tf1 import scripts
from cifar10_tf1.common.errors import KernelsDisagree
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.graph import numeric_check
from cifar10_tf1.graph import variables
from cifar10_tf1.graph.mode import Mode
from cifar10_tf1.graph.mode import build_dropout
from cifar10_tf1.kernels import inference
from cifar10_tf1.kernels import rows
from cifar10_tf1.kernels import stock
from cifar10_tf1.machine import description
from cifar10_tf1.machine import devices
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn
from cifar10_tf1.systems.inception import layers
from cifar10_tf1.systems.inception import table

THREADS = description.Threads(2, 2, 2)


def check(data_set, graph, device='cpu', system=deep_cnn):
    """Checks a training with fresh weights."""
    inputs = graph.inputs
    with tf.Session(graph=graph.graph) as session:
        session.run(graph.initializer)
        inputs.training.load(session, data_set)
        inputs.training.initialize(session, epoch=0)
        feeds = {inputs.handle: session.run(inputs.handles['training'])}
        if system.keep_prob is not None:
            feeds[graph.mode.keep_prob] = system.keep_prob
        numeric_check.check_training(
            system, session, (inputs.images, inputs.labels), feeds, graph.figures,
            device, THREADS, Mode(system.keep_prob, 0, 1, uses_batch_statistics=True))


@pytest.fixture(scope='module')
def stock_graph(tiny_data_set):
    return runs.build_training_graph(deep_cnn, tiny_data_set, 1)


def lose_gradients(monkeypatch):
    """Loses 2 % of the gradients of each pool's last even column: a past bug."""
    real = rows.build_max_pool

    def build_max_pool(evens, odds):
        @tf.custom_gradient
        def lose(row):
            kept = np.random.RandomState(1).uniform(
                size=row.shape.as_list()) > 0.02
            kept[:-2] = True
            return tf.identity(row), lambda gradient: gradient * kept
        return real([lose(row) for row in evens], odds)

    monkeypatch.setattr(rows, 'build_max_pool', build_max_pool)


def scale_gradient(monkeypatch):
    """Makes one gradient, that of conv_2's weights, 1 % too large."""
    real = deep_cnn.build_network

    def build_network(self, images, seed, layers_, *mode):
        @tf.custom_gradient
        def scale(weights):
            return tf.identity(weights), lambda gradient: 1.01 * gradient

        class Scaled:
            def __getattr__(self, name):
                return getattr(layers_, name)

            def build_convolution(self, net, weights, biases):
                return layers_.build_convolution(net, scale(weights), biases)

        return real(images, seed, Scaled(), *mode)

    monkeypatch.setattr(type(deep_cnn), 'build_network', build_network)


@pytest.mark.parametrize('fault', [None, lose_gradients, scale_gradient])
def test_gradients_of_the_fast_kernels(fault, monkeypatch, tiny_data_set):
    with monkeypatch.context() as patch:
        if fault is not None:
            fault(patch)
        graph = runs.build_training_graph(deep_cnn, tiny_data_set, 1,
                                          kernels_name='fast')
    if fault is None:
        check(tiny_data_set, graph)
        return
    with pytest.raises(KernelsDisagree, match='gradient of .*weights'):
        check(tiny_data_set, graph)


@pytest.mark.parametrize('ours, passes', [
    ([3.0, 4.0], True), ([3.0, 4.004], True), ([3.0, 4.006], False),
    ([2.994, 4.0], False), ([4.0, 3.0], False), ([-3.0, -4.0], False),
    ([0.0, 0.0], False), ([np.nan, 4.0], False), ([np.inf, 4.0], False)])
def test_vectors_of_length_5(ours, passes):
    """A norm alone would accept [4, 3]."""
    difference = numeric_check.find_difference(
        {'the loss': 1.0, 'the gradient of w': np.float32(ours)},
        {'the loss': 1.0, 'the gradient of w': np.float32([3.0, 4.0])})
    assert passes == (difference is None)
    assert passes or difference.startswith('the gradient of w of one batch is ')


@pytest.mark.parametrize('ours, expected, passes', [
    ([0, 0], [0, 0], True), ([0, 1], [0, 0], False), ([1, 1], [1, np.nan], True)])
def test_zeros_and_broken_weights(ours, expected, passes):
    assert passes == (numeric_check.find_difference(
        {'g': np.float32(ours)}, {'g': np.float32(expected)}) is None)


@pytest.mark.parametrize('num_bad, passes', [(2, True), (3, False)])
def test_two_batches_may_be_off_by_rounding(num_bad, passes, monkeypatch, stock_graph,
                                            tiny_data_set):
    real, seen = numeric_check.find_difference, []

    def find_difference(*arguments):
        seen.append(real(*arguments))
        return 'the loss' if len(seen) <= num_bad else seen[-1]

    monkeypatch.setattr(numeric_check, 'find_difference', find_difference)
    if passes:
        check(tiny_data_set, stock_graph)
    else:
        with pytest.raises(KernelsDisagree):
            check(tiny_data_set, stock_graph)
    assert seen == [None] * 3


class Normalized(type(deep_cnn)):
    """Batch normalisation and dropout, as inception_v3, but small.

    The documented test, `random`, runs as in training; `central` is calibrated.
    """
    keep_prob = 0.5
    variants_as_in_training = ('random',)
    num_calibration_batches = 2

    def build_network(self, images, seed, kernels=stock, mode=Mode()):
        builder = layers.Builder(seed, 0.0, layers.Normalization(),
                                 mode.uses_batch_statistics)
        net = builder.build_chain(images, [table.Conv('conv', 8, (3, 3), 2)])
        net = tf.reduce_mean(net, [1, 2], keepdims=True)
        return builder.build_linear(build_dropout(net, 'logits', mode), 'logits', 10)

    def build_average(self, global_step):
        return None


NORMALIZED = Normalized()


@pytest.fixture(scope='module')
def normalized_checkpoint(tmp_path_factory):
    """Fresh weights: the moving averages are far from any batch's moments."""
    with tf.Graph().as_default(), tf.Session() as session:
        NORMALIZED.build_network(tf.zeros([2, 24, 24, 3]), seed=1)
        saved = {variable.op.name: variable
                 for variable in variables.list_network_variables()}
        saved['global_step'] = tf.Variable(np.int64(3))
        session.run(tf.global_variables_initializer())
        return tf.train.Saver(saved).save(
            session, str(tmp_path_factory.mktemp('normalized') / 'model.ckpt'), 3)


def evaluate_on_gpu(data_set, checkpoint, variant):
    """Places the graph on a GPU; without one TensorFlow falls back on the CPU."""
    return runs.evaluate(NORMALIZED, data_set, 'unused', checkpoint, seed=4,
                         variant=variant, device='gpu', threads=THREADS)


@pytest.mark.parametrize('variant', ['random', 'central'])
def test_a_test_as_in_training_is_checked_in_the_same_mode(
        variant, tiny_data_set, normalized_checkpoint):
    """With the statistics and the dropout of the test, or calibrated averages."""
    result = evaluate_on_gpu(tiny_data_set, normalized_checkpoint, variant)
    assert result.num_examples == 200


def test_a_wrong_normalisation_is_noticed(monkeypatch, tiny_data_set,
                                          normalized_checkpoint):
    """Off in the graph that is tested, which is built first, not in the reference."""
    real, built = Normalized.build_network, []

    def build_network(self, *arguments, **options):
        built.append(real(self, *arguments, **options))
        return built[-1] * (1.01 if len(built) == 1 else 1.0)

    monkeypatch.setattr(Normalized, 'build_network', build_network)
    with pytest.raises(UserError, match='the logits of one batch'):
        evaluate_on_gpu(tiny_data_set, normalized_checkpoint, 'random')


def test_training_with_dropout_and_batch_statistics(tiny_data_set):
    graph = runs.build_training_graph(NORMALIZED, tiny_data_set, 1)
    check(tiny_data_set, graph, 'gpu', NORMALIZED)


def test_a_gpu_that_is_wrong_is_refused(monkeypatch, tiny_data_set):
    """Convolutions that are off, in the graph that is said to be on a GPU."""
    real = tf.nn.conv2d
    with monkeypatch.context() as patch:
        patch.setattr(tf.nn, 'conv2d', lambda *arguments, **options: 0.5
                      * real(*arguments, **options))
        graph = runs.build_training_graph(deep_cnn, tiny_data_set, 1)
    with pytest.raises(UserError, match='the GPU computes wrong') as caught:
        check(tiny_data_set, graph, 'gpu')
    assert '--device cpu' in str(caught.value)
    assert not isinstance(caught.value, KernelsDisagree)


def test_nothing_is_trained_or_tested_on_a_wrong_gpu(monkeypatch, finished_run, tmp_path,
                                                     tiny_data_set):
    folder = pathlib.Path(shutil.copytree(str(finished_run), str(tmp_path / 'model')))
    monkeypatch.setattr(devices, 'resolve', lambda choice, threads: 'gpu')
    monkeypatch.setattr(devices, 'find_gpu', lambda device, threads: None)
    monkeypatch.setattr(numeric_check, 'find_difference',
                        lambda *arguments: 'the loss of one batch is off')
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(UserError, match='the GPU computes wrong numbers'):
        runs.train(folder, tiny_data_set, kernels=None, epochs=3)
    assert sorted(path.name for path in folder.iterdir()) == before
    with pytest.raises(UserError, match='the GPU computes wrong numbers'):
        runs.test(folder, tiny_data_set)


def test_logits_of_the_fast_kernels(monkeypatch, finished_run, tiny_data_set):
    arguments = deep_cnn, tiny_data_set, str(finished_run)
    right = runs.evaluate(*arguments, kernels_name='fast')
    real = inference.build_flat_product
    monkeypatch.setattr(inference, 'build_flat_product', lambda net, weights:
                        1.01 * real(net, weights))
    with pytest.raises(KernelsDisagree, match='the logits of one batch'):
        runs.evaluate(*arguments, kernels_name='fast')
    expected = runs.evaluate(*arguments)
    assert np.abs(expected.logits - right.logits).max() < 1e-5


def test_it_is_checked_on_each_kind_of_machine_once(monkeypatch, tmp_path,
                                                    tiny_data_set):
    checked = []
    # The graph of the stock kernels is built sooner.
    monkeypatch.setattr(kernels, 'load', lambda *unused_arguments: stock)
    monkeypatch.setattr(numeric_check, 'check_training',
                        lambda *arguments: checked.append(arguments))

    def train(steps, **given):
        checked.clear()
        runs.train(tmp_path, tiny_data_set, steps, **dict({'kernels': None}, **given))
        return len(checked)

    assert train(1, kernels='fast') == 1
    assert train(2) == 0
    cpu = description.find_cpu()
    monkeypatch.setattr(description, 'find_cpu',
                        lambda: dict(cpu, vector_flags='none'))
    assert train(3) == 1
    assert train(4) == 0

    def disagree(*arguments):
        raise KernelsDisagree('wrong; use --kernels stock')

    monkeypatch.setattr(numeric_check, 'check_training', disagree)
    monkeypatch.setattr(description, 'find_cpu',
                        lambda: dict(cpu, vector_flags='avx'))
    with pytest.raises(UserError, match='--model-dir') as caught:
        train(5)
    assert not isinstance(caught.value, KernelsDisagree)


@pytest.mark.slow
def test_the_program_starts_again_with_stock_kernels(tmp_path):
    """A whole process whose fast kernels are wrong."""
    script = tmp_path / 'train.py'
    script.write_text(f'''
import runpy
import sys
sys.path.insert(0, {runs.ROOT!r})
from cifar10_tf1 import kernels
load = kernels.load
def load_wrong(name):
    module = load(name)
    if name == 'fast':
        from cifar10_tf1.kernels import winograd
        real = winograd.build_convolution
        winograd.build_convolution = lambda *given: [
            1.01 * row for row in real(*given)]
    return module
kernels.load = load_wrong
runpy.run_path({scripts.path('train')!r}, run_name='__main__')
''')

    def train(name, *options):
        return subprocess.run(
            [sys.executable, str(script), '--synthetic', '--max-steps', '2',
             '--data-dir', str(tmp_path / 'data'), '--model-dir',
             str(tmp_path / name), *options], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, universal_newlines=True)

    stock_run = train('stock', '--kernels', 'stock')
    refused = train('refused', '--kernels', 'fast')
    assert refused.returncode == 1
    assert refused.stderr.count('\n') == 1
    assert 'the fast kernels compute wrong numbers' in refused.stderr
    assert not list((tmp_path / 'refused').glob('*ckpt*'))
    other = train('other')
    assert other.returncode == 0, other.stderr
    assert 'Taking the stock kernels' in other.stderr
    assert other.stderr.count('\n') == 1
    digests = [process.stdout.splitlines()[-2] for process in (other, stock_run)]
    assert digests[0].startswith('Weights at step 2')
    assert digests[0] == digests[1]
