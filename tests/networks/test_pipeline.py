"""deep_cnn's batches: what is drawn, and what is cut."""

import hashlib

import numpy as np
import pytest
import tensorflow.compat.v1 as tf

import system_cases
from cifar10_tf1.graph import pipeline
from cifar10_tf1.systems.deep_cnn import SYSTEM as deep_cnn

# Of seed 1, on both runtimes and every machine: other numbers are another run.
GOLDEN = {'training': '82b5493ed58754a43ed02aac29ae8fe255d84389fbbbb6de768964957ebcac59',
          'test': '66e13a33829be9d94476db01f30f96c2e5db8af44e559553e851dc4eacbf8394'}


class Reader:
    """Training and test of one graph, read as a program would."""

    def __init__(self, data_set, seed=1, num_threads=2, system=deep_cnn):
        with tf.Graph().as_default() as graph:
            self.inputs = pipeline.Inputs(data_set, seed, {
                **pipeline.build_training_inputs(
                    system, data_set, system.build_plan(data_set), seed, num_threads).sources,
                **pipeline.build_test_inputs(
                    system, data_set, seed, 'random', num_threads).sources})
        self.session = tf.Session(graph=graph)

    def read(self, name, epoch=0, first_batch=0):
        """(labels, images) of a pass from some batch on."""
        feeds = self.inputs.start(self.session, name, epoch, first_batch)
        fetches = self.inputs.labels, self.inputs.images
        sizes = self.inputs.sources[name].plan.batch_sizes[first_batch:]
        return map(np.concatenate, zip(*(
            self.session.run(fetches, feeds) for unused_size in sizes)))

    def images(self, *arguments):
        unused_labels, images = self.read(*arguments)
        return images


@pytest.fixture(scope='module')
def reader(tiny_data_set):
    return Reader(tiny_data_set)


def find_changed(images, others):
    """The share of images that differ."""
    return (images != others).any(axis=(1, 2, 3)).mean()


def standardize(crop):
    crop = crop.astype(np.float64)
    return (crop - crop.mean()) / max(crop.std(), 1728 ** -0.5)


@pytest.mark.parametrize('build_batch, draws, places', [
    (deep_cnn.build_training_batch,
     [[0.0, 0.0, 0.5, 0.5], [0.999, 0.12, 0.49, 0.0], [0.12, 0.999, 0.5, 0.99],
      [0.5, 0.34, 0.1, 0.3]],
     [(0, 0, False), (8, 1, True), (1, 8, False), (4, 3, True)]),
    (deep_cnn.build_test_batch, [[0.5, 0.5], [0.0, 0.999], [0.5, 0.5]],
     [(4, 4, False), (0, 8, False), (4, 4, False)])])
def test_images_against_numpy(build_batch, draws, places, tiny_data_set):
    """Crop, flip, brightness and standardisation, of a flat image as well."""
    records = tiny_data_set.raw_records('test')[:len(draws)].copy()
    if build_batch == deep_cnn.build_test_batch:
        records[-1, 1:] = 255
    with tf.Graph().as_default(), tf.Session() as session:
        labels, images = session.run(build_batch(tf.constant(records),
                                                 tf.constant(draws, tf.float32)))
    assert np.array_equal(labels, records[:, 0])
    for record, image, (row, column, flipped) in zip(records, images, places):
        pixels = record[1:].reshape(3, 32, 32).transpose(1, 2, 0)
        crop = pixels[row:row + 24, column:column + 24]
        # The brightness is undone by the standardisation but for rounding.
        assert np.abs(image - standardize(crop[:, ::-1] if flipped else crop)).max() < 2e-5


@pytest.mark.parametrize('num_threads', [1, 4])
def test_golden_batches(num_threads, tiny_data_set):
    """Each image once, in file order, to the bit."""
    reader = Reader(tiny_data_set, num_threads=num_threads)
    for name, golden in GOLDEN.items():
        labels, images = reader.read(name)
        assert hashlib.sha256(images.tobytes()).hexdigest() == golden
        assert np.array_equal(labels, tiny_data_set.labels_and_images(
            name.replace('training', 'train'))[0])


def test_every_epoch_is_augmented_afresh_and_repeats_exactly(reader, tiny_data_set):
    """Trap: a seeded tf.data map draws the same crops in every epoch."""
    first, second = reader.images('training', 0), reader.images('training', 1)
    assert find_changed(first, second) > 0.97  # one in 162 is drawn alike
    assert np.array_equal(first, reader.images('training', 0))
    assert np.array_equal(second[200:], reader.images('training', 1, 2))
    others = Reader(tiny_data_set, seed=2).images('training', 0)
    assert find_changed(first, others) > 0.97


def test_test_crops_depend_on_seed_and_index_alone(reader, tiny_data_set):
    system = system_cases.make_small('deep_cnn', batch_size=20)
    system.test_batch_size = 20
    ours = reader.images('test')
    assert np.array_equal(Reader(tiny_data_set, system=system).images('test'), ours)
    assert find_changed(Reader(tiny_data_set, seed=2).images('test'), ours) > 0.95


def test_no_path_in_the_graph(reader, tiny_data_set):
    """A .meta file is published; it names no folder of the machine."""
    text = str(reader.session.graph_def)
    assert 'TensorSliceDataset' in text and len(text) < 500000
    assert tiny_data_set.test_paths[0] not in text and tiny_data_set.train_paths[0] not in text
