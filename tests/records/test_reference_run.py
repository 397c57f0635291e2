"""The run and the checkpoint of record, and what a training says of recorded runs."""

import argparse

import pytest

import made_runs
import runs
from cifar10_tf1 import cli
from cifar10_tf1.records import reference_run
from cifar10_tf1.report.__main__ import main as report_main


def locate(**given):
    return cli.locate_checkpoint(argparse.Namespace(
        **{'model_dir': None, 'checkpoint': None, 'synthetic': False, **given}))


def test_the_checkpoint_of_record_if_there_is_no_other(finished_copy, tiny_cifar10, tmp_path,
                                                       monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(reference_run, 'CHECKPOINT', str(finished_copy))
    assert runs.main('test.py', ['--kernels', 'stock']) == 0
    captured = capsys.readouterr()
    assert captured.err == (
        'No checkpoint in ./model: this is the checkpoint of record, finished/model.ckpt-8\n')
    assert captured.out.splitlines()[-1].startswith('Test : Accuracy = ')
    assert locate() == ('./model', str(finished_copy / 'model.ckpt-8'))
    # Not if the user names one, even one that does not exist.
    assert locate(model_dir='empty') == ('empty', None)
    assert locate(checkpoint='a/b') == ('./model', 'a/b')
    assert locate(synthetic=True) == ('./model', None)
    finished_copy.rename(tmp_path / 'model')
    assert locate() == ('./model', None)
    (tmp_path / 'model').rename(tmp_path / 'elsewhere')
    assert runs.main('test.py', ['--kernels', 'stock']) == 1
    assert 'no checkpoint in ./model' in capsys.readouterr().err


def test_a_report_without_options_takes_the_run_of_record(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert report_main(['--text']) == 0
    assert capsys.readouterr().out.startswith(
        f'No run in ./model: this is the run of record, {reference_run.RECORD}')


@pytest.mark.parametrize('factor, cpu, seed, texts', [
    (1, {}, 3, ['seed-03: 2 of 2 summed losses equal to the bit']),
    (1.01, {}, 3, ['1 of 2', '0.9901 %', 'the SAME kind']),
    (1.01, {'model': '0', 'caches': 'L2=1'}, 3, ['another kind of machine (', ', model 0)']),
    (1.01, {'stepping': '0'}, 3, ['another kind of machine (cpu stepping: ']),
    (1, {}, 4, None)])
def test_a_run_beside_the_recorded_one(factor, cpu, seed, texts, finished_run, tmp_path):
    content = runs.load_record(finished_run).content
    content['epochs'][1]['summed_loss'] *= factor
    content['settings']['seed'] = seed
    content['processes'][0]['kind']['cpu'].update(cpu)
    made_runs.write_run(tmp_path / 'deep_cnn' / '1.15-seed-03', content)
    line = reference_run.compare(runs.load_record(finished_run), str(tmp_path))
    assert line is None if texts is None else all(text in line for text in texts)
