"""The pages against the records and the code that they describe; their links."""

import glob
import os
import re
import shutil
import subprocess

import pytest

from pages import PAGES, read, ROOT
import page_tables
import readme_tables
from page_tables import claim, runs
from cifar10_tf1 import data, systems
from cifar10_tf1.records import reference_run, run_record
from cifar10_tf1.report import measures

DOCS = os.path.join(ROOT, 'docs')
# [text](target) and ![text](target), outside of code.
LINK = re.compile(r'!?\[[^\]]*\]\(([^)\s]+)\)')
WRITTEN = """.venv .venv-tf2 dataset/cifar10/a demo/model/a model/report.html runs/2/run.json
report.html out.png photo.jpg holiday/a.jpg export/saved_model.pb export.onnx
data/model/run.json cifar-tf1.tar.gz cifar-10-binary.tar.gz model.tar rescue.py
old/checkpoint rescued/saved_model.pb rescued.onnx expected.npz export.npz
tfrecord/labels.txt""".split()


def test_tables_are_those_of_the_records():
    pytest.importorskip('scipy', reason='make setup EXTRAS=pictures')
    names = set()
    for path in PAGES:
        text = read(path)
        assert readme_tables.render(text) == text, path
        names.update(re.findall(r'^<!-- (\w+)', text, re.MULTILINE))
    assert names == set(page_tables.TABLES)


@pytest.mark.parametrize('seeds, p, is_shown, words', [
    (7, 0.02, True, r'7 of 10 planned .*: within 30 .* so far .* only when all 10'),
    (7, 0.30, False, 'not shown .* so far .* only when all 10'),
    (10, 0.30, False, r'not shown to be within 30 images \(p'),
    (10, 0.02, True, r'10 of 10 planned .*: within 30 images \(p')])
def test_the_claim_waits_for_its_seeds(seeds, p, is_shown, words):
    measure = measures.choose(systems.find('deep_cnn').documented)
    text = claim.describe_claim({
        'seeds': list(range(1, seeds + 1)), 'means': [8225.0] * seeds, 'equivalence': {
            'p': p, 'low': -30.0, 'high': -12.0, 'difference': -21.0, 'margin': 30,
            'is_shown': is_shown}}, measure, '1.15')
    assert re.search(words, text) and '21.0 images below the documented 8,246' in text


def test_the_front_door_is_short_and_prints_what_the_records_have():
    lenet5, deep_cnn = (page_tables.load_rows(f'results/runs/{name}/seeds.csv')[0]
                        for name in ('lenet5', 'deep_cnn'))
    text = read('README.md')
    assert lenet5['weights_sha256'] in text
    assert f'Test Accuracy = {int(lenet5["num_correct"]) / 10000:.3f}\n' in text
    assert f'Accuracy = {deep_cnn["num_correct"]}/10000 =' in text
    lines = text.splitlines()
    assert len(lines) <= 120
    assert next(i for i, line in enumerate(lines) if line.startswith('make ')) < 30


def test_fast_kernels_train_as_stock_ones_do():
    """Three seeds of ten epochs each; a seed differs more from another."""
    stock, fast = (sum(runs.load_late_losses(name)) for name in ('stock', 'fast'))
    assert abs(fast / stock - 1) < 0.005


@pytest.mark.parametrize('path', glob.glob(
    os.path.join(reference_run.RUNS, '**', run_record.FILE), recursive=True))
def test_records_are_clean_and_bit_exact(path):
    content = run_record.load(path).content
    assert content['not_bit_exact'] == [] and content['data']['name'] in data.SOURCES
    assert all(process['commit_is_clean'] for process in content['processes'])


def test_every_room_is_in_the_code_map():
    text = read('CONTRIBUTING.md')
    for name in os.listdir(os.path.join(ROOT, 'cifar10_tf1')):
        assert name.startswith('__') or name in text, name


@pytest.mark.parametrize('page', PAGES, ids=lambda page: os.path.relpath(page, ROOT))
def test_what_a_page_names_is_there(page):
    """Files, make targets, and what its links lead to: other pages and their anchors."""
    text, makefile = read(page), read('Makefile')
    for name in re.findall(r'`((?:cifar10_tf1|docker|docs|tools|results|requirements|'
                           r'tests)/[\w./-]*)`', text):
        # SYSTEM stands for many.
        assert 'SYSTEM' in name or os.path.exists(os.path.join(ROOT, name)), name
    for target in re.findall(r'(?:`|^)make ([a-z-]+)', text, re.MULTILINE):
        assert re.search(rf'^{target}:', makefile, re.MULTILINE), target
    for target in LINK.findall(re.sub(r'`[^`\n]*`(?!\])', '', strip_blocks(text))):
        if not re.match(r'[a-z]+:', target):  # elsewhere
            name, unused_hash, anchor = target.partition('#')
            path = os.path.join(os.path.dirname(page), name) if name else page
            assert os.path.exists(path), target
            assert not anchor or anchor in list_anchors(read(path)), target


def strip_blocks(text):
    return re.sub(r'^```.*?^```$', '', text, flags=re.MULTILINE | re.DOTALL)


def list_anchors(text):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r'^#+ (.*)$', strip_blocks(text), re.MULTILINE)
    return {re.sub(r'[^\w -]', '', heading.lower()).replace(' ', '-')
            for heading in headings}


def test_the_index_has_every_page_and_its_question():
    index = read('docs/README.md')
    for page in PAGES:
        name = os.path.relpath(page, DOCS)
        if name not in ('README.md', '../README.md'):
            assert re.search(rf'\({re.escape(name)}\).*\?', index), name


@pytest.mark.parametrize('name', systems.NAMES)
def test_each_system_has_a_page_with_its_quirks(name):
    page = systems.find(name).page
    assert '\n## Deviations and quirks\n' in read(page)
    assert page in read('README.md')
    assert f'`{name}`' in read('docs/documents.md')


def test_what_the_pages_write_is_ignored_by_git():
    """Else the doctor and a run's record say that the program was changed."""
    def check_ignored(*names):
        return subprocess.run(('git', '-C', ROOT, 'check-ignore', *names),
                              stdout=subprocess.PIPE, universal_newlines=True)

    if shutil.which('git') is None or check_ignored(WRITTEN[0]).returncode > 1:
        pytest.skip('this is no checkout of git')
    assert check_ignored(*WRITTEN).stdout.split() == WRITTEN
    assert check_ignored('cifar10_tf1/data/a.py', 'results/runs/a/run.json',
                         'docs/a.png').stdout == ''
