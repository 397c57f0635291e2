"""Tests the checkpoint for a report, and reads its filters."""

import math
import os
import sys
from typing import NamedTuple, Optional, Tuple

import numpy as np

from cifar10_tf1 import cli, data, kernels, scripts, systems
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import devices, runtime
from cifar10_tf1.records import reference_run, run_settings

_Z = 1.959964  # normal quantile of a two-sided 95 % interval


class Tested(NamedTuple):
    """The network's results for every test image."""
    labels: np.ndarray         # uint8 [n]
    predictions: np.ndarray    # int [n]
    probabilities: np.ndarray  # float32 [n], of the predictions
    images: np.ndarray         # uint8 [n, rows, columns, 1 or 3]
    class_names: Tuple[str, ...]
    variant: str
    seed: int                  # of the crops

    @property
    def confusion(self):
        """int [10, 10]: images by true class (row) and predicted class."""
        number = len(self.class_names)
        return np.bincount(number * self.labels.astype(int) + self.predictions,
                           minlength=number ** 2).reshape(number, number)

    def find_surest_mistakes(self, number):
        """Indices of wrong predictions, the most probable first."""
        wrong = np.flatnonzero(self.predictions != self.labels)
        order = np.argsort(-self.probabilities[wrong], kind='stable')
        return wrong[order][:number].tolist()

    def list_class_accuracies(self):
        """[(name, accuracy, low, high)] of the classes that have images."""
        return [(name, right / row.sum()) + compute_interval(right, row.sum())
                for name, row, right in zip(self.class_names, self.confusion,
                                            self.confusion.diagonal()) if row.sum()]


class Findings(NamedTuple):
    checkpoint: str                # its name and hash's match, or why it is missing
    filters: Optional[np.ndarray]  # float32 [rows, columns, channels, number]
    tested: Optional[Tested]
    why_not_tested: str


def compute_interval(num_correct, num_examples):
    """Wilson's 95 % interval for a share: (low, high), in 0..1."""
    share, z2 = num_correct / num_examples, _Z * _Z
    middle = (share + z2 / (2 * num_examples)) / (1 + z2 / num_examples)
    half = _Z / (1 + z2 / num_examples) * math.sqrt(
        share * (1 - share) / num_examples + z2 / (4 * num_examples ** 2))
    # Rounding must not exclude the share itself.
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))


def find(record, options):
    """Loads TensorFlow and tests a RunRecord's checkpoint on its data: Findings.

    Findings also say what is missing. The options are checkpoint and data_dir; raises
    UserError if the named checkpoint can't be read.
    """
    kernels_name = record.settings.kernels
    if kernels_name not in kernels.NAMES:
        kernels_name = 'stock'
    runtime.prepare_environment(kernels_name)
    devices.select('cpu')
    runtime.load_tensorflow()
    system = systems.load(record.content['system'])
    prefix, about = _find_checkpoint(record, options.checkpoint)
    filters = _load_filters(prefix, system) if prefix and system.filters else None
    data_set, why_no_data = _find_data_set(
        record, cli.find_data_dir(options, system.name), system)
    tested = (test(record, data_set, prefix, system, kernels_name)
              if prefix and data_set else None)
    return Findings(about, filters, tested, why_no_data if prefix else about)


def _find_data_set(record, data_dir, system):
    """(DataSet or None, why it is None). Downloads and generates nothing."""
    is_synthetic = data.is_synthetic(record.content['data'].get('name', ''))
    if not system.source.is_present(data_dir, is_synthetic):  # loading would fill it
        return None, 'The data set was not found: name its folder with --data-dir.'
    try:
        data_set = system.source.load(data_dir, is_synthetic)
    except UserError as error:
        _warn(error)
        return None, 'The data set is damaged or incomplete.'
    if data_set.sha256 != record.content['data'].get('sha256'):
        return None, 'The data set is not the one that the run was trained on.'
    return data_set, ''


def _find_checkpoint(record, prefix):
    """(prefix or None, its description or why it is missing)."""
    from cifar10_tf1.checkpoints import reading
    folder, weights = record.folder or '.', record.content['weights']
    if prefix is not None:
        prefix = reading.choose(folder, prefix)
    else:
        try:
            newest = reading.find_newest(folder)
        except UserError as error:
            _warn(error)
            return None, 'The checkpoints beside the record are damaged.'
        prefix = newest.prefix if newest else reference_run.find_checkpoint()
        if not newest and prefix and reading.fingerprint(prefix) != (
                weights or {}).get('sha256'):
            prefix = None  # the checkpoint of record belongs to another run
        if prefix is None:
            return None, ('There is no checkpoint beside the record: name one '
                          'with --checkpoint.')
    name = os.path.basename(prefix)
    if weights is None:  # before the run's first process has ended
        return prefix, f'{name}, whose hash is not in the record'
    if reading.fingerprint(prefix) == weights['sha256']:
        return prefix, f'{name}, whose hash is the record\'s'
    return prefix, (f'{name}, whose hash is NOT that of the record\'s weights '
                    f'at step {weights["step"]}')


def _warn(error):
    """Prints the full reason; the page may be published, so it names no folder."""
    print(f'warning: {error}', file=sys.stderr, flush=True)


def _load_filters(prefix, system):
    """The first layer's tested weights: float32 [rows, columns, channels, number]."""
    import tensorflow.compat.v1 as tf
    average = system.build_average(None)
    name = system.filters + (f'/{average.name}' if average else '')
    reader = tf.train.NewCheckpointReader(prefix)
    if not reader.has_tensor(name):
        raise UserError(f'the checkpoint {prefix} belongs to another network: it '
                        f'lacks {name}; choose another with --checkpoint')
    return reader.get_tensor(name)


def test(record, data_set, prefix, system, kernels_name):
    """Tests as test.py does on a CPU, with the first test seed in the record."""
    variant = system.variants[0]
    seed = next((test['seed'] for test in record.content['tests']
                 if test['crop'] == variant), 1)
    settings = run_settings.complete(
        run_settings.RunSettings(kernels=kernels_name), system, data_set)
    runtime.start_threads(settings.threads)
    result = scripts.load('test').evaluate(
        system, data_set, record.folder, prefix, seed,
        threads=settings.threads, kernels_name=settings.kernels)
    odds = np.exp(result.logits - result.logits.max(axis=1, keepdims=True))
    rows = system.list_test_rows(data_set.num_test_examples, variant, seed)
    labels, images = (values[rows] for values in data_set.labels_and_images('test'))
    return Tested(labels, result.predictions, 1 / odds.sum(axis=1), images,
                  data_set.class_names, variant, seed)
