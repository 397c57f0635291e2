"""What several runs say together: one answer from the sweep and from the report."""

import os
import sys

import pytest

from cifar10_tf1 import systems
from cifar10_tf1.report import (
    __main__ as report, building, gathering, summary as summaries, words)
from cifar10_tf1.sweep import __main__ as sweep
from made_runs import make_content, make_kind, make_record, write_run

pytest.importorskip('scipy', reason='make setup EXTRAS=pictures')

# A kind of machine, a seed, the correct images of each test; the loss is off by 1.2 % and more.
RUNS = [dict(kind=make_kind(wheel), seed=seed, counts=counts, factor=1.01 + 0.002 * seed)
        for wheel, seed, counts in (
            ('tensorflow-gpu 1.15.0', 1, [8206, 8263, 8240, 8221]),
            ('tensorflow-gpu 1.15.0', 2, [8190, 8215, 8209]),
            ('tensorflow-gpu 1.15.0', 10, [8262, 8240, 8251, 8239, 8270]),
            ('tensorflow 2.21.0', 1, [8230, 8240]), ('tensorflow 2.21.0', 2, [8250, 8244]))]


def ask_both(folder, capsys):
    """The sentences of the sweep and of the report, which have to be the same."""
    sweep.main(['--merge', '--folder', str(folder)])
    text = (folder / sweep.TEXT).read_text().rstrip('\n')
    assert text in capsys.readouterr().out
    text = text.split('\n', 1)[1]
    report.main([*map(str, sorted(folder.glob('*/run.json'))), '--text'])
    assert text in capsys.readouterr().out
    return text


def test_a_folder_summed_up(tmp_path, capsys):
    """The same seed on two machines counts once."""
    for name, seed, counts, model in (('a', 1, [8200], '207'), ('b', 2, [8240], '207'),
                                      ('c', 1, [8290], '17')):
        write_run(tmp_path / name, seed=seed, counts=counts, kind=make_kind(model=model))
    text = ask_both(tmp_path, capsys)
    assert '8,220.0 of 10,000' in text and 'n = 2 runs' in text
    assert text.splitlines()[-1] == '  c: seed counted already'


def test_generated_data_has_fewer_images(tmp_path, capsys):
    for seed in (1, 2):
        content = make_content(seed=seed, counts=[1500 + seed])
        content['data']['name'] = 'synthetic'
        content['tests'][0].update(data='synthetic', num_examples=2000)
        write_run(tmp_path / str(seed), content)
    text = ask_both(tmp_path, capsys)
    assert '1,501.5 of 2,000 (75.08 %)' in text and 'Equal to' not in text
    report.main([str(tmp_path / '1'), '--text'])
    text = capsys.readouterr().out
    assert '1,501 of 2,000 (75.05 %)' in text and '8,246' not in text
    assert 'nothing to compare' in text and 'generated data' in text


def test_a_folder_of_another_system_is_left_as_it_is(tmp_path, capsys):
    write_run(tmp_path / 'a', system='lenet5')
    assert sweep.main(['--folder', str(tmp_path)]) == 1
    assert '--seeds' in capsys.readouterr().err
    assert sweep.main(['--merge', '--folder', str(tmp_path)]) == 1
    assert 'no run of deep_cnn' in capsys.readouterr().err
    assert os.listdir(str(tmp_path)) == ['a']


def test_without_scipy_a_sweep_has_its_seeds_csv(tmp_path, monkeypatch, capsys):
    for seed in (1, 2):
        write_run(tmp_path / str(seed), seed=seed, counts=[8200 + seed])
    for name in ('scipy', 'scipy.stats'):
        monkeypatch.setitem(sys.modules, name, None)
    assert sweep.main(['--merge', '--folder', str(tmp_path)]) == 1  # tests are missing
    assert 'EXTRAS=pictures' in capsys.readouterr().out
    assert sorted(os.listdir(str(tmp_path))) == ['1', '2', sweep.SEEDS]


def test_sentences():
    """More of their numbers: statistics.txt in results/."""
    runs = gathering.load_records([make_record(**run) for run in RUNS])
    unused_documented, first, second = building.build(runs).counts
    assert first == ('TensorFlow 1.15.0, fast kernels, 110 epochs', '8,229.9 of 10,000 (82.30 %)',
                     'n = 3 runs, each the mean of 3 to 5 tests; sd 24.0; 8,204.7 to 8,252.4')
    assert 'n = 2 runs' in second[2]
    sections = words.list_sections(summaries.summarize(runs, systems.find('deep_cnn')))
    for number, word, is_good, text in (
            (0, 'Runs', None, 'seeds 1, 2, 10'),
            (0, 'Equal to 8,246', None, 'NOT shown by two one-sided t tests'),
            # scipy.stats.ttest_ind of the mean and the first tests
            (0, 'As one more', None, 'p = 0.60'), (0, 'Summed loss:', False, '2 of 3 runs'),
            (0, 'Summed loss, level', None, 'in 0 of 100 places'),  # below all
            (1, 'Range', True, 'all 4 tests, 8,230 to 8,250')):
        sentence, = (sentence for sentence in sections[number].sentences
                     if sentence.word.startswith(word))
        assert (text in sentence.text, sentence.is_good) == (True, is_good), sentence


def test_the_command(make_page, tmp_path, capsys):
    """Runs that don't count are named; status 4 where one is outside the band."""
    folders = [write_run(tmp_path / str(number), **run) for number, run in enumerate(RUNS)]
    short = write_run(tmp_path / 'short', seed=3, counts=[8000], last_epoch=50)
    page = make_page(*folders, short, folders[0], status=4)
    assert page.kinds == ['svg'] * 4  # dots and a band for each runtime
    assert 'p = 0.52' in page.raw.split('<table')[0]
    for text in ('deep_cnn on cifar10: 7 runs', 'never shuffled', 'at epoch 50 of 110',
                 'seed counted already', 'a processor, family 6, model 207'):
        assert text in page.text, text
    assert str(tmp_path) not in page.text
    names = [str(folder) for folder in folders]
    assert report.main([names[3], names[4], '--text']) == 0
    assert report.main(names + ['--checkpoint', 'x']) == 1
    assert '--checkpoint' in capsys.readouterr().err
