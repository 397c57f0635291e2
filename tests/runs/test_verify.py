"""verify repeats a run; a fingerprint tells weights apart."""

import json
import os
import signal

import numpy as np
import pytest

import runs
from cifar10_tf1.checkpoints import reading
from cifar10_tf1 import fingerprint
from cifar10_tf1 import scripts
from cifar10_tf1 import verify
from cifar10_tf1.data import cifar10

TINY_TRAIN = os.path.join(runs.ROOT, 'tests', 'tiny_train.py')


def verify_main(path, data_set, monkeypatch, *options):
    monkeypatch.setattr(cifar10, 'load_data_set', lambda data_dir: data_set)
    monkeypatch.setattr(scripts, 'path', lambda name: TINY_TRAIN)
    return verify.main([str(path), '--data-dir',
                        os.path.dirname(data_set.test_path)] + list(options))


def test_verify_passes(record_file, tiny_data_set, monkeypatch, capsys):
    assert verify_main(record_file, tiny_data_set, monkeypatch) == 0
    output = capsys.readouterr().out
    assert output.count('equal to the bit') == 2
    assert 'Weights at step 8' in output and output.endswith(
        'Equal to the bit\n')
    assert sorted(os.listdir(str(record_file.parent))) == ['run.json']


@pytest.mark.slow
def test_verify_names_the_epoch_of_a_changed_loss(record_file, tiny_data_set,
                                                  monkeypatch, capsys):
    def edit(content):
        loss = content['epochs'][1]['summed_loss']
        content['epochs'][1]['summed_loss'] = np.nextafter(loss, 0).item()

    runs.change_record(record_file, edit)
    assert verify_main(record_file, tiny_data_set, monkeypatch) == 4
    assert 'DIFFERENT at epoch 2' in capsys.readouterr().out
    assert verify_main(record_file, tiny_data_set, monkeypatch, '--epochs', '1') == 0


@pytest.mark.slow
def test_verify_notices_other_weights(record_file, tiny_data_set, monkeypatch, capsys):
    runs.change_record(record_file, lambda content: content['weights'].update(sha256='0' * 64))
    assert verify_main(record_file, tiny_data_set, monkeypatch) == 4
    assert 'DIFFERENT at the weights at step 8' in capsys.readouterr().out


@pytest.mark.slow
def test_verify_on_another_kind(record_file, tiny_data_set, monkeypatch, capsys):
    def edit(content):
        content['processes'][-1]['kind']['cpu']['caches'] = 'L1d=1'
        content['epochs'][0]['summed_loss'] *= 1.001

    runs.change_record(record_file, edit)
    assert verify_main(record_file, tiny_data_set, monkeypatch) == 3
    output = capsys.readouterr().out
    assert 'Another kind of machine: cpu caches' in output
    assert 'largest deviation of a summed loss 0.0999' in output
    assert 'Epoch 2 : ' in output


@pytest.mark.slow
def test_verify_on_another_kind_with_equal_bits(record_file, tiny_data_set,
                                                monkeypatch, capsys):
    runs.change_record(record_file, lambda content: content['processes'][-1]['kind'].update(
        intra_op_threads=64))
    assert verify_main(record_file, tiny_data_set, monkeypatch, '--epochs', '1',
                       '--intra-op-threads', '2') == 0
    assert 'on another kind of machine too' in capsys.readouterr().out


def test_verify_counts_epochs_not_their_parts(record_file, tiny_data_set,
                                              monkeypatch, capsys):
    def split(content):
        content['epochs'] = [dict(epoch, part=part, step=epoch['step'] - 2 + part)
                             for epoch in content['epochs'] for part in (1, 2)]

    runs.change_record(record_file, split)
    assert verify_main(record_file, tiny_data_set, monkeypatch, '--epochs', '3') == 1
    assert 'records 2 epochs, not 3' in capsys.readouterr().err


def test_verify_gives_its_signals_back(record_file, tiny_data_set, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    assert verify_main(record_file, tiny_data_set, monkeypatch, '--epochs', '1') == 0
    assert signal.getsignal(signal.SIGTERM) is before


def test_verify_what_cannot_be_repeated(record_file, tiny_data_set, monkeypatch,
                                        capsys):
    assert verify_main(record_file, tiny_data_set, monkeypatch, '--epochs', '9') == 1
    assert 'records 2 epochs, not 9' in capsys.readouterr().err
    other = tiny_data_set._replace(sha256={'a': 'b'})
    assert verify_main(record_file, other, monkeypatch) == 1
    assert 'is of other data' in capsys.readouterr().err
    runs.change_record(record_file, lambda content: content['processes'][0].update(from_step=500))
    assert verify_main(record_file, tiny_data_set, monkeypatch) == 1
    assert 'began with a checkpoint of step 500' in capsys.readouterr().err


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
    assert 'there is no checkpoint' in capsys.readouterr().err
