"""The report on one run: its page, what it lacks, its charts."""

import json
import os
import sys

import numpy as np
import pytest

import made_runs
import model_helpers
import runs
from cifar10_tf1 import systems
from cifar10_tf1.data import cifar10, synthetic
from cifar10_tf1.report import (
    __main__ as report, charts, comparison, details, measures, network, page as pages)
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn


@pytest.fixture
def data_dir(tiny_cifar10, tmp_path, monkeypatch):
    """A folder where the tiny data set seems to be CIFAR-10."""
    folder = tmp_path / 'data'
    monkeypatch.setattr(cifar10, 'is_present', lambda data_dir: data_dir == str(folder))
    return folder


def test_everything_is_in_it(make_page, finished_copy, data_dir, tiny_data_set, capsys):
    """Tested with the first recorded seed of the documented test, as by test.py."""
    path = finished_copy / 'run.json'
    runs.change_record(path, lambda content: content.update(tests=[
        made_runs.make_test('central', 9, 10), made_runs.make_test('random', 4, 10)]))
    num_correct = runs.evaluate(deep_cnn, tiny_data_set, finished_copy, seed=4).count.num_correct
    page = make_page(path, '--data-dir', data_dir, with_charts=True)
    captured = capsys.readouterr()
    assert captured.out.endswith('report.html\n') and captured.err == ''
    record = json.loads(path.read_text())
    process = record['processes'][0]
    for text in ('8,246 of 10,000 (82.46 %)', f'test seed 4; {num_correct} of 200 correct',
                 'model.ckpt-8, whose hash is that of the record', '"ema_decay": 0.9999',
                 'never shuffled', record['weights']['sha256'],
                 process['kind']['wheel_sha256'], process['versions']['numpy'],
                 process['commit'] or 'unknown'):
        assert str(text) in page.text, text
    # Loss, confusion, filters; pictures of mistakes.
    assert sorted(page.kinds) == ['png'] * min(24, 200 - num_correct) + ['svg'] * 3
    assert str(finished_copy) not in page.text and str(data_dir) not in page.text
    page = make_page(path, '--data-dir', data_dir, '--without-images')
    assert page.kinds == ['svg'] * 3 and '--without-images' in page.text
    runs.change_record(path, lambda content: content['data'].update(sha256={'a.bin': '0'}))
    page = make_page(path, '--data-dir', data_dir)
    assert 'The data set that the run was trained on was not found' in page.text


def test_a_whole_run_outside_the_band(make_page, tmp_path):
    """All documented epochs, a little off; the answer stands before any table."""
    content = made_runs.make_content(counts=[8240, 8250, 8251, 8252], factor=1.019)
    content['tests'] += [made_runs.make_test('central', 1, 8470),
                         made_runs.make_test('random', 1, 3000, 500)]
    page = make_page(made_runs.write_run(tmp_path / 'a', content), status=4)
    answer, rest = page.raw.split('<table', 1)
    for words in ('8,246 of 10,000 (82.46 %)', '8,248.2 of 10,000 (82.48 %)',
                  'sd 5.6; 8,240 to 8,252', 'lies within the range', 'OUTSIDE the band'):
        assert words in answer, words
    for words in ('8,251 of 10,000', '8,470 of 10,000', '3,000 of 10,000', '>+1.90 %'):
        assert words in rest and words not in answer


def test_everything_is_escaped(make_page, record_file):
    mark = '<script>alert("1")</script>&amp;'
    runs.change_record(record_file, lambda content: content.update(
        not_bit_exact=[mark], tests=[made_runs.make_test(mark, 1, 1)], data={
            'name': mark, 'sha256': {mark: mark}}))
    assert make_page(record_file).text.count(mark) > 4  # and Page refuses a script


@pytest.mark.parametrize('name', ['cifar10', 'synthetic'])
def test_what_is_missing_is_named(name, make_page, record_file, finished_run, tmp_path,
                                  monkeypatch, capsys):
    """load_data_set would download, or generate."""
    for source in (cifar10, synthetic):
        monkeypatch.setattr(source, 'load_data_set', lambda data_dir: pytest.fail('asked for'))
    page = make_page(record_file)
    assert 'There is none beside the record' in page.text  # a checkpoint
    assert 'none at the end of a training' in page.text  # a test
    assert page.kinds == ['svg'] and str(tmp_path) not in page.text  # the loss
    options = [record_file, '--data-dir', tmp_path, '--checkpoint']
    runs.change_record(record_file, lambda content: content['data'].update(name=name))
    page = make_page(*options, finished_run / 'model.ckpt-4')
    assert 'model.ckpt-4, whose hash is NOT' in page.text
    assert 'The data set that the run was trained on was not found' in page.text
    assert page.kinds == ['svg'] * 2  # the loss, the filters
    runs.change_record(record_file, lambda content: content.update(weights=None))
    page = make_page(*options, finished_run / 'model.ckpt-8')  # of a run that has not ended
    assert 'model.ckpt-8, whose hash is not in the record' in page.text
    assert 'None' not in page.text
    assert report.main([str(record_file), '--checkpoint', str(tmp_path / 'x')]) == 1
    assert 'no checkpoint ' in capsys.readouterr().err


@pytest.mark.parametrize('package', ['matplotlib', 'jinja2'])
def test_without_a_package_the_text_is_there(package, record_file, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, package, None)
    assert report.main([str(record_file)]) == 1
    captured = capsys.readouterr()
    assert 'Weights at step 8' in captured.out
    assert 'make setup EXTRAS=pictures' in captured.err and captured.err.count('\n') == 1
    assert report.main([str(record_file), '--text']) == 0
    assert not (record_file.parent / 'report.html').exists()


def test_only_an_earlier_report_is_replaced(make_page, record_file, tmp_path, capsys):
    assert 'seed 77' not in make_page(record_file).text
    runs.change_record(record_file, lambda content: content['settings'].update(seed=77))
    assert 'seed 77' in make_page(record_file).text
    foreign, pipe = tmp_path / 'mine.html', tmp_path / 'pipe'
    foreign.write_text('<!DOCTYPE html>\n<p>mine')
    os.mkfifo(str(pipe))  # to open it would wait for ever
    for path, named in ((foreign, 'is not a report'), (pipe, 'is not a report'),
                        (tmp_path, 'is not a report'), (tmp_path / 'a' / 'b', 'cannot write')):
        assert report.main([str(record_file), '--output', str(path)]) == 1
        error = capsys.readouterr().err
        assert named in error and error.count('\n') == 1
    assert foreign.read_text() == '<!DOCTYPE html>\n<p>mine'


@pytest.mark.parametrize('name', systems.NAMES)
def test_quirks_are_html_without_links_and_of_one_system(name):
    model_helpers.need('markdown')
    content = pages.render_quirks(systems.find(name))
    assert content.count('<li>') > 5 and 'href' not in content
    for phrase, owner in (('No layer has an activation', 'laptop_cnn'),
                          ('a second network', 'udacity_cnn')):
        assert (phrase in content) == (name == owner)


def test_interval():
    """statsmodels' proportion_confint."""
    assert details.compute_interval(1, 3) == pytest.approx((0.0614919, 0.7923404), abs=1e-6)
    assert details.compute_interval(50, 50) == pytest.approx((0.9286524, 1), abs=1e-6)


def test_classes_and_mistakes():
    labels = np.array([0, 1, 1, 1, 0], np.uint8)
    logits = np.log([[.7, .2, .1], [.3, .1, .6], [.9, .05, .05], [.2, .5, .3], [.1, .8, .1]])
    assert network.count_classes(labels, logits.argmax(axis=1), 3).tolist() == [
        [1, 1, 0], [1, 1, 1], [0, 0, 0]]
    indices, probabilities = zip(*network.find_surest_mistakes(labels, logits))
    assert indices == (2, 4, 1) and probabilities == pytest.approx((.9, .8, .6))


def test_charts():
    """Of two runs in the places that both have; of their tests; of one run."""
    def draw(plot, *arguments):
        figure = model_helpers.need('matplotlib.figure').Figure()
        plot(figure, *arguments)
        return figure.axes[0]

    documented = systems.find('deep_cnn').documented
    curve, measure = documented.curves[0], measures.choose(documented)
    axes = draw(charts.plot_curves, comparison.ComparedCurve(
        curve, [{(1, 1): 90.0, (2, 1): 50.0, (3, 1): 20.0}, {(1, 1): 70.0, (2, 1): 60.0}],
        documented={(2, 1): 52.0}), 'two runs')
    assert [line.get_xydata().tolist() for line in axes.lines] == [
        [[2, 52]], [[1, 80], [2, 55]]]  # the documented run; the mean
    corners = axes.collections[0].get_paths()[0].vertices.tolist()
    assert [1, 70] in corners and [1, 90] in corners and [2, 60] in corners

    axes = draw(charts.plot_tests, [('seed 1', [8200, 8100]), ('seed 2', [8300])], measure,
                measure.documented)
    assert [set(line.get_xdata()) for line in axes.lines] == [
        {8100, 8200}, {8150}, {8300}, {8300}, {8246}]  # tests, means; documented
    assert 'documented: 8,246' in axes.get_title(loc='right')

    axes = draw(charts.plot_deviations, comparison.ComparedCurve(
        curve, [{(1, 1): 101.0, (2, 1): 98.0}], {(1, 1): 100.0, (2, 1): 100.0}), 'seed 1')
    assert [bar.get_height() for bar in axes.patches] == pytest.approx([1, -2])
    assert f'±{curve.largest} %' in axes.get_title()
