"""What a system says of itself: the one interface between it and the program.

A system is one documented result: its data, batches, network, loss, update and
test. It is a subclass in a file of its own, named in systems/__init__.py. The
programs take it as an argument and ask it; none asks for its name.
"""

from typing import Any
from typing import List
from typing import NamedTuple
from typing import Optional
from typing import Tuple
from typing import Union

import numpy as np
import tensorflow.compat.v1 as tf

from cifar10_tf1 import data
from cifar10_tf1.graph import plan
from cifar10_tf1.graph import variables
from cifar10_tf1 import systems
from cifar10_tf1.data.data_set import DataSet
from cifar10_tf1.kernels import stock


# A collection of (name of a moving average, what it is the average of).
BATCH_STATISTICS = 'batch_statistics'


class PictureShape(NamedTuple):
    """What a picture is before a system prepares it."""
    side: int              # pixels, of a square
    channels: int          # 3: red, green, blue; 1: grey
    crop_size: int         # pixels, the side of the central square the network sees
    is_light_on_dark: bool = False  # as ink of 255; others are inverted


class Mode(NamedTuple):
    """How a network is used: in training, in testing, on pictures."""
    keep_prob: Optional[tf.Tensor] = None  # float32 scalar, the share of units
    # that dropout keeps; None: no dropout
    step: Optional[tf.Tensor] = None       # int64 scalar: each draws anew
    seed: int = 0                          # of what is drawn
    uses_batch_statistics: bool = False    # normalises by the batch's moments


class TestCount(NamedTuple):
    """What the lines of a test are made of."""
    num_correct: int
    num_examples: int
    seconds: float
    # Of float32 shares, summed in double precision, as a loop over mini-batches
    # does it. A short last batch counts as much as the others.
    mean_over_batches: float


class System:
    """One documented result; its methods add to the graph that is at hand.

    Attributes:
      settings: NamedTuple of every constant, for the record of a run; with
        `name`, `batch_size` and `dataset_repeats`.
      num_epochs: of the documented run.
      num_training_draws: numbers in [0, 1) that an image of training consumes.
      num_test_draws: the same, of testing.
      picture: PictureShape.
      filters: name of the first layer's weights.
      keep_prob: share of the units that dropout keeps in training, or None.
      figures: what is measured after each part of an epoch: any of
        systems.FIGURES.
      tests_after_training: whether the training ends with a test.
      variants_as_in_training: of the test, in which the network normalises by
        each batch's moments and draws its dropout.
      pretrained: the published weights that training begins with, or None.
      sums_in_pairs: whether gradients of three terms or more are summed two at
        a time, and the graph is run as it is built. AddN begins with the term
        whose buffer happens to be free, and TensorFlow would put the sums
        together again: so of networks that fork, no two runs would be equal.
      num_calibration_batches: of training images, whose moments' mean takes the
        place of moving averages that are of no use yet.
      num_parallel_ops: how many ops of the fast kernels run at the same time by
        default; None: as many as there are cores.
    """

    settings: NamedTuple
    num_epochs: int
    picture: PictureShape
    filters: str
    num_training_draws = 0
    num_test_draws = 0
    keep_prob: Optional[float] = None
    figures: Tuple[str, ...] = ()
    tests_after_training = False
    variants_as_in_training: Tuple[str, ...] = ()
    pretrained: Any = None  # checkpoints.pretrained.Published
    sums_in_pairs = False
    num_calibration_batches = 0
    num_parallel_ops: Optional[int] = None

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def variants(self) -> Tuple[str, ...]:
        """What can be tested, as documented first."""
        return systems.find(self.name).variants

    @property
    def source(self) -> data.Source:
        """Of its data."""
        return data.SOURCES[systems.find(self.name).data]

    @property
    def batch_size(self) -> int:
        return self.settings.batch_size

    @property
    def test_batch_size(self) -> int:
        return self.batch_size

    def build_plan(self, data_set: DataSet,
                   num_files: Optional[int] = None) -> plan.Plan:
        """Which records an epoch trains on; by default all, in whole batches.

        Args:
          data_set: whose training records.
          num_files: the first files that are trained on, by default all.
        """
        num_examples = (data_set.num_train_examples // data_set.num_train_files
                        * (num_files or data_set.num_train_files))
        return plan.Plan(slice(num_examples), plan.split(
            num_examples, self.batch_size, drops_remainder=True))

    def list_test_rows(self, num_examples: int, variant: str,
                       seed: int) -> Union[slice, np.ndarray]:
        """Which records a test takes; by default each once, in order."""
        del variant, seed
        return slice(num_examples)

    def find_step(self, reader: tf.train.NewCheckpointReader) -> int:
        """Updates done, of a checkpoint; some originals say it by the way."""
        return int(reader.get_tensor('global_step'))

    def build_training_batch(self, batch: tf.Tensor,
                             draws: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
        """Records to what training feeds the network with.

        Args:
          batch: uint8 [batch, record_bytes], records.
          draws: float32 [batch, num_training_draws], uniform in [0, 1).
        Returns:
          (labels, images): int32 [batch]; float32 [batch, height, width,
          channels].
        """
        raise NotImplementedError

    def build_test_batch(self, batch: tf.Tensor,
                         draws: tf.Tensor) -> Tuple[tf.Tensor, tf.Tensor]:
        """As build_training_batch, for testing."""
        raise NotImplementedError

    def build_images(self, pixels: tf.Tensor) -> tf.Tensor:
        """Pictures as they are to what testing feeds the network with.

        Args:
          pixels: uint8 [N, side, side, channels].
        Returns:
          float32 [N, height, width, channels].
        """
        raise NotImplementedError

    def build_network(self, images: tf.Tensor, seed: int, kernels: Any = stock,
                      mode: Mode = Mode()) -> tf.Tensor:
        """Adds the network and its variables, each on /cpu:0.

        Terms of the loss other than the cross-entropy join the collection
        `losses`, so a graph holds a network once.

        Args:
          images: float32 [batch, height, width, channels].
          seed: the run's, for the initial weights.
          kernels: a module of cifar10_tf1.kernels.
          mode: by default as in testing and on pictures.
        Returns:
          float32 [batch, classes], logits.
        Raises:
          ValueError: where the graph has the network already.
        """
        raise NotImplementedError

    def build_learning_rate(self, global_step: tf.Variable) -> tf.Tensor:
        """The rate of the next update, a float32 scalar.

        Args:
          global_step: int64 variable, updates done.
        """
        raise NotImplementedError

    def build_optimizer(self, learning_rate: tf.Tensor) -> tf.train.Optimizer:
        raise NotImplementedError

    def build_average(self, global_step: tf.Variable
                      ) -> Optional[tf.train.ExponentialMovingAverage]:
        """The moving average that testing restores; None: the weights are."""
        del global_step
        return None

    def name_published(self, epoch: int, is_last: bool) -> Optional[str]:
        """The original's name for its checkpoint of an epoch, counted from 1.

        None where it writes none then, or the one that a run goes on from.
        """
        del epoch, is_last
        return None

    def build_published(self, seed: int) -> bool:
        """Adds the original's own graph, where what it saves needs one.

        Its variables then take the values of those of the same names.

        Args:
          seed: the run's, for variables that the training has not.
        Returns:
          Whether there is one. Else the training's graph is saved, but for the
          global step.
        """
        del seed
        return False

    def format_start(self, num_files: int) -> List[str]:
        """The lines before the first epoch, as documented.

        Args:
          num_files: of the training data, that are trained on.
        """
        del num_files
        return []

    def format_step(self, step: int, loss: float, seconds: float) -> List[str]:
        """The lines of a step, as documented.

        Args:
          step: updates done, this one included.
          loss: the total loss of its batch.
          seconds: that it took.
        """
        del step, loss, seconds
        return []

    def format_last_loss(self, loss: float) -> List[str]:
        """The lines after the last step, as documented."""
        del loss
        return []

    def format_progress(self, entry: dict) -> List[str]:
        """The lines of an epoch, or of a part of it, as documented.

        Args:
          entry: of the record; see run_record.RunRecord.epochs.
        """
        raise NotImplementedError

    def format_end(self, seconds: float,
                   count: Optional[TestCount]) -> List[str]:
        """The lines after the last epoch, as documented.

        Args:
          seconds: of all epochs.
          count: of the test, where the training ends with one.
        """
        raise NotImplementedError

    def format_test(self, count: TestCount) -> List[str]:
        """The lines of a test, as documented."""
        raise NotImplementedError


def build_training_mode(system: System, seed: int,
                        global_step: tf.Variable) -> Mode:
    """The Mode of a training graph.

    Its keep_prob is a placeholder that is 1 where it is not fed: figures are
    taken without dropout.
    """
    if system.keep_prob is None:
        return Mode(seed=seed, uses_batch_statistics=True)
    with tf.device('/cpu:0'):
        keep_prob = tf.placeholder_with_default(1.0, [], name='keep_prob')
        # Once, so that all layers see one value.
        step = tf.identity(global_step.read_value(), name='dropout_step')
    return Mode(keep_prob, step, seed, uses_batch_statistics=True)


def build_test_mode(system: System, variant: str, seed: int,
                    number: Union[int, tf.Tensor]) -> Mode:
    """The Mode of a batch of a test.

    Args:
      system: whose test.
      variant: one of the system's.
      seed: of the test.
      number: int or int64 scalar, of the batch, from 0.
    """
    if variant not in system.variants_as_in_training:
        return Mode()
    return Mode(system.keep_prob, number, seed, uses_batch_statistics=True)


def list_restored(system: System) -> dict:
    """{name in a checkpoint: variable} of what testing restores."""
    average = system.build_average(None)
    if average is None:
        return {variable.op.name: variable
                for variable in variables.list_network_variables()}
    return average.variables_to_restore()
