"""What a system says of itself: the one interface between it and the program.

A system is one documented result: its data, batches, network, loss, update and
test. It is a subclass in a file of its own, named in systems/__init__.py. The
programs take it as an argument and ask it; none asks for its name.
"""

from typing import Any
from typing import NamedTuple
from typing import Optional
from typing import Tuple

import tensorflow.compat.v1 as tf

from cifar10_tf1.kernels import stock


class System:
    """One documented result; its methods add to the graph that is at hand.

    Attributes:
      settings: NamedTuple of every constant, for the record of a run; with
        `name`, `batch_size` and `dataset_repeats`.
      num_epochs: of the documented run.
      num_training_draws: numbers in [0, 1) that an image of training consumes.
      num_test_draws: the same, of testing.
    """

    settings: NamedTuple
    num_epochs: int
    num_training_draws = 0
    num_test_draws = 0

    @property
    def name(self) -> str:
        return self.settings.name

    @property
    def batch_size(self) -> int:
        return self.settings.batch_size

    def count_steps(self, num_examples: int) -> int:
        """Updates in an epoch of so many images."""
        return num_examples // self.batch_size

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


def list_restored(system: System, global_step: tf.Variable) -> dict:
    """{name in a checkpoint: variable} of what testing restores."""
    average = system.build_average(global_step)
    if average is None:
        return {variable.op.name: variable
                for variable in tf.global_variables()}
    return average.variables_to_restore()
