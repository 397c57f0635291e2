"""tf.data datasets, one initializable iterator each, behind a string handle.

Departs from the original in three ways:

- The handle is fed. The original fetched every batch to the host and fed it back.
- Whole batches are prepared from records in memory. The original read files and prepared
  image by image.
- Random numbers come from a stateless op when the iterator is initialised, as a function
  of (seed, epoch, place in the epoch). In a tf.data map, a seeded op would give the same
  crops in every epoch, and an unseeded one can't be repeated.
"""

import functools
import itertools
import math
from typing import NamedTuple, Optional

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.common import record_schema
from cifar10_tf1.common.seeds import derive_seed
from cifar10_tf1.graph import plan as plans
from cifar10_tf1.machine import runtime

TRAINING, TEST = 'training', 'test'
VALIDATION = 'validation'      # the training records that a system holds back
LAST_BATCHES = 'last_batches'  # the last batch before each reporting point


class Input(NamedTuple):
    """Batches of a plan's records."""
    plan: plans.Plan
    iterator: tf.data.Iterator
    # uint8 [N, record_bytes]. A local variable, so the data is neither in the .meta file
    # nor in a checkpoint.
    records: tf.Variable
    content: tf.Tensor          # placeholder for the records
    epoch: tf.Tensor            # int64 placeholder, from 0
    first_batch: tf.Tensor      # int64 placeholder, number of batches to skip
    order: Optional[tf.Tensor]  # int32 placeholder for the plan's order, if it has one


class Inputs:
    """The inputs of a graph and of its session, by name.

    Attributes:
      sources: dict of name -> Input.
      iterator: of the source whose handle is fed.
      labels: int32 [batch].
      images: float32 [batch, height, width, channels].
    """

    def __init__(self, data_set, seed, sources):
        self.sources = sources
        self._data_set, self._seed, self._loaded = data_set, seed, set()
        first = next(iter(sources.values())).iterator
        self._handle = tf.placeholder(tf.string, [], name='handle')
        self.iterator = tf.data.Iterator.from_string_handle(
            self._handle, tf.data.get_output_types(first),
            tf.data.get_output_shapes(first))
        self.labels, self.images = self.iterator.get_next('batch')
        self._handles = {name: source.iterator.string_handle(name)
                         for name, source in sources.items()}

    def start(self, session, name, epoch=0, first_batch=0):
        """Starts an epoch or a test, and returns the feed that selects this source.

        The first start reads the files and keeps the records in the session.
        """
        source = self.sources[name]
        if name not in self._loaded:
            table = self._data_set.raw_records(source.plan.split)
            session.run(source.records.initializer, {source.content: table[source.plan.rows]})
            self._loaded.add(name)
        feeds = {source.epoch: epoch, source.first_batch: first_batch}
        if source.order is not None:
            feeds[source.order] = source.plan.order(self._seed, epoch)
        unused_result, handle = session.run(
            [source.iterator.initializer, self._handles[name]], feeds)
        return {self._handle: handle}


def build_training_inputs(system, data_set, plan, seed, num_threads):
    """The Inputs of a training: TRAINING, and those that the system's figures need.

    Quirk: trains in file order, never shuffled, unless the plan has its own order.
    """
    def build_test_input(name, variant):
        return _build_test_input(name, system, data_set, seed, variant, num_threads)

    sources = {TRAINING: _build_input(TRAINING, system, data_set, plan, num_threads,
                                      derive_seed(seed, 'augmentation', bits=63))}
    if system.tests_after_training:
        sources[TEST] = build_test_input(TEST, system.variants[0])
    if record_schema.VALIDATION_ACCURACY in system.figures:
        sources[VALIDATION] = build_test_input(VALIDATION, VALIDATION)
    if {record_schema.LOSS, record_schema.TRAINING_ACCURACY} & set(system.figures):
        sources[LAST_BATCHES] = _build_input(
            LAST_BATCHES, system, data_set, plan.plan_last_batches(), num_threads)
    return Inputs(data_set, seed, sources)


def build_test_inputs(system, data_set, seed, variant, num_threads, max_images=None):
    """The Inputs of a test: every image once, in order, or the first max_images.

    An image's crop depends only on the test's seed and the image's index. The variant
    'random' draws crops; VALIDATION uses the training records that the system holds back.
    """
    return Inputs(data_set, seed, {TEST: _build_test_input(
        TEST, system, data_set, seed, variant, num_threads, max_images)})


def _build_test_input(name, system, data_set, seed, variant, num_threads, max_images=None):
    if variant == VALIDATION:
        split, total = 'train', data_set.num_train_examples
        rows = system.build_plan(data_set).validation
    else:
        split, total = 'test', data_set.num_test_examples
        rows = system.list_test_rows(total, variant, seed)
    rows = np.arange(total)[rows][:max_images]
    size = system.test_batch_size
    if len(rows) > size and total % size == 0:
        # No short batch, as in a whole test: deep_cnn's network is built for one size.
        size = math.gcd(len(rows), size)
    plan = plans.Plan(rows, plans.split(len(rows), size), split)
    return _build_input(name, system, data_set, plan, num_threads, derive_seed(
        seed, 'test crop', bits=63) if variant == 'random' else None)


def _build_input(name, system, data_set, plan, num_threads, key=None):
    """An Input whose random numbers are seeded by a key or, without one, all 0.5."""
    build_batch, num_draws = (
        (system.build_training_batch, system.num_training_draws) if name == TRAINING
        else (system.build_test_batch, system.num_test_draws))
    with tf.name_scope(f'{name}_input'):
        content = tf.placeholder(tf.uint8, [None, data_set.record_bytes], name='content')
        records = tf.Variable(content, trainable=False, use_resource=True,
                              collections=[tf.GraphKeys.LOCAL_VARIABLES], name='records')
        epoch = tf.placeholder(tf.int64, [], name='epoch')
        first_batch = tf.placeholder(tf.int64, [], name='first_batch')
        # Slices share the variable's buffer. On TensorFlow 2, where ops must be
        # deterministic, a map that reads a variable would lose its threads and
        # prefetching.
        table, order = records.read_value(), None
        draws = tf.fill([plan.num_examples, num_draws], 0.5) if key is None else (
            build_draws(plan.num_examples, num_draws, key, epoch))
        if plan.order is not None:
            order = tf.placeholder(tf.int32, [plan.num_examples], name='order')
            table = tf.gather(table, order)
        datasets, start = [], 0
        for size, group in itertools.groupby(plan.batch_sizes):
            number = len(list(group))
            end = start + number * size
            datasets.append(tf.data.Dataset.from_tensor_slices(tuple(
                tf.reshape(tensor[start:end], [number, size, tensor.shape[1]])
                for tensor in (table, draws))))
            start = end
        # Autograph would add a second to each start.
        dataset = functools.reduce(tf.data.Dataset.concatenate, datasets).skip(
            first_batch).map(tf.autograph.experimental.do_not_convert(build_batch),
                             num_parallel_calls=num_threads)
        dataset = dataset.with_options(runtime.dataset_options())
        if name == TRAINING:
            dataset = dataset.repeat(system.settings.dataset_repeats)
        iterator = tf.data.make_initializable_iterator(dataset.prefetch(4))
        return Input(plan, iterator, records, content, epoch, first_batch, order)


def build_draws(num_examples, num_draws, key, epoch):
    """float32 [num_examples, num_draws], uniform in [0, 1).

    One op draws for all images, because two ops with one seed give the same numbers.
    """
    return tf.random.stateless_uniform(
        [num_examples, num_draws],
        seed=tf.stack([tf.constant(key, tf.int64), tf.cast(epoch, tf.int64)]))
