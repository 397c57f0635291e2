"""Recomputes what results/ and the pages say about the recorded runs."""

import csv
import json
import pathlib
import re

import pytest

from pages import PAGES, read
import page_tables
import readme_tables
from page_tables import claim
from cifar10_tf1 import systems
from cifar10_tf1.records import reference_run, run_record
from cifar10_tf1.report import building, gathering, measures, summary as summaries, words
from cifar10_tf1.report.__main__ import main as report_main
from cifar10_tf1.sweep import __main__ as sweep

RUNS = pathlib.Path(reference_run.RUNS)


@pytest.mark.parametrize('path', sorted(map(str, RUNS.glob('**/run.json'))))
def test_records_are_clean_and_bit_exact(path):
    content = run_record.load(path).content
    assert content['not_bit_exact'] == []
    assert all(process['commit_is_clean'] for process in content['processes'])


@pytest.mark.parametrize('path', sorted(RUNS.glob('**/statistics.json')), ids=str)
def test_statistics_are_those_of_the_records_and_the_report(path, capsys):
    """`sweep --merge --system SYSTEM --folder results/runs/SYSTEM` renews them."""
    pytest.importorskip('scipy', reason='make setup EXTRAS=pictures')

    def parse(text):
        """SciPy's versions differ in the last digits."""
        return json.loads(text, parse_float=lambda number: round(float(number), 6))

    entry = systems.find(path.relative_to(RUNS).parts[0])
    runs = gathering.load_folder(str(path.parent), entry)
    summary = summaries.summarize(runs, entry)
    assert parse(path.read_text()) == parse(json.dumps(summary))
    assert list(csv.reader(path.with_name(sweep.SEEDS).read_text().splitlines())) == [
        list(map(str, row)) for row in building.list_rows(runs, entry)]
    title, text = path.with_name(sweep.TEXT).read_text().rstrip('\n').split('\n', 1)
    assert [title, *text.split('\n')] == words.format_summary(summary)
    report_main([*(run.record.path for run in runs), '--text'])
    assert text in capsys.readouterr().out


def test_tables_are_those_of_the_records():
    pytest.importorskip('scipy', reason='make setup EXTRAS=pictures')
    names = set()
    for path in PAGES:
        text = read(path)
        assert readme_tables.render(text) == text, path
        names.update(re.findall(r'^<!-- (\w+)', text, re.MULTILINE))
    assert names == set(page_tables.TABLES)


def test_the_first_page_prints_what_the_records_have():
    lenet5, deep_cnn = (page_tables.load_rows(f'results/runs/{name}/seeds.csv')[0]
                        for name in ('lenet5', 'deep_cnn'))
    text = read('README.md')
    assert lenet5['weights_sha256'] in text
    assert f'Test Accuracy = {int(lenet5["num_correct"]) / 10000:.3f}\n' in text
    assert f'Accuracy = {deep_cnn["num_correct"]}/10000 =' in text


def test_inception_v3s_losses_by_step_have_the_recorded_sums():
    """Printed with four decimals; 100 roundings leave less than 5e-3."""
    folder = RUNS / 'inception_v3'
    run = folder / 'other-weights/2.21-seed-01'
    for path, epochs in ((folder / 'documented.csv', page_tables.load_rows(
            'cifar10_tf1/systems/inception_v3_documented_curve.csv')),
            (run / 'steps.csv', run_record.load_folder(str(run)).epochs)):
        losses = {int(row['step']): float(row['loss']) for row in page_tables.load_rows(path)}
        assert list(losses) == list(range(1, len(losses) + 1))
        assert 0 <= len(losses) - int(epochs[-1]['step']) < 100
        for entry in epochs:
            last = int(entry['step'])
            total = sum(losses[step] for step in range(last - 99, last + 1))
            assert total == pytest.approx(float(entry['summed_loss']), abs=5e-3)


@pytest.mark.parametrize('seeds, p, is_shown, expected', [
    (7, 0.02, True, r'7 of 10 planned .*: within 30 .* so far .* only when all 10'),
    (7, 0.30, False, 'not shown .* so far .* only when all 10'),
    (10, 0.30, False, r'not shown to be within 30 images \(p'),
    (10, 0.02, True, r'10 of 10 planned .*: within 30 images \(p.* after looking at 4 and 6\.$')])
def test_the_claim_waits_for_its_seeds(seeds, p, is_shown, expected):
    measure = measures.choose(systems.find('deep_cnn').documented)
    found = dict(p=p, low=-30.0, high=-12.0, difference=-21.0, margin=30, is_shown=is_shown)
    text = claim.describe_claim(dict(seeds=list(range(1, seeds + 1)), means=[8225.0] * seeds,
                                     equivalence=found), measure, '1.15')
    assert re.search(expected, text) and '21.0 images below the documented 8,246' in text
