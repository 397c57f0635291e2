"""verify repeats a run; a fingerprint tells weights apart."""

import json
import os

import numpy as np
import pytest

import runs
from cifar10_tf1.checkpoints import reading
from cifar10_tf1 import fingerprint, scripts, verify
from cifar10_tf1.data import cifar10
from cifar10_tf1.records import run_record

TINY_TRAIN = os.path.join(runs.ROOT, 'tests', 'tiny_train.py')


def verify_main(path, data_set, monkeypatch, *options):
    monkeypatch.setattr(cifar10, 'load_data_set', lambda data_dir: data_set)
    monkeypatch.setattr(scripts, 'path', lambda name: TINY_TRAIN)
    return verify.main([str(path), '--data-dir',
                        os.path.dirname(data_set.test_paths[0])] + list(options))


@pytest.mark.parametrize('options, last_line', [
    ([], 'Equal to the bit\n'),
    (['--epochs', '1', '--intra-op-threads', '5'],
     'Equal to the bit, on another kind of machine too\n')])
def test_verify_passes(options, last_line, record_file, tiny_data_set, monkeypatch,
                       capsys):
    num_epochs = 1 if options else 2
    assert verify_main(record_file, tiny_data_set, monkeypatch, *options) == 0
    output = capsys.readouterr().out
    assert output.count('equal to the bit') == num_epochs
    assert ('Weights at step 8' in output) == (num_epochs == 2)
    assert output.endswith(last_line)
    assert sorted(os.listdir(str(record_file.parent))) == ['run.json']


def change_loss(content):
    loss = content['epochs'][1]['summed_loss']
    content['epochs'][1]['summed_loss'] = np.nextafter(loss, 0).item()


def change_weights(content):
    content['weights']['sha256'] = '0' * 64


def change_caches_and_loss(content):
    content['processes'][-1]['kind']['cpu']['caches'] = 'L1d=1'
    content['epochs'][0]['summed_loss'] *= 1.001


def lose_losses(content):
    content['epochs'][1].update(unknown_losses=7, summed_loss=1.0)


@pytest.mark.parametrize('edit, status, texts', [
    (change_loss, 4, ['DIFFERENT at epoch 2']),
    (change_weights, 4, ['DIFFERENT at the weights at step 8']),
    (lose_losses, 0, ['Epoch 2 : ', 'not compared', 'Equal to the bit where']),
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
def test_verify_what_cannot_be_repeated(edit, options, reason, record_file,
                                        tiny_data_set, monkeypatch, capsys):
    runs.change_record(record_file, edit)
    assert verify_main(record_file, tiny_data_set, monkeypatch, *options) == 1
    assert reason in capsys.readouterr().err


def test_fingerprint():
    """Golden, and every part of it counts."""
    tensors = {'b': np.arange(3, dtype=np.float32), 'a': np.int64(7)}
    golden = reading.fingerprint_tensors(tensors)
    assert golden == (
        'a8086078d9685c0e580aaf82472c90f32da481a3961437702ae51dff270d56ac')
    assert golden == reading.fingerprint_tensors(
        dict(reversed(list(tensors.items()))))
    others = [dict(tensors, b=np.float32([0, 1, 2.0000002])),
              dict(tensors, b=np.arange(3, dtype=np.int32)),
              dict(tensors, b=np.arange(3, dtype=np.float32).reshape(3, 1)),
              {'c': tensors['b'], 'a': tensors['a']},
              dict(tensors, b=np.float32([-0.0, 1, 2]))]
    assert len({reading.fingerprint_tensors(t) for t in others} | {golden}
               ) == 6


def test_fingerprint_command(finished_run, capsys):
    assert fingerprint.main(['--model-dir', str(finished_run)]) == 0
    digest, prefix = capsys.readouterr().out.split()
    assert prefix == str(finished_run / 'model.ckpt-8')
    assert digest == json.loads((finished_run / 'run.json').read_text())[
        'weights']['sha256']
    assert fingerprint.main(['--checkpoint', str(finished_run / 'none')]) == 1
    assert 'no checkpoint ' in capsys.readouterr().err
