"""verify repeats a recorded run and says where it differs."""

import contextlib
import io
import os

import numpy as np
import pytest

import runs
from cifar10_tf1 import scripts, verify
from cifar10_tf1.records import run_record


@pytest.fixture
def verify_main(record_file, tiny_cifar10, monkeypatch):
    """Function of options to the exit status of verify, which trains in this process."""
    def call(command, stdout):
        assert command[1] == scripts.path('train')
        with contextlib.redirect_stdout(io.StringIO()):
            return runs.main('train.py', command[2:])

    monkeypatch.setattr(verify.subprocess, 'call', call)
    return lambda *options: verify.main([str(record_file), *options])


@pytest.mark.parametrize('options, num_epochs, last_line', [
    ([], 2, 'Equal to the bit\n'),
    (['--epochs', '1', '--intra-op-threads', '5'], 1,
     'Equal to the bit, on another kind of machine too\n')])
def test_verify_passes(options, num_epochs, last_line, verify_main, record_file, capsys):
    assert verify_main(*options) == 0
    output = capsys.readouterr().out
    assert output.count('equal to the bit') == num_epochs
    assert ('Weights at step 8' in output) == (num_epochs == 2)
    assert output.endswith(last_line)
    assert os.listdir(str(record_file.parent)) == ['run.json']


def change_caches_and_loss(content):
    content['processes'][-1]['kind']['cpu']['caches'] = 'L1d=1'
    content['epochs'][0]['summed_loss'] *= 1.001


@pytest.mark.parametrize('edit, status, texts', [
    (lambda content: content['epochs'][1].update(
        summed_loss=np.nextafter(content['epochs'][1]['summed_loss'], 0).item()), 4, [
            'DIFFERENT at epoch 2']),
    (lambda content: content['weights'].update(sha256='0' * 64), 4, [
        'DIFFERENT at the weights at step 8']),
    (lambda content: content['epochs'][1].update(unknown_losses=7, summed_loss=1.0), 0, [
        'Epoch 2 : ', 'not compared', 'Equal to the bit where']),
    (lambda content: content['epochs'].pop(0), 0, [
        'Epoch 1 : ', 'not compared', 'Equal to the bit where']),
    (change_caches_and_loss, 3, [
        'Another kind of machine: cpu caches', 'Epoch 2 : ',
        'summed losses deviate by up to 0.0999'])])
def test_verify_notices(edit, status, texts, record_file, capsys):
    repeated = run_record.load(str(record_file))
    runs.change_record(record_file, edit)
    assert verify.compare(run_record.load(str(record_file)), repeated) == status
    output = capsys.readouterr().out
    assert all(text in output for text in texts)


def split_epochs(content):
    content['epochs'] = [dict(epoch, part=part, step=epoch['step'] - 2 + part)
                         for epoch in content['epochs'] for part in (1, 2)]


@pytest.mark.parametrize('edit, options, reason', [
    (split_epochs, ['--epochs', '3'], 'records 2 epochs, not 3'),
    (lambda content: content['data'].update(sha256={'a': 'b'}), [], 'used other data'),
    (lambda content: content.update(epochs=[], weights=None), [], 'no finished epoch'),
    (lambda content: content['processes'][0].update(from_step=500), [],
     'continued from a checkpoint')])
def test_verify_what_cannot_be_repeated(edit, options, reason, verify_main, record_file, capsys):
    runs.change_record(record_file, edit)
    assert verify_main(*options) == 1
    assert reason in capsys.readouterr().err
