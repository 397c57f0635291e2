"""The loop: lines, checkpoints, going on, stopping, NaN."""

import contextlib
import functools
import io
import os
import re
import shutil
import signal
import sys
import time

import numpy as np
import pytest
import tensorflow.compat.v1 as tf
from tqdm import tqdm

import runs
from cifar10_tf1.benchmark import plain_port
from cifar10_tf1.common import stopping
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.systems.deep_cnn import DeepCnn
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn
from cifar10_tf1.systems.deep_cnn import Schedule
from cifar10_tf1.systems.deep_cnn import Settings
from cifar10_tf1.training import training_log


@pytest.fixture(scope='module')
def whole_run(tiny_data_set, tmp_path_factory):
    """Three epochs of four steps, never interrupted. (folder, output)."""
    folder = tmp_path_factory.mktemp('whole') / 'model'
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        assert runs.train(folder, tiny_data_set, epochs=3) == 0
    return folder, output.getvalue()


def test_lines_checkpoints_and_sums(whole_run):
    folder, output = whole_run
    lines = output.splitlines()
    assert len(lines) == 9 and lines[0].startswith('Device: CPU')
    assert re.match(r'^Done Training, Total Epoch Time = \d+\.\d\ds$', lines[4])
    assert re.match(r'^Weights at step 12: SHA-256 [0-9a-f]{64}$', lines[5])
    assert sorted(path.name for path in folder.glob('*.index')) == [
        'model.ckpt-12.index', 'model.ckpt-4.index', 'model.ckpt-8.index']
    losses = runs.step_losses(folder).astype(np.float64).reshape(3, 4)
    assert runs.losses_of(output) == {
        epoch: f'{losses[epoch - 1].sum():.5f}' for epoch in (1, 2, 3)}


@pytest.mark.slow
def test_the_same_seed_twice_and_another_one(whole_run, tiny_data_set,
                                             tmp_path):
    runs.train(tmp_path / 'same', tiny_data_set, max_steps=4)
    runs.assert_same_bits(whole_run[0] / 'model.ckpt-4',
                          tmp_path / 'same' / 'model.ckpt-4')
    runs.train(tmp_path / 'other', tiny_data_set, max_steps=4, seed=2)
    ours = runs.tensors_of(whole_run[0] / 'model.ckpt-4')
    theirs = runs.tensors_of(tmp_path / 'other' / 'model.ckpt-4')
    assert all((ours[name] != theirs[name]).any() for name in ours
               if name != 'global_step')


@pytest.mark.slow
def test_going_on_in_the_middle_of_an_epoch(whole_run, tiny_data_set, tmp_path,
                                            capsys, monkeypatch):
    """Stopped by a limit, a signal and a kill: the same bits, the same sums."""
    folder = tmp_path / 'model'
    runs.train(folder, tiny_data_set, epochs=3, max_steps=3)
    assert 'Stopped at step 3' in capsys.readouterr().out

    status = runs.train_until(
        2, lambda run: os.kill(os.getpid(), signal.SIGINT), monkeypatch, folder,
        tiny_data_set, epochs=3)
    assert status == 130
    captured = capsys.readouterr()
    assert 'Restored' in captured.out and 'epoch 0, step 3' in captured.out
    assert 'Stopped at step 5; start again to go on' in captured.err
    assert runs.losses_of(captured.out) == {
        1: runs.losses_of(whole_run[1])[1]}

    class Killed(BaseException):
        """As kill -9: nothing is saved any more."""

    def die(run):
        raise Killed

    with pytest.raises(Killed):
        runs.train_until(2, die, monkeypatch, folder, tiny_data_set,
                         epochs=3)
    assert 'step 5' in capsys.readouterr().out
    assert runs.train(folder, tiny_data_set, epochs=3) == 0
    printed = runs.losses_of(capsys.readouterr().out)
    assert printed == {epoch: loss for epoch, loss
                       in runs.losses_of(whole_run[1]).items() if epoch > 1}
    runs.assert_same_bits(whole_run[0] / 'model.ckpt-12',
                          folder / 'model.ckpt-12')


def test_the_target_is_reached_already(whole_run, tiny_data_set, tmp_path, capsys):
    """What a process that was killed at its end did not record is recorded now."""
    folder = tmp_path / 'model'
    shutil.copytree(str(whole_run[0]), str(folder))
    before = sorted(os.listdir(str(folder)))
    weights = runs.load_record(folder).content['weights']

    def forget(content):
        content['weights'] = None
        content['processes'][-1].update(to_step=None, end=None)

    runs.change_record(folder / 'run.json', forget)
    assert runs.train(folder, tiny_data_set, epochs=3) == 0
    assert 'Epoch 3 (step 12) is reached already' in capsys.readouterr().out
    content = runs.load_record(folder).content
    assert content['weights'] == weights
    assert content['processes'][-1]['end'] == 'killed'
    assert content['processes'][-1]['to_step'] == 12
    assert sorted(os.listdir(str(folder))) == before


class Terminal(io.StringIO):

    def isatty(self):
        return True


@pytest.mark.parametrize('stream', [Terminal(), io.StringIO()])
def test_the_bar_is_drawn_on_a_terminal_only(stream, tiny_data_set, tmp_path,
                                             monkeypatch):
    monkeypatch.setattr(sys, 'stderr', stream)
    monkeypatch.setattr(training_log, 'tqdm', functools.partial(tqdm, mininterval=0))
    assert runs.train(tmp_path, tiny_data_set, max_steps=2, epochs=2) == 0
    text = stream.getvalue()
    assert bool(text) == stream.isatty()
    assert bool(re.search(r'Epoch 1 of 2:  50%\|.* images/s, \d\d:\d\d left of the run, '
                          r'mean loss \d\.\d{4}', text)) == stream.isatty()


class Diverging(DeepCnn):
    """The same system with a learning rate at which float32 overflows."""
    settings = Settings(schedule=Schedule(initial_learning_rate=1e18))


def test_a_loss_that_is_not_finite_stops_the_run(tiny_data_set, tmp_path):
    runs.train(tmp_path, tiny_data_set, max_steps=1)
    with pytest.raises(UserError) as caught:
        runs.train(tmp_path, tiny_data_set, save_steps=50, system=Diverging())
    message = str(caught.value)
    assert re.search('step [234], learning rate 1e.18', message)
    assert str(tmp_path / 'model.ckpt-1') in message
    assert [path.name for path in tmp_path.glob('*.index')] == ['model.ckpt-1.index']


class Overflowing(DeepCnn):
    """The first update overflows, and no loss shows it before the save."""
    settings = Settings(schedule=Schedule(initial_learning_rate=float('inf')))


def test_weights_that_are_not_finite_are_not_saved(tiny_data_set, tmp_path):
    with pytest.raises(UserError, match='a weight is not finite at step 1'):
        runs.train(tmp_path, tiny_data_set, save_steps=1, system=Overflowing())
    assert not list(tmp_path.glob('*.index'))


@pytest.mark.slow
def test_a_checkpoint_under_a_wrong_name(tiny_data_set, tmp_path):
    runs.train(tmp_path, tiny_data_set, max_steps=1)
    for path in list(tmp_path.glob('model.ckpt-1.*')):
        path.rename(tmp_path / path.name.replace('-1.', '-7.'))
    with pytest.raises(UserError, match='json is of step 1'):
        runs.train(tmp_path, tiny_data_set)
    (tmp_path / 'model.ckpt-7.json').unlink()  # as one of the original
    with pytest.raises(UserError, match='holds global step 1'):
        runs.train(tmp_path, tiny_data_set)


@pytest.mark.parametrize('number', stopping.SIGNALS)
def test_a_signal_ends_the_program_or_waits_for_the_loop(number, monkeypatch):
    def leave(status):
        raise SystemExit(status)

    monkeypatch.setattr(stopping.os, '_exit', leave)
    # The suite itself may run under nohup, or in a shell's background.
    handler = signal.signal(number, signal.SIG_DFL)
    request = stopping.StopRequest().install()
    try:
        request.deferred = True
        os.kill(os.getpid(), number)
        assert request.requested and request.exit_status == 128 + number
        with pytest.raises(SystemExit) as second:
            os.kill(os.getpid(), number)
            time.sleep(1)  # until Python looks
        assert second.value.code == 128 + number
    finally:
        request.uninstall()
    assert signal.signal(number, handler) is signal.SIG_DFL


def test_nohup_keeps_a_training_alive():
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stopping.StopRequest().install() as request:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not request.requested
    signal.signal(signal.SIGHUP, previous)


def test_the_update_is_the_plain_port_s(tiny_data_set, tmp_path):
    """Three steps of each from the same weights on the same batches."""
    runs.train(tmp_path, tiny_data_set, max_steps=1)
    graph = runs.build_training_graph(deep_cnn, tiny_data_set, seed=1)
    with tf.Graph().as_default() as port_graph:
        port = plain_port.build_training()
    with tf.Session(graph=graph.graph) as ours, \
            tf.Session(graph=port_graph) as theirs:
        graph.saver.restore(ours, str(tmp_path / 'model.ckpt-1'))
        port['saver'].restore(theirs, str(tmp_path / 'model.ckpt-1'))
        handle = ours.run(graph.inputs.handles['training'])
        graph.inputs.training.load(ours, tiny_data_set)
        graph.inputs.training.initialize(ours, epoch=0)
        for unused_step in range(3):
            unused, loss, images, labels = ours.run(
                [graph.train_op, graph.total_loss, graph.inputs.images,
                 graph.inputs.labels], {graph.inputs.handle: handle})
            port_loss, unused = theirs.run(
                [port['loss'], port['train_op']],
                {port['images']: images, port['labels']: labels})
            assert abs(loss - port_loss) <= 1e-5 * abs(port_loss)
        port['saver'].save(theirs, str(tmp_path / 'port' / 'model.ckpt'), 4)
        graph.saver.save(ours, str(tmp_path / 'ours' / 'model.ckpt'), 4)
    a = runs.tensors_of(tmp_path / 'port' / 'model.ckpt-4')
    b = runs.tensors_of(tmp_path / 'ours' / 'model.ckpt-4')
    assert {name: (v.shape, v.dtype) for name, v in a.items()} == {
        name: (v.shape, v.dtype) for name, v in b.items()}
    assert a['global_step'] == b['global_step'] == 4
    for name in plain_port.VARIABLES:
        assert np.abs(a[name] - b[name]).max() <= 1e-5 * np.abs(b[name]).max()


def test_train_op_keeps_the_order(tiny_data_set):
    """Loss, then update, then average: each depends on the one before."""
    graph = runs.build_training_graph(deep_cnn, tiny_data_set, seed=1)
    operations = {op.name: op for op in graph.graph.get_operations()}
    updates = [op for op in operations.values()
               if op.type == 'ResourceApplyGradientDescent']
    averages = [op for op in operations.values()
                if op.type == 'AssignSubVariableOp']
    assert len(updates) == len(averages) == 10

    def ancestors(op, seen):
        for parent in [t.op for t in op.inputs] + list(op.control_inputs):
            if parent not in seen:
                seen.add(parent)
                ancestors(parent, seen)
        return seen

    for update in updates:
        assert graph.total_loss.op in ancestors(update, set())
    for average in averages:
        above = ancestors(average, set())
        assert set(updates) <= above
        reads = [op for op in above if op.type == 'ReadVariableOp'
                 and set(updates) <= ancestors(op, set())]
        # The variable, its shadow and the step, all read after the update.
        assert len(reads) >= 2
    assert deep_cnn.build_average(1).name == (
        'ExponentialMovingAverage')


@pytest.mark.slow
def test_summaries_change_no_bit_of_a_checkpoint(whole_run, tiny_data_set, tmp_path):
    """Where a second process goes on in the middle of an epoch too."""
    for max_steps in (6, 8):
        assert runs.train(tmp_path, tiny_data_set, max_steps, epochs=3,
                          with_summaries=True) == 0
    assert len(list((tmp_path / 'summaries').iterdir())) == 2
    assert not (whole_run[0] / 'summaries').exists()
    prefixes = [folder / 'model.ckpt-8' for folder in (tmp_path, whole_run[0])]
    runs.assert_same_bits(*prefixes)
    # Not byte for byte: 1.15 counts the functions of all graphs of a process.
    ours, theirs = ([(node.name, node.op, list(node.input)) for node
                     in tf.MetaGraphDef.FromString(prefix.with_name(
                         prefix.name + '.meta').read_bytes()).graph_def.node]
                    for prefix in prefixes)
    assert ours == theirs
