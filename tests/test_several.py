"""The report on several runs: groups, statistics, the page."""

import json

import pytest

import model_helpers
from cifar10_tf1.records import record_schema
from cifar10_tf1.records import run_record
from cifar10_tf1.records import run_settings
from cifar10_tf1.report import __main__ as report
from cifar10_tf1.report import charts
from cifar10_tf1.report import comparison
from cifar10_tf1.report import curve_charts
from cifar10_tf1.report import several
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn
from test_report import Checker

CURVE = comparison.load_curve('deep_cnn', 'documented', 'summed_loss')
# Right images of each test of each run, as (wheel, seed): counts.
TESTS = {
    ('tensorflow-gpu 1.15.0', 1): [8206, 8263, 8240, 8221],
    ('tensorflow-gpu 1.15.0', 2): [8190, 8215, 8209],
    ('tensorflow-gpu 1.15.0', 10): [8262, 8240, 8251, 8239, 8270],
    ('tensorflow 2.21.0', 1): [8230, 8240],
    ('tensorflow 2.21.0', 2): [8250, 8244]}


def make_kind(wheel):
    return {'wheel': wheel, 'wheel_sha256': None, 'kernels': 'fast',
            'device': 'cpu', 'intra_op_threads': 1,
            'cpu': {'name': 'a processor', 'family': '6', 'model': '207'}}


def write_run(folder, wheel, seed, counts, factor=1.01, last_epoch=110):
    """A run.json; its losses are the documented ones times a factor."""
    record = run_record.new(str(folder), deep_cnn)
    kind = make_kind(wheel)
    record.content.update(
        settings=run_settings.RunSettings(
            seed=seed, epochs=110, save_steps=500, train_files=5, device='cpu',
            kernels='fast', intra_op_threads=1, inter_op_threads=2,
            input_threads=2)._asdict(),
        data={'name': 'cifar10', 'sha256': {}},
        epochs=[{'epoch': epoch, 'step': 500 * epoch,
                 'summed_loss': factor * loss}
                for (epoch, unused_part), loss in CURVE.items()
                if epoch <= last_epoch],
        weights={'step': 500 * last_epoch, 'sha256': f'{wheel} {seed}'},
        tests=[{'step': 500 * last_epoch, 'seed': number, 'crop': 'random',
                'num_correct': count, 'num_examples': 10000, 'kind': kind}
               for number, count in enumerate(counts, start=1)],
        processes=[{'command': 'train.py', 'started': 'x', 'end': 'finished',
                    'from_step': 0, 'to_step': 500 * last_epoch, 'commit': None,
                    'commit_is_clean': None, 'versions': {}, 'kind': kind}])
    assert record_schema.find_misfit(record.content) is None
    folder.mkdir()
    (folder / 'run.json').write_text(json.dumps(record.content))
    return folder


@pytest.fixture
def folders(tmp_path):
    return [write_run(tmp_path / f'{wheel}, {seed}', wheel, seed, counts,
                      1 + 0.002 * seed)
            for (wheel, seed), counts in TESTS.items()]


@pytest.fixture(autouse=True)
def empty_charts(request, monkeypatch):
    if 'real_charts' not in request.fixturenames:
        monkeypatch.setattr(charts.drawing, 'draw',
                            lambda *unused, **unused_options: b'<svg/>')


@pytest.fixture
def real_charts():
    pass


def gather(folders):
    return several.gather([run_record.load(str(folder / 'run.json'))
                           for folder in folders])


def find_verdict(runs, word):
    return next(verdict for verdict in several.build_answer(runs).verdicts
                if verdict.word.startswith(word))


def test_groups_are_by_runtime_and_seed(folders):
    runs = gather(folders[::-1])
    assert [group.name for group in runs.groups] == [
        'TensorFlow 1.15.0', 'TensorFlow 2.21.0']
    assert [run.record.settings.seed for run in runs.runs] == [1, 2, 10, 1, 2]
    assert runs.groups[0].means == pytest.approx([8232.5, 8204 + 2 / 3, 8252.4])
    # Of test_statistics_of_runs.py.
    parts = runs.groups[0].split_variance()
    assert parts.within == pytest.approx(322.09629629)
    assert parts.between == pytest.approx(464.50307330)


def test_the_answer(folders):
    runs = gather(folders)
    documented, first, second = several.build_answer(runs).counts
    assert documented[1] == '8,246 of 10,000 (82.46 %)'
    assert first == (
        'TensorFlow 1.15.0', '8,229.9 of 10,000 (82.30 %)', 'mean of n = 3 '
        'runs, each the mean of its tests; sd 24.0; 8,204.7 to 8,252.4')
    assert 'n = 2 runs' in second[2]
    assert 'NOT shown. The mean over seeds is -16.1' in find_verdict(
        runs, 'Equivalence').text
    within = find_verdict(runs, 'Range, TensorFlow 2')
    assert within.is_good and 'all 4 tests, 8,230 to 8,250' in within.text
    # scipy.stats.ttest_ind, equal_var=False
    assert 'p = 0.520' in find_verdict(runs, 'Runtimes').text
    # scipy.stats.ttest_ind of it and the first tests, of equal variances
    assert '60 % of cases' in find_verdict(runs, 'One more run').text
    loss = find_verdict(runs, 'Summed loss, TensorFlow 1').text
    assert loss.startswith('2 of 3 runs within the band')
    assert '+0.87 % (of single runs +0.20 to +2.00)' in loss
    assert runs.within is False


def test_the_documented_curve_among_the_runs(tmp_path):
    """It is below both runs but in the last two epochs; one lacks the first."""
    folders = [write_run(tmp_path / name, 'tensorflow 2.21.0', seed, [8200])
               for seed, name in enumerate('ab')]
    path = folders[0] / 'run.json'
    content = json.loads(path.read_text())
    content['epochs'][-1]['summed_loss'] = 1.0
    content['epochs'][-2]['summed_loss'] = CURVE[109, 1]
    content['epochs'][0]['unknown_losses'] = 3
    path.write_text(json.dumps(content))
    assert 'in 2 of 99 places' in find_verdict(gather(folders), 'Summed').text


def test_one_test_of_one_run_has_no_range(tmp_path):
    runs = gather([write_run(tmp_path / 'a', 'tensorflow 2.21.0', 1, [8200])])
    range_of_tests = find_verdict(runs, 'Range')
    assert range_of_tests.text == 'one test of one run has none.'
    assert 'OUTSIDE' not in str(several.build_answer(runs).verdicts)
    assert find_verdict(runs, 'Summed').text == (
        'the run lies within the band; signed mean deviation +1.00 %.')


def test_equivalence_is_shown(tmp_path):
    folders = [write_run(tmp_path / str(seed), 'tensorflow 2.21.0', seed, [count])
               for seed, count in enumerate([8244, 8250, 8247, 8239])]
    verdict = find_verdict(gather(folders), 'Equivalence')
    assert verdict.is_good and verdict.text.startswith('shown. ')


def test_a_run_that_is_not_whole_is_listed_and_not_counted(folders, tmp_path,
                                                           capsys):
    short = write_run(tmp_path / 'short', 'tensorflow 2.21.0', 3, [8000], 1.01, 50)
    runs = gather(folders + [short])
    assert len(runs.groups[1].runs) == 2 and len(runs.runs) == 6
    report.main([str(folder) for folder in folders + [short]] + ['--text'])
    assert ('seed 3, TensorFlow 2.21.0: 50 epochs, 8,000, n = 1, not whole: '
            'not counted') in capsys.readouterr().out


def test_a_run_given_twice_counts_once(folders, capsys):
    runs = gather(folders + folders[:1])
    assert len(runs.runs) == 5 and runs.repeated == [str(folders[0])]
    report.main([str(folders[0])] * 2 + ['--text'])
    assert 'here already, counted once' in capsys.readouterr().out


def test_a_run_that_was_not_tested(tmp_path):
    folders = [write_run(tmp_path / str(seed), 'tensorflow 2.21.0', seed, [])
               for seed in (1, 2)]
    answer = several.build_answer(gather(folders))
    assert [verdict.word for verdict in answer.verdicts] == [
        'Summed loss, TensorFlow 2.21.0:']


@pytest.mark.parametrize('edit, named', [
    ({'system': 'lenet5'}, 'a run of the system lenet5'),
    ({'data': {'name': 'synthetic', 'sha256': {}}}, 'a run of the data synthetic'),
])
def test_runs_of_two_kinds_are_refused(folders, edit, named, capsys):
    path = folders[1] / 'run.json'
    path.write_text(json.dumps(dict(json.loads(path.read_text()), **edit)))
    assert report.main([str(folder) for folder in folders]) == 1
    captured = capsys.readouterr()
    assert named in captured.err and captured.err.count('\n') == 1


def test_options_of_one_run_are_refused(folders, capsys):
    assert report.main([str(folder) for folder in folders]
                       + ['--checkpoint', 'x']) == 1
    assert '--checkpoint is of one run' in capsys.readouterr().err


def test_the_page(folders, tmp_path, capsys, real_charts):
    model_helpers.need('matplotlib')
    output = tmp_path / 'report.html'
    assert report.main([str(folder / 'run.json') for folder in folders]
                       + ['--output', str(output)]) == 4
    page = Checker(output.read_text(encoding='utf-8'))
    assert page.kinds == ['svg'] * 3  # tests, a band of each runtime
    for text in ('8,246 of 10,000 (82.46 %)', 'deep_cnn on CIFAR-10: 5 runs',
                 'a processor, family 6, model 207; 2 threads', 'never shuffled',
                 '17.9', '21.6', '0.211'):
        assert text in page.text, text
    assert str(tmp_path) not in page.text


def test_the_band(monkeypatch, real_charts):
    """Least, greatest and mean of the runs in each place that all have."""
    model_helpers.need('matplotlib')
    kept = []
    real = charts.drawing.draw
    monkeypatch.setattr(
        charts.drawing, 'draw', lambda width, height, draw_on, *arguments: real(
            width, height,
            lambda figure: (draw_on(figure), kept.append(figure)), *arguments))
    curve = several.systems.find('deep_cnn').documented.curves[0]
    curve_charts.draw_band(curve, [
        {(1, 1): 90.0, (2, 1): 50.0, (3, 1): 20.0},
        {(1, 1): 70.0, (2, 1): 60.0}], {(2, 1): 52.0}, {}, 'two runs')
    axes = kept[0].axes[0]
    documented, mean = axes.lines
    assert documented.get_xydata().tolist() == [[2, 52]]
    assert mean.get_xydata().tolist() == [[1, 80], [2, 55]]
    corners = axes.collections[0].get_paths()[0].vertices.tolist()
    assert [1, 70] in corners and [1, 90] in corners and [2, 60] in corners
