"""run.json: its content, what it refuses, and the rules of resumption."""

import csv
import getpass
import json
import pathlib
import re
import shutil
import socket
from unittest import mock

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import made_runs
import runs
from cifar10_tf1 import cli, scripts, systems, verify
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import resources
from cifar10_tf1.records import run_record, run_settings
from cifar10_tf1.records.run_settings import RunSettings
from cifar10_tf1.report.__main__ import main as report_main
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


@pytest.fixture
def record(record_file):
    return run_record.load(str(record_file))


def test_record_of_a_run(finished_run):
    content = runs.load_record(finished_run).content
    assert content['data'] == {'name': 'tiny', 'sha256': {}} and content['not_bit_exact'] == []
    process, = content['processes']
    assert (process['from_step'], process['to_step'], process['end']) == (0, 8, 'finished')
    assert process['kind']['wheel'].split()[1] == tf.version.VERSION
    assert len(process['kind']['wheel_sha256']) == 64
    losses = runs.step_losses(finished_run).astype(np.float64).reshape(2, 4)
    expected = [(1, 4, losses[0].sum()), (2, 8, losses[1].sum())]
    assert [(entry['epoch'], entry['step'], entry['summed_loss'])
            for entry in content['epochs']] == expected
    with open(str(finished_run / 'metrics.csv')) as file:
        assert [(int(row['epoch']), int(row['step']), float(row['summed_loss']))
                for row in csv.DictReader(file)] == expected


def test_no_path_and_no_name_of_the_machine(finished_run):
    text = (finished_run / 'run.json').read_text()
    assert str(finished_run) not in text and '"/' not in text
    assert socket.gethostname() not in text or len(socket.gethostname()) < 4
    assert f'"{getpass.getuser()}"' not in text
    options = scripts.load('train').parse_options(['--data-dir=/a', '--model-dir=/x', '--seed=3'])
    assert cli.describe('train.py', options) == 'train.py --seed 3'


def resolve(record, data_set, **given):
    return run_settings.resolve(record, RunSettings(**given), data_set, deep_cnn)


@pytest.mark.parametrize('recorded, given, total', [
    (2, None, 110),   # a trial does not shorten the documented run
    (2, 3, 3), (200, None, 200), (200, 110, 110)])
def test_how_far_a_run_goes(recorded, given, total, record, tiny_data_set):
    """What is not given is as recorded; early records have the kernels beside the wheel."""
    record.content['settings'].update(epochs=recorded, save_steps=2, kernels=None)
    assert resolve(record, tiny_data_set, epochs=given) == record.settings._replace(epochs=total)


@pytest.mark.parametrize('name, kernels, intra_op, inter_op', [
    ('deep_cnn', 'stock', 16, 16), ('deep_cnn', 'fast', 1, 16), ('lenet5', 'fast', 1, 1)])
def test_cores_do_not_reach_the_bits_of_the_fast_kernels(
        name, kernels, intra_op, inter_op, tiny_data_set, monkeypatch):
    monkeypatch.setattr(resources, 'count_cores', lambda: 16)
    settings = run_settings.default(systems.load(name), tiny_data_set, kernels)
    assert settings.threads == (intra_op, inter_op, 2)


@pytest.mark.parametrize('data, given, told', [
    ({}, {'seed': 4}, 'seed: 3, not 4.*--seed.*--model-dir'),
    ({}, {'train_files': 2}, 'files: 5, not 2.*--train-files.*--model-dir'),
    ({}, {'train_files': 6}, '--train-files 6'),
    ({'name': 'cifar10'}, {}, 'tiny, not cifar10.*--synthetic.*--model-dir'),
    ({'sha256': {'a': 'b'}}, {}, 'other files of tiny.*--data-dir.*--model-dir')])
def test_another_seed_or_other_data_is_refused(data, given, told, record, tiny_data_set):
    with pytest.raises(UserError, match=told):
        resolve(record, tiny_data_set._replace(**data), **given)


@pytest.mark.parametrize('name, told', [
    ('wheel', 'TensorFlow: .*, not other; use the Python'),
    ('wheel_sha256', 'build of TensorFlow: .*, not other; use the Python'),
    ('kernels', 'kernels: stock, not other; omit --kernels')])
def test_another_wheel_or_other_kernels_are_refused(name, told, record):
    with pytest.raises(UserError, match=told + '.*--model-dir'):
        record.check_kind(dict(record.kind, **{name: 'other'}))
    assert record.check_kind(record.kind) == []


def test_other_threads_go_on_with_a_warning(finished_copy, tiny_data_set, capsys):
    """A process before it that was killed is noted, an epoch that it did not save is dropped."""
    def edit(content):
        content['epochs'].append(dict(content['epochs'][-1], epoch=3, step=12))
        content['processes'][-1].update(end=None, commit=None, commit_is_clean=None)
        content['processes'][-1]['kind']['intra_op_threads'] = 64

    runs.change_record(finished_copy / 'run.json', edit)
    assert runs.train(finished_copy, tiny_data_set, max_steps=9) == 0
    content = runs.load_record(finished_copy).content
    difference, = content['not_bit_exact']
    assert difference.startswith('from step 8: intra_op_threads: ')
    assert 'uninterrupted one: intra_op_threads: ' in capsys.readouterr().err
    assert [process['end'] for process in content['processes']] == ['killed', 'finished']
    assert [epoch['step'] for epoch in content['epochs']] == [4, 8]


def test_tests_are_recorded_once_a_kind(record):
    result = {'step': 8, 'data': 'tiny', 'crop': 'random', 'seed': 1, 'num_examples': 20,
              'kind': {'wheel': 'one'}}
    for number, other in enumerate([{}, {}, {'seed': 2}, {'kind': {'wheel': 'another'}}]):
        record.add_test(num_correct=number, **dict(result, **other))
    assert [test['num_correct'] for test in run_record.load(record.path).content['tests']] == [
        1, 2, 3]


def test_a_record_that_cannot_be_written(record):
    """The reason is named, what was there is untouched, leftovers are removed later."""
    folder = pathlib.Path(record.folder)
    before = (folder / 'run.json').read_bytes()
    for name in ('run.json.12.tmp', 'metrics.csv.12.tmp'):  # of writers that were killed
        (folder / name).write_text('x')
    with mock.patch.object(run_record.files, 'write_atomically',
                           side_effect=OSError(28, 'No space left on device')):
        with pytest.raises(UserError, match='run.json: No space left'):
            record.end_process(9, 'finished', '0' * 64)
    assert (folder / 'run.json').read_bytes() == before
    record.end_process(9, 'finished', '0' * 64)
    assert sorted(path.name for path in folder.iterdir()) == ['.run.json.lock', 'run.json']


@pytest.mark.parametrize('text, message', [
    ('{"format": 1,', 'run.json is truncated'), ('[' * 100000, 'run.json is truncated'),
    ('{"format": 2}', 'run.json is .*/format'), ('[1, 2]', 'run.json is .*its content'),
    (json.dumps(dict(made_runs.make_content(), system='lenet6')), 'run.json is .*lenet6.*deep_cnn'),
    (None, 'cannot read .*run.json')])
def test_bad_records(text, message, tmp_path, capsys):
    path = tmp_path / 'run.json'
    if text is not None:
        path.write_text(text)
    for main in (verify.main, report_main):
        assert main([str(path)]) == 1
        error = capsys.readouterr().err
        assert re.search(message, error) and error.count('\n') == 1


@pytest.mark.parametrize('edit, part', [
    (lambda content: content['processes'][0].update(commit=3), '/processes/0/commit is'),
    (lambda content: content['epochs'][0].update(summed_loss=0), '/epochs/0/summed_loss is'),
    (lambda content: content['epochs'][1].update(summed_loss=float('inf')), '/epochs/1/summed'),
    (lambda content: content['settings'].update(seed=True), '/settings/seed is'),
    (lambda content: content['settings'].update(device='tpu'), '/settings/device is'),
    (lambda content: content.update(tests=[made_runs.make_test('random', 1, 10001)]),
     '/tests/0/num_correct is'),
    (lambda content: content.update(weights={}), '/weights/step is'),
    (lambda content: content.update(epochs={}), '/epochs is'),
    (lambda content: content.update(processes=[]), '/processes is empty')])
def test_a_part_that_is_invalid_is_named(edit, part, record_file):
    runs.change_record(record_file, edit)
    with pytest.raises(UserError, match=part):
        run_record.load(str(record_file))


def test_a_record_that_is_lost(finished_copy, tiny_data_set):
    """The run does not begin again on trained weights."""
    (finished_copy / 'run.json').unlink()
    with pytest.raises(UserError, match='run.json is missing.*ckpt-8.json.*--model-dir'):
        runs.train(finished_copy, tiny_data_set, epochs=3)
    assert not (finished_copy / 'run.json').exists()
    # The way out that the message names.
    settings = json.loads((finished_copy / 'model.ckpt-8.json').read_text())
    (finished_copy / 'run.json').write_text(json.dumps(settings['record']))
    assert runs.train(finished_copy, tiny_data_set, epochs=2) == 0


def test_an_earlier_checkpoint_of_another_run(finished_copy, tiny_data_set):
    """Which is restored if the newest one is damaged."""
    runs.train(finished_copy, tiny_data_set, max_steps=9, epochs=3)
    (finished_copy / 'model.ckpt-9.index').write_bytes(b'x')
    runs.change_record(finished_copy / 'model.ckpt-8.json', lambda beside: beside.update(seed=1))
    with pytest.raises(UserError, match='they belong to different runs'):
        runs.train(finished_copy, tiny_data_set, epochs=3)


@pytest.mark.parametrize('change, message', [
    ({'seed': 1}, 'different runs'), ({'wheel': 'other 1.0'}, 'different runs'),
    ({'step': 4}, 'belongs to step 4'), ({'losses': 7}, 'is damaged'),
    ('{"data": "cifa', 'is damaged'), ('[' * 100000, 'is damaged')])
def test_settings_beside_the_weights_that_do_not_fit(change, message, finished_copy,
                                                     tiny_data_set):
    path = finished_copy / 'model.ckpt-8.json'
    if isinstance(change, dict):
        runs.change_record(path, lambda settings: settings.update(change))
    else:
        path.write_text(change)
    with pytest.raises(UserError, match=f'model.ckpt-8.json.*{message}'):
        runs.train(finished_copy, tiny_data_set, epochs=3)


def test_the_losses_of_an_older_version(finished_run, tiny_data_set, tmp_path):
    """A killed run of it goes on with the same sum; without its file with fewer."""
    older, lost = tmp_path / 'older', tmp_path / 'lost'
    runs.train(older, tiny_data_set, max_steps=3, epochs=1, seed=3)
    losses = runs.step_losses(older)
    runs.change_record(older / 'model.ckpt-3.json', lambda settings: settings.pop('losses'))
    shutil.copytree(str(older), str(lost))
    np.float32([*losses, 9]).tofile(str(older / 'step_losses.f32'))
    for folder in (older, lost):
        runs.train(folder, tiny_data_set, epochs=1)
    assert runs.load_record(older).epochs[0]['summed_loss'] == (
        runs.load_record(finished_run).epochs[0]['summed_loss'])
    assert runs.load_record(lost).epochs[0]['unknown_losses'] == 3
