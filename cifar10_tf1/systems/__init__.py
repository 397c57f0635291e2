"""The catalog of documented results; it doesn't import TensorFlow.

Each result's own file, systems/<name>.py, does.
"""

import importlib
import os
from typing import NamedTuple, Optional, Tuple

from cifar10_tf1 import data
from cifar10_tf1.common import paths
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.common.record_schema import (LOSS, TRAINING_ACCURACY, VALIDATION_ACCURACY)


class Curve(NamedTuple):
    """A documented figure by epoch, and how far ours may deviate in either direction.

    The numbers are in <system>_<name>_curve.csv beside this file.
    """
    name: str             # 'documented', 'documented_single_file'
    figure: str           # key in a record's epochs, and column of the file
    title: str            # as printed
    mean_absolute: float  # the band: largest mean of the absolute deviations,
    largest: float        # and largest single one
    num_files: Optional[int] = None  # training files of that run; None: all

    @property
    def is_share(self):
        """Whether deviations are in percentage points instead of percent."""
        return self.figure in (TRAINING_ACCURACY, VALIDATION_ACCURACY)

    @property
    def unit(self):
        return 'points' if self.is_share else '%'


class Documented(NamedTuple):
    """The run as its document describes it."""
    environment: str
    num_correct: Optional[int]  # None: not stated, or not in whole images
    curves: Tuple[Curve, ...]
    # Equivalence margin of the mean over seeds, in images, fixed before the seeds were
    # run; None: no equivalence is claimed.
    margin: Optional[int] = None
    # The document's accuracy, if it is an unweighted mean over mini-batches.
    mean_over_batches: Optional[float] = None
    num_examples: int = 10000


class Entry(NamedTuple):
    """Facts about a system that need no TensorFlow."""
    name: str
    result: str      # for --help
    data: str        # key in data.SOURCES
    num_epochs: int  # of the documented run
    variants: tuple  # of the test, the documented one first
    documented: Documented
    checkpoint_bytes: int      # upper limit, including the files beside it
    num_test_seeds: int = 1    # test with seeds 1 to this one if the test is random
    kernels: tuple = ('stock', 'fast')  # formulations that its layers have
    # Peaks measured on two cores, on 1.15 and TensorFlow 2, in GB: training deep_cnn
    # 0.77 and 1.22, lenet5 0.63 and 0.98, laptop_cnn 0.95 and 1.32, udacity_cnn 1.78 and
    # 1.90; testing 0.46 and 0.74, 0.42 and 0.71, 0.50 and 0.80, 0.79 and 1.13.
    memory_bytes: float = 1.4e9       # while training
    test_memory_bytes: float = 0.8e9
    prefers_onednn: bool = False  # TensorFlow 2's oneDNN makes its stock kernels faster
    cost: str = ''             # printed before a long training
    weights_folder: str = ''   # the published weights that training starts from
    weights_variable: str = ''  # environment variable that overrides weights_folder
    shared_file: str = ''      # in systems/ and docs/systems/, if not <name>

    @property
    def source(self):
        return data.SOURCES[self.data]

    @property
    def file(self):
        return self.shared_file or self.name

    @property
    def page(self):
        """The page that describes the result and lists deviations and quirks."""
        return f'docs/systems/{self.file}.md'

    @property
    def weights_dir(self):
        """The folder of its published weights, or '' if it has none."""
        folder = os.environ.get(self.weights_variable)
        return paths.check(folder, self.weights_variable) if folder else (self.weights_folder)


def _list_udacity_curves(name, num_files, loss, training, validation):
    return (Curve(name, LOSS, 'Loss of a file\'s last batch', *loss, num_files),
            Curve(name, TRAINING_ACCURACY, 'Accuracy on a file\'s last batch', *training,
                  num_files),
            Curve(name, VALIDATION_ACCURACY, 'Validation accuracy', *validation, num_files))


ENTRIES = (
    Entry(
        'deep_cnn', 'CIFAR-10, 82.46 %', 'cifar10', 110, ('random', 'central'),
        Documented(
            'TensorFlow-GPU 1.4.0', 8246,
            # Two unseeded runs of a plain port deviated by 0.4 and 0.9 % in the mean
            # and by 2.2 % at most.
            (Curve('documented', 'summed_loss', 'Summed loss', 1.8, 3.5),), margin=30),
        checkpoint_bytes=9 * 10 ** 6, num_test_seeds=20),
    Entry(
        'lenet5', 'MNIST, 98.4 %', 'mnist', 10, ('whole', 'validation'),
        Documented(
            'TensorFlow 0.9.0', 9836,
            # Three standard deviations above the mean of ten recorded seeds. The mean
            # deviation was 0.21 points (sd 0.06), the largest 0.50 (sd 0.20).
            (Curve('documented', VALIDATION_ACCURACY, 'Validation accuracy', 0.4, 1.1),)),
        checkpoint_bytes=3 * 10 ** 6),
    # The bands of laptop_cnn and udacity_cnn: upper 97.5 % prediction limits for one
    # more run, from all recorded runs and those of the plain ports.
    Entry(
        'laptop_cnn', 'CIFAR-10, 67.34 %', 'cifar10', 50, ('whole', 'validation'),
        Documented(
            'a laptop, versions unknown', None,
            (Curve('documented_single_file', VALIDATION_ACCURACY, 'Validation accuracy',
                   1.5, 6.0, num_files=1),), mean_over_batches=0.6734375),
        checkpoint_bytes=10 * 10 ** 6, shared_file='notebooks'),
    Entry(
        'udacity_cnn', 'CIFAR-10, 68.76 %', 'cifar10', 25, ('whole', 'validation'),
        Documented(
            'TensorFlow 1 of 2017', 6876,
            _list_udacity_curves('documented', None, (5.9, 34.6), (1.8, 9.7), (1.3, 8.8))
            + _list_udacity_curves('documented_single_file', 1, (4.7, 10.5), (3.0, 9.9),
                                   (2.4, 9.4)),
            mean_over_batches=0.6875999808311463),
        checkpoint_bytes=30 * 10 ** 6, memory_bytes=2e9, test_memory_bytes=1.2e9,
        shared_file='notebooks'),
    Entry(
        'inception_v3', 'CIFAR-10 by fine-tuning, 79.85 %', 'cifar10', 3,
        ('batch', 'stored'),
        Documented(
            'TensorFlow 1.0 or 1.1', 7985,
            # No run with the published weights was possible, so the band comes from the
            # documented losses alone: a mean of 100 losses has a standard deviation of
            # about 2 %, the difference of two runs 3 %.
            (Curve('documented', 'summed_loss', 'Sum of 100 losses', 4.0, 10.0),)),
        checkpoint_bytes=310 * 10 ** 6, kernels=('stock',), memory_bytes=12e9,
        test_memory_bytes=2.5e9, prefers_onednn=True,
        cost='takes about 10 GB of memory, 292 MB a checkpoint and, on two cores, about '
        '8 hours; try it with --max-steps 3',
        weights_folder='dataset/inception_v3', weights_variable='INCEPTION_V3_DIR'),
)
NAMES = tuple(entry.name for entry in ENTRIES)
DEFAULT = NAMES[0]


def find(name):
    """The Entry of a system; raises UserError for an unknown name."""
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    raise UserError(f'no such system: {name}; choose one of ' + ', '.join(NAMES))


def load(name):
    """The base.System of a name; imports TensorFlow."""
    module = importlib.import_module(f'{__name__}.{find(name).file}')
    return module.SYSTEMS[name] if find(name).shared_file else module.SYSTEM
