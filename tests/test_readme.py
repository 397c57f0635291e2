"""README.md against the records and the code that it describes."""

import os
import re
import sys

import numpy as np

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tools'))

import readme_tables  # noqa: E402
from cifar10_tf1 import run_record  # noqa: E402


def read(name):
    with open(os.path.join(ROOT, name), encoding='utf-8') as file:
        return file.read()


def test_tables_are_those_of_the_records():
    for path in readme_tables.READMES:
        text = read(path)
        assert readme_tables.render(text) == text


def test_fast_kernels_train_as_stock_ones_do():
    """Three seeds of ten epochs each; a seed differs more from another."""
    means = {name: np.mean([readme_tables.mean_loss(run_record.load_folder(
        os.path.join(readme_tables.RUNS_OF_DEEP_CNN,
                     readme_tables.find_run(name, seed))))
        for seed in readme_tables.SEEDS]) for name in ('stock', 'fast')}
    assert abs(means['fast'] / means['stock'] - 1) < 0.005


def test_every_module_is_in_the_code_map():
    text = read('README.md').split('## Code map')[1]
    for name in os.listdir(os.path.join(ROOT, 'cifar10_tf1')):
        if name.endswith('.py') and name not in ('__init__.py', 'errors.py'):
            assert name in text, name


def test_every_file_that_is_named_is_there():
    names = re.findall(r'`((?:cifar10_tf1|tools|results|requirements|tests)/'
                       r'[\w./-]*)`', read('README.md'))
    assert len(names) > 15
    for name in names:
        assert os.path.exists(os.path.join(ROOT, name)), name


def test_every_make_target_that_is_named_is_there():
    makefile = read('Makefile')
    for target in re.findall(r'`?make ([a-z-]+)', read('README.md')):
        assert re.search(rf'^{target}:', makefile, re.MULTILINE), target


def test_records_are_clean_and_bit_exact():
    for run, heading in readme_tables.RUNS.items():
        record = readme_tables.load_run(run)
        assert heading.endswith(f'seed {record.settings.seed}')
        assert record.content['not_bit_exact'] == []
        assert record.content['data']['name'] == 'cifar10'
        for process in record.content['processes']:
            assert process['commit_is_clean'] is True
