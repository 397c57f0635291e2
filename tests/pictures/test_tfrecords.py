"""The TFRecord files: layout, pixels, bytes and failures."""

import hashlib
import io

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import model_helpers
from cifar10_tf1 import tfrecords
from cifar10_tf1.common import png
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.data import cifar10

FEATURES = {'image/encoded': tf.string, 'image/format': tf.string,
            'image/class/label': tf.int64, 'image/height': tf.int64, 'image/width': tf.int64}
# SHA-256 of the test file with 200 images.
GOLDEN = '12fb2e5defcf4f07dceff8977e22455e79ab035794b7e6d0d3010f64490c3f29'


@pytest.fixture(scope='module')
def data_set(tiny_data_set):
    """A data set whose pixels could be compressed."""
    return tiny_data_set._replace(raw_records=lambda split: tiny_data_set.raw_records(split) & 15)


@pytest.fixture(scope='module')
def written(data_set, tmp_path_factory):
    folder = tmp_path_factory.mktemp('tfrecord') / 'new'
    tfrecords.write(data_set, str(folder))
    return folder


@pytest.mark.parametrize('split', sorted(tfrecords.SPLITS))
def test_a_reader_of_the_document_gets_the_pixels(written, data_set, split):
    labels, images = data_set.labels_and_images(split)
    contents = list(tf.io.tf_record_iterator(str(written / tfrecords.SPLITS[split])))
    with tf.Graph().as_default(), tf.Session() as session:
        record = tf.placeholder(tf.string, [])
        example = tf.parse_single_example(record, {
            name: tf.FixedLenFeature([], kind) for name, kind in FEATURES.items()})
        example['pixels'] = tf.image.decode_png(example['image/encoded'])
        read = [session.run(example, {record: content}) for content in contents]
    assert [example['image/class/label'] for example in read] == labels.tolist()
    for example, image in zip(read, images):
        assert example['image/format'] == b'png'
        assert (example['image/height'], example['image/width']) == (32, 32)
        assert np.array_equal(example['pixels'], image)
    assert set(tf.train.Example.FromString(contents[0]).features.feature) == set(FEATURES)


def test_the_same_bytes_wherever_they_are_written(written):
    content = (written / 'cifar-10-test-tfrecord').read_bytes()
    assert hashlib.sha256(content).hexdigest() == GOLDEN
    assert (written / 'labels.txt').read_text().splitlines() == [
        f'{label}:{name}' for label, name in enumerate(cifar10.CLASS_NAMES)]


@pytest.mark.parametrize('level', [-1, 0])
def test_other_programs_read_a_png(image, level):
    pixels = np.random.RandomState(0).randint(0, 256, [3, 5, 3]).astype(np.uint8)
    with image.open(io.BytesIO(png.encode(pixels, level))) as read:
        assert np.array_equal(np.asarray(read), pixels)


def test_files_are_written_whole_or_not_at_all(tiny_data_set, tmp_path):
    with model_helpers.file_size_limit():
        with pytest.raises(UserError, match='cannot write to .*--output'):
            tfrecords.write(tiny_data_set, str(tmp_path))
    assert not list(tmp_path.iterdir())
    (tmp_path / 'labels.txt').write_text('mine')
    with pytest.raises(UserError, match='labels.txt already exists'):
        tfrecords.write(tiny_data_set, str(tmp_path))
    assert [path.read_text() for path in tmp_path.iterdir()] == ['mine']


def test_the_command(tiny_cifar10, tmp_path, capsys):
    folder = tmp_path / 'out'
    assert tfrecords.main(['--output', str(folder)]) == 0
    assert [line.split(':')[0] for line in capsys.readouterr().out.splitlines()] == [
        str(folder / name) for name in (*tfrecords.SPLITS.values(), 'labels.txt')]
