"""What the documents print of the data files, on tiny data and on the real."""

import hashlib

import numpy as np
import pytest

from cifar10_tf1.data import cifar10
from cifar10_tf1.data import statistics

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
    labels, images = cifar10.load_records(tiny_data_set.train_paths[0])
    assert first.name == 'data_batch_1' and first.num_examples == 80
    assert sum(first.label_counts) == 80
    assert first.label_counts[3] == (labels == 3).sum()
    assert first.first_labels == labels[:20].tolist()
    assert (first.minimum, first.maximum) == (images.min(), images.max())
    assert [(image.index, image.minimum) for image in first.images] == [
        (0, images[0].min()), (1, images[1].min())]
    assert test.num_examples == 200 and test.images == []


def test_the_block_that_the_documents_print():
    """The statistics are the documented ones, so the block is too."""
    image = statistics.ImageStatistics('data_batch_4', 10, 5, 44, 246)
    file = statistics.FileStatistics(
        'data_batch_4', 10000, LABEL_COUNTS[3], FIRST_LABELS[3], 0, 255,
        (32, 32, 3), [image])
    assert statistics.format_statistics(4, file, image,
                                        cifar10.CLASS_NAMES) == BLOCK


@pytest.fixture(scope='module')
def real_files(real_data_dir):
    """(DataSet, list of FileStatistics)."""
    data_set = cifar10.load_data_set(real_data_dir)
    assert data_set.num_train_examples == 50000
    assert data_set.num_test_examples == 10000
    return data_set, statistics.compute_statistics(data_set)


def test_the_documented_counts_and_labels(real_files):
    files = real_files[1]
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
            for file in real_files[1] for image in file.images] == IMAGES


def test_the_documented_block(real_files):
    file = real_files[1][3]
    assert statistics.format_statistics(4, file, file.images[2],
                                        cifar10.CLASS_NAMES) == BLOCK


def test_the_digests_are_those_of_the_records(real_files):
    """Computed here from the decoded images and labels, put together again."""
    data_set = real_files[0]
    for name, labels, images in data_set.list_parts():
        records = np.concatenate([labels[:, np.newaxis], images.transpose(
            0, 3, 1, 2).reshape(len(labels), -1)], axis=1)
        assert hashlib.sha256(records.tobytes()).hexdigest() == (
            data_set.sha256[name + '.bin'])
