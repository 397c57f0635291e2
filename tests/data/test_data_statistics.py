"""The statistics that the documents print, on tiny and on real data."""

import numpy as np
import pytest

from cifar10_tf1.data import __main__ as command, cifar10, synthetic
from pages import read

# Documented, of data_batch_1 to 5.
LABEL_COUNTS = [
    [1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981],
    [984, 1007, 1010, 995, 1010, 988, 1008, 1026, 987, 985],
    [994, 1042, 965, 997, 990, 1029, 978, 1015, 961, 1029],
    [1003, 963, 1041, 976, 1004, 1021, 1004, 981, 1024, 983],
    [1014, 1014, 952, 1016, 997, 1025, 980, 977, 1003, 1022]]
FIRST_LABELS = [  # of data_batch_1 to 5
    [6, 9, 9, 4, 1, 1, 2, 7, 8, 3, 4, 7, 7, 2, 9, 9, 9, 3, 2, 6],
    [1, 6, 6, 8, 8, 3, 4, 6, 0, 6, 0, 3, 6, 6, 5, 4, 8, 3, 2, 6],
    [8, 5, 0, 6, 9, 2, 8, 3, 6, 2, 7, 4, 6, 9, 0, 0, 7, 3, 7, 2],
    [0, 6, 0, 2, 7, 2, 1, 2, 4, 1, 5, 6, 6, 3, 1, 3, 5, 5, 8, 1],
    [1, 8, 5, 1, 5, 7, 4, 3, 8, 2, 7, 2, 0, 1, 5, 9, 6, 2, 0, 8]]
IMAGES = [  # file, index: least and greatest byte, class
    (1, 0, 0, 255, 'frog'), (1, 1, 5, 254, 'truck'),
    (2, 0, 5, 225, 'automobile'), (2, 1, 2, 247, 'frog'),
    (3, 0, 0, 254, 'ship'), (3, 1, 15, 249, 'dog'),
    (4, 0, 34, 203, 'airplane'), (4, 1, 0, 246, 'frog'),
    (4, 10, 44, 246, 'dog'),
    (5, 0, 2, 255, 'automobile'), (5, 1, 1, 244, 'ship')]


def format_block(file, image, counts, first_labels, least, most, label):
    return f'''
Stats of batch {file}:
Samples: {sum(counts)}
Label Counts: {dict(enumerate(counts))}
First 20 Labels: {first_labels}

Example of Image {image}:
Image - Min Value: {least} Max Value: {most}
Image - Shape: (32, 32, 3)
Label - Label Id: {cifar10.CLASS_NAMES.index(label)} Name: {label}
'''


BLOCKS = {(file, image): format_block(
    file, image, LABEL_COUNTS[file - 1], FIRST_LABELS[file - 1], least, most, label)
    for file, image, least, most, label in IMAGES}


@pytest.fixture
def tiny_data(monkeypatch, tiny_data_set):
    monkeypatch.setattr(cifar10, 'load_data_set', lambda data_dir: tiny_data_set)
    return tiny_data_set


@pytest.mark.parametrize('options, images', [
    ([], list(BLOCKS)), (['--file', '4', '--image', '10'], [(4, 10)]),
    (['--file', '2', '--image', '79'], [(2, 79)])])
def test_the_command_prints_what_the_documents_do(tiny_data, capsys, options, images):
    assert command.main(options) == 0
    all_labels, all_images = tiny_data.labels_and_images('train')
    expected = ''
    for file, image in images:
        labels, pixels = (values[80 * file - 80:80 * file]
                          for values in (all_labels, all_images))
        expected += format_block(
            file, image, np.bincount(labels, minlength=10).tolist(),
            labels[:20].tolist(), pixels[image].min(), pixels[image].max(),
            cifar10.CLASS_NAMES[labels[image]])
    assert capsys.readouterr().out == expected


def test_the_page_shows_a_block():
    assert ('python -m cifar10_tf1.data --file 4 --image 10\n```\n\n```\n'
            + BLOCKS[4, 10]) in read('docs/data.md')


def test_an_image_that_is_not_there(tiny_data, capsys):
    assert command.main(['--image', '80']) == 1
    captured = capsys.readouterr()
    assert captured.out == '' and 'has 80 images' in captured.err
    assert captured.err.count('\n') == 1


def test_generated_data_says_so(capsys, monkeypatch, tiny_data_set):
    monkeypatch.setattr(synthetic, 'load_data_set', lambda data_dir, source: (
        tiny_data_set._replace(line_prefix='[generated] ')))
    assert command.main(['--synthetic']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines and all(line.startswith('[generated] ') for line in lines if line)


def test_the_documented_data(real_data_dir, capsys):
    assert command.main(['--data-dir', real_data_dir]) == 0
    assert capsys.readouterr().out == ''.join(BLOCKS.values())
