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
from tqdm import tqdm

import runs
from cifar10_tf1.common import stopping
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.systems.deep_cnn import DeepCnn, SYSTEM as deep_cnn, Schedule, Settings
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
    assert len(lines) == 10 and lines[0].startswith('Device: CPU')
    assert re.match(r'^Done Training, Total Epoch Time = \d+\.\d\ds$', lines[4])
    assert re.match(r'^Weights at step 12: SHA-256 [0-9a-f]{64}$', lines[5])
    assert sorted(path.name for path in folder.glob('*.index')) == [
        'model.ckpt-12.index', 'model.ckpt-4.index', 'model.ckpt-8.index']
    losses = runs.step_losses(folder).astype(np.float64).reshape(3, 4)
    assert runs.losses_of(output) == {
        epoch: f'{losses[epoch - 1].sum():.5f}' for epoch in (1, 2, 3)}


@pytest.mark.slow
def test_going_on_in_the_middle_of_an_epoch(whole_run, tiny_data_set, tmp_path,
                                            capsys, monkeypatch):
    """Stopped by a limit, a signal and a kill: the same bits, the same sums."""
    def die(run):
        raise KeyboardInterrupt  # as kill -9: nothing is saved any more

    folder, expected = tmp_path / 'model', runs.losses_of(whole_run[1])
    runs.train(folder, tiny_data_set, epochs=3, max_steps=3)
    assert 'Stopped at step 3' in capsys.readouterr().out
    assert runs.train_until(
        2, lambda run: os.kill(os.getpid(), signal.SIGINT), monkeypatch, folder,
        tiny_data_set, epochs=3) == 130
    output, error = capsys.readouterr()
    assert 'Restored' in output and 'epoch 0, step 3' in output
    assert 'Stopped at step 5; start again to continue from' in error
    assert runs.losses_of(output) == {1: expected.pop(1)}
    with pytest.raises(KeyboardInterrupt):
        runs.train_until(2, die, monkeypatch, folder, tiny_data_set, epochs=3)
    assert 'step 5' in capsys.readouterr().out
    assert runs.train(folder, tiny_data_set, epochs=3) == 0
    assert runs.losses_of(capsys.readouterr().out) == expected
    runs.assert_same_bits(whole_run[0] / 'model.ckpt-12', folder / 'model.ckpt-12')


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
    assert 'Already at epoch 3 (step 12)' in capsys.readouterr().out
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


class Overflowing(DeepCnn):
    """The first update overflows, and no loss shows it before the save."""
    settings = Settings(schedule=Schedule(initial_learning_rate=float('inf')))


@pytest.mark.parametrize('system, save_steps, message', [
    (Diverging(), 50, 'the loss is .* at step [234], learning rate 1e.18; .*newest'),
    (Overflowing(), 1, 'a weight is not finite at step 2')])
def test_numbers_that_are_not_finite_stop_the_run(system, save_steps, message,
                                                  tiny_data_set, tmp_path):
    runs.train(tmp_path, tiny_data_set, max_steps=1)
    with pytest.raises(UserError, match=message):
        runs.train(tmp_path, tiny_data_set, save_steps=save_steps, system=system)
    assert [path.name for path in tmp_path.glob('*.index')] == ['model.ckpt-1.index']


def test_a_run_that_was_killed_before_its_first_save_says_so(tiny_data_set, tmp_path,
                                                            capsys):
    folder = tmp_path / 'model'
    runs.train(folder, tiny_data_set, max_steps=1)
    assert 'No checkpoint was saved' not in capsys.readouterr().err
    for path in folder.glob('model.ckpt-1.*'):
        path.unlink()
    runs.train(folder, tiny_data_set, max_steps=1)
    assert 'No checkpoint was saved' in capsys.readouterr().err


@pytest.mark.slow
def test_a_checkpoint_under_a_wrong_name(tiny_data_set, tmp_path):
    runs.train(tmp_path, tiny_data_set, max_steps=1)
    for path in list(tmp_path.glob('model.ckpt-1.*')):
        path.rename(tmp_path / path.name.replace('-1.', '-7.'))
    with pytest.raises(UserError, match='json belongs to step 1'):
        runs.train(tmp_path, tiny_data_set)
    (tmp_path / 'model.ckpt-7.json').unlink()  # as one of the original
    with pytest.raises(UserError, match='contains global step 1'):
        runs.train(tmp_path, tiny_data_set)


@pytest.mark.parametrize('number', stopping.SIGNALS)
def test_a_signal_ends_the_program_or_waits_for_the_loop(number, monkeypatch):
    def leave(status):
        raise SystemExit(status)

    monkeypatch.setattr(stopping.os, '_exit', leave)
    # The suite itself may run under nohup, or in a shell's background.
    handler = signal.signal(number, signal.SIG_DFL)
    with stopping.StopRequest() as request:
        request.deferred = True
        os.kill(os.getpid(), number)
        assert request.requested and request.exit_status == 128 + number
        with pytest.raises(SystemExit) as second:
            os.kill(os.getpid(), number)
            time.sleep(1)  # until Python looks
        assert second.value.code == 128 + number
    assert signal.signal(number, handler) is signal.SIG_DFL


def test_nohup_keeps_a_training_alive():
    previous = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with stopping.StopRequest() as request:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not request.requested
    signal.signal(signal.SIGHUP, previous)


def test_the_average_sees_the_updated_weights(tiny_data_set):
    """In the original the two race."""
    graph = runs.build_training_graph(deep_cnn, tiny_data_set)
    updates, averages = (
        {op for op in graph.graph.get_operations() if op.type == kind}
        for kind in ('ResourceApplyGradientDescent', 'AssignSubVariableOp'))
    assert len(updates) == len(averages) == 10

    def list_ancestors(op, seen):
        for parent in [tensor.op for tensor in op.inputs] + list(op.control_inputs):
            if parent not in seen:
                seen.add(parent)
                list_ancestors(parent, seen)
        return seen

    for average in averages:
        reads = [op for op in list_ancestors(average, set()) if op.type == 'ReadVariableOp'
                 and updates <= list_ancestors(op, set())]
        assert len(reads) >= 2  # the variable, its shadow and the step


@pytest.mark.slow
def test_summaries_change_no_bit_of_a_checkpoint(whole_run, tiny_data_set, tmp_path):
    """Where a second process goes on in the middle of an epoch too."""
    for max_steps in (6, 8):
        assert runs.train(tmp_path, tiny_data_set, max_steps, epochs=3,
                          with_summaries=True) == 0
    assert len(list((tmp_path / 'summaries').iterdir())) == 2
    assert not (whole_run[0] / 'summaries').exists()
    runs.assert_same_bits(tmp_path / 'model.ckpt-8', whole_run[0] / 'model.ckpt-8')
