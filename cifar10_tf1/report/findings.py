"""Tests the checkpoint for a report, and reads its filters."""

import math
import os
from typing import List, NamedTuple, Optional, Tuple

import numpy as np

from cifar10_tf1 import cli, data, scripts, systems
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import runtime
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
    def num_correct(self):
        return int((self.predictions == self.labels).sum())

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
    sentences: List[str]           # on the checkpoint and its test
    filters: Optional[np.ndarray]  # float32 [rows, columns, channels, number]
    tested: Optional[Tested]       # None: the checkpoint or the data set is missing


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

    The options are checkpoint and data_dir. Raises UserError if the checkpoint or the
    data can't be read.
    """
    runtime.prepare_environment(record.settings.kernels)
    runtime.load_tensorflow()
    system = systems.load(record.content['system'])
    prefix, about = _find_checkpoint(record, options.checkpoint)
    if prefix is None:
        return Findings([about], None, None)
    filters = _load_filters(prefix, system) if system.filters else None
    data_set = _load_data_set(record, cli.find_data_dir(options, system.name), system)
    if data_set is None:
        return Findings([about, 'The data set that the run was trained on was not '
                         'found: name its folder with --data-dir.'], filters, None)
    tested = test(record, data_set, prefix, system)
    return Findings([about, f'Tested for this report ({tested.variant}, test seed '
                     f'{tested.seed}): {tested.num_correct:,} of '
                     f'{len(tested.labels):,} correct.'], filters, tested)


def _load_data_set(record, data_dir, system):
    """The run's DataSet, or None. Downloads and generates nothing."""
    name, sha256 = (record.content['data'][key] for key in ('name', 'sha256'))
    is_synthetic = data.is_synthetic(name)
    if not system.source.is_present(data_dir, is_synthetic):  # loading would fill it
        return None
    data_set = system.source.load(data_dir, is_synthetic)
    return data_set if data_set.sha256 == sha256 else None


def _find_checkpoint(record, prefix):
    """(prefix, sentence): the named one, the newest beside the record, that of record.

    The prefix is None if there is none. The page may be published, so the sentence names
    no folder.
    """
    from cifar10_tf1.checkpoints import reading
    weights = record.content['weights']  # None before the first process has ended
    if prefix is None:
        newest = reading.find_newest(record.folder or '.')
        prefix = newest.prefix if newest else reference_run.find_checkpoint()
        if prefix is None or not newest and reading.fingerprint(prefix) != (
                weights or {}).get('sha256'):  # the run of record is another one
            return None, 'There is none beside the record: name one with --checkpoint.'
    name, sha256 = os.path.basename(prefix), reading.fingerprint(prefix)
    if weights is None:
        return prefix, f'{name}, whose hash is not in the record.'
    word = 'is' if sha256 == weights['sha256'] else 'is NOT'
    return prefix, (f'{name}, whose hash {word} that of the record\'s weights at step '
                    f'{weights["step"]}.')


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


def test(record, data_set, prefix, system):
    """Tests as test.py does on a CPU, with the first test seed in the record."""
    variant = system.variants[0]
    seed = next((test['seed'] for test in record.content['tests']
                 if test['crop'] == variant), 1)
    settings = run_settings.default(system, data_set, record.settings.kernels)
    settings = settings._replace(device='cpu', seed=seed)
    runtime.start_threads(settings.threads)
    result = scripts.load('test').evaluate(system, data_set, settings, variant,
                                           record.folder, prefix)
    odds = np.exp(result.logits - result.logits.max(axis=1, keepdims=True))
    labels, images = (values[result.plan.rows]
                      for values in data_set.labels_and_images('test'))
    return Tested(labels, result.predictions, 1 / odds.sum(axis=1), images,
                  data_set.class_names, variant, seed)
