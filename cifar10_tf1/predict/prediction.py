"""What is classified, and what is said of it."""

from typing import NamedTuple, Optional, Tuple

import numpy as np

from cifar10_tf1.common.seeds import derive_seed
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.predict.pictures import as_rgb

_TOP = 3  # classes that are printed


class Item(NamedTuple):
    """A picture to classify."""
    name: str
    pixels: np.ndarray    # uint8 [side, side, channels]
    preview: np.ndarray   # uint8 [rows, columns, 3], for the figure
    label: Optional[int]  # the true class, where it is known
    note: str = ''        # of pictures.Picture


class Prediction(NamedTuple):
    name: str
    probabilities: np.ndarray     # float32 [10]
    label: Optional[int]
    class_names: Tuple[str, ...]
    note: str = ''

    @property
    def best(self):
        return int(self.probabilities.argmax())

    @property
    def top(self):
        """The likeliest classes: list of (name, probability)."""
        order = np.argsort(-self.probabilities, kind='stable')[:_TOP]
        return [(self.class_names[i], float(self.probabilities[i]))
                for i in order]

    def format(self):
        """One line: the name, the classes, the truth where it is known."""
        note = f' ({self.note})' if self.note else ''
        text = f'{self.name}{note}: ' + ', '.join(
            f'{name} {100 * probability:.1f} %'
            for name, probability in self.top)
        if self.label is not None:
            text += f'; true label {self.class_names[self.label]}'
            text += '' if self.label == self.best else ', WRONG'
        return text

    def as_json(self):
        entry = {'picture': self.name, 'top': [
            {'class': name, 'probability': probability}
            for name, probability in self.top], 'probabilities': [
                float(probability) for probability in self.probabilities]}
        if self.note:
            entry['note'] = self.note
        if self.label is not None:
            entry.update(label=self.class_names[self.label],
                         correct=self.label == self.best)
        return entry


def draw_test_images(data_set, number, seed):
    """Test images, chosen at random, none twice.

    Args:
      data_set: a data.data_set.DataSet.
      number: int.
      seed: int.
    Returns:
      list of Item.
    Raises:
      UserError: where there are fewer.
    """
    labels, images = data_set.labels_and_images('test')
    if number > len(images):
        raise UserError(f'--test {number}: there are {len(images)} test images')
    chosen = np.random.RandomState(derive_seed(seed, 'predict')).permutation(
        len(images))[:number]
    return [Item(f'test image {i}', images[i], as_rgb(images[i]), int(labels[i]))
            for i in chosen.tolist()]
