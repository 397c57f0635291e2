"""Which runs count and with what: one answer from the sweep and from the report."""

import os
import sys

import pytest

import made_runs
from cifar10_tf1 import systems
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.records import run_record
from cifar10_tf1.report import (
    __main__ as report, building, gathering, summary as summaries)
from cifar10_tf1.sweep import __main__ as sweep


def summarize(folder, system='deep_cnn'):
    """As the sweep does."""
    entry = systems.find(system)
    return summaries.summarize(gathering.load_folder(str(folder), entry), entry)


def ask_both(folder, capsys, system='deep_cnn'):
    """The sentences of the sweep and of the report, which have to be the same."""
    pytest.importorskip('scipy')
    sweep.main(['--merge', '--folder', str(folder), '--system', system])
    text = (folder / sweep.TEXT).read_text().rstrip('\n')
    assert text in capsys.readouterr().out
    text = text.split('\n', 1)[1]
    report.main([str(path.parent) for path in sorted(folder.glob('*/run.json'))]
                + ['--text'])
    assert text in capsys.readouterr().out
    return text


def test_the_same_seed_on_two_machines_counts_once(tmp_path, capsys):
    for name, seed, counts, model in (('a', 1, [8200], '207'), ('b', 2, [8240], '207'),
                                      ('c', 1, [8290], '17')):
        made_runs.write_run(tmp_path / name, seed=seed, counts=counts,
                            kind=made_runs.make_kind(model=model))
    text = ask_both(tmp_path, capsys)
    assert '8,220.0 of 10,000' in text and 'n = 2 runs' in text
    assert text.splitlines()[-1] == '  c: seed counted already'


def test_of_one_seed_the_run_with_all_its_tests_counts(tmp_path):
    made_runs.write_run(tmp_path / 'a', system='lenet5', counts=[9800])
    content = made_runs.make_content('lenet5', counts=[9850])
    content['tests'].append(made_runs.make_test(
        'validation', 1, 4900, 4300, made_runs.make_kind(), data='mnist'))
    made_runs.write(tmp_path / 'b', content)
    summary = summarize(tmp_path, 'lenet5')
    assert summary['groups'][0]['means'] == [9850]
    assert [run['run'] for run in summary['repeated']] == ['a']


def test_a_test_made_on_another_machine_counts(tmp_path, capsys):
    """Of the same wheel; where the training's machine has made one too, that one."""
    elsewhere = made_runs.make_kind(model='17')
    content = made_runs.make_content(counts=[8200])
    content['tests'] += [
        made_runs.make_test('random', 1, 8201, 55000, elsewhere),
        made_runs.make_test('random', 2, 8220, 55000, elsewhere),
        made_runs.make_test('random', 3, 8400, 55000, made_runs.make_kind('tf 2.21.0')),
        made_runs.make_test('random', 4, 3000, 500, made_runs.make_kind())]
    made_runs.write(tmp_path / 'a', content)
    made_runs.write_run(tmp_path / 'b', seed=2, counts=[8230])
    assert gathering.build_run(made_runs.load(tmp_path / 'a')).values == [8200, 8220]
    assert 'sd 14.1; 8,210.0 to 8,230' in ask_both(tmp_path, capsys)


def test_laptop_cnn_s_measure_is_a_mean_over_mini_batches(tmp_path, capsys):
    for seed, mean in ((1, 0.68), (2, 0.69), (3, 0.70)):
        made_runs.write_run(tmp_path / str(seed), system='laptop_cnn', seed=seed,
                            counts=[6850], means=[mean])
    text = ask_both(tmp_path, capsys, 'laptop_cnn')
    assert 'Mean over seeds: 69.00 %; n = 3 runs' in text
    assert 'the documented 67.34 lies below all 3 tests, 68.00 to 70.00' in text
    assert 'Equal to' not in text  # no margin was stated
    header, row = (tmp_path / sweep.SEEDS).read_text().splitlines()[:2]
    assert 'mean_over_batches' in header and ',0.68,' in row


def test_generated_data_has_fewer_images(tmp_path, capsys):
    for seed in (1, 2):
        content = made_runs.make_content(seed=seed, counts=[1500 + seed])
        content['data']['name'] = 'synthetic'
        content['tests'][0].update(data='synthetic', num_examples=2000)
        made_runs.write(tmp_path / str(seed), content)
    text = ask_both(tmp_path, capsys)
    assert '1,501.5 of 2,000 (75.08 %)' in text and 'Equal to' not in text
    report.main([str(tmp_path / '1'), '--text'])
    text = capsys.readouterr().out
    assert '1,501 of 2,000 (75.05 %)' in text and '8,246' not in text
    assert 'nothing to compare' in text and 'generated data' in text


@pytest.mark.parametrize('edit, state', [
    (lambda content: content.update(epochs=[]), 'no epoch yet'),
    (lambda content: content['epochs'].pop(), 'at epoch 109 of 110'),
    (lambda content: content['weights'].update(step=54500), 'at epoch 110 of 110'),
    (lambda content: content.update(tests=[]), 'tests are missing: 21'),
    (lambda content: None, 'tests are missing: 20')])
def test_states_of_a_run(tmp_path, edit, state):
    content = made_runs.make_content(counts=[8200])
    edit(content)
    run = gathering.build_run(made_runs.load(made_runs.write(tmp_path / 'a', content)))
    assert run.state == state and run.is_trained == ('missing' in state)
    assert run.values == [8200] * bool(content['tests'])  # an unfinished run has them too


@pytest.mark.parametrize('num_lacking', [0, 1])
def test_the_last_part_of_an_epoch_may_be_missing(num_lacking):
    content = made_runs.make_content('lenet5')
    content['epochs'] = [dict(epoch, part=part, step=epoch['step'] + part)
                         for epoch in content['epochs'] for part in (1, 2)
                         ][:20 - num_lacking]
    content['weights']['step'] = content['epochs'][-1]['step']
    run = gathering.build_run(run_record.RunRecord('', content))
    assert run.is_trained == (not num_lacking)


def test_runs_that_are_not_complete_are_listed(tmp_path):
    """Not begun, damaged; one of another system is left out."""
    (tmp_path / 'seed-03').mkdir()
    (tmp_path / 'seed-03' / 'run.json').write_text('{')
    made_runs.write_run(tmp_path / 'other', system='deep_cnn')
    entry = systems.find('lenet5')
    runs = gathering.load_folder(str(tmp_path), entry, seeds=[1])
    assert [(run.name, run.state.split(':')[0]) for run in runs] == [
        ('seed-01', 'not begun'), ('seed-03', 'damaged')]
    assert [row[:2] for row in building.list_rows(runs, entry)[1:]] == [
        [run.seed, run.state] for run in runs]
    assert len(summaries.summarize(runs, entry)['incomplete']) == 2


def test_runs_of_other_kernels_epochs_and_files_are_groups_of_their_own(tmp_path):
    contents = [made_runs.make_content(seed=seed, counts=[8200]) for seed in range(5)]
    contents[1]['processes'][0]['kind'] = dict(made_runs.make_kind(), kernels='stock')
    contents[2] = made_runs.make_content(seed=2, counts=[8200], last_epoch=50, epochs=50)
    contents[3]['settings']['train_files'] = 1
    contents[4]['data']['pretrained'] = None
    for number, content in enumerate(contents):
        made_runs.write(tmp_path / str(number), content)
    summary = summarize(tmp_path)
    assert len(summary['groups']) == 5 and summary['differences'] == []
    assert sorted(group['seeds'] for group in summary['groups']
                  if group['is_comparable']) == [[0], [1]]


@pytest.mark.parametrize('edit', [
    {'system': 'lenet5'}, {'data': {'name': 'synthetic', 'sha256': {}}},
    {'data': {'name': 'cifar10', 'sha256': {}, 'pretrained': None}}])
def test_a_report_is_of_one_system_data_set_and_start(edit):
    contents = made_runs.make_content(), dict(made_runs.make_content(), **edit)
    with pytest.raises(UserError, match='differ in system'):
        gathering.load_records([run_record.RunRecord('', content)
                                for content in contents])


def test_a_folder_of_another_system_is_left_as_it_is(tmp_path, capsys):
    made_runs.write_run(tmp_path / 'a', system='lenet5')
    assert sweep.main(['--merge', '--folder', str(tmp_path)]) == 1
    assert 'no run of deep_cnn' in capsys.readouterr().err
    assert os.listdir(str(tmp_path)) == ['a']


def test_without_scipy_a_sweep_has_its_seeds_csv(tmp_path, monkeypatch, capsys):
    made_runs.write_run(tmp_path / 'a', seed=1, counts=[8200])
    made_runs.write_run(tmp_path / 'b', seed=2, counts=[8240])
    for name in ('scipy', 'scipy.stats'):
        monkeypatch.setitem(sys.modules, name, None)
    assert sweep.main(['--merge', '--folder', str(tmp_path)]) == 1  # tests are missing
    assert 'EXTRAS=pictures' in capsys.readouterr().out
    assert sorted(os.listdir(str(tmp_path))) == ['a', 'b', sweep.SEEDS]
