"""The statistics that the documents print, on tiny and on real data."""

import hashlib

import numpy as np
import pytest

from cifar10_tf1.data import __main__ as command, cifar10, synthetic
from pages import read

# Files and images that the documents show.
SHOWN = [(1, 0), (1, 1), (2, 0), (2, 1), (3, 0), (3, 1), (4, 0), (4, 1), (4, 10), (5, 0), (5, 1)]
# SHA-256 of what they show, held against the documents once.
DOCUMENTED = '8b9e8dd33eedb7d1d18024de0f10926f5b0e23a3b108f85a425a3ba2047a2fcf'


@pytest.mark.parametrize('options, shown', [
    ([], SHOWN), (['--file', '2', '--image', '79'], [(2, 79)])])
def test_the_command_prints_what_the_documents_do(tiny_cifar10, capsys, options, shown):
    assert command.main(options) == 0
    all_labels, all_images = tiny_cifar10.labels_and_images('train')
    expected = ''
    for file, image in shown:
        labels, pixels = (values[80 * file - 80:80 * file] for values in (all_labels, all_images))
        expected += f'''
Stats of batch {file}:
Samples: 80
Label Counts: {dict(enumerate(np.bincount(labels, minlength=10).tolist()))}
First 20 Labels: {labels[:20].tolist()}

Example of Image {image}:
Image - Min Value: {pixels[image].min()} Max Value: {pixels[image].max()}
Image - Shape: (32, 32, 3)
Label - Label Id: {labels[image]} Name: {cifar10.CLASS_NAMES[labels[image]]}
'''
    assert capsys.readouterr().out == expected


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
