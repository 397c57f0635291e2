"""What a run's network has learned: its checkpoint, tested for the report."""

import os

import numpy as np

from cifar10_tf1 import cli, data, scripts, systems
from cifar10_tf1.common import png
from cifar10_tf1.machine import runtime
from cifar10_tf1.predict.pictures import as_rgb
from cifar10_tf1.records import reference_run, run_settings
from cifar10_tf1.report import charts, details
from cifar10_tf1.report.document import Figure, Section, Sentence, Table


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
        sections += _describe_test(record, data_set, prefix, system, not options.without_images)
    filters = system.filters and _load_filters(prefix, system)
    if filters is not None:
        sections.append(Section('Filters of the first layer', figures=[Figure(
            lambda figure: charts.plot_filters(figure, filters),
            'Small pictures, one for each filter of the first layer.',
            'The filters used in testing; weights on one common scale, zero is grey; '
            'the largest 0.5 % are clipped.', is_picture=True)]))
    return sections


def _find_checkpoint(record, prefix):
    """(prefix or None, sentence): the named checkpoint, the newest, or that of record."""
    # The page may be published, so the sentence names no folder.
    from cifar10_tf1.checkpoints import reading
    weights = record.content['weights'] or {}  # until the first process has ended
    if prefix is None:
        newest = reading.find_newest(record.folder or '.')
        prefix = newest.prefix if newest else reference_run.find_checkpoint()
        if not prefix or not newest and (reading.fingerprint(prefix) != weights.get('sha256')):
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


def _load_filters(prefix, system):
    """The first layer's tested weights: float32 [rows, columns, channels, n], or None."""
    from cifar10_tf1.checkpoints import reading
    average = system.build_average(None)
    name = f'{system.filters}/{average.name}' if average else system.filters
    return reading.load(prefix).get(name)


def _describe_test(record, data_set, prefix, system, with_images):
    """The Sections on the network's classes and its surest mistakes."""
    seed, result = test(record, data_set, prefix, system)
    labels, images = (values[result.plan.rows] for values in data_set.labels_and_images('test'))
    names = data_set.class_names
    confusion = count_classes(labels, result.predictions, len(names))
    tested = Sentence(
        'Tested for this report:', f'{system.variants[0]}, test seed {seed}; '
        f'{confusion.trace():,} of {len(labels):,} correct.')
    matrix = Figure(
        lambda figure: charts.plot_confusion(figure, confusion, names),
        'Matrix: number of test images by true and predicted class.',
        'Test images by true class (row) and predicted class (column), coloured by the '
        'square root of their share of the row.')
    accuracies = Table(
        ['class', 'correct', 'accuracy', '95 % interval'],
        [(name, *details.format_share(row[i], row.sum()))
         for i, (name, row) in enumerate(zip(names, confusion)) if row.sum()])
    text, pictures = ('Left out by --without-images: the data set\'s images must not be '
                      'redistributed.'), []
    if with_images:
        text = 'Wrong predictions with the highest probability.'
        pictures = [Figure(png.encode(as_rgb(images[i])), '', (
            f'{names[result.predictions[i]]} {100 * probability:.1f} %, is '
            f'{names[labels[i]]} (image {i})'), is_picture=True)
            for i, probability in find_surest_mistakes(labels, result.logits)]
    return [Section('Classes', [tested], [matrix], [accuracies]),
            Section('Surest mistakes', [Sentence('', text)], pictures)]


def test(record, data_set, prefix, system):
    """Tests as test.py does on a CPU: (test seed, evaluation.Evaluation).

    The seed is the first one in the record.
    """
    variant = system.variants[0]
    seed = next((test['seed'] for test in record.content['tests'] if test['crop'] == variant), 1)
    settings = run_settings.default(system, data_set, record.settings.kernels)
    settings = settings._replace(device='cpu', seed=seed)
    runtime.start_threads(settings.threads)
    return seed, scripts.load('test').evaluate(system, data_set, settings, variant,
                                               record.folder, prefix)


def count_classes(labels, predictions, num_classes):
    """int [num_classes, num_classes]: images by true class (row) and predicted class."""
    return np.bincount(num_classes * labels.astype(int) + predictions,
                       minlength=num_classes ** 2).reshape(num_classes, num_classes)


def find_surest_mistakes(labels, logits, number=24):
    """[(index, probability)] of wrong predictions, the most probable first."""
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    probabilities = 1 / odds.sum(axis=1)
    wrong = np.flatnonzero(logits.argmax(axis=1) != labels)
    order = np.argsort(-probabilities[wrong], kind='stable')
    return [(i, probabilities[i]) for i in wrong[order][:number].tolist()]
