"""The loop: going on, stopping, lines on a terminal, numbers that are not finite."""

import functools
import io
import os
import re
import signal
import sys
import time

import pytest
import tensorflow.compat.v1 as tf
from tqdm import tqdm

import runs
from cifar10_tf1.common import stopping
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.systems.deep_cnn import DeepCnn, SYSTEM as deep_cnn, Schedule, Settings
from cifar10_tf1.training import training_log


@pytest.mark.slow
def test_going_on_in_the_middle_of_an_epoch(finished_run, tiny_data_set, tmp_path, capsys,
                                            monkeypatch):
    """Stopped by a limit, a signal and a kill: the same bits, the same sums.

    Event files, which the other run did not write, change none of them.
    """
    def die(run):
        raise KeyboardInterrupt  # as kill -9: nothing is saved any more

    options = {'epochs': 2, 'no_summaries': False}
    folder, expected = tmp_path / 'model', {
        str(entry['epoch']): f'{entry["summed_loss"]:.5f}'
        for entry in runs.load_record(finished_run).epochs}
    runs.train(folder, tiny_data_set, max_steps=3, seed=3, **options)
    assert 'Stopped at step 3' in capsys.readouterr().out
    assert runs.train_until(2, lambda run: os.kill(os.getpid(), signal.SIGINT), monkeypatch,
                            folder, tiny_data_set, **options) == 130
    output, error = capsys.readouterr()
    assert 'Restored' in output and 'epoch 0, step 3' in output
    assert 'Stopped at step 5; start again to continue from' in error
    assert runs.losses_of(output) == {'1': expected.pop('1')}
    with pytest.raises(KeyboardInterrupt):
        runs.train_until(2, die, monkeypatch, folder, tiny_data_set, **options)
    assert 'step 5' in capsys.readouterr().out
    assert runs.train(folder, tiny_data_set, **options) == 0
    assert runs.losses_of(capsys.readouterr().out) == expected
    runs.assert_same_bits(finished_run / 'model.ckpt-8', folder / 'model.ckpt-8')
    assert len(list((folder / 'summaries').iterdir())) == 4
    assert not (finished_run / 'summaries').exists()


def test_the_target_is_reached_already(finished_copy, tiny_data_set, capsys):
    """What a process that was killed at its end did not record is recorded now."""
    before = sorted(os.listdir(str(finished_copy)))
    weights = runs.load_record(finished_copy).content['weights']

    def forget(content):
        content['weights'] = None
        content['processes'][-1].update(to_step=None, end=None)

    runs.change_record(finished_copy / 'run.json', forget)
    assert runs.train(finished_copy, tiny_data_set, epochs=2) == 0
    assert 'Already at epoch 2 (step 8)' in capsys.readouterr().out
    content = runs.load_record(finished_copy).content
    assert content['weights'] == weights
    assert content['processes'][-1]['end'] == 'killed'
    assert content['processes'][-1]['to_step'] == 8
    assert sorted(os.listdir(str(finished_copy))) == before


@pytest.mark.parametrize('is_terminal', [True, False])
def test_the_bar_is_drawn_on_a_terminal_only(is_terminal, tiny_data_set, tmp_path, monkeypatch):
    stream = io.StringIO()
    stream.isatty = lambda: is_terminal
    monkeypatch.setattr(sys, 'stderr', stream)
    monkeypatch.setattr(training_log, 'tqdm', functools.partial(tqdm, mininterval=0))
    assert runs.train(tmp_path, tiny_data_set, max_steps=2, epochs=2) == 0
    drawn = re.search(r'Epoch 1 of 2:  50%\|.* images/s, \d\d:\d\d left of the run, '
                      r'mean loss \d\.\d{4}', stream.getvalue())
    assert bool(drawn) == bool(stream.getvalue()) == is_terminal


@pytest.mark.parametrize('rate, save_steps, message', [
    (1e18, 50, 'the loss is .* at step [234], learning rate 1e.18; .*newest'),
    # The first update overflows, and no loss shows it before the save.
    (float('inf'), 1, 'a weight is not finite at step 2')])
def test_numbers_that_are_not_finite_stop_the_run(rate, save_steps, message, tiny_data_set,
                                                  tmp_path):
    diverging = DeepCnn()
    diverging.settings = Settings(schedule=Schedule(initial_learning_rate=rate))
    runs.train(tmp_path, tiny_data_set, max_steps=1)
    with pytest.raises(UserError, match=message):
        runs.train(tmp_path, tiny_data_set, save_steps=save_steps, system=diverging)
    assert [path.name for path in tmp_path.glob('*.index')] == ['model.ckpt-1.index']


def test_a_run_that_was_killed_before_its_first_save_says_so(finished_copy, tiny_data_set, capsys):
    for path in finished_copy.glob('model.ckpt-*'):
        path.unlink()
    runs.train(finished_copy, tiny_data_set, max_steps=1)
    assert 'No checkpoint was saved' in capsys.readouterr().err


def test_a_checkpoint_under_a_wrong_name(finished_copy, tiny_data_set):
    for path in finished_copy.glob('model.ckpt-8.*'):
        path.rename(finished_copy / path.name.replace('-8.', '-9.'))
    (finished_copy / 'model.ckpt-9.json').unlink()  # as one of the original
    with pytest.raises(UserError, match='contains global step 8'):
        runs.train(finished_copy, tiny_data_set, epochs=2)


@pytest.mark.parametrize('number', stopping.SIGNALS)
def test_a_signal_ends_the_program_or_waits_for_the_loop(number, monkeypatch):
    monkeypatch.setattr(stopping.os, '_exit', sys.exit)
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
    graph = runs.build_training_graph(deep_cnn, tiny_data_set).graph.as_graph_def()

    def list_ancestors(node):
        return tf.graph_util.extract_sub_graph(graph, [node.name]).node

    averages = [node for node in graph.node if node.op == 'AssignSubVariableOp']
    assert len(averages) == 10
    for average in averages:
        reads = [node for node in list_ancestors(average) if node.op == 'ReadVariableOp'
                 and 10 == sum(ancestor.op == 'ResourceApplyGradientDescent'
                               for ancestor in list_ancestors(node))]
        assert len(reads) >= 2  # the variable, its shadow and the step
