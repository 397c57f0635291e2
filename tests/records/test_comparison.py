"""A run's figures beside documented ones: several, and several an epoch."""

import pytest

import made_runs
from cifar10_tf1.records import run_record
from cifar10_tf1 import systems
from cifar10_tf1.report import comparison
from cifar10_tf1.report import document
from cifar10_tf1.report import single
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


@pytest.mark.parametrize('system, name, figure, number, first, last', [
    ('deep_cnn', 'documented', 'summed_loss', 100, 505.93536, (110, 1)),
    ('laptop_cnn', 'documented_single_file', 'loss', 50, 2.04934, (50, 1)),
    ('laptop_cnn', 'documented_single_file', 'validation_accuracy', 50, 0.3524,
     (50, 1)),
    ('udacity_cnn', 'documented', 'validation_accuracy', 125, 0.172, (25, 5)),
    ('udacity_cnn', 'documented_single_file', 'training_accuracy', 25, 0.257,
     (25, 1))])
def test_kept_curves(system, name, figure, number, first, last):
    curve = comparison.load_curve(system, name, figure)
    assert len(curve) == number and curve[min(curve)] == first
    assert max(curve) == last and list(curve) == sorted(curve)


def test_a_curve_that_is_not_kept():
    assert comparison.load_curve('deep_cnn', 'other', 'summed_loss') == {}
    assert comparison.load_curve('deep_cnn', 'documented', 'other') == {}


@pytest.fixture
def documents(monkeypatch):
    """udacity_cnn's documented curves, in bands of one percent or point."""
    curves = tuple(
        systems.Curve(name, figure, title, is_share, 1.0, 1.0, num_files)
        for name, num_files in (('documented', None),
                                ('documented_single_file', 1))
        for figure, title, is_share in (
            ('loss', 'Loss', False),
            ('validation_accuracy', 'Validation accuracy', True)))
    entry = systems.find('deep_cnn')._replace(
        name='udacity_cnn',
        documented=systems.find('deep_cnn').documented._replace(curves=curves))
    monkeypatch.setattr(systems, 'ENTRIES', (entry,))
    return curves


def make_record(entries, train_files=None):
    record = run_record.new('', deep_cnn)
    record.content.update(
        system='udacity_cnn', data={'name': 'cifar10'}, epochs=entries,
        settings={'train_files': train_files},
        processes=[{'commit': None, 'commit_is_clean': None, 'kind': {
            'wheel': 'w', 'kernels': 'stock', 'device': 'cpu',
            'intra_op_threads': 1, 'cpu': {'name': 'c'}}}])
    return record


def test_each_curve_has_a_verdict(documents):
    """Two parts of an epoch; the loss 2 % over, the accuracy as documented."""
    record = make_record([
        {'epoch': 1, 'part': 1, 'step': 9, 'loss': 1.02 * 2.1613,
         'validation_accuracy': 0.172},
        {'epoch': 1, 'part': 2, 'step': 18, 'loss': 1.02 * 2.0472,
         'validation_accuracy': 0.2592}])
    report = comparison.build_report(record)
    loss, accuracy = report.curves
    assert list(loss.comparison.deviations) == [(1, 1), (1, 2)]
    assert loss.comparison.mean == pytest.approx(2.0)
    assert accuracy.comparison.mean_absolute == 0
    assert (loss.within, accuracy.within, report.within) == (False, True, False)
    text = document.format_text(single.build(record), True)
    assert '1, part 2  2.08814     2.04720    +2.00 %' in text
    assert text.count('OUTSIDE') == 1 and text.count('within the band') == 1


def test_a_run_on_one_file_has_curves_of_its_own(documents):
    record = make_record([{'epoch': 1, 'step': 9, 'loss': 2.1735,
                           'validation_accuracy': 0.2486}], train_files=1)
    loss, accuracy = comparison.build_report(record).curves
    assert loss.curve.name == 'documented_single_file'
    assert loss.comparison.mean_absolute == 0
    assert accuracy.comparison.mean == pytest.approx(1.0)


def test_a_run_of_which_nothing_is_documented(documents):
    record = make_record([{'epoch': 1, 'step': 18, 'loss': 2.0,
                           'validation_accuracy': 0.2}], train_files=2)
    report = comparison.build_report(record)
    assert [curve.figures for curve in report.curves] == [
        {(1, 1): 2.0}, {(1, 1): 0.2}]
    assert report.within is None
    assert 'nothing to compare' in report.curves[0].verdict


def test_a_system_without_a_documented_curve(monkeypatch):
    entry = systems.find('deep_cnn')
    monkeypatch.setattr(systems, 'ENTRIES', (entry._replace(
        name='udacity_cnn', documented=entry.documented._replace(curves=())),))
    report = comparison.build_report(make_record([{'epoch': 1, 'step': 18}]))
    assert report.curves == [] and report.within is None


def build(tmp_path, **options):
    folder = made_runs.write_run(tmp_path / 'a', counts=[8200], **options)
    return comparison.build_report(made_runs.load(folder))


@pytest.mark.parametrize('factor, edit, within', [
    (1.01, None, True), (0.99, None, True), (1.019, None, False), (0.98, None, False),
    (1.01, 1.034, True), (1.01, 1.036, False), (0.99, 0.964, False)])
def test_a_band_has_a_floor_and_a_ceiling(tmp_path, factor, edit, within):
    """Its mean deviation, 1.8 %, and that of each epoch, 3.5 %."""
    content = made_runs.make_content(factor=factor)
    if edit:
        content['epochs'][50]['summed_loss'] *= edit / factor
    folder = made_runs.write(tmp_path / 'a', content)
    assert comparison.build_report(made_runs.load(folder)).within == within


@pytest.mark.parametrize('factor, word', [(1.01, 'normal'), (1.03, 'NOT normal')])
def test_an_unfinished_run_says_whether_its_epochs_are_normal(tmp_path, factor, word):
    report = build(tmp_path, factor=factor, last_epoch=50)
    verdict = report.curves[0].verdict
    assert f'epoch 50 of 110; its epochs so far are {word}' in verdict
    assert report.within == (word == 'normal')


def test_a_run_too_short_for_the_document_is_held_against_the_port(tmp_path):
    port = comparison.load_curve('deep_cnn', 'plain_port', 'summed_loss')
    for factor, word in ((1.01, 'normal'), (0.95, 'NOT normal')):
        content = made_runs.make_content(last_epoch=12)
        content['epochs'] = [
            {'epoch': epoch, 'step': 500 * epoch, 'summed_loss': factor * loss}
            for (epoch, unused_part), loss in port.items() if epoch <= 3]
        content['weights']['step'] = 1500
        report = comparison.build_report(made_runs.load(
            made_runs.write(tmp_path / word, content)))
        verdict = report.curves[0].verdict
        assert 'begins with epoch 11' in verdict
        assert f'so far are {word}' in verdict
        assert report.within is None


def test_a_finished_run_says_nothing_of_that(tmp_path):
    assert 'so far' not in build(tmp_path, factor=1.01).curves[0].verdict
