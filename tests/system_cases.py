"""A small case of each system: its data, its batches and its plain port."""

from typing import Any, Callable, NamedTuple, Optional, Tuple
from unittest import mock

import numpy as np
import tensorflow.compat.v1 as tf

import runs
from cifar10_tf1 import systems
from cifar10_tf1.benchmark import (
    plain_inception_v3, plain_lenet5, plain_notebook, plain_deep_cnn)
from cifar10_tf1.data import mnist
from cifar10_tf1.systems import inception_v3


class Case(NamedTuple):
    system: Any                   # base.System, with batches that tiny data fill
    num_epochs: int               # of a finished run
    stop: int                     # the step after which a run is interrupted
    build_port: Optional[Callable] = None  # None: too slow for a quick test
    feed: Optional[Callable] = None     # (port, images, labels) to the port's feed
    prepare: Optional[Callable] = None  # pictures to the port's images; None: random
    published: Tuple[str, ...] = ()     # checkpoints that a finished run publishes
    num_published: int = 0              # tensors in each

    @property
    def name(self):
        return self.system.name


def make_small(name, **settings):
    """The system with other settings."""
    system = type(systems.load(name))()
    system.settings = system.settings._replace(**settings)
    return system


def _make_notebook(name, stop, num_published, build_logits):
    return Case(
        make_small(name, batch_size=16, test_batch_size=48), 2, stop,
        lambda: plain_notebook.build_training(build_logits, seed=1),
        lambda port, images, labels: {
            port['x']: images, port['y']: plain_notebook.one_hot(labels), port['keep_prob']: 1.0},
        plain_notebook.prepare, ('image_classification',), num_published)


def _build_plain_deep_cnn():
    with mock.patch.object(plain_deep_cnn, 'BATCH_SIZE', 20):
        return plain_deep_cnn.build_training()


def _feed(port, images, labels):
    return {port['images']: images, port['labels']: labels}


def _prepare_inception(pixels):
    with tf.Graph().as_default(), tf.Session() as session:
        return session.run(plain_inception_v3.prepare(tf.constant(pixels)))


CASES = {case.name: case for case in (
    Case(make_small('deep_cnn', batch_size=20), 2, 7, _build_plain_deep_cnn, _feed),
    Case(systems.load('lenet5'), 7, 14, plain_lenet5.build_training, _feed,
         lambda images: plain_lenet5.pad(images[:, :, :, 0]),
         tuple(f'train-{epoch}' for epoch in range(2, 7)), 32),
    _make_notebook('laptop_cnn', 3, 38, plain_notebook.build_laptop_logits),
    _make_notebook('udacity_cnn', 13, 50, plain_notebook.build_udacity_logits),
    Case(make_small('inception_v3', batch_size=2, test_batch_size=2, num_calibration_batches=2,
                    schedule=inception_v3.Schedule(num_epochs=1, steps_per_epoch=6,
                                                   steps_per_figure=3)),
         1, 2, prepare=_prepare_inception))}
TRAINED = [name for name, case in CASES.items() if case.build_port]


def make_data(case, tiny_data_set):
    """The DataSet of a case: a part of tiny_data's, or ten digits for lenet5."""
    if case.name == 'lenet5':
        return _make_digits(tiny_data_set)
    return shorten(tiny_data_set, *((400, 6) if case.name == 'inception_v3' else (100, 60)))


def shorten(data_set, num_train, num_test):
    """The DataSet of the first records of each file."""
    def raw_records(split):
        number, num_files = {'train': (num_train, data_set.num_train_files),
                             'test': (num_test, 1)}[split]
        table = data_set.raw_records(split).reshape(num_files, -1, data_set.record_bytes)
        return table[:, :number // num_files].reshape(number, -1)

    return data_set._replace(num_train_examples=num_train, num_test_examples=num_test,
                             raw_records=raw_records)


def _make_digits(tiny_data_set):
    """Ten digits of 28 x 28: each a bar at its place."""
    random = np.random.RandomState(0)
    tables = {}
    for split, number in (('train', 600), ('test', 150)):
        labels = random.randint(0, 10, [number, 1]).astype(np.uint8)
        images = random.randint(0, 60, [number, 28, 28]).astype(np.uint8)
        for image, (label,) in zip(images, labels):
            image[2 * label + 2:2 * label + 5, 4:24] += 190
        tables[split] = np.concatenate([labels, images.reshape(number, -1)], axis=1)
    return tiny_data_set._replace(
        name='mnist', class_names=mnist.CLASS_NAMES, image_shape=(28, 28, 1),
        train_paths=tiny_data_set.train_paths[:1],  # one file, as MNIST has
        num_train_examples=600, num_test_examples=150, num_train_files=1,
        raw_records=tables.get)


def count_steps(case, data):
    return case.num_epochs * case.system.build_plan(data).num_steps


def check_interrupted(case, folder, data, other, monkeypatch, **options):
    """Interrupts and resumes a run in `other`; compares it with that in `folder`."""
    def stop(run):
        run.stop.signal_number = 15

    given = {'system': case.system, 'epochs': case.num_epochs}
    assert runs.train_until(case.stop, stop, monkeypatch, other, data, **given, **options) == 143
    assert runs.train(other, data, **given) == 0
    for name in [f'model.ckpt-{count_steps(case, data)}',
                 *(f'published/{name}' for name in case.published[-1:])]:
        runs.assert_same_bits(other / name, folder / name)
    ours, theirs = ([dict(entry, seconds=None) for entry in runs.load_record(run).epochs]
                    for run in (other, folder))
    assert ours == theirs
