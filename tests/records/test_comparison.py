"""A run's figures beside documented ones, and the bands that they have to be in."""

import csv
import pathlib
import re
import statistics

import pytest

import pages  # noqa: F401  # tools/ becomes importable
from page_tables import runs
from cifar10_tf1 import systems
from cifar10_tf1.records import reference_run
from cifar10_tf1.report import building, comparison, document, gathering
from made_runs import make_record


def test_each_curve_has_a_verdict():
    """Two parts of an epoch; the loss 40 % over, the accuracies as documented."""
    record = make_record(system='udacity_cnn')
    del record.epochs[2:]
    for curve in systems.find('udacity_cnn').documented.curves[:3]:
        documented = comparison.load_curve('udacity_cnn', curve.name, curve.figure)
        for entry in record.epochs:
            entry[curve.figure] = documented[1, entry['part']] * (
                1.4 if curve.figure == 'loss' else 1)
    loss, *accuracies = [curve.comparisons[0] for curve in comparison.compare_runs([record])]
    assert list(loss.deviations) == [(1, 1), (1, 2)] and loss.mean == pytest.approx(40.0)
    assert [one.mean_absolute for one in accuracies] == [0, 0]
    assert comparison.is_within(record) is False
    text = document.format_text(building.build([gathering.build_run(record)]), True)
    assert '1, part 2' in text and text.count('+40.00 %') >= 2
    assert text.count('OUTSIDE') == 1 and text.count('within the band') == 2


def test_a_run_on_some_files_has_curves_of_its_own_or_none():
    record = make_record(system='udacity_cnn')
    del record.epochs[1:]
    record.epochs[0].update(validation_accuracy=0.9)
    record.content['settings']['train_files'] = 1
    curves = comparison.compare_runs([record])
    assert {one.curve.name for one in curves} == {'documented_single_file'}
    assert comparison.is_within(record) is False
    # Shares differ by points.
    assert curves[2].comparisons[0].mean == pytest.approx(90 - 100 * curves[2].documented[1, 1])
    record.content['settings']['train_files'] = 2
    assert comparison.is_within(record) is None
    assert 'nothing to compare' in comparison.describe_run(record)[0].text


@pytest.mark.parametrize('factor, one, within', [
    (1.01, None, True), (0.99, None, True), (1.019, None, False), (0.98, None, False),
    (1.01, 1.034, True), (1.01, 1.036, False), (0.99, 0.964, False)])
def test_a_band_has_a_floor_and_a_ceiling(factor, one, within):
    """Its mean deviation, 1.8 %, and that of each epoch, 3.5 %, unless its sum lacks losses."""
    record = make_record(factor=factor)
    record.epochs[50]['summed_loss'] *= (one or factor) / factor
    assert comparison.is_within(record) == within
    record.epochs[50]['unknown_losses'] = 3
    assert comparison.is_within(record) == (within or one is not None)


@pytest.mark.parametrize('last_epoch, factor, words, within', [
    (3, 1.01, 'begins with epoch 11.* are normal', None),
    (3, 1.04, 'begins with epoch 11.* are NOT normal', None),
    (50, 1.01, 'within the band', True), (50, 1.04, 'OUTSIDE the band', False)])
def test_an_unfinished_run(last_epoch, factor, words, within):
    """Beside the plain port's epochs before the documented curve begins."""
    record = make_record(factor=factor, last_epoch=last_epoch)
    port = comparison.load_curve('deep_cnn', 'plain_port', 'summed_loss')
    for entry in record.epochs[:10]:
        entry['summed_loss'] = factor * port[entry['epoch'], 1]
    sentence, = comparison.describe_run(record)
    assert re.search(f'{words}.* epoch {last_epoch} of 110', sentence.text)
    assert sentence.is_good == (factor == 1.01) and comparison.is_within(record) is within


@pytest.mark.parametrize('name, curve', [
    (name, curve) for name in ('laptop_cnn', 'udacity_cnn')
    for curve in systems.find(name).documented.curves])
def test_a_band_is_the_limit_for_one_more_run(name, curve):
    """Upper 97.5 % prediction limit, of all recorded runs and those of the plain port."""
    documented, deviations = comparison.load_curve(name, curve.name, curve.figure), []
    folder = pathlib.Path(reference_run.RUNS, name, 'one-file' if curve.num_files else '')
    for path in [*folder.glob('plain-port-*.csv'), *folder.glob('1.15-seed-*/metrics.csv')]:
        values = {(int(row['epoch']), int(row['part'])): float(row[curve.figure])
                  for row in csv.DictReader(path.read_text().splitlines())}
        off = [100 * abs(values[place] - value) / (1 if curve.is_share else value)
               for place, value in documented.items()]
        deviations.append((statistics.mean(off), max(off)))
    quantile = {6: 2.5706, 8: 2.3646}[len(deviations)]  # Student's t of 97.5 %
    factor = quantile * (1 + 1 / len(deviations)) ** 0.5
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
    path.write_text('seed,state,mean_correct,central_correct\n99,FAILED,,\n' + ''.join(
        f'{i},complete,{mean},8480.0\n' for i, mean in enumerate(means)))
    assert runs.find_band('mean_correct', str(path)) == pytest.approx(expected)
