"""The HTML report: what is in it, what is lacking, that it needs nothing else."""

import base64
import html.parser
import json
import os
import re
import sys

import numpy as np
import pytest

import model_helpers
import runs
from cifar10_tf1.records import run_record
from cifar10_tf1 import systems
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import synthetic
from cifar10_tf1.report import __main__ as report
from cifar10_tf1.report import charts
from cifar10_tf1.report import comparison
from cifar10_tf1.report import curve_charts
from cifar10_tf1.report import findings
from cifar10_tf1.report.page import HEAD
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

EMPTY_TAGS = {'meta', 'img', 'br'}


@pytest.fixture(scope='module')
def trained(tiny_data_set, tmp_path_factory):
    """A run of two epochs with its checkpoints."""
    folder = tmp_path_factory.mktemp('trained')
    assert runs.train(folder, tiny_data_set, epochs=2, seed=3) == 0
    return folder


@pytest.fixture
def data_dir(tiny_data_set, tmp_path, monkeypatch):
    """A folder where the tiny data set seems to be CIFAR-10."""
    folder = tmp_path / 'data'
    monkeypatch.setattr(cifar10, 'is_at_hand', lambda data_dir: data_dir == str(folder))
    monkeypatch.setattr(cifar10, 'load_data_set', lambda data_dir: tiny_data_set)
    return folder


@pytest.fixture
def real_charts():
    """Asked for by the tests that need them: drawing takes its time."""


@pytest.fixture(autouse=True)
def empty_charts(request, monkeypatch):
    if 'real_charts' not in request.fixturenames:
        monkeypatch.setattr(charts.drawing, 'draw',
                            lambda *unused, **unused_options: b'<svg/>')


@pytest.fixture
def record(trained, tmp_path):
    """A copy of the record alone."""
    path = tmp_path / 'run.json'
    path.write_text((trained / 'run.json').read_text())
    return path


class Checker(html.parser.HTMLParser):
    """Balanced tags, nothing from elsewhere; keeps texts and pictures."""

    def __init__(self, text):
        super().__init__()
        self.raw = text
        self.open, self.images, self.text = [], [], ''
        self.anchors, self.links = [], []
        self.feed(text)
        self.close()
        assert self.open == []
        assert self.links and len(set(self.anchors)) == len(self.anchors)
        assert set(self.links) <= set(self.anchors)

    def handle_starttag(self, tag, attributes):
        assert tag not in ('script', 'link', 'iframe', 'object'), tag
        for name, value in attributes:
            assert not name.startswith('on')
            if name == 'href':
                assert value.startswith('#'), value
                self.links.append(value[1:])
            if name == 'id':
                self.anchors.append(value)
            if name == 'src':
                assert value.startswith('data:image/'), value[:50]
                self.images.append(value)
        if tag not in EMPTY_TAGS:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data + '\n'

    @property
    def kinds(self):
        return [re.match(r'data:image/([a-z]+)', image).group(1)
                for image in self.images]


def make(path, *arguments, status=0):
    """Writes the report; returns a Checker of it."""
    model_helpers.need('matplotlib')
    output = path.parent / 'report.html'
    assert report.main([str(path)] + list(map(str, arguments))) == status
    text = output.read_text(encoding='utf-8')
    assert text.startswith(HEAD)
    assert 'http' not in text.replace('http://www.w3.org', '')
    return Checker(text)


# --- The whole ------------------------------------------------------------------


def test_everything_is_in_it(trained, data_dir, tiny_data_set, capsys,
                             real_charts):
    result = runs.evaluate(deep_cnn, tiny_data_set, str(trained))
    page = make(trained / 'run.json', '--data-dir', data_dir)
    captured = capsys.readouterr()
    assert captured.out.endswith(f'Report: {trained}/report.html\n')
    assert 'Weights at step 8' in captured.out and captured.err == ''
    for text in ('8,246 of 10,000', '82.46 %', f'{result.num_correct} of 200',
                 'model.ckpt-8, whose hash is the record\'s', 'data_batch_4',
                 'schedule ema_decay', '0.9999', 'never shuffled',
                 'too short to compare: the documented curve begins with '
                 'epoch 11, and this run has come to epoch 2.'):
        assert text in page.text, text
    record = json.loads((trained / 'run.json').read_text())
    process = record['processes'][0]
    for value in (record['weights']['sha256'], process['kind']['wheel'],
                  process['kind']['wheel_sha256'], process['versions']['numpy'],
                  process['commit'] or 'unknown'):
        assert str(value) in page.text
    # Loss, confusion, classes, filters; pictures of mistakes.
    assert page.kinds.count('svg') == 4
    assert page.kinds.count('png') == min(24, 200 - result.num_correct)
    assert str(trained) not in page.text and str(data_dir) not in page.text
    for image in page.images:
        content = base64.b64decode(image.split(',')[1], validate=True)
        assert content.startswith(b'\x89PNG') or b'</svg>' in content


def test_without_images(trained, data_dir):
    page = make(trained / 'run.json', '--data-dir', data_dir,
                '--without-images')
    assert page.kinds == ['svg'] * 4
    assert 'Left out (--without-images)' in page.text


def test_a_whole_run(record, capsys, real_charts):
    """All documented epochs, a little off: verdict, deviations, status."""
    curve = comparison.load_curve('deep_cnn', 'documented', 'summed_loss')

    def edit(content):
        content['epochs'] = [
            {'epoch': epoch, 'step': 500 * epoch, 'summed_loss': 1.019 * loss}
            for (epoch, unused_part), loss in curve.items()]
        content['tests'] = [dict(
            step=55000, seed=1, crop='random', num_correct=8210,
            num_examples=10000, kind={'wheel': 'some wheel 1.2'})]

    runs.change_record(record, edit)
    page = make(record, status=4)
    assert 'OUTSIDE the band' in page.text
    assert '8,210 of 10,000' in page.text and 'some wheel 1.2' in page.text
    assert page.text.count('+1.90 %') >= 100  # the table behind the chart
    assert page.kinds == ['svg'] * 2


def test_the_answer_stands_before_any_table(record):
    """Rows of the draws wait behind 'the numbers', other tests stand apart."""
    kind = json.loads(record.read_text())['processes'][0]['kind']

    def edit(content):
        content['tests'] = [dict(
            step=step, seed=seed, crop=crop, num_correct=count,
            num_examples=10000, kind=kind) for step, seed, crop, count in (
                (55000, 2, 'random', 8250), (55000, 1, 'random', 8240),
                (55000, 3, 'random', 8251), (55000, 4, 'random', 8252),
                (55000, 1, 'central', 8470), (500, 1, 'random', 3000))]

    runs.change_record(record, edit)
    text = make(record).raw
    answer, rest = text.split('<nav>')
    assert '<table' not in answer
    for words in ('8,246 of 10,000 (82.46 %)', '8,248.2 of 10,000 (82.48 %)',
                  'mean of n = 4 tests (random); sd 5.6; 8,240 to 8,252',
                  'the documented 8,246 lies within the range'):
        assert words in answer, words
    assert 'data:image/svg' in answer
    tests = rest.split('id="tests"')[1].split('<h2')[0]
    draws, others = tests.split('</details>')
    assert '<details>' in draws
    assert '8,251 of 10,000' in draws and '8,251' not in others
    for words in ('8,470 of 10,000', '3,000 of 10,000'):
        assert words in others and words not in draws


def test_the_other_runs_are_drawn_where_they_can_be_seen(figures_kept):
    """The wide documented line first, the dashed port last; their end, larger."""
    curve = systems.find('deep_cnn').documented.curves[0]
    documented, port = comparison.load_pair('deep_cnn', curve)
    curve_charts.draw_curve(comparison.ComparedCurve(
        curve, dict(port), '', documented, port), 'a name')
    for axes in figures_kept[0].axes:
        widest, ours, dashed = axes.lines
        assert widest.get_linewidth() > 2 * ours.get_linewidth()
        assert ours.get_label() == 'a name'
        assert dashed.get_linestyle() == '--'
    assert figures_kept[0].axes[1].get_title(loc='left') == (
        'epochs 67 to 110, larger')


def test_a_larger_end_hides_no_curve(figures_kept):
    """The losses of udacity_cnn are still high where that would stand."""
    curve = systems.find('udacity_cnn').documented.curves[0]
    documented, unused_port = comparison.load_pair('udacity_cnn', curve)
    assert len(documented) > 100
    curve_charts.draw_curve(comparison.ComparedCurve(
        curve, dict(documented), '', documented, None), 'a name')
    assert len(figures_kept[0].axes) == 1


def test_generated_data_is_marked_and_not_compared(record):
    def edit(content):
        content['data']['name'] = 'synthetic'
        content['epochs'] = [{'epoch': 11, 'step': 44, 'summed_loss': 9.0}]

    runs.change_record(record, edit)
    page = make(record)
    assert 'Generated data, not CIFAR-10' in page.text
    assert 'nothing to compare' in page.text
    assert '8,246' not in page.text


def test_everything_is_escaped(record):
    mark = '<script>alert("1")</script>&amp;'

    def edit(content):
        process = content['processes'][0]
        process.update(command=mark, commit=mark, end=mark, started=mark)
        process['kind'].update(wheel=mark, kernels=mark)
        process['kind'][mark] = mark
        process['versions'][mark] = mark
        content['settings'][mark] = mark
        content['system_settings'] = {mark: {mark: mark}}
        content['data']['sha256'] = {mark: mark}
        content['weights'] = {'step': 1, 'sha256': mark}
        content['not_bit_exact'] = [mark]
        content['tests'] = [dict(
            step=1, seed=1, crop=mark, num_correct=1, num_examples=2,
            kind={'wheel': mark}, predictions_sha256=mark)]
        content['data']['name'] = mark

    runs.change_record(record, edit)
    page = make(record)  # Checker refuses a script
    assert page.text.count(mark) > 15


# --- What is lacking ---------------------------------------------------------


def test_no_checkpoint_and_no_data(record, tmp_path, capsys):
    page = make(record, '--data-dir', tmp_path / 'none')
    assert 'There is no checkpoint beside the record' in page.text
    assert 'The data set is not at hand' in page.text
    assert page.kinds == ['svg']  # the loss
    assert str(tmp_path) not in page.text


def test_no_data(trained, tmp_path):
    page = make(trained / 'run.json', '--data-dir', tmp_path / 'none')
    assert page.text.count('The data set is not at hand') == 3
    assert page.kinds == ['svg'] * 2  # the loss, the filters


def test_other_data(record, trained, data_dir):
    runs.change_record(record, lambda content: content['data'].update(
        sha256={'test_batch.bin': '0'}))
    page = make(record, '--data-dir', data_dir, '--checkpoint',
                trained / 'model.ckpt-8')
    assert 'is not the one of the record' in page.text
    assert page.kinds == ['svg'] * 2


@pytest.mark.parametrize('name', ['cifar10', 'synthetic'])
def test_an_empty_data_folder_is_left_as_it_is(record, tmp_path, monkeypatch,
                                               name):
    """load_data_set would download, or generate."""
    for source in (cifar10, synthetic):
        monkeypatch.setattr(source, 'load_data_set',
                            lambda data_dir: pytest.fail('asked for'))
    runs.change_record(record, put(name, 'data', 'name'))
    for parent in ('', synthetic.FOLDER):
        (tmp_path / parent / cifar10.FOLDER).mkdir(parents=True)
    page = make(record, '--data-dir', tmp_path)
    assert 'The data set is not at hand' in page.text


def test_a_run_that_has_not_ended(record, trained, data_dir):
    """Its record has no hash yet: no reason to doubt the checkpoint."""
    def edit(content):
        content['weights'] = None
        content['processes'][0].update(end=None, to_step=None)

    runs.change_record(record, edit)
    page = make(record, '--checkpoint', trained / 'model.ckpt-8')
    assert 'model.ckpt-8, of which the record has no hash' in page.text
    assert 'NOT' not in page.text
    assert 'steps 0 to unknown' in page.text and 'None' not in page.text


def test_another_checkpoint_is_said(record, trained):
    page = make(record, '--checkpoint', trained / 'model.ckpt-4')
    assert 'model.ckpt-4, whose hash is NOT' in page.text


def test_a_checkpoint_that_is_not_there(record, tmp_path, capsys):
    model_helpers.need('matplotlib')
    assert report.main([str(record), '--checkpoint', str(tmp_path / 'x')]) == 1
    assert 'there is no checkpoint' in capsys.readouterr().err


def test_without_matplotlib_the_text_is_there(record, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, 'matplotlib', None)
    assert report.main([str(record)]) == 1
    captured = capsys.readouterr()
    assert 'Weights at step 8' in captured.out
    assert 'make setup EXTRAS=pictures' in captured.err
    assert captured.err.count('\n') == 1
    assert report.main([str(record), '--text']) == 0
    assert not (record.parent / 'report.html').exists()


# --- The file ------------------------------------------------------------------


def test_only_an_earlier_report_is_replaced(record, capsys):
    make(record)
    first = (record.parent / 'report.html').read_text(encoding='utf-8')
    runs.change_record(record, lambda content: content['settings'].update(seed=77))
    assert 'seed 77' in make(record).text and 'seed 77' not in first
    foreign = record.parent / 'mine.html'
    foreign.write_text('<!DOCTYPE html>\n<p>mine')
    capsys.readouterr()
    for path, named in ((foreign, 'is there already and is no report'),
                        (record, 'is there already and is no report'),
                        (record.parent, 'cannot write'),
                        (record.parent / 'none' / 'a.html', 'cannot write')):
        assert report.main([str(record), '--output', str(path)]) == 1
        error = capsys.readouterr().err
        assert named in error and error.count('\n') == 1
    assert foreign.read_text() == '<!DOCTYPE html>\n<p>mine'


def test_a_file_beside_the_report_is_kept(record):
    beside = record.parent / 'report.html.tmp'
    beside.write_text('mine')
    make(record)
    assert beside.read_text() == 'mine'
    assert len(list(record.parent.iterdir())) == 3


def cut(*path):
    """An edit that removes a part of the record."""
    def edit(content):
        for key in path[:-1]:
            content = content[key]
        del content[path[-1]]
    return edit


def put(value, *path):
    def edit(content):
        for key in path[:-1]:
            content = content[key]
        content[path[-1]] = value
    return edit


@pytest.mark.parametrize('edit, named', [
    (cut('epochs', 0, 'summed_loss'), 'epochs 0 summed_loss'),
    (put('many', 'epochs', 1, 'summed_loss'), 'epochs 1 summed_loss'),
    (put([3], 'epochs'), 'epochs 0'),
    (put(None, 'processes', 0, 'kind'), 'processes 0 kind'),
    (cut('processes', 0, 'kind', 'cpu'), 'processes 0 kind cpu'),
    (cut('processes', 0, 'versions'), 'processes 0 versions'),
    (cut('data', 'name'), 'data name'),
    (put(['x'], 'data', 'sha256'), 'data sha256'),
    (put('x', 'weights'), 'weights'),
    (put({'step': 1}, 'weights'), 'weights sha256'),
    (put(0, 'settings', 'save_steps'), 'settings save_steps'),
    (put(-3, 'settings', 'save_steps'), 'settings save_steps'),
    (put('abc', 'settings', 'seed'), 'settings seed'),
    (put(1.5, 'settings', 'seed'), 'settings seed'),
    (put(True, 'settings', 'seed'), 'settings seed'),
    (put(99999999999, 'settings', 'input_threads'), 'settings input_threads'),
    (put('many', 'settings', 'epochs'), 'settings epochs'),
    (put('many', 'epochs'), 'epochs'),
    (put([{}], 'epochs'), 'epochs 0 epoch'),
    (put(float('nan'), 'epochs', 0, 'summed_loss'), 'epochs 0 summed_loss'),
    (put(1, 'epochs', 1, 'step'), 'epochs: the order of their steps'),
    (put([{}], 'processes'), 'processes 0 command'),
    (put({}, 'data'), 'data name'),
    (put([{'step': 8}], 'tests'), 'tests 0 seed'),
    (put([dict(step=1, seed=1, crop='random', num_correct=0, num_examples=0,
               kind={'wheel': 'x'})], 'tests'), 'tests 0 num_examples'),
])
def test_a_record_that_is_damaged_inside(record, edit, named, capsys):
    runs.change_record(record, edit)
    assert report.main([str(record)]) == 1
    captured = capsys.readouterr()
    assert f'is damaged: {named} is missing, or not what it can be' in captured.err
    assert captured.err.count('\n') == 1 and captured.out == ''


def test_every_published_record_has_a_report(tmp_path, capsys):
    import test_readme
    for run in test_readme.deep_cnn.RUNS:
        path = f'{test_readme.ROOT}/results/runs/deep_cnn/{run}/run.json'
        assert report.main([path, '--text']) == 0
        if run == '1.15-seed-01':
            lines = capsys.readouterr().out.splitlines()
            assert lines[1] == (
                'seed 1, TensorFlow 1.15.0  8,239.6 of 10,000 (82.40 %); mean '
                'of n = 20 tests (random); sd 23.4; 8,200 to 8,280')
            assert lines[2].startswith('Test: the documented 8,246 lies within')
            tests = [line for line in lines if 'at step 55000' in line
                     and line.startswith('Test')]
            assert [line.split(',')[1:3] for line in tests[:2]] == [
                [' random', f' seed {seed}: {count} of 10000 '
                 '(tensorflow-gpu 1.15.0)'] for seed, count in (
                     (1, 8206), (2, 8263))]
            assert 'central' in tests[-1] and len(tests) == 21


# --- Figures and counts ----------------------------------------------------------


def test_interval():
    """Wilson's: the shares whose test at 5 % the count just passes."""
    for count, number in ((8246, 10000), (0, 50), (50, 50), (1, 3)):
        low, high = findings.compute_interval(count, number)
        assert 0 <= low <= count / number <= high <= 1
        for bound in (low, high):
            if 0 < bound < 1:
                z = abs(count / number - bound) / (
                    bound * (1 - bound) / number) ** 0.5
                assert abs(z - 1.959964) < 1e-6
    assert [round(100 * bound, 2) for bound in findings.compute_interval(
        8246, 10000)] == [81.70, 83.19]


def test_counts_and_mistakes():
    probabilities = np.array([[.7, .2, .1], [.1, .3, .6], [.9, .1, 0],
                              [.2, .5, .3], [0, .8, .2]], np.float32)
    tested = findings.Tested(np.array([0, 1, 1, 1, 0], np.uint8),
                             probabilities, None, 8, 'random', 1)
    assert tested.confusion.tolist() == [[1, 1, 0], [1, 1, 1], [0, 0, 0]]
    assert tested.num_correct == 2
    assert tested.find_surest_mistakes(9) == [2, 4, 1]
    assert tested.find_surest_mistakes(2) == [2, 4]


@pytest.fixture
def figures_kept(monkeypatch, real_charts):
    """The list of matplotlib's figures that are drawn."""
    model_helpers.need('matplotlib')
    kept = []
    real = charts.drawing.draw
    monkeypatch.setattr(
        charts.drawing, 'draw', lambda width, height, draw_on, *arguments: real(
            width, height,
            lambda figure: (draw_on(figure), kept.append(figure)), *arguments))
    return kept


def test_an_incomplete_sum_is_not_drawn(figures_kept):
    """Losses that were never recorded are missing in it."""
    figures = comparison.list_figures([
        {'epoch': 1, 'summed_loss': 900.0},
        {'epoch': 2, 'summed_loss': 3.0, 'unknown_losses': 495},
        {'epoch': 3, 'summed_loss': 700.0}], 'summed_loss')
    curve_charts.draw_curve(comparison.ComparedCurve(
        systems.find('deep_cnn').documented.curves[0], figures, ''), 'a run')
    (line,) = figures_kept[0].axes[0].lines
    assert line.get_xydata().tolist() == [[1, 900], [3, 700]]


def test_the_test_is_test_py_s(trained, tiny_data_set):
    record = run_record.load(str(trained / 'run.json'))
    record.content['tests'] = [
        {'crop': 'central', 'seed': 9}, {'crop': 'random', 'seed': 4}]
    tested = findings._test(record, tiny_data_set,
                            str(trained / 'model.ckpt-8'), deep_cnn)
    result = runs.evaluate(deep_cnn, tiny_data_set, str(trained),
                           seed=4)
    assert (tested.seed, tested.step) == (4, 8)
    assert tested.predictions.tolist() == result.predictions.tolist()
    assert tested.num_correct == result.num_correct
    assert np.allclose(tested.probabilities.sum(axis=1), 1)


@pytest.mark.parametrize('recorded, chosen', [
    ('fast', 'fast'), ('stock', 'stock'), ('other', 'stock')])
def test_the_kernels_are_the_run_s(trained, recorded, chosen):
    record = run_record.load(str(trained / 'run.json'))
    record.content['settings']['kernels'] = recorded
    assert findings.choose_kernels(record) == chosen


def test_a_pipe_in_the_place_of_the_report(record, tmp_path, capsys):
    """To open it would wait for ever."""
    os.mkfifo(str(tmp_path / 'pipe'))
    assert report.main([str(record), '--output', str(tmp_path / 'pipe')]) == 1
    assert 'is no report of this program' in capsys.readouterr().err
