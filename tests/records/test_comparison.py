"""A run's figures beside documented ones: several, and several an epoch."""

import pytest

import made_runs
from cifar10_tf1 import systems
from cifar10_tf1.report import building, comparison, document, gathering


@pytest.mark.parametrize('system, name, figure, number, first, last', [
    ('deep_cnn', 'documented', 'summed_loss', 100, 505.93536, (110, 1)),
    ('laptop_cnn', 'documented_single_file', 'validation_accuracy', 50, 0.3524, (50, 1)),
    ('udacity_cnn', 'documented', 'validation_accuracy', 125, 0.172, (25, 5)),
    ('deep_cnn', 'other', 'summed_loss', 0, None, None),
    ('deep_cnn', 'documented', 'other', 0, None, None)])
def test_kept_curves(system, name, figure, number, first, last):
    curve = comparison.load_curve(system, name, figure)
    assert len(curve) == number and list(curve) == sorted(curve)
    assert (min(curve.items(), default=(None, None))[1], max(curve, default=None)) == (
        first, last)


def make_record(entries, train_files=5):
    """A run of udacity_cnn with these epochs."""
    content = made_runs.make_content('laptop_cnn')
    content.update(system='udacity_cnn', epochs=entries)
    content['settings']['train_files'] = train_files
    return made_runs.run_record.RunRecord('', content)


def test_each_curve_has_a_verdict():
    """Two parts of an epoch; the loss 40 % over, the accuracies as documented."""
    documented = {curve.figure: comparison.load_curve(
        'udacity_cnn', curve.name, curve.figure)
        for curve in systems.find('udacity_cnn').documented.curves[:3]}
    record = make_record([dict(
        {figure: curve[1, part] * (1.4 if figure == 'loss' else 1)
         for figure, curve in documented.items()}, epoch=1, part=part, step=9 * part)
        for part in (1, 2)])
    loss, *accuracies = curves = comparison.compare_run(record)
    assert list(loss.comparison.deviations) == [(1, 1), (1, 2)]
    assert loss.comparison.mean == pytest.approx(40.0)
    assert [one.comparison.mean_absolute for one in accuracies] == [0, 0]
    assert [one.within for one in curves] == [False, True, True]
    assert comparison.is_within(record) is False
    text = document.format_text(building.build([gathering.build_run(record)]), True)
    assert '1, part 2' in text and text.count('+40.00 %') >= 2
    assert text.count('OUTSIDE') == 1 and text.count('within the band') == 2


@pytest.mark.parametrize('train_files, names, within', [
    (1, {'documented_single_file'}, False), (2, None, None)])
def test_a_run_on_some_files_has_curves_of_its_own_or_none(train_files, names, within):
    figures = {'loss': 2.0, 'training_accuracy': 0.2, 'validation_accuracy': 0.9}
    record = make_record([dict(figures, epoch=1, step=9)], train_files)
    curves = comparison.compare_run(record)
    assert comparison.is_within(record) is within
    if names:
        assert {one.curve.name for one in curves} == names
        # Shares differ by points.
        assert curves[2].comparison.mean == pytest.approx(
            90 - 100 * curves[2].documented[1, 1])
    else:
        assert [list(one.figures.values()) for one in curves] == [
            [value] for value in figures.values()]
        assert 'nothing to compare' in curves[0].verdict


def test_a_system_without_a_documented_curve(monkeypatch):
    record, entry = make_record([{'epoch': 1, 'step': 18}]), systems.find('udacity_cnn')
    monkeypatch.setattr(systems, 'ENTRIES', (entry._replace(
        documented=entry.documented._replace(curves=())),))
    assert comparison.compare_run(record) == [] and comparison.is_within(record) is None


@pytest.mark.parametrize('factor, edit, within', [
    (1.01, None, True), (0.99, None, True), (1.019, None, False), (0.98, None, False),
    (1.01, 1.034, True), (1.01, 1.036, False), (0.99, 0.964, False)])
def test_a_band_has_a_floor_and_a_ceiling(tmp_path, factor, edit, within):
    """Its mean deviation, 1.8 %, and that of each epoch, 3.5 %."""
    content = made_runs.make_content(factor=factor)
    if edit:
        content['epochs'][50]['summed_loss'] *= edit / factor
    record = made_runs.load(made_runs.write(tmp_path / 'a', content))
    assert comparison.is_within(record) == within
    assert 'so far' not in comparison.compare_run(record)[0].verdict


@pytest.mark.parametrize('factor, word', [(1.01, 'normal'), (1.04, 'NOT normal')])
@pytest.mark.parametrize('last_epoch', [3, 50])
def test_an_unfinished_run_says_whether_its_epochs_are_normal(
        tmp_path, last_epoch, factor, word):
    """Beside the plain port's before the documented curve begins."""
    content = made_runs.make_content(factor=factor, last_epoch=50)
    if last_epoch == 3:
        port = comparison.load_curve('deep_cnn', 'plain_port', 'summed_loss')
        content['epochs'] = [
            {'epoch': epoch, 'step': 500 * epoch, 'summed_loss': factor * port[epoch, 1]}
            for epoch in (1, 2, 3)]
    record = made_runs.load(made_runs.write(tmp_path / 'a', content))
    verdict = comparison.compare_run(record)[0].verdict
    assert f'epoch {last_epoch} of 110; its epochs so far are {word}' in verdict
    assert ('begins with epoch 11' in verdict) == (last_epoch == 3)
    assert comparison.is_within(record) == (None if last_epoch == 3 else word == 'normal')
