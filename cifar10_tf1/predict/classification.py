"""A run of predict: pictures through the network in blocks; lines, JSON, figure."""

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

_BLOCK = 100  # pictures in memory at a time


class _Run:
    """Classifies pictures in the order given, and prints a line for each."""

    def __init__(self, classifier, options):
        self._classifier = classifier
        self._prints_json = options.json
        self.predictions = []
        self.failures = []  # (name, reason)
        self._waiting = []  # pictures of the next block

    def add(self, picture):
        self._waiting.append(picture)
        if len(self._waiting) == _BLOCK:
            self.flush()

    def fail(self, name, error):
        self.flush()
        name = pictures.printable(name)
        print(f'{name}: {error}', file=sys.stderr, flush=True)
        self.failures.append((name, str(error)))

    def flush(self):
        """Classifies the waiting pictures."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        probabilities = self._classifier.classify(
            np.stack([picture.pixels for picture in waiting]))
        for picture, row in zip(waiting, probabilities):
            if len(self.predictions) >= figure.LIMIT:  # not drawn
                picture = picture._replace(pixels=None, preview=None)
            prediction = Prediction(picture, row, self._classifier.class_names)
            self.predictions.append(prediction)
            if not self._prints_json:
                print(self._classifier.line_prefix + prediction.format(), flush=True)


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
    with inference.Classifier(system, prefix, data_dir=cli.find_data_dir(
            options, name)) as classifier:
        run = _Run(classifier, options)
        for path in options.images:
            _add_files(run, path, system.picture)
        run.flush()  # before the data set is loaded, which may fail
        if options.test:
            options.synthetic = options.synthetic or classifier.is_synthetic
            data_set = cli.load_data_set(options, system.name)
            classifier.check_data_set(data_set)
            for picture in _draw_test_images(data_set, options.test, options.seed):
                run.add(picture)
            run.flush()
        _finish(run, classifier, options, system)
    return 1 if run.failures else 0


def _add_files(run, path, shape):
    """Adds a file, or a folder's; those that can't be read are reported."""
    try:
        paths = pictures.list_files(path)
    except UserError as error:
        run.fail(path, error)
        return
    for file in paths:
        try:
            picture = pictures.load_picture(file, shape)
        except UserError as error:
            run.fail(file, error)
        else:
            run.add(picture)


def _draw_test_images(data_set, number, seed):
    """Random test images, none twice: list of Picture."""
    labels, images = data_set.labels_and_images('test')
    if number > len(images):
        raise UserError(f'--test {number}: there are {len(images)} test images')
    chosen = np.random.RandomState(seeds.derive_seed(seed, 'predict')).permutation(
        len(images))[:number]
    return [pictures.Picture(f'test image {i}', images[i], pictures.as_rgb(images[i]),
                             label=int(labels[i]))
            for i in chosen.tolist()]


def _finish(run, classifier, options, system):
    """The JSON or the number of correct test images; the figure."""
    known = [prediction.is_correct for prediction in run.predictions
             if prediction.is_correct is not None]
    if options.json:
        print(json.dumps({
            'checkpoint': os.path.basename(classifier.checkpoint),
            'step': classifier.step, 'data': classifier.data_name,
            'classes': classifier.class_names,
            'pictures': [prediction.as_json() for prediction in run.predictions],
            'errors': [{'picture': name, 'error': reason}
                       for name, reason in run.failures]}, indent=1))
    elif known:
        print(f'{classifier.line_prefix}Right: {sum(known)} of {len(known)}',
              flush=True)
    if options.figure is not None and run.predictions:
        content = figure.draw_predictions(run.predictions, system)
        try:
            files.write_atomically(options.figure, content)
        except OSError as error:
            raise UserError(f'cannot write --figure {options.figure}: '
                            f'{error.strerror}')
        print(f'Figure: {options.figure}', file=sys.stderr, flush=True)
