"""The TFRecord files: layout, pixels, bytes, what is in the way."""

import hashlib
import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import runs  # noqa: F401  (TensorFlow is loaded)
from cifar10_tf1 import tfrecords
from cifar10_tf1.common.errors import UserError

FEATURES = {
    'image/encoded': tf.FixedLenFeature([], tf.string),
    'image/format': tf.FixedLenFeature([], tf.string),
    'image/class/label': tf.FixedLenFeature([], tf.int64),
    'image/height': tf.FixedLenFeature([], tf.int64),
    'image/width': tf.FixedLenFeature([], tf.int64),
}


@pytest.fixture(scope='module')
def written(tiny_data_set, tmp_path_factory):
    """(folder, list of what was reported)."""
    folder, reports = tmp_path_factory.mktemp('tfrecord') / 'new', []
    tfrecords.write(tiny_data_set, str(folder),
                    lambda *numbers: reports.append(numbers))
    return folder, reports


@pytest.mark.parametrize('split, name', tfrecords.FILES)
def test_a_reader_of_the_document_gets_the_pixels(written, tiny_data_set, split,
                                                  name):
    labels, images = tiny_data_set.read(split)
    with tf.Graph().as_default(), tf.Session() as session:
        record = tf.placeholder(tf.string, [])
        example = tf.parse_single_example(record, FEATURES)
        example['pixels'] = tf.image.decode_png(example['image/encoded'])
        read = [session.run(example, {record: content}) for content
                in tf.io.tf_record_iterator(str(written[0] / name))]
    assert len(read) == len(labels)
    for example, label, image in zip(read, labels, images):
        assert example['image/format'] == b'png'
        assert example['image/class/label'] == label
        assert (example['image/height'], example['image/width']) == (32, 32)
        assert np.array_equal(example['pixels'], image)


def test_a_record_has_five_features(written):
    name = tfrecords.FILES[0][1]
    content = next(tf.io.tf_record_iterator(str(written[0] / name)))
    assert set(tf.train.Example.FromString(content).features.feature) == set(
        FEATURES)


def test_the_labels(written):
    lines = (written[0] / 'labels.txt').read_text().splitlines()
    assert lines[:2] == ['0:airplane', '1:automobile'] and len(lines) == 10
    assert lines[9] == '9:truck'


def test_the_same_bytes_wherever_they_are_written(written):
    """Golden: of 200 images that NumPy draws from a seed."""
    content = (written[0] / 'cifar-10-test-tfrecord').read_bytes()
    assert hashlib.sha256(content).hexdigest() == GOLDEN


def test_other_programs_read_the_pictures():
    Image = pytest.importorskip('PIL.Image')
    picture = np.random.RandomState(0).randint(
        0, 256, [3, 5, 3]).astype(np.uint8)
    with Image.open(io.BytesIO(tfrecords.encode_png(picture))) as image:
        assert np.array_equal(np.asarray(image), picture)


def test_progress_counts_all_images(written):
    assert written[1] == [(number, 600) for number in range(1, 601)]


def test_what_lies_there_is_left_alone(tiny_data_set, tmp_path):
    (tmp_path / 'labels.txt').write_text('mine')
    with pytest.raises(UserError, match='labels.txt is there already'):
        tfrecords.write(tiny_data_set, str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ['labels.txt']


def test_a_stopped_write_leaves_no_part(tiny_data_set, tmp_path):
    def stop(number, unused_total):
        if number == 7:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        tfrecords.write(tiny_data_set, str(tmp_path), stop)
    assert not list(tmp_path.iterdir())


def test_the_command(tmp_path, capsys):
    folder = tmp_path / 'out'
    assert tfrecords.main(['--output', str(folder), '--synthetic', '--data-dir',
                           str(tmp_path)]) == 0
    captured = capsys.readouterr()
    assert '10,000 of 12,000 images' in captured.err
    assert len(captured.out.splitlines()) == 3
    assert 'SHA-256' in captured.out


GOLDEN = '7dbb2c6fd4e8c54b59e35d03c8fdadb578d339ee43defd2f279c009afd35e185'
