"""The pages against the records and the code that they describe."""

import os
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tools'))

import page_tables  # noqa: E402
import readme_tables  # noqa: E402
from page_tables import deep_cnn  # noqa: E402
from page_tables import overview  # noqa: E402


PAGES = readme_tables.list_pages()


def read(name):
    with open(os.path.join(ROOT, name), encoding='utf-8') as file:
        return file.read()


def test_tables_are_those_of_the_records():
    names = set()
    for path in PAGES:
        text = read(path)
        assert readme_tables.render(text) == text, path
        names.update(re.findall(r'^<!-- (\w+) -->$', text, re.MULTILINE))
    assert names == set(page_tables.TABLES)


@pytest.mark.parametrize('by_seed, place', [
    ([0.60, 0.61, 0.59, 0.60], 'beyond'), ([-1.0, 0.2, 1.1], 'within'),
    ([-0.60, -0.61, -0.59], 'beyond')])
def test_the_claim_says_whether_the_curve_could_be_a_seed_s(by_seed, place):
    line = overview.describe_curve({
        'by_seed': by_seed, 'mean': np.mean(by_seed),
        'spread': {'least': min(by_seed), 'greatest': max(by_seed)}})
    assert f'{place} what the spread between seeds allows' in line
    assert f'{min(by_seed):+.2f} to {max(by_seed):+.2f} %' in line


def test_the_front_door_is_short():
    assert len(read('README.md').splitlines()) <= 200


def test_fast_kernels_train_as_stock_ones_do():
    """Three seeds of ten epochs each; a seed differs more from another."""
    means = {name: np.mean([
        deep_cnn.mean_loss(deep_cnn.load_run(deep_cnn.find_run(name, seed)))
        for seed in deep_cnn.SEEDS]) for name in ('stock', 'fast')}
    assert abs(means['fast'] / means['stock'] - 1) < 0.005


def test_every_room_is_in_the_code_map():
    text = read('CONTRIBUTING.md')
    for name in os.listdir(os.path.join(ROOT, 'cifar10_tf1')):
        if not name.startswith('__'):
            assert name in text, name


def test_every_file_that_is_named_is_there():
    found = 0
    for page in PAGES:
        for name in re.findall(r'`((?:cifar10_tf1|docs|tools|results|requirements|'
                               r'tests)/[\w./-]*)`', read(page)):
            if 'SYSTEM' in name:
                continue  # stands for many
            assert os.path.exists(os.path.join(ROOT, name)), (page, name)
            found += 1
    assert found > 30


def test_every_make_target_that_is_named_is_there():
    makefile = read('Makefile')
    for page in PAGES:
        for target in re.findall(r'(?:`|^)make ([a-z-]+)', read(page), re.MULTILINE):
            assert re.search(rf'^{target}:', makefile, re.MULTILINE), (page, target)


WRITTEN = ('.venv', '.venv-tf2', 'dataset/cifar10/a', 'demo/model/a',
           'model/report.html', 'runs/2/run.json', 'report.html', 'out.png',
           'photo.jpg', 'holiday/a.jpg', 'export/saved_model.pb', 'export.onnx',
           'data/model/run.json', 'cifar-tf1.tar.gz', 'cifar-10-binary.tar.gz',
           'model.tar', 'old.py', 'look.py', 'rescue.py', 'compare.py',
           'old/checkpoint', 'rescued/saved_model.pb', 'rescued.onnx',
           'expected.npz', 'export.npz', 'picture.py', 'in_keras.py', 'in_torch.py')


def test_what_the_pages_write_is_ignored_by_git():
    """Else the doctor and a run's record say that the program was changed."""
    def check_ignored(*names):
        return subprocess.run(('git', '-C', ROOT, 'check-ignore', *names),
                              stdout=subprocess.PIPE, universal_newlines=True)

    if shutil.which('git') is None or check_ignored(WRITTEN[0]).returncode > 1:
        pytest.skip('this is no checkout of git')
    assert check_ignored(*WRITTEN).stdout.split() == list(WRITTEN)
    assert check_ignored('cifar10_tf1/data/a.py', 'results/runs/a/run.json',
                         'docs/a.png').stdout == ''


def test_records_are_clean_and_bit_exact():
    for run, heading in deep_cnn.RUNS.items():
        record = deep_cnn.load_run(run)
        assert heading.endswith(f'seed {record.settings.seed}')
        assert record.content['not_bit_exact'] == []
        assert record.content['data']['name'] == 'cifar10'
        for process in record.content['processes']:
            assert process['commit_is_clean'] is True
