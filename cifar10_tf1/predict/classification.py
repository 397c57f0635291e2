"""Classifies pictures in blocks, and prints or draws the predictions."""

import itertools
import json
import os
import sys

import numpy as np

from cifar10_tf1 import cli, inference, systems
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.common import files, seeds
from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.predict import figure, pictures

_TOP = 3  # classes that are printed


def classify(options):
    """Classifies the pictures that the command line names; returns the exit status."""
    name = cli.find_system(options)
    prefix = reading.choose(*cli.locate_checkpoint(options))
    system = systems.load(name)
    failures = []
    with inference.Classifier(system, prefix, data_dir=cli.find_data_dir(
            options, name)) as classifier:
        predictions = _predict(classifier, _load_files(
            options.images, system.picture, failures), options)
        # The files come first, because the data set may be missing.
        if options.test:
            options.synthetic = options.synthetic or classifier.is_synthetic
            data_set = cli.load_data_set(options, name)
            classifier.check_data_set(data_set)
            predictions += _predict(classifier, _draw_test_images(
                data_set, options.test, options.seed), options)
    if options.json:
        print(json.dumps({
            'checkpoint': os.path.basename(prefix), 'step': classifier.step,
            'data': classifier.data_name, 'classes': classifier.class_names,
            'pictures': [entry for unused_picture, entry in predictions],
            'errors': failures}, indent=1))
    elif options.test:
        num_correct = sum(entry.get('correct', 0) for unused_picture, entry in predictions)
        print(f'{classifier.line_prefix}Correct: {num_correct} of {options.test}')
    if options.figure is not None and predictions:
        content = figure.draw_predictions(predictions, system)
        with explained(f'write {options.figure}', '--figure'):
            files.write_atomically(options.figure, content)
        print(f'Figure: {options.figure}', file=sys.stderr)
    return 1 if failures else 0


def _predict(classifier, loaded, options):
    """Classifies and prints pictures: a list of (Picture, its entry in the JSON)."""
    predictions = []
    for block in iter(lambda: list(itertools.islice(loaded, inference.BLOCK)), []):
        rows = classifier.classify(np.stack([picture.pixels for picture in block]))
        for picture, probabilities in zip(block, rows):
            entry = describe(picture, probabilities, classifier.class_names)
            if options.figure is None:  # saves memory
                picture = None
            predictions.append((picture, entry))
            if not options.json:
                print(classifier.line_prefix + _format(entry))
    return predictions


def describe(picture, probabilities, class_names):
    """The entry of a Picture in the JSON, as a dict."""
    order = np.argsort(-probabilities, kind='stable')[:_TOP]
    entry = {'picture': picture.name,
             'top': [{'class': class_names[i], 'probability': float(probabilities[i])}
                     for i in order],
             'probabilities': probabilities.tolist()}
    if picture.note:
        entry['note'] = picture.note
    if picture.label is not None:
        entry['label'] = class_names[picture.label]
        entry['correct'] = entry['label'] == entry['top'][0]['class']
    return entry


def _format(entry):
    note = f' ({entry["note"]})' if 'note' in entry else ''
    line = f'{entry["picture"]}{note}: ' + ', '.join(
        f'{best["class"]} {100 * best["probability"]:.1f} %' for best in entry['top'])
    if 'label' in entry:
        line += f'; true label {entry["label"]}{"" if entry["correct"] else ", WRONG"}'
    return line


def _load_files(paths, shape, failures):
    """Yields the pictures of files and folders; reports those that can't be read."""
    for path in itertools.chain.from_iterable(map(pictures.list_files, paths)):
        try:
            yield pictures.load_picture(path, shape)
        except UserError as error:
            print(f'{path}: {error}', file=sys.stderr)
            failures.append({'picture': path, 'error': str(error)})


def _draw_test_images(data_set, number, seed):
    """Yields different test images at random."""
    labels, images = data_set.labels_and_images('test')
    if number > len(images):
        raise UserError(f'--test {number}: there are only {len(images)} test images')
    chosen = np.random.RandomState(seeds.derive_seed(seed, 'predict')).permutation(
        len(images))[:number]
    for i in chosen.tolist():
        yield pictures.Picture(f'test image {i}', images[i], pictures.as_rgb(images[i]),
                               label=int(labels[i]))
