"""tf.data datasets, one initializable iterator each, behind a string handle.

Departs from the original in feeding the handle (it fetched every batch to the
host and fed it back), in preparing whole batches from records in memory (it
read files and prepared image by image), and in where random numbers come from.
A seeded random op in a tf.data map starts its sequence again at each
re-initialisation, so every epoch would see the same crops; an unseeded one
can't be repeated. Here each image's numbers are a function of (seed, epoch,
index of the image), drawn with a stateless op when the iterator is initialised.
"""

from typing import NamedTuple

import tensorflow.compat.v1 as tf

from cifar10_tf1 import runtime
from cifar10_tf1.determinism import derive_seed


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
    epoch: tf.Tensor        # int64 placeholder: which epoch to draw, from 0
    first_batch: tf.Tensor  # int64 placeholder: batches of it to leave out

    def load(self, session, data_set):
        """Reads the files; once in a session, before the first epoch."""
        self.records.load(session, data_set.load('train'))

    def initialize(self, session, epoch, first_batch=0):
        session.run(self.iterator.initializer,
                    {self.epoch: epoch, self.first_batch: first_batch})


class TestInput(NamedTuple):
    iterator: tf.data.Iterator
    records: Records

    def load(self, session, data_set):
        """Reads the file; once in a session."""
        self.records.load(session, data_set.load('test'))

    def initialize(self, session):
        session.run(self.iterator.initializer)


class Inputs(NamedTuple):
    training: TrainingInput
    test: TestInput
    handles: tuple     # string scalars to fetch: of training, of test
    handle: tf.Tensor  # string placeholder: one of the two, fetched
    labels: tf.Tensor  # int32 [batch]
    images: tf.Tensor  # float32 [batch, height, width, 3], standardised
    iterator: tf.data.Iterator  # behind the handle


def build_training_input(system, data_set, seed, num_threads):
    """The training pipeline: file order, never shuffled (a quirk).

    A pass has num_train_examples // batch_size batches.
    """
    num_examples = data_set.num_train_examples
    with tf.name_scope('training_input'):
        records = _build_records(num_examples, data_set.record_bytes)
        epoch = tf.placeholder(tf.int64, [], name='epoch')
        first_batch = tf.placeholder(tf.int64, [], name='first_batch')
        draws = build_draws(num_examples, system.num_training_draws,
                            derive_seed(seed, 'augmentation', bits=63), epoch)
        dataset = _build_batches(system, system.build_training_batch, records,
                                 draws, first_batch, num_threads)
        dataset = dataset.repeat(system.settings.dataset_repeats)
        iterator = tf.data.make_initializable_iterator(dataset.prefetch(4))
    return TrainingInput(iterator, records, epoch, first_batch)


def build_test_input(system, data_set, seed, crop, num_threads):
    """The test pipeline: every image exactly once, in order.

    The crop of an image depends on (seed, index of the image) alone, whatever
    the batch, the position or the seed of the training.
    """
    num_examples = data_set.num_test_examples
    with tf.name_scope('test_input'):
        records = _build_records(num_examples, data_set.record_bytes)
        if crop == 'random':
            draws = build_draws(num_examples, system.num_test_draws,
                                derive_seed(seed, 'test crop', bits=63), 0)
        else:
            draws = tf.fill([num_examples, system.num_test_draws], 0.5)
        dataset = _build_batches(system, system.build_test_batch, records,
                                 draws, 0, num_threads)
        iterator = tf.data.make_initializable_iterator(dataset.prefetch(4))
    return TestInput(iterator, records)


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


def _build_batches(system, build_batch, records, draws, first_batch,
                   num_threads):
    batch_size = system.batch_size
    num_batches = records.variable.shape[0].value // batch_size

    def build_slices(table):
        table = table[:num_batches * batch_size]
        return tf.reshape(table, [num_batches, batch_size, table.shape[1]])

    # Slices of the variable's own buffer, which no op copies. Where a map reads a
    # variable, 2 would take the threads and the prefetching away, because ops
    # are to be deterministic.
    dataset = tf.data.Dataset.from_tensor_slices(
        (build_slices(records.variable.read_value()), build_slices(draws)))
    # As it is: translating the function's Python takes a second of each start.
    dataset = dataset.skip(first_batch).map(
        tf.autograph.experimental.do_not_convert(build_batch),
        num_parallel_calls=num_threads)
    return dataset.with_options(runtime.dataset_options())
