"""The datasets behind the string handle, and what they draw."""

import hashlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import system_cases
from cifar10_tf1.common.seeds import derive_seed
from cifar10_tf1.data import records
from cifar10_tf1.graph import pipeline
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

# Of seed 1, on both runtimes and every machine: other numbers are another run.
GOLDEN_BATCHES = '82b5493ed58754a43ed02aac29ae8fe255d84389fbbbb6de768964957ebcac59'
GOLDEN_TEST_BATCHES = '66e13a33829be9d94476db01f30f96c2e5db8af44e559553e851dc4eacbf8394'


class Reader:
    """Training and test of one graph, read as a program would."""

    def __init__(self, data_set, seed=1, crop='random', num_threads=2, system=deep_cnn):
        with tf.Graph().as_default() as graph:
            self.inputs = pipeline.Inputs(data_set, seed, {
                **pipeline.build_training_inputs(
                    system, data_set, system.build_plan(data_set), seed,
                    num_threads).sources,
                **pipeline.build_test_inputs(
                    system, data_set, seed, crop, num_threads).sources})
        self.session = tf.Session(graph=graph)

    def batch(self, feeds):
        return self.session.run([self.inputs.labels, self.inputs.images], feeds)

    def training(self, epoch, num_batches=4, first_batch=0):
        feeds = self.inputs.start(self.session, 'training', epoch, first_batch)
        return [self.batch(feeds) for unused in range(num_batches)]

    def test(self):
        feeds = self.inputs.start(self.session, 'test')
        batches = []
        while True:
            try:
                batches.append(self.batch(feeds))
            except tf.errors.OutOfRangeError:
                return batches


def images_of(batches):
    return np.concatenate([images for unused_labels, images in batches])


def labels_of(batches):
    return np.concatenate([labels for labels, unused_images in batches])


@pytest.fixture(scope='module')
def reader(tiny_data_set):
    return Reader(tiny_data_set)


def draws_of(epoch, num_examples):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(pipeline.build_draws(
            num_examples, 4, derive_seed(1, 'augmentation', bits=63), epoch))


def decode(record):
    """[32, 32, 3] of one record."""
    return record[1:].reshape(3, 32, 32).transpose(1, 2, 0)


def test_each_image_of_a_batch_is_cut_at_its_own_place():
    random = np.random.RandomState(1)
    batch = random.randint(0, 256, [4, 3073]).astype(np.uint8)
    places = [(0, 8, False), (8, 0, True), (3, 5, True), (8, 8, False)]
    with tf.Graph().as_default(), tf.Session() as session:
        rows, columns, flips = map(tf.constant, zip(*places))
        labels, crops = session.run([
            records.build_labels(tf.constant(batch)),
            records.build_crops(tf.constant(batch), rows, columns, 24, flips)])
    assert np.array_equal(labels, batch[:, 0])
    for record, crop, (row, column, flipped) in zip(batch, crops, places):
        expected = decode(record)[row:row + 24, column:column + 24]
        assert np.array_equal(crop, expected[:, ::-1] if flipped else expected)


def build_images(build_batch, record, draws):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(build_batch(tf.constant(np.stack([record] * len(draws))),
                                       tf.constant(draws, tf.float32))[1])


def standardize(crop):
    crop = crop.astype(np.float64)
    return (crop - crop.mean()) / max(crop.std(), 1728 ** -0.5)


def test_images_against_numpy(tiny_data_set):
    """Crop, flip, brightness and standardisation, spelled out."""
    record = tiny_data_set.raw_records('test')[0]
    pixels = decode(record)
    images = build_images(
        deep_cnn.build_training_batch, record,
        [[0.0, 0.0, 0.5, 0.5], [0.999, 0.12, 0.49, 0.0], [0.12, 0.999, 0.5, 0.99],
         [0.5, 0.34, 0.1, 0.3], [0.0, 0.0, 0.5, 0.7123]])
    for image, (row, column, flipped) in zip(images, [
            (0, 0, False), (8, 1, True), (1, 8, False), (4, 3, True), (0, 0, False)]):
        crop = pixels[row:row + 24, column:column + 24]
        crop = crop[:, ::-1] if flipped else crop
        # The brightness is undone by the standardisation but for rounding.
        assert np.abs(image - standardize(crop)).max() < 2e-5
    assert not np.array_equal(images[0], images[4])
    images = build_images(deep_cnn.build_test_batch, record, [[0.5, 0.5], [0.0, 0.999]])
    assert np.abs(images[0] - standardize(pixels[4:28, 4:28])).max() < 1e-5
    assert np.abs(images[1] - standardize(pixels[0:24, 8:32])).max() < 1e-5
    flat = np.full(3073, 255, np.uint8)
    assert not build_images(deep_cnn.build_test_batch, flat, [[0.5, 0.5]]).any()


def test_the_distribution_of_what_is_drawn():
    """As the original's: chi-square over 81 places; flips half."""
    draws = draws_of(epoch=3, num_examples=50000)
    places = np.floor(draws[:, 0] * np.float32(9)) * 9 + np.floor(
        draws[:, 1] * np.float32(9))
    counts = np.bincount(places.astype(int), minlength=81)
    expected = 50000 / 81.0
    chi_square = ((counts - expected) ** 2 / expected).sum()
    assert len(counts) == 81
    assert 45 < chi_square < 130  # 80 degrees of freedom: 1 in 3,000 outside
    flips = draws[:, 2] < 0.5
    assert abs(flips.mean() - 0.5) < 0.009  # four standard deviations
    # Flips and brightness know nothing of the place.
    assert abs(np.corrcoef(flips, places)[0, 1]) < 0.018
    assert abs(np.corrcoef(draws[:, 3], draws[:, 0])[0, 1]) < 0.018
    assert abs(draws[:, 3].mean() - 0.5) < 4 * (1 / 12.0 / 50000) ** 0.5
    assert draws.min() >= 0 and draws.max() < 1
    # An image's do not depend on the number of images.
    assert np.array_equal(draws_of(3, 1000), draws[:1000])


@pytest.mark.parametrize('num_threads', [1, 2, 4])
def test_golden_batches(num_threads, tiny_data_set):
    """Each image once, in file order, to the bit."""
    reader = Reader(tiny_data_set, num_threads=num_threads)
    for split, batches, golden in (('train', reader.training(0), GOLDEN_BATCHES),
                                   ('test', reader.test(), GOLDEN_TEST_BATCHES)):
        assert hashlib.sha256(images_of(batches).tobytes()).hexdigest() == golden
        assert np.array_equal(labels_of(batches),
                              tiny_data_set.labels_and_images(split)[0])


def test_every_epoch_is_augmented_afresh_and_repeats_exactly(reader, tiny_data_set):
    """Trap: a seeded tf.data map draws the same crops in every epoch."""
    first, second = reader.training(0), reader.training(1)
    changed = (images_of(first) != images_of(second)).any(axis=(1, 2, 3))
    assert changed.mean() > 0.97  # one in 162 is drawn alike
    assert np.array_equal(labels_of(first), labels_of(second))
    assert np.array_equal(images_of(first), images_of(reader.training(0)))
    assert np.array_equal(images_of(second[2:]), images_of(
        reader.training(1, num_batches=2, first_batch=2)))
    others = images_of(Reader(tiny_data_set, seed=2).training(0))
    assert (images_of(first) != others).any(axis=(1, 2, 3)).mean() > 0.97


def test_the_handle_switches(reader):
    """Batches of either iterator in turn, each going on where it was."""
    feeds = [reader.inputs.start(reader.session, name) for name in ('training', 'test')]
    mixed = [reader.batch(feed) for feed in 2 * feeds]
    assert np.array_equal(images_of(mixed[::2]),
                          images_of(reader.training(0, num_batches=2)))
    assert np.array_equal(images_of(mixed[1::2]), images_of(reader.test()))


def test_test_crops_depend_on_seed_and_index_alone(reader, tiny_data_set):
    ours = images_of(reader.test())
    system = system_cases.make_small('deep_cnn', batch_size=20)
    system.test_batch_size = 20
    small = Reader(tiny_data_set, system=system)
    assert np.array_equal(images_of(small.test()), ours)
    other = images_of(Reader(tiny_data_set, seed=2).test())
    assert (other != ours).any(axis=(1, 2, 3)).mean() > 0.95


def test_central_crop(tiny_data_set):
    images = images_of(Reader(tiny_data_set, crop='central').test())
    unused_labels, pixels = tiny_data_set.labels_and_images('test')
    for image, whole in zip(images, pixels):
        assert np.abs(image - standardize(whole[4:28, 4:28])).max() < 1e-5


def test_no_path_in_the_graph(reader, tiny_data_set):
    """A .meta file is published; it names no folder of the machine."""
    text = str(reader.session.graph_def)
    assert 'TensorSliceDataset' in text and len(text) < 500000
    assert tiny_data_set.test_paths[0] not in text
    assert 'data_batch' not in text
