"""The report on several runs: what leads, the sentences, the page."""

import pytest

import made_runs
from cifar10_tf1 import systems
from cifar10_tf1.report import (
    __main__ as report, building, gathering, summary as summaries, words)
from test_report import make

pytest.importorskip('scipy', reason='make setup EXTRAS=pictures')

# Right images of each test of each run, as (wheel, seed): counts.
TESTS = {
    ('tensorflow-gpu 1.15.0', 1): [8206, 8263, 8240, 8221],
    ('tensorflow-gpu 1.15.0', 2): [8190, 8215, 8209],
    ('tensorflow-gpu 1.15.0', 10): [8262, 8240, 8251, 8239, 8270],
    ('tensorflow 2.21.0', 1): [8230, 8240],
    ('tensorflow 2.21.0', 2): [8250, 8244]}


@pytest.fixture
def folders(tmp_path):
    return [made_runs.write_run(
        tmp_path / f'{wheel}, {seed}', seed=seed, counts=counts,
        factor=1.01 + 0.002 * seed, kind=made_runs.make_kind(wheel))
        for (wheel, seed), counts in TESTS.items()]


def load(folders):
    return gathering.load_records([made_runs.load(folder) for folder in folders])


def summarize(folders):
    return summaries.summarize(load(folders), systems.find('deep_cnn'))


def find(summary, number, word):
    """A Sentence on a group."""
    return next(sentence for sentence in words.list_sections(summary)[number].sentences
                if sentence.word.startswith(word))


def test_sentences(folders):
    summary = summarize(folders[::-1])
    document = building.build(load(folders))
    documented, first, second = document.counts
    assert documented[1] == '8,246 of 10,000 (82.46 %)'
    assert first[:2] == ('TensorFlow 1.15.0, fast kernels, 110 epochs',
                         '8,229.9 of 10,000 (82.30 %)')
    assert first[2] == ('n = 3 runs, each the mean of 3 to 5 tests; sd 24.0; 8,204.7 to '
                        '8,252.4')
    assert 'n = 2 runs' in second[2]
    for number, word, is_good, text in (
            (0, 'Runs', None, 'seeds 1, 2, 10'),
            (0, 'Spread of one test', None, 'sd 17.9 from its own draws, sd 21.6 from'),
            (0, 'Equal to 8,246', None, 'NOT shown by two one-sided t tests'),
            (0, 'Equal to 8,246', None, 'difference -16.1'),
            (1, 'Range', True, 'all 4 tests, 8,230 to 8,250'),
            # scipy.stats.ttest_ind, of unequal variances; of it and the first tests
            (2, 'tensorflow-gpu 1.15.0 minus', None, 'p = 0.52'),
            (0, 'As one more', None, 'p = 0.60'),
            (0, 'Summed loss:', False, '2 of 3 runs'),
            (0, 'Summed loss, level', None, '+1.20 to +3.00')):
        sentence = find(summary, number, word)
        assert (text in sentence.text, sentence.is_good) == (True, is_good), sentence


def test_the_documented_curve_among_the_runs(tmp_path):
    """It is below both runs but in the last two epochs; one lacks the first."""
    contents = [made_runs.make_content(seed=seed, counts=[8200], factor=1.01)
                for seed in (1, 2)]
    epochs = contents[0]['epochs']
    epochs[-1]['summed_loss'] = 1.0
    epochs[-2]['summed_loss'] /= 1.01
    epochs[0]['unknown_losses'] = 3
    folders = [made_runs.write(tmp_path / str(number), content)
               for number, content in enumerate(contents)]
    assert 'in 2 of 99 places' in find(summarize(folders), 0, 'Summed loss, level').text


def test_the_command(folders, tmp_path, capsys):
    """Runs that don't count are named; status 4 where one is outside the band."""
    short = made_runs.write_run(tmp_path / 'short', seed=3, counts=[8000],
                                last_epoch=50)
    names = [str(folder) for folder in folders]
    assert report.main([*names, names[0], str(short), '--text']) == 4
    output = capsys.readouterr().out
    assert 'short: at epoch 50 of 110' in output and 'seed counted already' in output
    assert report.main([names[3], names[4], '--text']) == 0
    assert report.main(names + ['--checkpoint', 'x']) == 1
    assert '--checkpoint' in capsys.readouterr().err


def test_the_page(folders, tmp_path):
    short = made_runs.write_run(tmp_path / 'short', seed=3, counts=[8000],
                                last_epoch=50)
    page = make(tmp_path / 'report.html', *folders, short, status=4)
    assert page.kinds == ['svg'] * 2  # a band for each runtime
    assert 'p = 0.52' in page.raw.split('<table')[0]
    for text in ('deep_cnn on cifar10: 6 runs', 'never shuffled', 'at epoch 50 of 110',
                 'a processor, family 6, model 207'):
        assert text in page.text, text
    assert str(tmp_path) not in page.text


@pytest.mark.parametrize('last_epoch, counts, num_charts', [
    (50, [8200], 0), (110, [], 1)])
def test_runs_that_are_not_whole_or_not_tested(tmp_path, last_epoch, counts, num_charts):
    folders = [made_runs.write_run(tmp_path / str(seed), seed=seed, counts=counts,
                                   last_epoch=last_epoch) for seed in (1, 2)]
    page = make(tmp_path / 'report.html', *folders)
    assert 'none at the end of a training' in page.text
    assert page.kinds == ['svg'] * num_charts
