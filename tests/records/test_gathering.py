"""Which runs and which of their tests count, and how they are grouped."""

import pytest

from cifar10_tf1 import systems
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.report import building, gathering, summary as summaries
from made_runs import make_content, make_kind, make_record, make_test, write_run


def test_tests_that_count():
    """Of the training's wheel, last step and data; its own machine's replaces others'."""
    record, elsewhere = make_record(), make_kind(model='17')
    record.content['tests'] = [make_test('random', *test) for test in (
        (1, 8200), (1, 8201, 55000, elsewhere), (2, 8220, 55000, elsewhere),
        (3, 8400, 55000, make_kind('tf 2.21.0')), (4, 3000, 500),
        (5, 9, 55000, None, 'synthetic'))]
    assert gathering.build_run(record).values == [8200, 8220]


@pytest.mark.parametrize('edit, state', [
    (lambda content: content.update(epochs=[]), 'no epoch yet'),
    (lambda content: content['epochs'].pop(), 'at epoch 109 of 110'),
    (lambda content: content['weights'].update(step=54500), 'at epoch 110 of 110'),
    (lambda content: content.update(tests=[]), 'tests are missing: 21'),
    (lambda content: None, 'tests are missing: 20')])
def test_states_of_a_run(edit, state):
    record = make_record(counts=[8200])
    edit(record.content)
    run = gathering.build_run(record)
    assert run.state == state and run.is_trained == ('missing' in state)
    # An unfinished run has them too.
    assert run.values == [8200] * bool(record.content['tests'])


def test_the_last_part_of_an_epoch_may_be_missing():
    record = make_record(system='udacity_cnn')
    assert gathering.build_run(record).is_trained
    record.epochs.pop()
    record.content['weights']['step'] = record.epochs[-1]['step']
    assert not gathering.build_run(record).is_trained


def test_runs_that_are_not_complete_are_listed(tmp_path):
    """Not begun, damaged; one of another system is left out."""
    (tmp_path / 'seed-03').mkdir()
    (tmp_path / 'seed-03' / 'run.json').write_text('{')
    write_run(tmp_path / 'other', system='deep_cnn')
    entry = systems.find('lenet5')
    runs = gathering.load_folder(str(tmp_path), entry, seeds=[1])
    assert [(run.name, run.state.split(':')[0]) for run in runs] == [
        ('seed-01', 'not begun'), ('seed-03', 'damaged')]
    assert [row[:2] for row in building.list_rows(runs, entry)[1:]] == [
        [run.seed, run.state] for run in runs]
    assert len(summaries.summarize(runs, entry)['incomplete']) == 2


def test_a_seed_counts_once_with_the_run_that_has_all_its_tests():
    first, whole = (make_record(system='lenet5', counts=[count]) for count in (9800, 9850))
    whole.content['tests'].append(make_test('validation', 1, 4900, 4300, data='mnist'))
    (group,), (repeated,) = gathering.gather(map(gathering.build_run, (first, whole)))
    assert [run.number for run in group] == [9850] and repeated.number == 9800


def test_runs_of_other_kernels_epochs_and_files_are_groups_of_their_own():
    records = [make_record(seed=seed, counts=[8200]) for seed in range(5)]
    contents = [record.content for record in records]
    contents[1]['processes'][0]['kind'] = make_kind(kernels='stock')
    contents[2].update(make_content(seed=2, last_epoch=50, epochs=50))
    contents[3]['settings']['train_files'] = 1
    contents[4]['data']['pretrained'] = None
    summary = summaries.summarize(list(map(gathering.build_run, records)),
                                  systems.find('deep_cnn'))
    assert len(summary['groups']) == 5 and summary['differences'] == []
    assert sorted(group['seeds'] for group in summary['groups']
                  if group['is_comparable']) == [[0], [1]]


@pytest.mark.parametrize('edit', [
    {'system': 'lenet5'}, {'data': {'name': 'cifar10', 'sha256': {}, 'pretrained': None}}])
def test_a_report_is_of_one_system_data_set_and_start(edit):
    records = make_record(), make_record()
    records[1].content.update(edit)
    with pytest.raises(UserError, match='differ in system'):
        gathering.load_records(records)
