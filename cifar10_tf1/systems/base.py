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

import tensorflow.compat.v1 as tf

from cifar10_tf1 import data
from cifar10_tf1 import plan
from cifar10_tf1 import systems
from cifar10_tf1.data.data_set import DataSet
from cifar10_tf1.kernels import stock


class PictureShape(NamedTuple):
    """What a picture is before a system prepares it."""
    side: int              # pixels, of a square
    channels: int          # 3: red, green, blue; 1: grey
    seen: int              # pixels, the side of the middle that is seen
    is_light_on_dark: bool = False  # as ink of 255; others are inverted


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
    """

    settings: NamedTuple
    num_epochs: int
    picture: PictureShape
    filters: str
    num_training_draws = 0
    num_test_draws = 0

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

    def build_plan(self, data_set: DataSet) -> plan.Plan:
        """Which records an epoch trains on; by default all, in whole batches."""
        num_examples = data_set.num_train_examples
        return plan.Plan(slice(num_examples), plan.split(
            num_examples, self.batch_size, drops_remainder=True))

    def count_steps(self, data_set: DataSet) -> int:
        """Updates in an epoch."""
        return self.build_plan(data_set).num_steps

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

    def build_network(self, images: tf.Tensor, seed: int,
                      kernels: Any = stock) -> tf.Tensor:
        """Adds the network and its variables, each on /cpu:0.

        Terms of the loss other than the cross-entropy join the collection
        `losses`, so a graph holds a network once.

        Args:
          images: float32 [batch, height, width, channels].
          seed: the run's, for the initial weights.
          kernels: a module of cifar10_tf1.kernels.
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

    def name_published(self, epoch: int) -> Optional[str]:
        """The original's name for its checkpoint of an epoch, counted from 1.

        None where it is the one that a run goes on from. Else the tensors are
        the same but for the global step, which the original does not save.
        """
        del epoch
        return None

    def format_start(self) -> List[str]:
        """The lines before the first epoch, as documented."""
        return []

    def format_epoch(self, entry: dict) -> List[str]:
        """The lines of an epoch, as documented.

        Args:
          entry: of the record; see run_record.RunRecord.epochs.
        """
        raise NotImplementedError

    def format_end(self, seconds: float,
                   num_correct: Optional[int], num_examples: int) -> List[str]:
        """The lines after the last epoch, as documented.

        Args:
          seconds: of all epochs.
          num_correct: of the test, where the training ends with one.
          num_examples: the same.
        """
        raise NotImplementedError

    def format_test(self, num_correct: int, num_examples: int,
                    seconds: float) -> List[str]:
        """The lines of a test, as documented."""
        raise NotImplementedError


def list_restored(system: System) -> dict:
    """{name in a checkpoint: variable} of what testing restores."""
    average = system.build_average(None)
    if average is None:
        return {variable.op.name: variable
                for variable in tf.trainable_variables()}
    return average.variables_to_restore()
