"""tf.data datasets, one initializable iterator each, behind a string handle.

Departs from the original in feeding the handle (it fetched every batch to the
host and fed it back), in preparing whole batches from records in memory (it
read files and prepared image by image), and in where random numbers come from.
A seeded random op in a tf.data map starts its sequence again at each
re-initialisation, so every epoch would see the same crops; an unseeded one
can't be repeated. Here each image's numbers are a function of (seed, epoch,
index of the image), drawn with a stateless op when the iterator is initialised.
"""

import functools
from typing import Callable
from typing import Dict
from typing import NamedTuple
from typing import Optional
from typing import Tuple
from typing import Union

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.graph import plan as plans
from cifar10_tf1.machine import runtime
from cifar10_tf1 import systems
from cifar10_tf1.common.seeds import derive_seed


VALIDATION = 'validation'  # a variant of the test: of training records
# What a training measures itself on, beside the test records.
LAST_BATCHES = 'last_batches'


class Records(NamedTuple):
    """The records of a data set, in memory.

    A local variable: not in the graph, which a .meta file publishes, nor in a
    checkpoint.
    """
    variable: tf.Variable  # uint8 [num_examples, record_bytes]
    content: tf.Tensor     # placeholder of the same

    def load(self, session, table):
        session.run(self.variable.initializer, {self.content: table})


class TrainingInput(NamedTuple):
    iterator: tf.data.Iterator
    records: Records
    rows: Union[slice, np.ndarray]  # of the training records
    epoch: tf.Tensor        # int64 placeholder: which epoch to draw, from 0
    first_batch: tf.Tensor  # int64 placeholder: batches of it to leave out
    order: Callable         # of an epoch to its rows of the records, or None
    order_fed: tf.Tensor    # int32 placeholder for them, or None

    def load(self, session, data_set):
        """Reads the files; once in a session, before the first epoch."""
        self.records.load(session, data_set.raw_records('train')[self.rows])

    def initialize(self, session, epoch, first_batch=0):
        feeds = {self.epoch: epoch, self.first_batch: first_batch}
        if self.order is not None:
            feeds[self.order_fed] = self.order(epoch)
        session.run(self.iterator.initializer, feeds)


class TestInput(NamedTuple):
    """Records as testing prepares them: of the test, or some of the training."""
    iterator: tf.data.Iterator
    records: Records
    split: str                      # 'test' or 'train'
    rows: Union[slice, np.ndarray]  # of that split's records
    batch_sizes: Tuple[int, ...]
    first_batch: tf.Tensor          # int64 placeholder: batches to leave out

    @property
    def num_examples(self):
        return sum(self.batch_sizes)

    def load(self, session, data_set):
        """Reads the file; once in a session."""
        self.records.load(session, data_set.raw_records(self.split)[self.rows])

    def initialize(self, session, first_batch=0):
        session.run(self.iterator.initializer, {self.first_batch: first_batch})


class Inputs(NamedTuple):
    training: Optional[TrainingInput]  # None in a test
    measured: Dict[str, TestInput]  # 'test' and what else is measured
    handles: Dict[str, tf.Tensor]   # string scalars to fetch: of 'training' and
    # of each that is measured
    handle: tf.Tensor  # string placeholder: one of them, fetched
    labels: tf.Tensor  # int32 [batch]
    images: tf.Tensor  # float32 [batch, height, width, channels]

    @property
    def test(self) -> TestInput:
        return self.measured['test']


def build_training_input(system, data_set, plan, seed, num_threads):
    """The training pipeline: a pass is the plan of an epoch.

    In file order, never shuffled (a quirk), but where the plan has another.
    """
    num_examples = _count(plan.rows, data_set.num_train_examples)
    with tf.name_scope('training_input'):
        records = _build_records(num_examples, data_set.record_bytes)
        epoch = tf.placeholder(tf.int64, [], name='epoch')
        first_batch = tf.placeholder(tf.int64, [], name='first_batch')
        draws = build_draws(num_examples, system.num_training_draws,
                            derive_seed(seed, 'augmentation', bits=63), epoch)
        order = order_fed = None
        if plan.order is not None:
            order = functools.partial(plan.order, seed)
            order_fed = tf.placeholder(tf.int32, [sum(plan.batch_sizes)],
                                       name='order')
        dataset = _build_batches(system.build_training_batch, records, draws,
                                 plan.batch_sizes, first_batch, num_threads,
                                 order_fed)
        dataset = dataset.repeat(system.settings.dataset_repeats)
        iterator = tf.data.make_initializable_iterator(dataset.prefetch(4))
    return TrainingInput(iterator, records, plan.rows, epoch, first_batch, order,
                         order_fed)


def build_test_input(system, data_set, seed, variant, num_threads,
                     max_images=None):
    """The test pipeline: every image exactly once, in order.

    The crop of an image depends on (seed, index of the image) alone, whatever
    the batch, the position or the seed of the training.

    Args:
      system: a systems.base.System.
      data_set: a data.data_set.DataSet.
      seed: int, of what is drawn.
      variant: str, one of the system's; 'random' draws, 'validation' takes the
        training records that the system holds back.
      num_threads: int, batches prepared in parallel; no influence on values.
      max_images: int, the first so many alone.
    Returns:
      TestInput.
    """
    if variant == VALIDATION:
        split, rows = 'train', system.build_plan(data_set).validation
        num_examples = _count(rows, data_set.num_train_examples)
    else:
        split = 'test'
        rows = system.list_test_rows(data_set.num_test_examples, variant, seed)
        num_examples = _count(rows, data_set.num_test_examples)
    if max_images is not None and max_images < num_examples:
        rows, num_examples = _take_first(rows, max_images), max_images
    with tf.name_scope('validation_input' if variant == VALIDATION
                       else 'test_input'):
        if variant == 'random':
            draws = build_draws(num_examples, system.num_test_draws,
                                derive_seed(seed, 'test crop', bits=63), 0)
        else:
            draws = _build_middle_draws(num_examples, system)
        return _build_test_input(
            system, data_set, split, rows, draws,
            plans.split(num_examples, system.test_batch_size), num_threads)


def build_measured_inputs(system, data_set, plan, seed, num_threads):
    """What a training measures the network on: {name: TestInput}.

    Args:
      system: a systems.base.System, which says its figures.
      data_set: a data.data_set.DataSet.
      plan: plan.Plan, of the training.
      seed, num_threads: as build_test_input.
    """
    measured = {'test': build_test_input(system, data_set, seed,
                                         system.variants[0], num_threads)}
    if systems.VALIDATION_ACCURACY in system.figures:
        measured[VALIDATION] = build_test_input(system, data_set, seed,
                                                VALIDATION, num_threads)
    if {systems.LOSS, systems.TRAINING_ACCURACY} & set(system.figures):
        rows, batch_sizes = plan.list_last_batches(
            np.arange(data_set.num_train_examples)[plan.rows])
        with tf.name_scope('last_batches_input'):
            measured[LAST_BATCHES] = _build_test_input(
                system, data_set, 'train', rows,
                _build_middle_draws(len(rows), system), batch_sizes, num_threads)
    return measured


def _build_test_input(system, data_set, split, rows, draws, batch_sizes,
                      num_threads):
    records = _build_records(sum(batch_sizes), data_set.record_bytes)
    first_batch = tf.placeholder(tf.int64, [], name='first_batch')
    dataset = _build_batches(system.build_test_batch, records, draws,
                             batch_sizes, first_batch, num_threads)
    iterator = tf.data.make_initializable_iterator(dataset.prefetch(4))
    return TestInput(iterator, records, split, rows, batch_sizes, first_batch)


def _build_middle_draws(num_examples, system):
    return tf.fill([num_examples, system.num_test_draws], 0.5)


def build_draws(num_examples, num_draws, key, epoch):
    """float32 [num_examples, num_draws], uniform in [0, 1).

    One op draws all numbers of all images: two draws with one seed would give
    the same numbers.
    """
    return tf.random.stateless_uniform(
        [num_examples, num_draws],
        seed=tf.stack([tf.constant(key, tf.int64), tf.cast(epoch, tf.int64)]))


def _build_records(num_examples, record_bytes):
    content = tf.placeholder(tf.uint8, [num_examples, record_bytes],
                             name='content')
    variable = tf.Variable(content, trainable=False, use_resource=True,
                           collections=[tf.GraphKeys.LOCAL_VARIABLES],
                           name='records')
    return Records(variable, content)


def _take_first(rows, number):
    if isinstance(rows, slice):
        start = rows.start or 0
        return slice(start, start + number)
    return rows[:number]


def _count(rows, num_records):
    """How many rows a slice or an array takes of so many records."""
    if isinstance(rows, slice):
        return len(range(*rows.indices(num_records)))
    return len(rows)


def _build_batches(build_batch, records, draws, batch_sizes, first_batch,
                   num_threads, order=None):
    def build_slices(table, start, size, number):
        table = table[start or None:start + number * size]
        return tf.reshape(table, [number, size, table.shape[1]])

    # Slices of the variable's own buffer, which no op copies. Where a map reads a
    # variable, 2 would take the threads and the prefetching away, because ops
    # are to be deterministic.
    content = records.variable.read_value()
    if order is not None:
        content, draws = tf.gather(content, order), tf.gather(draws, order)
    dataset = None
    for run in plans.list_runs(batch_sizes):
        batches = tf.data.Dataset.from_tensor_slices(
            (build_slices(content, *run), build_slices(draws, *run)))
        dataset = batches if dataset is None else dataset.concatenate(batches)
    # As it is: translating the function's Python takes a second of each start.
    dataset = dataset.skip(first_batch).map(
        tf.autograph.experimental.do_not_convert(build_batch),
        num_parallel_calls=num_threads)
    return dataset.with_options(runtime.dataset_options())
