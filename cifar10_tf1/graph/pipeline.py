"""tf.data datasets, one initializable iterator each, behind a string handle.

Departs from the original in three ways:

- The handle is fed. The original fetched every batch to the host and fed it back.
- Whole batches are prepared from records in memory. The original read files and prepared
  image by image.
- Random numbers come from a stateless op when the iterator is initialised, as a function
  of (seed, epoch, index of the image). In a tf.data map, a seeded op would give the same
  crops in every epoch, and an unseeded one can't be repeated.
"""

import functools
from typing import Callable, Dict, NamedTuple, Optional, Tuple, Union

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1.common.seeds import derive_seed
from cifar10_tf1.graph import plan as plans
from cifar10_tf1.machine import runtime
from cifar10_tf1.records import record_schema

VALIDATION = 'validation'      # the training records that a system holds back
LAST_BATCHES = 'last_batches'  # the last batch before each reporting point


class Input(NamedTuple):
    """Batches of records that a session keeps in memory."""
    iterator: tf.data.Iterator
    # uint8 [num_examples, record_bytes]. A local variable, so the data is neither in the
    # .meta file nor in a checkpoint.
    records: tf.Variable
    content: tf.Tensor              # placeholder for the records
    split: str                      # 'train' or 'test'
    rows: Union[slice, np.ndarray]  # of that split's records
    batch_sizes: Tuple[int, ...]
    feed: Callable                  # (epoch from 0, batches to skip) -> feed_dict

    @property
    def num_examples(self):
        return sum(self.batch_sizes)

    def load(self, session, data_set):
        """Reads the files; once per session."""
        session.run(self.records.initializer, {
            self.content: data_set.raw_records(self.split)[self.rows]})

    def initialize(self, session, epoch=0, first_batch=0):
        """Starts an epoch or a test, by default at its first batch."""
        session.run(self.iterator.initializer, self.feed(epoch, first_batch))


class Inputs(NamedTuple):
    training: Optional[Input]      # None in a test
    measured: Dict[str, Input]     # 'test', VALIDATION, LAST_BATCHES
    handles: Dict[str, tf.Tensor]  # string scalars: 'training' and those of measured
    handle: tf.Tensor  # string placeholder for the value of one of them
    iterator: tf.data.Iterator     # of the input whose handle is fed
    labels: tf.Tensor  # int32 [batch]
    images: tf.Tensor  # float32 [batch, height, width, channels]

    @property
    def test(self) -> Input:
        return self.measured['test']


def build_inputs(training, measured):
    """The Inputs of a graph; the fed handle selects the iterator of each batch."""
    sources = {'training': training, **measured} if training else measured
    iterators = {name: source.iterator for name, source in sources.items()}
    first = next(iter(iterators.values()))
    handle = tf.placeholder(tf.string, [], name='handle')
    iterator = tf.data.Iterator.from_string_handle(
        handle, tf.data.get_output_types(first), tf.data.get_output_shapes(first))
    labels, images = iterator.get_next('batch')
    handles = {name: one.string_handle(name) for name, one in iterators.items()}
    return Inputs(training, measured, handles, handle, iterator, labels, images)


def build_training_input(system, data_set, plan, seed, num_threads):
    """The training pipeline; one pass is an epoch of the plan.

    Quirk: in file order, never shuffled, unless the plan has its own order.
    """
    with tf.name_scope('training_input'):
        epoch = tf.placeholder(tf.int64, [], name='epoch')
        draws = build_draws(_count(plan.rows, data_set.num_train_examples),
                            system.num_training_draws,
                            derive_seed(seed, 'augmentation', bits=63), epoch)
        return _build_input(
            system.build_training_batch, data_set, 'train', plan.rows, draws,
            plan.batch_sizes, num_threads, epoch,
            plan.order and functools.partial(plan.order, seed),
            system.settings.dataset_repeats)


def build_test_input(system, data_set, seed, variant, num_threads, max_images=None):
    """The test pipeline: every image once, in order, or the first max_images.

    An image's crop depends only on the test's seed and the image's index. The variant
    'random' draws crops; VALIDATION uses the training records that the system holds back.
    """
    split, total = 'test', data_set.num_test_examples
    if variant == VALIDATION:
        split, total = 'train', data_set.num_train_examples
        rows = system.build_plan(data_set).validation
    else:
        rows = system.list_test_rows(total, variant, seed)
    if max_images is not None and max_images < _count(rows, total):
        rows = np.arange(total)[rows][:max_images]
    num_examples = _count(rows, total)
    with tf.name_scope('validation_input' if variant == VALIDATION else 'test_input'):
        if variant == 'random':
            draws = build_draws(num_examples, system.num_test_draws,
                                derive_seed(seed, 'test crop', bits=63), 0)
        else:
            draws = tf.fill([num_examples, system.num_test_draws], 0.5)
        return _build_input(
            system.build_test_batch, data_set, split, rows, draws,
            plans.split(num_examples, system.test_batch_size), num_threads)


def build_measured_inputs(system, data_set, plan, seed, num_threads):
    """{name: Input} for the figures that the system computes during training."""
    measured = {'test': build_test_input(system, data_set, seed, system.variants[0],
                                         num_threads)}
    if record_schema.VALIDATION_ACCURACY in system.figures:
        measured[VALIDATION] = build_test_input(system, data_set, seed, VALIDATION,
                                                num_threads)
    if {record_schema.LOSS, record_schema.TRAINING_ACCURACY} & set(system.figures):
        rows, batch_sizes = plan.list_last_batches(
            np.arange(data_set.num_train_examples)[plan.rows])
        with tf.name_scope('last_batches_input'):
            measured[LAST_BATCHES] = _build_input(
                system.build_test_batch, data_set, 'train', rows,
                tf.fill([len(rows), system.num_test_draws], 0.5), batch_sizes,
                num_threads)
    return measured


def build_draws(num_examples, num_draws, key, epoch):
    """float32 [num_examples, num_draws], uniform in [0, 1).

    One op draws for all images, because two ops with one seed give the same numbers.
    """
    return tf.random.stateless_uniform(
        [num_examples, num_draws],
        seed=tf.stack([tf.constant(key, tf.int64), tf.cast(epoch, tf.int64)]))


def _count(rows, total):
    """The number of rows that a slice or an array selects from `total` records."""
    return len(np.arange(total)[rows])


def _build_input(build_batch, data_set, split, rows, draws, batch_sizes, num_threads,
                 epoch=None, order=None, num_repeats=None):
    content = tf.placeholder(
        tf.uint8, [draws.shape[0].value, data_set.record_bytes], name='content')
    records = tf.Variable(content, trainable=False, use_resource=True,
                          collections=[tf.GraphKeys.LOCAL_VARIABLES], name='records')
    first_batch = tf.placeholder(tf.int64, [], name='first_batch')
    # Slices share the variable's buffer. On TensorFlow 2, where ops must be
    # deterministic, a map that reads a variable would lose its threads and prefetching.
    table, ordered_rows = records.read_value(), None
    if order is not None:
        ordered_rows = tf.placeholder(tf.int32, [sum(batch_sizes)], name='order')
        table, draws = tf.gather(table, ordered_rows), tf.gather(draws, ordered_rows)

    def build_slices(tensor, start, size, number):
        return tf.reshape(tensor[start or None:start + number * size],
                          [number, size, tensor.shape[1]])

    def feed(number, first):
        feeds = {first_batch: first}
        if epoch is not None:
            feeds[epoch] = number
        if order is not None:
            feeds[ordered_rows] = order(number)
        return feeds

    dataset = None
    for run in plans.list_runs(batch_sizes):
        batches = tf.data.Dataset.from_tensor_slices(
            (build_slices(table, *run), build_slices(draws, *run)))
        dataset = batches if dataset is None else dataset.concatenate(batches)
    # Autograph would add a second to each start.
    dataset = dataset.skip(first_batch).map(
        tf.autograph.experimental.do_not_convert(build_batch),
        num_parallel_calls=num_threads).with_options(runtime.dataset_options())
    if num_repeats is not None:
        dataset = dataset.repeat(num_repeats)
    return Input(tf.data.make_initializable_iterator(dataset.prefetch(4)), records,
                 content, split, rows, batch_sizes, feed)
