"""What a run's network has learned: its checkpoint, tested for the report."""

import os
from typing import NamedTuple, Tuple

import numpy as np

from cifar10_tf1 import cli, data, scripts, systems
from cifar10_tf1.common import png
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.machine import runtime
from cifar10_tf1.predict.pictures import as_rgb
from cifar10_tf1.records import reference_run, run_settings
from cifar10_tf1.report import charts, details
from cifar10_tf1.report.document import Figure, Section, Sentence, Table

NUM_MISTAKES = 24


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


def describe(record, options):
    """The Sections on a RunRecord's checkpoint. Loads TensorFlow.

    The options are checkpoint, data_dir and without_images. Raises UserError if the
    checkpoint or the data can't be read.
    """
    runtime.prepare_environment(record.settings.kernels)
    runtime.load_tensorflow()
    system = systems.load(record.content['system'])
    prefix, about = _find_checkpoint(record, options.checkpoint)
    sections = [Section('Checkpoint', [Sentence('', about)])]
    if prefix is None:
        return sections
    data_set = _load_data_set(record, cli.find_data_dir(options, system.name), system)
    if data_set is None:
        sections.append(Section('Classes', [Sentence(
            '', 'The data set that the run was trained on was not found: name its '
            'folder with --data-dir.')]))
    else:
        tested = test(record, data_set, prefix, system)
        sections += [_describe_classes(tested),
                     _describe_mistakes(tested, not options.without_images)]
    if system.filters:
        filters = _load_filters(prefix, system)
        sections.append(Section('Filters of the first layer', figures=[Figure(
            lambda figure: charts.plot_filters(figure, filters),
            'Small pictures, one for each filter of the first layer.',
            'The filters used in testing; weights on one common scale, zero is grey; '
            'the largest 0.5 % are clipped.', is_picture=True)]))
    return sections


def _find_checkpoint(record, prefix):
    """(prefix or None, sentence): the named checkpoint, the newest, or that of record.

    The page may be published, so the sentence names no folder.
    """
    from cifar10_tf1.checkpoints import reading
    weights = record.content['weights'] or {}  # until the first process has ended
    try:
        prefix = reading.choose(record.folder or '.', prefix)
    except reading.NoCheckpoint:
        prefix = reference_run.find_checkpoint()
        if not prefix or reading.fingerprint(prefix) != weights.get('sha256'):
            return None, 'There is none beside the record: name one with --checkpoint.'
    name, sha256 = os.path.basename(prefix), reading.fingerprint(prefix)
    if not weights:
        return prefix, f'{name}, whose hash is not in the record.'
    word = 'is' if sha256 == weights['sha256'] else 'is NOT'
    return prefix, (f'{name}, whose hash {word} that of the record\'s weights at step '
                    f'{weights["step"]}.')


def _load_data_set(record, data_dir, system):
    """The run's DataSet, or None. Downloads and generates nothing."""
    name, sha256 = (record.content['data'][key] for key in ('name', 'sha256'))
    is_synthetic = data.is_synthetic(name)
    if not system.source.is_present(data_dir, is_synthetic):  # loading would fill it
        return None
    data_set = system.source.load(data_dir, is_synthetic)
    return data_set if data_set.sha256 == sha256 else None


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


def _describe_classes(tested):
    confusion = tested.confusion
    return Section('Classes', [Sentence(
        'Tested for this report:', f'{tested.variant}, test seed {tested.seed}; '
        f'{confusion.trace():,} of {len(tested.labels):,} correct.')], [Figure(
            lambda figure: charts.plot_confusion(figure, confusion, tested.class_names),
            'Matrix: number of test images by true and predicted class.',
            'Test images by true class (row) and predicted class (column), coloured by '
            'the square root of their share of the row.')], [Table(
                ['class', 'correct', 'accuracy', '95 % interval'],
                [(name, *details.format_share(right, row.sum())) for name, row, right
                 in zip(tested.class_names, confusion, confusion.diagonal())
                 if row.sum()])])


def _describe_mistakes(tested, with_images):
    if not with_images:
        return Section('Surest mistakes', [Sentence(
            '', 'Left out by --without-images: the data set\'s images must not be '
            'redistributed.')])
    names = tested.class_names
    return Section(
        'Surest mistakes', [Sentence(
            '', 'Wrong predictions with the highest probability.')],
        [Figure(png.encode(as_rgb(tested.images[i])), '', (
            f'{names[tested.predictions[i]]} {100 * tested.probabilities[i]:.1f} %, is '
            f'{names[tested.labels[i]]} (image {i})'), is_picture=True)
         for i in tested.find_surest_mistakes(NUM_MISTAKES)])


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
