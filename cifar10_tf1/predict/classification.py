"""The run of predict: pictures in blocks through the network, lines, JSON, figure."""

import json
import os
import sys

import numpy as np

from cifar10_tf1.checkpoints import reading
from cifar10_tf1 import cli
from cifar10_tf1 import inference
from cifar10_tf1 import systems
from cifar10_tf1.data import preparation
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.predict import figure
from cifar10_tf1.predict import pictures
from cifar10_tf1.predict.prediction import draw_test_images
from cifar10_tf1.predict.prediction import Item
from cifar10_tf1.predict.prediction import Prediction

_BLOCK = 100  # pictures that are in memory at a time


class _Run:
    """What one call gathers on its way through the pictures."""

    def __init__(self, classifier, options):
        self._classifier = classifier
        self._json = options.json
        self._keeps_previews = options.figure is not None
        self.predictions = []
        self.previews = []  # of the first predictions, for the figure
        self.failures = []  # (name, reason)
        self._waiting = []  # items of the block to come

    def add(self, item):
        self._waiting.append(item)
        if len(self._waiting) == _BLOCK:
            self.flush()

    def fail(self, name, error):
        # What was read before comes first, as the user gave it.
        self.flush()
        name = pictures.printable(name)
        print(f'{name}: {error}', file=sys.stderr, flush=True)
        self.failures.append((name, str(error)))

    def flush(self):
        """Classifies what waits, and prints it."""
        items, self._waiting = self._waiting, []
        if not items:
            return
        probabilities = self._classifier.classify(
            np.stack([item.pixels for item in items]))
        for item, row in zip(items, probabilities):
            if (self._keeps_previews
                    and len(self.previews) < figure.LIMIT):
                self.previews.append(item.preview)
            prediction = Prediction(item.name, row, item.label,
                                    self._classifier.class_names, item.note)
            self.predictions.append(prediction)
            if not self._json:
                print(self._classifier.line_prefix + prediction.format(),
                      flush=True)


def classify(options):
    """Classifies what the user names.

    Args:
      options: of the command line, checked.
    Returns:
      int, the exit status.
    Raises:
      UserError: where there is no checkpoint, or no data for --test.
    """
    name = cli.find_system(options)
    prefix = reading.choose(*cli.locate_checkpoint(
        options, sys.stderr if options.json else sys.stdout))
    system = systems.load(name)
    with inference.Classifier(
            system, prefix,
            data_dir=cli.find_data_dir(options, name)) as classifier:
        run = _Run(classifier, options)
        for path in options.images:
            _add_files(run, path, system.picture)
        if options.test:
            run.flush()  # the test images may lack
            options.synthetic = options.synthetic or classifier.is_synthetic
            data_set = cli.load_data_set(options, system.name)
            classifier.check_data_set(data_set)
            for item in draw_test_images(data_set, options.test, options.seed):
                run.add(item)
        run.flush()
        _finish(run, classifier, options, system)
    return 1 if run.failures else 0


def _add_files(run, path, shape):
    """A file, or a folder's; one that can't be read stops no other."""
    try:
        files = pictures.list_files(path)
    except UserError as error:
        run.fail(path, error)
        return
    for file in files:
        try:
            picture = pictures.load_picture(file, shape)
        except UserError as error:
            run.fail(file, error)
        else:
            run.add(Item(picture.name, picture.pixels, picture.preview, None,
                         picture.note))


def _finish(run, classifier, options, system):
    """The sum over the test images, the JSON, the figure."""
    known = [prediction for prediction in run.predictions
             if prediction.label is not None]
    num_right = sum(prediction.label == prediction.best for prediction in known)
    if options.json:
        print(json.dumps({
            'checkpoint': os.path.basename(classifier.checkpoint),
            'step': classifier.step, 'data': classifier.data_name,
            'classes': classifier.class_names,
            'pictures': [prediction.as_json()
                         for prediction in run.predictions],
            'errors': [{'picture': name, 'error': reason}
                       for name, reason in run.failures]}, indent=1))
    elif known:
        print(f'{classifier.line_prefix}Right: {num_right} of {len(known)}',
              flush=True)
    if options.figure is not None and run.predictions:
        content = figure.draw_predictions(
            run.predictions[:len(run.previews)], run.previews,
            len(run.predictions), system)
        _write_figure(options.figure, content)


def _write_figure(path, content):
    try:
        preparation.write_file(path, [content])
    except OSError as error:
        raise UserError(f'cannot write --figure {path}: {error.strerror}')
    print(f'Figure: {path}', file=sys.stderr, flush=True)
