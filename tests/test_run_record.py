"""run.json, the rules of resumption, the report on it."""

import csv
import json
import os
import pathlib
import shutil

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1.checkpoints import reading
from cifar10_tf1 import inference
from cifar10_tf1.machine import description
from cifar10_tf1 import report
from cifar10_tf1 import cli
from cifar10_tf1 import scripts
from cifar10_tf1.records import run_record
from cifar10_tf1.records import run_settings
from cifar10_tf1.training import step_losses
from cifar10_tf1 import verify
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.report.__main__ import main as report_main
from cifar10_tf1.records.run_settings import RunSettings
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


def content_of(folder):
    return json.loads((folder / 'run.json').read_text())


def test_record_of_a_run(finished_run, tiny_data_set):
    content = content_of(finished_run)
    assert content['format'] == 1 and content['system'] == 'deep_cnn'
    assert content['settings']['seed'] == 3
    assert content['settings']['epochs'] == 2
    assert content['data'] == {'name': 'tiny', 'sha256': {}}
    (process,) = content['processes']
    assert (process['from_step'], process['to_step'], process['end']) == (
        0, 8, 'finished')
    assert process['kind']['wheel'].split()[1] == tf.version.VERSION
    assert len(process['kind']['wheel_sha256']) == 64
    assert [e['step'] for e in content['epochs']] == [4, 8]
    losses = np.fromfile(str(finished_run / 'step_losses.f32'), '<f4')
    assert [e['summed_loss'] for e in content['epochs']] == [
        losses[:4].astype(np.float64).sum(), losses[4:].astype(np.float64).sum()]
    assert content['weights'] == {
        'step': 8, 'sha256': reading.fingerprint(
            str(finished_run / 'model.ckpt-8'))}
    assert content['not_bit_exact'] == []


def test_metrics(finished_run):
    with open(str(finished_run / 'metrics.csv')) as file:
        rows = list(csv.DictReader(file))
    assert [(row['epoch'], row['step']) for row in rows] == [
        ('1', '4'), ('2', '8')]
    assert [float(row['summed_loss']) for row in rows] == [
        e['summed_loss'] for e in content_of(finished_run)['epochs']]


def test_no_path_and_no_name_of_the_machine(finished_run):
    import getpass
    import socket
    text = (finished_run / 'run.json').read_text()
    assert str(finished_run) not in text and '"/' not in text
    assert socket.gethostname() not in text or len(socket.gethostname()) < 4
    assert f'"{getpass.getuser()}"' not in text


def test_the_command_is_recorded_without_folders():
    options = scripts.load('train').parse_options(
        ['--data-dir', '/home/ada/data', '--model-dir=/x', '--epochs', '3',
         '--synthetic'])
    assert cli.describe('train.py', options) == (
        'train.py --epochs 3 --synthetic')


@pytest.mark.slow
def test_what_is_not_given_comes_from_the_record(tiny_data_set, tmp_path):
    runs.train(tmp_path, tiny_data_set, max_steps=1, epochs=1, seed=5,
               save_steps=2)
    assert runs.train(tmp_path, tiny_data_set) == 0
    content = content_of(tmp_path)
    assert content['settings']['seed'] == 5
    assert [p['from_step'] for p in content['processes']] == [0, 1]
    assert [e['step'] for e in content['epochs']] == [4]
    assert sorted(path.name for path in tmp_path.glob('*.index')) == [
        'model.ckpt-1.index', 'model.ckpt-2.index', 'model.ckpt-4.index']


def resolve(path, data_set, **given):
    from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn
    return run_settings.resolve(run_record.load(str(path)),
                                RunSettings(**given), data_set, deep_cnn)


def test_another_seed_or_other_data_is_refused(record_file, tiny_data_set):
    assert resolve(record_file, tiny_data_set, seed=3).seed == 3
    assert resolve(record_file, tiny_data_set).seed == 3
    with pytest.raises(UserError, match='a run of seed 3, not 4.*--model-dir'):
        resolve(record_file, tiny_data_set, seed=4)
    with pytest.raises(UserError, match='on tiny, not on cifar10.*--model-dir'):
        resolve(record_file, tiny_data_set._replace(name='cifar10'))
    with pytest.raises(UserError, match='on other files of tiny.*--model-dir'):
        resolve(record_file, tiny_data_set._replace(sha256={'a': 'b'}))


def test_another_wheel_or_other_kernels_are_refused(record_file):
    record = run_record.load(str(record_file))
    wheel, kernels = record.kind['wheel'], record.kind['kernels']
    venv = '.venv' if '1.15' in wheel else '.venv-tf2'
    for name, told in (
            ('wheel', f'with {wheel}, and this is other; use {venv}/bin/python, '),
            ('wheel_sha256', f'with {wheel}, and this is another build of it; use '),
            ('kernels', f'with --kernels {kernels}, and this is --kernels other; '
             'leave --kernels out, ')):
        with pytest.raises(UserError) as error:
            run_record.check_kind(record, dict(record.kind, **{name: 'other'}))
        assert told in str(error.value)
        assert str(error.value).endswith('choose another folder with --model-dir')
    assert run_record.check_kind(record, record.kind) == []


@pytest.mark.slow
def test_other_threads_go_on_with_a_warning(tiny_data_set, tmp_path, capsys):
    runs.train(tmp_path, tiny_data_set, max_steps=1, intra_op_threads=2)
    capsys.readouterr()
    runs.train(tmp_path, tiny_data_set, max_steps=2, intra_op_threads=1)
    assert 'can differ from an uninterrupted one: intra_op_threads: 1, not 2' in (
        capsys.readouterr().err)
    assert content_of(tmp_path)['not_bit_exact'] == [
        'from step 1: intra_op_threads: 1, not 2']


@pytest.mark.slow
def test_a_killed_process_is_noted(tiny_data_set, tmp_path):
    runs.train(tmp_path, tiny_data_set, max_steps=1)
    runs.change_record(tmp_path / 'run.json',
                       lambda content: content['processes'][-1].update(end=None))
    runs.train(tmp_path, tiny_data_set, max_steps=2)
    assert [p['end'] for p in content_of(tmp_path)['processes']] == [
        'killed', 'finished']


def test_epochs_after_the_restored_step_are_dropped(record_file, tiny_data_set):
    record = run_record.load(str(record_file))
    record.start_process('train.py', record.kind, record.settings,
                         tiny_data_set, step=5)
    assert [e['step'] for e in content_of(record_file.parent)['epochs']] == [4]


def test_tests_are_recorded_once_a_kind(record_file):
    record = run_record.load(str(record_file))
    result = {'step': 8, 'data': 'tiny', 'crop': 'random', 'seed': 1,
              'num_examples': 20, 'kind': {'wheel': 'one'}}
    record.add_test(num_correct=10, **result)
    record.add_test(num_correct=11, **result)
    record.add_test(num_correct=12, **dict(result, seed=2))
    record.add_test(num_correct=13,
                    **dict(result, kind={'wheel': 'another'}))
    assert [t['num_correct'] for t in content_of(record_file.parent)['tests']] == [
        11, 12, 13]


@pytest.mark.parametrize('text, message', [
    ('', 'damaged or cut off'),
    ('{"format": 1,', 'damaged or cut off'),
    ('[1, 2]', 'not the record of a run'),
    ('{}', 'not the record of a run'),
    ('{"format": 2}', 'has the format 2, and this version reads 1'),
    ('{"format": 1}', 'is damaged'),
])
@pytest.mark.parametrize('main', [verify.main, report_main])
def test_bad_records(main, text, message, tmp_path, capsys, monkeypatch):
    path = tmp_path / 'run.json'
    path.write_text(text)
    assert main([str(path)]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count('\n') == 1


@pytest.mark.parametrize('main', [verify.main, report_main])
def test_records_that_are_not_there_or_of_another_system(
        main, record_file, capsys, monkeypatch):
    assert main([str(record_file) + 'x']) == 1
    assert 'cannot read' in capsys.readouterr().err
    runs.change_record(record_file, lambda content: content.update(system='lenet6'))
    assert main([str(record_file)]) == 1
    error = capsys.readouterr().err
    assert 'lenet6' in error and 'deep_cnn' in error
    assert error.count('\n') == 1


def documented_run(record_file, factor):
    """The record with the documented curve times a function of the epoch."""
    curve = report.load_curve('deep_cnn', 'documented', 'summed_loss')
    runs.change_record(record_file, lambda content: content.update(epochs=[
        {'epoch': epoch, 'step': 500 * epoch,
         'summed_loss': loss * factor(epoch)}
        for (epoch, unused_part), loss in curve.items()]))


@pytest.mark.parametrize('factor, status, text', [
    (lambda epoch: 1.01, 0, 'mean absolute deviation 1.00 %, signed mean +1.00'),
    (lambda epoch: 1.019, 4, 'OUTSIDE'),
    (lambda epoch: 0.981, 4, 'OUTSIDE'),  # too good is a bug too
    (lambda epoch: 1.036 if epoch == 50 else 1.0, 4, '+3.60 % (epoch 50)'),
    (lambda epoch: 0.964 if epoch == 50 else 1.0, 4, '-3.60 % (epoch 50)'),
])
def test_report(record_file, factor, status, text, capsys):
    documented_run(record_file, factor)
    assert report_main([str(record_file), '--text']) == status
    output = capsys.readouterr().out
    assert text in output
    assert '   11 ' in output and '  110 ' in output
    assert ('within the band' in output) == (status == 0)


def test_report_on_a_run_that_is_too_short(finished_run, capsys):
    assert report_main([str(finished_run), '--text']) == 0
    assert 'begins with epoch 11' in capsys.readouterr().out


def test_documented_curve():
    curve = report.load_curve('deep_cnn', 'documented', 'summed_loss')
    assert sorted(curve) == [(epoch, 1) for epoch in range(11, 111)]
    assert curve[11, 1] == 505.93536


def test_cores_and_kind():
    assert 1 <= description.count_cores() <= os.cpu_count()
    threads = description.Threads(2, 3, 4)
    kind = description.describe_platform('cpu', 'stock', threads)
    assert description.list_differences(kind, kind) == []
    assert description.describe_platform('cpu', 'stock', description.Threads(2, 1, 9)) == kind
    other = description.describe_platform('cpu', 'stock', description.Threads(1, 3, 4))
    assert description.list_differences(kind, other) == ['intra_op_threads: 1, not 2']
    other['cpu']['vector_flags'] = 'sse'
    assert len(description.list_differences(kind, other)) == 2


@pytest.fixture
def folder(finished_run, tmp_path):
    """A copy of the whole folder of that run."""
    return pathlib.Path(shutil.copytree(str(finished_run), str(tmp_path / 'run')))


def change_settings(prefix, edit):
    runs.change_record(prefix.with_suffix(prefix.suffix + '.json'), edit)


@pytest.mark.slow
def test_a_record_that_is_lost_is_written_again(tmp_path, tiny_data_set,
                                                capsys):
    """Not only the seed: the epochs, the processes, the digests of the data."""
    for epochs in (1, 2):
        runs.train(tmp_path / 'a', tiny_data_set, epochs=epochs, seed=77)
    before = json.loads((tmp_path / 'a' / 'run.json').read_text())
    (tmp_path / 'a' / 'run.json').unlink()
    capsys.readouterr()
    runs.train(tmp_path / 'a', tiny_data_set, epochs=3, kernels=None)
    assert 'run.json is lost; it is written again' in capsys.readouterr().err
    after = json.loads((tmp_path / 'a' / 'run.json').read_text())
    assert after['settings']['seed'] == 77
    assert after['epochs'][:2] == before['epochs']
    assert [process['from_step'] for process in after['processes']] == [0, 4, 8]
    runs.train(tmp_path / 'whole', tiny_data_set, epochs=3, seed=77)
    runs.assert_same_bits(tmp_path / 'a' / 'model.ckpt-12',
                          tmp_path / 'whole' / 'model.ckpt-12')


def test_a_lost_record_of_an_earlier_version(folder, tiny_data_set):
    """Whose settings do not hold it."""
    (folder / 'run.json').unlink()
    change_settings(folder / 'model.ckpt-8',
                    lambda settings: settings.pop('record'))
    with pytest.raises(UserError, match='run.json is lost'):
        runs.train(folder, tiny_data_set, epochs=3)


def test_a_record_that_contradicts_the_weights_is_not_written_again(
        folder, tiny_data_set):
    """Whose own settings are of another seed than what it lies in says."""
    (folder / 'run.json').unlink()
    change_settings(
        folder / 'model.ckpt-8',
        lambda settings: settings['record']['settings'].update(seed=1))
    with pytest.raises(UserError, match='they are of two runs'):
        runs.train(folder, tiny_data_set, epochs=3)
    assert not (folder / 'run.json').exists()


def test_a_record_without_a_training_beside_weights(folder, tiny_data_set):
    """The run would begin anew, with the default seed, on trained weights."""
    runs.change_record(folder / 'run.json', lambda content: content.update(
        processes=[], settings={}, data={}))
    with pytest.raises(UserError, match='they are of two runs'):
        runs.train(folder, tiny_data_set, epochs=3)


def test_weights_of_other_files(folder, tiny_data_set):
    change_settings(
        folder / 'model.ckpt-8', lambda settings: settings['record']['data'][
            'sha256'].update({'test_batch.bin': '0' * 64}))
    with pytest.raises(UserError, match='says data files'):
        runs.train(folder, tiny_data_set, epochs=3)


def test_an_earlier_checkpoint_of_another_run(folder, tiny_data_set):
    """Which is restored where the newest one is damaged."""
    runs.train(folder, tiny_data_set, max_steps=9, epochs=3)
    (folder / 'model.ckpt-9.index').write_bytes(b'x')
    change_settings(folder / 'model.ckpt-8',
                    lambda settings: settings.update(seed=1))
    with pytest.raises(UserError, match='they are of two runs'):
        runs.train(folder, tiny_data_set, epochs=3)


def test_settings_of_another_step(folder, tiny_data_set):
    change_settings(folder / 'model.ckpt-8',
                    lambda settings: settings.update(step=4))
    with pytest.raises(UserError, match='is of step 4'):
        runs.train(folder, tiny_data_set, epochs=3)


@pytest.mark.parametrize('name, value', [
    ('seed', 1), ('data', 'cifar10'), ('system', 'other'), ('kernels', 'fast'),
    ('wheel', 'other 1.0')])
def test_weights_of_another_run_beside_a_record(name, value, folder,
                                                tiny_data_set):
    change_settings(folder / 'model.ckpt-8',
                    lambda settings: settings.update({name: value}))
    with pytest.raises(UserError, match='they are of two runs') as caught:
        runs.train(folder, tiny_data_set, epochs=3)
    assert f'.json {value}' in str(caught.value)


@pytest.mark.parametrize('text', [
    '{"data": "cifa', '', '[]', '{}', '{"data": 3}', '[' * 100000,
    '{"data": "tiny", "seed": "77"}'])
def test_damaged_settings_beside_the_weights(text, folder, tiny_data_set):
    (folder / 'model.ckpt-8.json').write_text(text)
    with pytest.raises(UserError, match='model.ckpt-8.json is damaged'):
        runs.train(folder, tiny_data_set, epochs=3)
    with pytest.raises(UserError, match='model.ckpt-8.json is damaged'):
        inference.Classifier(deep_cnn, str(folder / 'model.ckpt-8'))


def test_one_flipped_bit_in_the_losses(tmp_path, tiny_data_set, capsys):
    """The sum leaves out what is not known, and says so."""
    runs.train(tmp_path, tiny_data_set, max_steps=2)
    path = tmp_path / step_losses.FILE
    content = bytearray(path.read_bytes())
    content[3] ^= 1
    path.write_bytes(content)
    capsys.readouterr()
    runs.train(tmp_path, tiny_data_set, epochs=1)
    assert 'are not those that were saved' in capsys.readouterr().err
    epoch, = run_record.load_folder(str(tmp_path)).epochs
    assert epoch['unknown_losses'] == 2
    losses = np.fromfile(str(path), '<f4')
    assert np.isnan(losses[:2]).all() and np.isfinite(losses[2:]).all()
    assert epoch['summed_loss'] == losses[2:].astype(np.float64).sum()


def test_brackets_without_end(tmp_path):
    path = tmp_path / 'run.json'
    path.write_text('[' * 100000)
    with pytest.raises(UserError, match='is damaged or cut off'):
        run_record.load(str(path))
