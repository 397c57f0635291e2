"""A run's figures beside documented ones, and the bands that they have to be in."""

import csv
import glob
import os
import statistics

import pytest

import made_runs
import pages  # noqa: F401  # tools/ becomes importable
from page_tables import runs
from cifar10_tf1 import systems
from cifar10_tf1.records import reference_run
from cifar10_tf1.report import building, comparison, document, gathering

# Student's t of 97.5 %, by the number of runs less one.
QUANTILES = {5: 2.5706, 7: 2.3646}


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
    record = made_runs.make_record(system='laptop_cnn')
    record.content.update(system='udacity_cnn', epochs=entries)
    record.content['settings']['train_files'] = train_files
    return record


def test_each_curve_has_a_verdict():
    """Two parts of an epoch; the loss 40 % over, the accuracies as documented."""
    documented = {curve.figure: comparison.load_curve(
        'udacity_cnn', curve.name, curve.figure)
        for curve in systems.find('udacity_cnn').documented.curves[:3]}
    record = make_record([dict(
        {figure: curve[1, part] * (1.4 if figure == 'loss' else 1)
         for figure, curve in documented.items()}, epoch=1, part=part, step=9 * part)
        for part in (1, 2)])
    loss, *accuracies = [
        curve.comparisons[0] for curve in comparison.compare_runs([record])]
    assert list(loss.deviations) == [(1, 1), (1, 2)]
    assert loss.mean == pytest.approx(40.0)
    assert [one.mean_absolute for one in accuracies] == [0, 0]
    assert comparison.is_within(record) is False
    text = document.format_text(building.build([gathering.build_run(record)]), True)
    assert '1, part 2' in text and text.count('+40.00 %') >= 2
    assert text.count('OUTSIDE') == 1 and text.count('within the band') == 2


@pytest.mark.parametrize('train_files, names, within', [
    (1, {'documented_single_file'}, False), (2, None, None)])
def test_a_run_on_some_files_has_curves_of_its_own_or_none(train_files, names, within):
    figures = {'loss': 2.0, 'training_accuracy': 0.2, 'validation_accuracy': 0.9}
    record = make_record([dict(figures, epoch=1, step=9)], train_files)
    curves = comparison.compare_runs([record])
    assert comparison.is_within(record) is within
    if names:
        assert {one.curve.name for one in curves} == names
        # Shares differ by points.
        assert curves[2].comparisons[0].mean == pytest.approx(
            90 - 100 * curves[2].documented[1, 1])
    else:
        assert [one.figures for one in curves] == [
            [{(1, 1): value}] for value in figures.values()]
        assert 'nothing to compare' in comparison.describe_run(record)[0].text


@pytest.mark.parametrize('factor, edit, within', [
    (1.01, None, True), (0.99, None, True), (1.019, None, False), (0.98, None, False),
    (1.01, 1.034, True), (1.01, 1.036, False), (0.99, 0.964, False)])
def test_a_band_has_a_floor_and_a_ceiling(factor, edit, within):
    """Its mean deviation, 1.8 %, and that of each epoch, 3.5 %."""
    record = made_runs.make_record(factor=factor)
    if edit:
        record.epochs[50]['summed_loss'] *= edit / factor
    assert comparison.is_within(record) == within


@pytest.mark.parametrize('factor, words', [
    (1.01, ['within the band', 'are normal']), (1.04, ['OUTSIDE', 'are NOT normal'])])
@pytest.mark.parametrize('last_epoch', [3, 50])
def test_an_unfinished_run(last_epoch, factor, words):
    """Beside the plain port's epochs before the documented curve begins."""
    record = made_runs.make_record(factor=factor, last_epoch=50)
    is_early = last_epoch == 3
    if is_early:
        port = comparison.load_curve('deep_cnn', 'plain_port', 'summed_loss')
        record.content['epochs'] = [
            {'epoch': epoch, 'step': 500 * epoch, 'summed_loss': factor * port[epoch, 1]}
            for epoch in (1, 2, 3)]
    sentence, = comparison.describe_run(record)
    assert words[is_early] in sentence.text
    assert ('begins with epoch 11' in sentence.text) == is_early
    assert f'epoch {last_epoch} of 110' in sentence.text
    assert sentence.is_good == (factor == 1.01)
    assert comparison.is_within(record) == (None if is_early else factor == 1.01)


@pytest.mark.parametrize('name, curve', [
    (name, curve) for name in ('laptop_cnn', 'udacity_cnn')
    for curve in systems.find(name).documented.curves])
def test_a_band_is_the_limit_for_one_more_run(name, curve):
    """Upper 97.5 % prediction limit, of all recorded runs and those of the plain port."""
    documented, deviations = comparison.load_curve(name, curve.name, curve.figure), []
    folder = os.path.join(reference_run.RUNS, name, 'one-file' if curve.num_files else '')
    for path in (glob.glob(os.path.join(folder, 'plain-port-*.csv'))
                 + glob.glob(os.path.join(folder, '1.15-seed-*', 'metrics.csv'))):
        with open(path, newline='') as file:
            values = {(int(row['epoch']), int(row['part'])): float(row[curve.figure])
                      for row in csv.DictReader(file)}
        off = [100 * abs(values[place] - value) / (1 if curve.is_share else value)
               for place, value in documented.items()]
        deviations.append((statistics.mean(off), max(off)))
    factor = QUANTILES[len(deviations) - 1] * (1 + 1 / len(deviations)) ** 0.5
    for limit, numbers in zip((curve.mean_absolute, curve.largest), zip(*deviations)):
        expected = statistics.mean(numbers) + factor * statistics.stdev(numbers)
        assert limit == pytest.approx(expected, abs=0.051), numbers


@pytest.mark.parametrize('means, expected', [
    ([8220.0, 8230, 8240, 8235], (8110, 8330, 0)),  # too few
    # Mean 8,230, variance 62.5; t of 0.995 and 4 degrees of freedom from a table.
    ([8220.0, 8230, 8240, 8235, 8225], (8230 - 4.604095 * 75 ** 0.5,
                                        8230 + 4.604095 * 75 ** 0.5, 5)),
    ([8000.0, 8100, 8200, 8300, 8400], (8110, 8330, 5))])  # never wider than this
def test_the_band_of_make_accuracy(tmp_path, means, expected):
    pytest.importorskip('scipy')
    path = tmp_path / 'seeds.csv'
    path.write_text('seed,state,mean_correct,central_correct\n' + ''.join(
        f'{i},complete,{mean},8480.0\n' for i, mean in enumerate(means))
        + '99,FAILED,,\n')
    assert runs.find_band('mean_correct', str(path)) == pytest.approx(expected)
