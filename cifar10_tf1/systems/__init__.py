"""What is reproduced: one file for each documented result, and their catalog.

The command line needs the catalog before TensorFlow is imported; a system's own
file imports it.
"""

import importlib
import os
from typing import NamedTuple
from typing import Optional
from typing import Tuple

from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.common.errors import UserError


# Figures of a part of an epoch, of the network as it is tested.
LOSS = 'loss'                                # nats, on the part's last batch
TRAINING_ACCURACY = 'training_accuracy'      # on the same
VALIDATION_ACCURACY = 'validation_accuracy'  # on the records held back
FIGURES = (LOSS, TRAINING_ACCURACY, VALIDATION_ACCURACY)


class Curve(NamedTuple):
    """One figure of a documented run by epoch, and how far ours may be off.

    Its numbers are beside the system in <system>_<name>_curve.csv, in a column
    of the figure's name. Off means above or below: a figure that is too good is
    a bug as well.
    """
    name: str             # 'documented', 'documented_single_file', ...
    figure: str           # an epoch's, as a record names it
    title: str            # of the figure, for people
    is_share: bool        # deviations are in percentage points, not in percent
    mean_absolute: float  # the band, of the deviations
    largest: float
    num_files: Optional[int] = None  # of training that the run had; None: all

    @property
    def unit(self):
        return 'points' if self.is_share else '%'


class Documented(NamedTuple):
    """What the document says of its run."""
    data: str         # for people
    environment: str
    step: int         # at which it is tested
    # None: the document does not say it, or not of whole images.
    num_correct: Optional[int]
    num_examples: int
    curves: Tuple[Curve, ...]
    # Images that the mean over seeds may be off, stated before the seeds were
    # run; None: of this system no equality is claimed.
    margin: Optional[int] = None
    # What a document prints that averages over mini-batches, of any length.
    mean_over_batches: Optional[float] = None


class Entry(NamedTuple):
    """What is said of a system without importing TensorFlow."""
    name: str
    result: str      # for --help
    data: str        # a key of data.SOURCES
    num_epochs: int  # of the documented run
    variants: tuple  # of the test, the documented one first
    kernels: tuple   # formulations of the layers that it has
    documented: Documented
    # Of training, by direct convolution and its gradients without those with
    # respect to the images.
    image_gflop: float
    checkpoint_bytes: int  # at most, with what lies beside it
    # Tests of the first variant that a run is judged by, where it draws: a sweep
    # takes the seeds from 1 on.
    num_test_seeds: int = 1
    # Measured for the first ones: 0.56 GB at most while training on 1.15, 0.89 on
    # TensorFlow 2.
    memory_bytes: float = 0.9e9  # at most, while training
    # Measured for the first ones: 0.48 GB at most on 1.15, 0.72 on TensorFlow 2.
    test_memory_bytes: float = 0.8e9
    # Whether TensorFlow 2's rewrites by oneDNN make the stock kernels faster. They
    # would those of the others too, which have fast kernels for it.
    prefers_onednn: bool = False
    cost: str = ''         # said before a training that takes long
    # Of the published weights that training begins with: the folder, unless the
    # variable of the environment says so.
    weights_folder: str = ''
    weights_variable: str = ''

    @property
    def weights_dir(self):
        """str, the folder of its published weights; empty: it has none."""
        return os.environ.get(self.weights_variable) or self.weights_folder


ENTRIES = (
    Entry('deep_cnn', 'CIFAR-10, 82.5 %', 'cifar10', 110,
          ('random', 'central'), ('stock', 'fast'),
          # Two unseeded runs of a plain port were off by 0.4 and 0.9 % in the
          # mean and by 2.2 % at most.
          Documented('CIFAR-10', 'TensorFlow-GPU 1.4.0', 55000, 8246, 10000, (
              Curve('documented', 'summed_loss', 'Summed loss', False, 1.8,
                    3.5),), statistics_of_runs.MARGIN),
          0.1053, 9 * 1000 * 1000, 20),
    Entry('lenet5', 'MNIST, 98.4 %', 'mnist', 10, ('whole', 'validation'),
          ('stock', 'fast'),
          # Three standard deviations over the mean of ten recorded seeds, which
          # were off by 0.21 points (0.06) in the mean and by 0.50 (0.20) at most.
          Documented('MNIST', 'TensorFlow 0.9.0', 4300, 9836, 10000, (
              Curve('documented', 'validation_accuracy', 'Validation accuracy',
                    True, 0.4, 1.1),)),
          0.0023, 3 * 1000 * 1000),
    Entry('laptop_cnn', 'CIFAR-10, 67.34 %', 'cifar10', 50,
          ('whole', 'validation'), ('stock', 'fast'),
          # The bands of this and the next: what one more run is under with a
          # probability of 97.5 %, were all recorded ones, and the plain ports',
          # alike. docs/systems/ says what the ports alone would.
          Documented('CIFAR-10', 'a laptop, versions unknown', 9000, None, 10000, (
              Curve('documented_single_file', VALIDATION_ACCURACY,
                    'Validation accuracy', True, 1.5, 6.0, 1),),
              mean_over_batches=0.6734375),
          0.0190, 10 * 1000 * 1000),
    Entry('udacity_cnn', 'CIFAR-10, 68.76 %', 'cifar10', 25,
          ('whole', 'validation'), ('stock', 'fast'),
          Documented('CIFAR-10', 'TensorFlow 1 of 2017', 1125, 6876, 10000, tuple(
              Curve(name, figure, title, is_share, *band, num_files)
              for name, num_files, bands in (
                  ('documented', None, ((5.9, 34.6), (1.8, 9.7), (1.3, 8.8))),
                  ('documented_single_file', 1,
                   ((4.7, 10.5), (3.0, 9.9), (2.4, 9.4))))
              for (figure, title, is_share), band in zip((
                  (LOSS, 'Loss of a file\'s last batch', False),
                  (TRAINING_ACCURACY, 'Accuracy on a file\'s last batch', True),
                  (VALIDATION_ACCURACY, 'Validation accuracy', True)), bands)),
              mean_over_batches=0.6875999808311463),
          0.1134, 30 * 1000 * 1000),
    Entry('inception_v3', 'CIFAR-10 by fine-tuning, 79.85 %', 'cifar10', 3,
          ('batch', 'stored'), ('stock',),
          # No run with the published weights could be made here, so the band
          # is from the documented losses alone: of the mean of 100 they have
          # a deviation of about 2 %, and of two runs' difference 3 %.
          Documented('CIFAR-10', 'TensorFlow 1.0 or 1.1', 1500, 7985, 10000, (
              Curve('documented', 'summed_loss', 'Sum of 100 losses', False, 4.0,
                    10.0),)),
          34.2, 310 * 1000 * 1000, memory_bytes=12e9,
          test_memory_bytes=2.5e9, prefers_onednn=True,
          cost='takes about 12 GB of memory, 292 MB a checkpoint and, on two '
          'cores, 15 to 27 hours; --max-steps 3 tries it',
          weights_folder='dataset/inception_v3',
          weights_variable='INCEPTION_V3_DIR'),
)
NAMES = tuple(entry.name for entry in ENTRIES)
DEFAULT = NAMES[0]


def find(name):
    """The Entry of a system.

    Args:
      name: str, perhaps of a record.
    Raises:
      UserError: where there is none of that name.
    """
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    raise UserError(f'there is no system {name}; those that are here: '
                    + ', '.join(NAMES))


def load(name):
    """The base.System of that name; imports TensorFlow.

    Args:
      name: one of NAMES.
    """
    return importlib.import_module(f'{__name__}.{name}').SYSTEM
