"""run.json and the rules of resumption."""

import csv
import getpass
import json
import pathlib
import socket

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1 import cli, scripts, verify
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.records import run_record, run_settings
from cifar10_tf1.records.run_settings import RunSettings
from cifar10_tf1.report.__main__ import main as report_main
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


@pytest.fixture
def record(record_file):
    return run_record.load(str(record_file))


def test_record_of_a_run(finished_run):
    content = runs.load_record(finished_run).content
    assert content['format'] == 1 and content['system'] == 'deep_cnn'
    assert content['settings']['seed'] == 3 and content['settings']['epochs'] == 2
    assert content['data'] == {'name': 'tiny', 'sha256': {}}
    process, = content['processes']
    assert (process['from_step'], process['to_step'], process['end']) == (
        0, 8, 'finished')
    assert process['kind']['wheel'].split()[1] == tf.version.VERSION
    assert len(process['kind']['wheel_sha256']) == 64
    losses = runs.step_losses(finished_run).astype(np.float64).reshape(2, 4)
    expected = [(1, 4, losses[0].sum()), (2, 8, losses[1].sum())]
    assert [(entry['epoch'], entry['step'], entry['summed_loss'])
            for entry in content['epochs']] == expected
    assert content['weights'] == {
        'step': 8, 'sha256': reading.fingerprint(str(finished_run / 'model.ckpt-8'))}
    assert content['not_bit_exact'] == []
    with open(str(finished_run / 'metrics.csv')) as file:
        assert [(int(row['epoch']), int(row['step']), float(row['summed_loss']))
                for row in csv.DictReader(file)] == expected


def test_no_path_and_no_name_of_the_machine(finished_run):
    text = (finished_run / 'run.json').read_text()
    assert str(finished_run) not in text and '"/' not in text
    assert socket.gethostname() not in text or len(socket.gethostname()) < 4
    assert f'"{getpass.getuser()}"' not in text
    options = scripts.load('train').parse_options(
        ['--data-dir', '/home/ada/data', '--model-dir=/x', '--epochs', '3',
         '--synthetic'])
    assert cli.describe('train.py', options) == 'train.py --epochs 3 --synthetic'


@pytest.mark.slow
def test_what_is_not_given_comes_from_the_record(tiny_data_set, tmp_path):
    runs.train(tmp_path, tiny_data_set, max_steps=1, seed=5, save_steps=2)
    assert runs.train(tmp_path, tiny_data_set, max_steps=4) == 0
    content = runs.load_record(tmp_path).content
    assert content['settings']['seed'] == 5
    assert [p['from_step'] for p in content['processes']] == [0, 1]
    assert [e['step'] for e in content['epochs']] == [4]
    assert sorted(path.name for path in tmp_path.glob('*.index')) == [
        'model.ckpt-1.index', 'model.ckpt-2.index', 'model.ckpt-4.index']


def resolve(record, data_set, **given):
    return run_settings.resolve(record, RunSettings(**given), data_set, deep_cnn)


@pytest.mark.parametrize('recorded, given, expected', [
    (2, None, 110),   # a trial does not shorten the documented run
    (2, 3, 3), (200, None, 200), (200, 110, 110)])
def test_how_far_a_run_goes(recorded, given, expected, record, tiny_data_set):
    record.content['settings']['epochs'] = recorded
    assert resolve(record, tiny_data_set, epochs=given).epochs == expected


@pytest.mark.parametrize('data, given, told', [
    ({}, {'seed': 4}, 'seed: 3, not 4.*--seed.*--model-dir'),
    ({}, {'train_files': 2}, 'files: 5, not 2.*--train-files.*--model-dir'),
    ({}, {'train_files': 6}, '--train-files 6'),
    ({'name': 'cifar10'}, {}, 'tiny, not cifar10.*--synthetic.*--model-dir'),
    ({'sha256': {'a': 'b'}}, {}, 'other files of tiny.*--data-dir.*--model-dir')])
def test_another_seed_or_other_data_is_refused(data, given, told, record, tiny_data_set):
    assert resolve(record, tiny_data_set).seed == 3
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
    """And a process before it that was killed is noted."""
    def edit(content):
        content['processes'][-1]['end'] = None
        content['processes'][-1]['kind']['intra_op_threads'] = 64

    runs.change_record(finished_copy / 'run.json', edit)
    assert runs.train(finished_copy, tiny_data_set, max_steps=9) == 0
    difference, = runs.load_record(finished_copy).content['not_bit_exact']
    assert difference.startswith('from step 8: intra_op_threads: ')
    assert 'uninterrupted one: intra_op_threads: ' in capsys.readouterr().err
    assert [process['end'] for process in runs.load_record(finished_copy).content[
        'processes']] == ['killed', 'finished']


def test_epochs_after_the_restored_step_are_dropped(record, tiny_data_set):
    record.start_process('train.py', record.kind, record.settings,
                         tiny_data_set, step=5)
    assert [e['step'] for e in run_record.load(record.path).epochs] == [4]


def test_tests_are_recorded_once_a_kind(record):
    result = {'step': 8, 'data': 'tiny', 'crop': 'random', 'seed': 1,
              'num_examples': 20, 'kind': {'wheel': 'one'}}
    for number, other in enumerate([{}, {}, {'seed': 2}, {'kind': {'wheel': 'another'}}]):
        record.add_test(num_correct=number, **dict(result, **other))
    assert [t['num_correct'] for t in run_record.load(record.path).content[
        'tests']] == [1, 2, 3]


def test_a_record_that_cannot_be_written(record, monkeypatch):
    """The reason is named, what was there is untouched, leftovers are removed later."""
    folder = pathlib.Path(record.folder)
    before = (folder / 'run.json').read_bytes()
    for name in ('run.json.12.tmp', 'metrics.csv.12.tmp'):  # of writers that were killed
        (folder / name).write_text('x')

    def refuse(*unused_arguments):
        raise OSError(28, 'No space left on device')

    with monkeypatch.context() as patch:
        patch.setattr(run_record.files, 'write_atomically', refuse)
        with pytest.raises(UserError, match='run.json: No space left'):
            record.end_process(9, 'finished', '0' * 64)
    assert (folder / 'run.json').read_bytes() == before
    record.end_process(9, 'finished', '0' * 64)
    assert sorted(path.name for path in folder.iterdir()) == [
        '.run.json.lock', 'run.json']


@pytest.mark.parametrize('text, message', [
    ('{"format": 1,', 'truncated'), ('[' * 100000, 'truncated'), ('[1, 2]', 'its content'),
    ('{"format": 2}', '/format'), ('{"format": 1}', '/system is missing'),
    (None, 'cannot read')])
def test_bad_records(text, message, tmp_path, capsys):
    path = tmp_path / 'run.json'
    if text is not None:
        path.write_text(text)
    for main in (verify.main, report_main):
        assert main([str(path)]) == 1
        error = capsys.readouterr().err
        assert message in error and str(path) in error and error.count('\n') == 1


def test_a_record_of_an_unknown_system(record_file, capsys):
    runs.change_record(record_file, lambda content: content.update(system='lenet6'))
    for main in (verify.main, report_main):
        assert main([str(record_file)]) == 1
        error = capsys.readouterr().err
        assert 'lenet6' in error and 'deep_cnn' in error and error.count('\n') == 1


def test_a_record_that_is_lost(finished_copy, tiny_data_set):
    """The run does not begin again on trained weights."""
    (finished_copy / 'run.json').unlink()
    with pytest.raises(UserError, match='run.json is missing.*--model-dir') as caught:
        runs.train(finished_copy, tiny_data_set, epochs=3)
    assert 'model.ckpt-8.json' in str(caught.value)
    assert not (finished_copy / 'run.json').exists()
    # The way out that the message names.
    settings = json.loads((finished_copy / 'model.ckpt-8.json').read_text())
    (finished_copy / 'run.json').write_text(json.dumps(settings['record']))
    assert runs.train(finished_copy, tiny_data_set, epochs=2) == 0


def test_an_earlier_checkpoint_of_another_run(finished_copy, tiny_data_set):
    """Which is restored if the newest one is damaged."""
    runs.train(finished_copy, tiny_data_set, max_steps=9, epochs=3)
    (finished_copy / 'model.ckpt-9.index').write_bytes(b'x')
    runs.change_record(finished_copy / 'model.ckpt-8.json',
                       lambda settings: settings.update(seed=1))
    with pytest.raises(UserError, match='they belong to different runs'):
        runs.train(finished_copy, tiny_data_set, epochs=3)


@pytest.mark.parametrize('change, message', [
    ({'seed': 1}, 'different runs'), ({'wheel': 'other 1.0'}, 'different runs'),
    ({'step': 4}, 'belongs to step 4'), ({'losses': 7}, 'is damaged'),
    ('{"data": "cifa', 'is damaged'), ('[]', 'is damaged'), ('[' * 100000, 'is damaged')])
def test_settings_beside_the_weights_that_do_not_fit(change, message, finished_copy,
                                                     tiny_data_set):
    path = finished_copy / 'model.ckpt-8.json'
    if isinstance(change, dict):
        runs.change_record(path, lambda settings: settings.update(change))
    else:
        path.write_text(change)
    with pytest.raises(UserError, match=message) as caught:
        runs.train(finished_copy, tiny_data_set, epochs=3)
    assert 'model.ckpt-8.json' in str(caught.value)


def test_the_losses_of_an_older_version(tmp_path, tiny_data_set):
    """A killed run of it goes on with the same sum; without its file with fewer."""
    expected = {}
    for name in ('whole', 'older', 'lost'):
        folder = tmp_path / name
        if name != 'whole':
            runs.train(folder, tiny_data_set, max_steps=3, epochs=1)
            losses = runs.step_losses(folder)
            runs.change_record(folder / 'model.ckpt-3.json',
                               lambda settings: settings.pop('losses'))
        if name == 'older':
            np.float32([*losses, 9]).tofile(str(folder / 'step_losses.f32'))
        runs.train(folder, tiny_data_set, epochs=1)
        expected[name], = run_record.load_folder(str(folder)).epochs
    assert expected['older']['summed_loss'] == expected['whole']['summed_loss']
    assert expected['lost']['unknown_losses'] == 3
