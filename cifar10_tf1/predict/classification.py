"""A run of predict: pictures through the network in blocks; lines, JSON, figure."""

import itertools
import json
import os
import sys

import numpy as np

from cifar10_tf1 import cli
from cifar10_tf1 import inference
from cifar10_tf1 import systems
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.common import files
from cifar10_tf1.common import seeds
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.predict import figure
from cifar10_tf1.predict import pictures
from cifar10_tf1.predict.prediction import Prediction


def classify(options):
    """Classifies the pictures that the options name.

    Args:
      options: of the command line, checked.
    Returns:
      int, the exit status.
    Raises:
      UserError: no checkpoint, or no data for --test.
    """
    name = cli.find_system(options)
    prefix = reading.choose(*cli.locate_checkpoint(
        options, sys.stderr if options.json else sys.stdout))
    system = systems.load(name)
    failures = []
    with inference.Classifier(system, prefix, data_dir=cli.find_data_dir(
            options, name)) as classifier:
        predictions = _predict(classifier, _load_files(
            options.images, system.picture, failures), options)
        # After the files: the data set may be missing.
        if options.test:
            options.synthetic = options.synthetic or classifier.is_synthetic
            data_set = cli.load_data_set(options, name)
            classifier.check_data_set(data_set)
            predictions += _predict(classifier, _draw_test_images(
                data_set, options.test, options.seed), options)
        _print_sum(classifier, predictions, failures, options)
    if options.figure is not None and predictions:
        _write_figure(options.figure, predictions, system)
    return 1 if failures else 0


def _predict(classifier, loaded, options):
    """Prints a line for each picture, unless --json. Returns list of Prediction."""
    predictions = []
    while True:
        block = list(itertools.islice(loaded, inference.BLOCK))
        if not block:
            return predictions
        rows = classifier.classify(np.stack([picture.pixels for picture in block]))
        for picture, row in zip(block, rows):
            if options.figure is None:
                picture = picture._replace(pixels=None, preview=None)
            predictions.append(Prediction(picture, row, classifier.class_names))
            if not options.json:
                print(classifier.line_prefix + predictions[-1].format(), flush=True)


def _load_files(paths, shape, failures):
    """Yields the pictures of files and folders; reports those that can't be read."""
    for path in paths:
        try:
            names = pictures.list_files(path)
        except UserError as error:
            _report(path, error, failures)
            continue
        for name in names:
            try:
                yield pictures.load_picture(name, shape)
            except UserError as error:
                _report(name, error, failures)


def _report(name, error, failures):
    name = pictures.printable(name)
    print(f'{name}: {error}', file=sys.stderr, flush=True)
    failures.append({'picture': name, 'error': str(error)})


def _draw_test_images(data_set, number, seed):
    """Yields random test images, none twice."""
    labels, images = data_set.labels_and_images('test')
    if number > len(images):
        raise UserError(f'--test {number}: there are {len(images)} test images')
    chosen = np.random.RandomState(seeds.derive_seed(seed, 'predict')).permutation(
        len(images))[:number]
    for i in chosen.tolist():
        yield pictures.Picture(f'test image {i}', images[i], pictures.as_rgb(images[i]),
                               label=int(labels[i]))


def _print_sum(classifier, predictions, failures, options):
    """Prints the JSON, or the number of test images that are right."""
    known = [prediction.is_correct for prediction in predictions
             if prediction.is_correct is not None]
    if options.json:
        print(json.dumps({
            'checkpoint': os.path.basename(classifier.checkpoint),
            'step': classifier.step, 'data': classifier.data_name,
            'classes': classifier.class_names,
            'pictures': [prediction.as_json() for prediction in predictions],
            'errors': failures}, indent=1), flush=True)
    elif known:
        print(f'{classifier.line_prefix}Right: {sum(known)} of {len(known)}',
              flush=True)


def _write_figure(path, predictions, system):
    content = figure.draw_predictions(predictions, system)
    try:
        files.write_atomically(path, content)
    except OSError as error:
        raise UserError(f'cannot write --figure {path}: {error.strerror}')
    print(f'Figure: {path}', file=sys.stderr, flush=True)
