"""The statistics that the documents print, on tiny and on real data."""

import pytest

from cifar10_tf1.data import __main__ as command
from cifar10_tf1.data import cifar10
from cifar10_tf1.data import statistics
from cifar10_tf1.data import synthetic
from pages import read

# Documented, of data_batch_1 to 5 and test_batch.
LABEL_COUNTS = [
    [1005, 974, 1032, 1016, 999, 937, 1030, 1001, 1025, 981],
    [984, 1007, 1010, 995, 1010, 988, 1008, 1026, 987, 985],
    [994, 1042, 965, 997, 990, 1029, 978, 1015, 961, 1029],
    [1003, 963, 1041, 976, 1004, 1021, 1004, 981, 1024, 983],
    [1014, 1014, 952, 1016, 997, 1025, 980, 977, 1003, 1022],
    [1000] * 10]
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
BLOCK = '''
Stats of batch 4:
Samples: 10000
Label Counts: {0: 1003, 1: 963, 2: 1041, 3: 976, 4: 1004, 5: 1021, 6: 1004, \
7: 981, 8: 1024, 9: 983}
First 20 Labels: [0, 6, 0, 2, 7, 2, 1, 2, 4, 1, 5, 6, 6, 3, 1, 3, 5, 5, 8, 1]

Example of Image 10:
Image - Min Value: 44 Max Value: 246
Image - Shape: (32, 32, 3)
Label - Label Id: 5 Name: dog'''


def test_tiny_files(tiny_data_set):
    (first, *unused_others, test) = statistics.compute_statistics(tiny_data_set)
    labels, images = (values[:80] for values in
                      tiny_data_set.labels_and_images('train'))
    assert first.name == 'data_batch_1' and first.num_examples == 80
    assert sum(first.label_counts) == 80
    assert first.label_counts[3] == (labels == 3).sum()
    assert first.first_labels == labels[:20].tolist()
    assert (first.minimum, first.maximum) == (images.min(), images.max())
    assert [(image.index, image.minimum) for image in first.images] == [
        (0, images[0].min()), (1, images[1].min())]
    assert test.num_examples == 200 and test.images == []


def test_the_block_that_the_documents_print():
    """From the documented statistics."""
    image = statistics.ImageStatistics('data_batch_4', 10, 5, 44, 246)
    file = statistics.FileStatistics(
        'data_batch_4', 10000, LABEL_COUNTS[3], FIRST_LABELS[3], 0, 255,
        (32, 32, 3), [image])
    assert statistics.format_statistics(4, file, image,
                                        cifar10.CLASS_NAMES) == BLOCK


def test_the_page_shows_the_block():
    assert f'python -m cifar10_tf1.data --file 4 --image 10\n```\n\n```\n{BLOCK}\n' in (
        read('docs/data.md'))


@pytest.fixture
def tiny_data(monkeypatch, tiny_data_set):
    monkeypatch.setattr(cifar10, 'load_data_set', lambda data_dir: tiny_data_set)
    return tiny_data_set


def test_the_command_prints_what_the_documents_do(tiny_data, capsys):
    assert command.main([]) == 0
    lines = capsys.readouterr().out
    images = [(file, image) for file in range(1, 6)
              for image in ((0, 1, 10) if file == 4 else (0, 1))]
    blocks = lines.split('\nStats of batch ')[1:]
    assert [(int(block[0]), int(block.split('Image ')[1].split(':')[0]))
            for block in blocks] == images
    file = statistics.compute_statistics(tiny_data)[3]
    assert statistics.format_statistics(
        4, file, file.images[2], tiny_data.class_names) + '\n' in lines


def test_the_command_prints_any_image(tiny_data, capsys):
    labels, images = (values[80:160] for values in
                      tiny_data.labels_and_images('train'))
    assert command.main(['--file', '2', '--image', '79']) == 0
    lines = capsys.readouterr().out.split('\n')
    assert lines[1] == 'Stats of batch 2:' and lines.count('') == 3
    assert lines[6:8] == [
        'Example of Image 79:', f'Image - Min Value: {images[79].min()} '
        f'Max Value: {images[79].max()}']
    assert lines[9] == (f'Label - Label Id: {labels[79]} Name: '
                        + cifar10.CLASS_NAMES[labels[79]])


def test_an_image_that_is_not_there(tiny_data, capsys):
    assert command.main(['--image', '80']) == 1
    assert capsys.readouterr() == ('', (
        'python -m cifar10_tf1.data: error: data_batch_1 has 80 images; give a '
        'smaller --image, they count from 0\n'))
    for option in (['--image', '10000'], ['--file', '6']):
        with pytest.raises(SystemExit):
            command.main(option)
        assert f'{option[1]} is not in' in capsys.readouterr().err


def test_generated_data_says_so(capsys, monkeypatch, tiny_data_set):
    monkeypatch.setattr(synthetic, 'load_data_set', lambda data_dir: (
        tiny_data_set._replace(line_prefix=synthetic.LINE_PREFIX)))
    assert command.main(['--synthetic']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines and all(line.startswith(synthetic.LINE_PREFIX)
                         for line in lines if line)


@pytest.fixture(scope='module')
def real_files(real_data_dir):
    """list of FileStatistics."""
    data_set = cifar10.load_data_set(real_data_dir)
    assert data_set.num_train_examples == 50000
    assert data_set.num_test_examples == 10000
    return statistics.compute_statistics(data_set)


def test_the_documented_counts_and_labels(real_files):
    files = real_files
    assert [file.name for file in files] == [
        'data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4',
        'data_batch_5', 'test_batch']
    assert [file.label_counts for file in files] == LABEL_COUNTS
    assert [file.first_labels for file in files[:-1]] == FIRST_LABELS
    # So that (x - least) / (greatest - least) is x / 255.
    assert {(file.minimum, file.maximum) for file in files} == {(0, 255)}
    assert {(file.num_examples, file.image_shape) for file in files} == {
        (10000, (32, 32, 3))}


def test_the_documented_images(real_files):
    assert [(int(image.file[-1]), image.index, image.minimum, image.maximum,
             cifar10.CLASS_NAMES[image.label])
            for file in real_files for image in file.images] == IMAGES


def test_the_command_on_the_documented_data(real_data_dir, capsys):
    assert command.main(['--file', '4', '--image', '10', '--data-dir',
                         real_data_dir]) == 0
    assert capsys.readouterr().out == BLOCK + '\n'
