"""One batch compared with the stock kernels before a machine is believed."""

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.machine import devices
from cifar10_tf1 import kernels
from cifar10_tf1.machine import description
from cifar10_tf1.graph import numeric_check
from cifar10_tf1.common.errors import KernelsDisagree
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.kernels import inference
from cifar10_tf1.kernels import rows
from cifar10_tf1.kernels import stock
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
THREADS = description.Threads(2, 2, 2)


def build(tiny_data_set, kernels_name='fast'):
    return runs.build_training_graph(deep_cnn, tiny_data_set, 1,
                                     kernels_name=kernels_name)


def check(tiny_data_set, graph, device='cpu'):
    """Checks a training with fresh weights."""
    inputs = graph.inputs
    with tf.Session(graph=graph.graph) as session:
        session.run(graph.initializer)
        inputs.training.load(session, tiny_data_set)
        inputs.training.initialize(session, epoch=0)
        numeric_check.check_training(
            deep_cnn, session, (inputs.images, inputs.labels),
            {inputs.handle: session.run(inputs.handles['training'])}, graph.figures,
            device, THREADS)


def lose_gradients(monkeypatch):
    """A fiftieth of those of each pool's last even column, as once were lost."""
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


def test_right_kernels_pass(tiny_data_set):
    check(tiny_data_set, build(tiny_data_set))


@pytest.mark.parametrize('ours, passes', [
    ([3.0, 4.0], True), ([3.0, 4.004], True), ([3.0, 4.006], False),
    ([2.994, 4.0], False), ([4.0, 3.0], False), ([-3.0, -4.0], False),
    ([0.0, 0.0], False), ([np.nan, 4.0], False), ([np.inf, 4.0], False)])
def test_vectors(ours, passes):
    """Of length 5: a norm alone would not see [4, 3]."""
    difference = numeric_check._find_difference(
        ['the loss', 'the gradient of w'], [1.0, np.float32(ours)],
        [1.0, np.float32([3.0, 4.0])])
    assert passes == (difference is None)
    assert passes or difference.startswith('the gradient of w of one batch is ')


def test_the_known_fault_is_seen(monkeypatch, tiny_data_set):
    lose_gradients(monkeypatch)
    with pytest.raises(KernelsDisagree, match='conv_1/weights'):
        check(tiny_data_set, build(tiny_data_set))


def test_one_batch_with_a_near_tie_is_forgiven(monkeypatch, tiny_data_set):
    """Two draws in a row may be off; three are not by rounding."""
    real, seen = numeric_check._find_difference, []

    def find_difference(*arguments):
        seen.append(real(*arguments))
        return 'the loss' if len(seen) < num_bad + 1 else seen[-1]

    monkeypatch.setattr(numeric_check, '_find_difference', find_difference)
    graph = build(tiny_data_set, 'stock')
    num_bad = 2
    check(tiny_data_set, graph)
    assert seen == [None] * 3
    seen.clear()
    num_bad = 3
    with pytest.raises(KernelsDisagree):
        check(tiny_data_set, graph)


def test_a_gpu_that_is_wrong_is_refused(monkeypatch, tiny_data_set):
    """Convolutions that are off, in the graph that is said to be on a GPU."""
    real = tf.nn.conv2d
    with monkeypatch.context() as patch:
        patch.setattr(tf.nn, 'conv2d', lambda *arguments, **options: 0.5
                      * real(*arguments, **options))
        graph = build(tiny_data_set, 'stock')
    with pytest.raises(UserError, match='the GPU computes wrong') as caught:
        check(tiny_data_set, graph, 'gpu')
    assert '--device cpu' in str(caught.value)
    assert not isinstance(caught.value, KernelsDisagree)


def test_nothing_is_trained_or_tested_on_a_wrong_gpu(monkeypatch, tmp_path,
                                                     tiny_data_set):
    """On a GPU, which the choice pretends here."""
    folder = tmp_path / 'model'
    runs.train(folder, tiny_data_set, max_steps=1)
    monkeypatch.setattr(devices, 'resolve', lambda choice, threads: 'gpu')
    monkeypatch.setattr(devices, 'find_gpu', lambda device, threads: None)
    monkeypatch.setattr(numeric_check, '_find_difference',
                        lambda *arguments: 'the loss of one batch is off')
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(UserError, match='the GPU computes wrong numbers'):
        runs.train(folder, tiny_data_set, kernels=None)
    assert sorted(path.name for path in folder.iterdir()) == before
    with pytest.raises(UserError, match='the GPU computes wrong numbers'):
        runs.test(folder, tiny_data_set)


def test_logits(monkeypatch, tmp_path, tiny_data_set):
    """Of testing, whose fast kernels are others."""
    runs.train(tmp_path, tiny_data_set, max_steps=1)
    arguments = deep_cnn, tiny_data_set, str(tmp_path)
    right = runs.evaluate(*arguments, kernels_name='fast')
    real = inference.build_flat_product
    monkeypatch.setattr(inference, 'build_flat_product', lambda net, weights:
                        1.01 * real(net, weights))
    with pytest.raises(KernelsDisagree, match='the logits of one batch'):
        runs.evaluate(*arguments, kernels_name='fast')
    believed = runs.evaluate(*arguments)
    assert np.abs(believed.logits - right.logits).max() < 1e-5


def test_when_it_is_checked(monkeypatch, tmp_path, tiny_data_set):
    """A new run, and one that goes on on another kind of machine."""
    checked = []
    # Whose graph is soon built; who asks for the fast ones is asked about.
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
    with pytest.raises(UserError, match='where it was begun') as caught:
        train(5)
    assert not isinstance(caught.value, KernelsDisagree)


@pytest.mark.slow
def test_the_program_starts_again_with_stock_kernels(tmp_path):
    """A whole process, whose fast kernels are wrong."""
    script = tmp_path / 'train.py'
    script.write_text(f'''
import sys
sys.path.insert(0, {ROOT!r})
from cifar10_tf1 import cli
from cifar10_tf1 import programs
program = programs.begin_training()
if '--kernels' not in sys.argv or 'fast' in sys.argv:
    from cifar10_tf1.kernels import winograd
    real = winograd.build_convolution
    winograd.build_convolution = lambda *given: [
        1.01 * row for row in real(*given)]
sys.exit(program.run(programs.load('train').train))
''')

    def train(name, *options):
        return subprocess.run(
            [sys.executable, str(script), '--synthetic', '--max-steps', '2',
             '--data-dir', str(tmp_path / 'data'), '--model-dir',
             str(tmp_path / name), *options], stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, universal_newlines=True)

    stock = train('stock', '--kernels', 'stock')
    refused = train('refused', '--kernels', 'fast')
    assert refused.returncode == 1
    assert refused.stderr.count('\n') == 1
    assert 'the fast kernels compute wrong numbers' in refused.stderr
    assert not list((tmp_path / 'refused').glob('*ckpt*'))
    other = train('other')
    assert other.returncode == 0, other.stderr
    assert 'Taking the stock kernels' in other.stderr
    assert other.stderr.count('\n') == 1
    digests = [process.stdout.splitlines()[-2] for process in (other, stock)]
    assert digests[0].startswith('Weights at step 2')
    assert digests[0] == digests[1]
