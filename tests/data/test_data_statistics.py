"""The statistics that the documents print, on tiny and on real data."""

import hashlib
import re

from cifar10_tf1.data import __main__ as command, synthetic
from pages import read

# SHA-256 of what the documents show, held against them once.
DOCUMENTED = '8b9e8dd33eedb7d1d18024de0f10926f5b0e23a3b108f85a425a3ba2047a2fcf'


def test_the_command_prints_what_the_documents_do(tiny_cifar10, capsys):
    assert command.main(['--file', '2', '--image', '79']) == 0
    shown = '''
Stats of batch 2:
Samples: 80
Label Counts: {0: 9, 1: 4, 2: 8, 3: 9, 4: 8, 5: 8, 6: 7, 7: 7, 8: 11, 9: 9}
First 20 Labels: [5, 9, 5, 9, 5, 0, 0, 3, 8, 5, 2, 8, 3, 0, 1, 7, 3, 8, 2, 8]

Example of Image 79:
Image - Min Value: 0 Max Value: 255
Image - Shape: (32, 32, 3)
Label - Label Id: 4 Name: deer
'''
    assert capsys.readouterr().out == shown
    assert command.main([]) == 0
    output = capsys.readouterr().out
    assert re.findall(r'of batch (\d)', output) == list('11223344455')
    assert re.findall(r'of Image (\d+)', output) == '0 1 0 1 0 1 0 1 10 0 1'.split()


def test_an_image_that_is_not_there(tiny_cifar10, capsys):
    assert command.main(['--image', '80']) == 1
    out, error = capsys.readouterr()
    assert out == '' and 'has 80 images' in error and error.count('\n') == 1


def test_generated_data_says_so(capsys, monkeypatch, tiny_data_set):
    monkeypatch.setattr(synthetic, 'load_data_set', lambda data_dir, source: (
        tiny_data_set._replace(line_prefix='[generated] ')))
    assert command.main(['--synthetic']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines and all(line.startswith('[generated] ') for line in lines if line)


def test_the_documented_data(real_data_dir, capsys):
    assert command.main(['--data-dir', real_data_dir]) == 0
    assert hashlib.sha256(capsys.readouterr().out.encode()).hexdigest() == DOCUMENTED
    command.main(['--data-dir', real_data_dir, '--file', '4', '--image', '10'])
    assert ('python -m cifar10_tf1.data --file 4 --image 10\n```\n\n```\n'
            + capsys.readouterr().out) in read('docs/data.md')
