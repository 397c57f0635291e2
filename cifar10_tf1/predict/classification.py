"""Classifies pictures in blocks, and prints or draws the predictions."""

import itertools
import json
import os
import sys

import numpy as np

from cifar10_tf1 import cli, inference, systems
from cifar10_tf1.checkpoints import reading
from cifar10_tf1.common import files, seeds
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.predict import figure, pictures

_TOP = 3  # classes that are printed


class Prediction:
    """A classified picture.

    Attributes:
      name: str, the path or the number of the test image.
      note: str, what was unusual about the picture.
      preview: uint8 [rows, columns, 3], or None without --figure.
      probabilities: float32 [10].
      top: list of (name, probability), the most likely classes.
      true_name: str, the true class; None if it is unknown.
      is_correct: whether the most likely class is the true one; None as above.
    """

    def __init__(self, picture, probabilities, class_names):
        self.name, self.note, self.preview = picture.name, picture.note, picture.preview
        self.probabilities = probabilities
        order = np.argsort(-probabilities, kind='stable')[:_TOP]
        self.top = [(class_names[i], float(probabilities[i])) for i in order]
        self.true_name = self.is_correct = None
        if picture.label is not None:
            self.true_name = class_names[picture.label]
            self.is_correct = self.top[0][0] == self.true_name

    def __str__(self):
        line = self.name + (f' ({self.note})' if self.note else '') + ': ' + ', '.join(
            f'{name} {100 * probability:.1f} %' for name, probability in self.top)
        if self.true_name is not None:
            line += f'; true label {self.true_name}' + (
                '' if self.is_correct else ', WRONG')
        return line

    def as_json(self):
        entry = {'picture': self.name, 'top': [
            {'class': name, 'probability': probability}
            for name, probability in self.top],
            'probabilities': self.probabilities.tolist()}
        if self.note:
            entry['note'] = self.note
        if self.true_name is not None:
            entry.update(label=self.true_name, correct=self.is_correct)
        return entry


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
            'pictures': [prediction.as_json() for prediction in predictions],
            'errors': failures}, indent=1), flush=True)
    elif options.test:
        num_correct = sum(prediction.is_correct or 0 for prediction in predictions)
        print(f'{classifier.line_prefix}Correct: {num_correct} of {options.test}',
              flush=True)
    if options.figure is not None and predictions:
        content = figure.draw_predictions(predictions, system)
        try:
            files.write_atomically(options.figure, content)
        except OSError as error:
            raise UserError(f'cannot write --figure {options.figure}: {error.strerror}; '
                            'free some space, or name another file')
        print(f'Figure: {options.figure}', file=sys.stderr, flush=True)
    return 1 if failures else 0


def _predict(classifier, loaded, options):
    """Classifies pictures; prints a line for each, unless --json: list of Prediction."""
    predictions = []
    for block in iter(lambda: list(itertools.islice(loaded, inference.BLOCK)), []):
        rows = classifier.classify(np.stack([picture.pixels for picture in block]))
        for picture, row in zip(block, rows):
            if options.figure is None:  # saves memory
                picture = picture._replace(preview=None)
            predictions.append(Prediction(picture, row, classifier.class_names))
            if not options.json:
                print(f'{classifier.line_prefix}{predictions[-1]}', flush=True)
    return predictions


def _load_files(paths, shape, failures):
    """Yields the pictures of files and folders; reports those that can't be read."""
    for path in itertools.chain.from_iterable(map(pictures.list_files, paths)):
        try:
            yield pictures.load_picture(path, shape)
        except UserError as error:
            print(f'{path}: {error}', file=sys.stderr, flush=True)
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
