"""The interface between a documented result and the programs.

A system is one documented result: its data, batches, network, loss, update and test. It
is a subclass of System in its own file, listed in systems/__init__.py. No program
depends on a system's name.
"""

from typing import Any, List, NamedTuple, Optional, Tuple, Union

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import data, systems
from cifar10_tf1.data import records
from cifar10_tf1.data.data_set import DataSet, LABEL_BYTES
from cifar10_tf1.graph import plan
from cifar10_tf1.graph.mode import Mode
from cifar10_tf1.kernels import stock

Batch = Tuple[tf.Tensor, tf.Tensor]  # int32 labels [N]; float32 images [N, ...]


class PictureShape(NamedTuple):
    """A square picture before a system prepares it."""
    side: int              # pixels
    channels: int          # 3: red, green, blue; 1: grey
    crop_size: int         # pixels, the side of the central square the network sees
    is_light_on_dark: bool = False  # pictures of dark ink on white are inverted


class TestCount(NamedTuple):
    """The figures in the documented lines of a test."""
    num_correct: int
    num_examples: int
    seconds: float
    # Unweighted mean of the batches' float32 shares, summed in double precision: a
    # short last batch counts as much as the others.
    mean_over_batches: float
    checkpoint: str = ''  # the prefix that was restored, if one was

    @property
    def accuracy(self) -> float:
        return self.num_correct / self.num_examples

    @property
    def line(self) -> str:
        """The line that is added to the documented ones."""
        return f'{self.num_correct} of {self.num_examples}, Test Time : {self.seconds:.2f}s'


def _setting(name, *default):
    """A property that reads a field of the settings."""
    return property(lambda system: getattr(system.settings, name, *default))


class System:
    """A documented result; its build_* methods add ops to the default graph.

    Defaults: every record once, in file order; the same preparation for training and
    testing; Adam at a constant rate; no dropout; no moving average of the weights.
    """

    # Every constant, recorded with a run: name, batch_size, dataset_repeats and, unless
    # the subclass overrides them, test_batch_size and schedule.
    settings: NamedTuple
    picture: PictureShape
    filters: Optional[str] = None  # weights to draw: those of the first convolution
    num_training_draws = 0  # random numbers in [0, 1) for each training image
    num_test_draws = 0      # the same for each test image
    figures: Tuple[str, ...] = ()  # of record_schema.FIGURES, at reporting points
    tests_after_training = False
    # Test variants that normalise by each batch's moments and use dropout.
    variants_as_in_training: Tuple[str, ...] = ()
    pretrained: Any = None  # module like inception.weights, to start from published ones
    # Sum gradients in pairs, without TensorFlow's rewrites, which would merge the sums
    # again. AddN starts with any term whose buffer is free, so two runs of a network
    # that forks would differ.
    sums_in_pairs = False
    num_parallel_ops: Optional[int] = None  # of the fast kernels; None: one per core

    name = _setting('name')
    batch_size = _setting('batch_size')
    test_batch_size = _setting('test_batch_size')
    schedule = _setting('schedule')  # learning_rate, beta1, beta2, epsilon; num_epochs
    keep_prob = _setting('keep_prob', None)  # share of units that dropout keeps
    # Training batches whose mean moments replace the moving averages in a test.
    num_calibration_batches = _setting('num_calibration_batches', 0)

    @property
    def num_epochs(self) -> int:
        return self.schedule.num_epochs

    @property
    def variants(self) -> Tuple[str, ...]:
        return systems.find(self.name).variants

    @property
    def source(self) -> data.Source:
        return systems.find(self.name).source

    def build_plan(self, data_set: DataSet, num_files: Optional[int] = None) -> plan.Plan:
        """An epoch over the first num_files files, or all; by default whole batches."""
        num_examples = count_examples(data_set, num_files)
        return plan.Plan(slice(num_examples), plan.split(
            num_examples, self.batch_size, drops_remainder=True))

    def list_test_rows(self, num_examples: int, variant: str,
                       seed: int) -> Union[slice, np.ndarray]:
        """The rows of the test records that a variant tests."""
        return slice(num_examples)

    def find_step(self, reader: tf.train.NewCheckpointReader) -> int:
        """The number of updates that led to a checkpoint."""
        return int(reader.get_tensor('global_step'))

    def build_training_batch(self, batch: tf.Tensor, draws: tf.Tensor) -> Batch:
        """Decodes and prepares a batch of records for training.

        Args:
          batch: uint8 [batch, record_bytes]: a label, then a plane per channel.
          draws: float32 [batch, num_training_draws], uniform in [0, 1).
        """
        picture = self.picture
        planes = tf.reshape(batch[:, LABEL_BYTES:], [
            -1, picture.channels, picture.side, picture.side])
        return records.build_labels(batch), self.build_images(tf.transpose(planes, [0, 2, 3, 1]))

    def build_test_batch(self, batch: tf.Tensor, draws: tf.Tensor) -> Batch:
        """The same for testing."""
        return self.build_training_batch(batch, draws)

    def build_images(self, pixels: tf.Tensor) -> tf.Tensor:
        """Prepares uint8 pictures [N, side, side, channels] as testing does."""
        raise NotImplementedError

    def build_network(self, images: tf.Tensor, seed: int, kernels: Any = stock,
                      mode: Mode = Mode()) -> tf.Tensor:
        """Adds the network and its variables, each on /cpu:0, to the graph.

        Loss terms other than the cross-entropy go into the collection `losses`.

        The seed is the run's, kernels a module of cifar10_tf1.kernels.

        Returns:
          float32 [batch, classes], logits.
        """
        raise NotImplementedError

    def build_learning_rate(self, global_step: tf.Variable) -> tf.Tensor:
        """The rate of the next update, a float32 scalar: by default a constant."""
        return tf.constant(self.schedule.learning_rate, name='learning_rate')

    def build_optimizer(self, learning_rate: tf.Tensor) -> tf.train.Optimizer:
        """By default Adam."""
        return tf.train.AdamOptimizer(learning_rate, self.schedule.beta1,
                                      self.schedule.beta2, self.schedule.epsilon)

    def build_average(self, global_step: Optional[tf.Variable]
                      ) -> Optional[tf.train.ExponentialMovingAverage]:
        """The moving average of the weights that testing restores, if any."""
        return None

    def list_restored(self) -> dict:
        """{name in a checkpoint: variable of the default graph} that testing restores."""
        average = self.build_average(None)
        if average is not None:
            return average.variables_to_restore()
        return {variable.op.name: variable for variable in tf.model_variables()}

    def name_original_checkpoint(self, epoch: int, is_last: bool) -> Optional[str]:
        """The original's name for an epoch's checkpoint, if it differs from ours."""
        return None

    def build_original_graph(self, seed: int) -> bool:
        """Adds the original's own graph, if its checkpoint needs one, and returns True.

        Variables with names of the run's take their values; the run's seed initialises
        the others. By default the run's variables but the global step are saved.
        """
        return False

    # The documented lines.

    def format_start(self, num_files: int) -> List[str]:
        """Before the first epoch of a run on num_files training files."""
        return []

    def format_step(self, step: int, loss: float, seconds: float) -> List[str]:
        """After update number `step`, with the total loss of its batch."""
        return []

    def format_progress(self, entry: dict) -> List[str]:
        """At a reporting point, with its entry of run_record.RunRecord.epochs."""
        return []

    def format_end(self, loss: float, seconds: float, count: Optional[TestCount]) -> List[str]:
        """After the last step, with its loss and, if tests_after_training, the count."""
        return []

    def format_test(self, count: TestCount) -> List[str]:
        raise NotImplementedError


def count_examples(data_set: DataSet, num_files: Optional[int]) -> int:
    """The number of records in the first num_files training files; None: in all."""
    return (data_set.num_train_examples // data_set.num_train_files
            * (num_files or data_set.num_train_files))
