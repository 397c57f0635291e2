"""What the network says about one picture."""

from typing import NamedTuple, Tuple

import numpy as np

from cifar10_tf1.predict.pictures import Picture

_TOP = 3  # classes that are printed


class Prediction(NamedTuple):
    picture: Picture
    probabilities: np.ndarray  # float32 [10]
    class_names: Tuple[str, ...]

    @property
    def true_name(self):
        """The true class, or None."""
        label = self.picture.label
        return None if label is None else self.class_names[label]

    @property
    def is_correct(self):
        """Whether the likeliest class is the true one; None if that is unknown."""
        label = self.picture.label
        return None if label is None else label == int(self.probabilities.argmax())

    @property
    def top(self):
        """The likeliest classes: list of (name, probability)."""
        order = np.argsort(-self.probabilities, kind='stable')[:_TOP]
        return [(self.class_names[i], float(self.probabilities[i])) for i in order]

    def format(self):
        """One line."""
        note = f' ({self.picture.note})' if self.picture.note else ''
        text = f'{self.picture.name}{note}: ' + ', '.join(
            f'{name} {100 * probability:.1f} %' for name, probability in self.top)
        if self.true_name is not None:
            text += f'; true label {self.true_name}'
            text += '' if self.is_correct else ', WRONG'
        return text

    def as_json(self):
        entry = {'picture': self.picture.name, 'top': [
            {'class': name, 'probability': probability}
            for name, probability in self.top], 'probabilities': [
                float(probability) for probability in self.probabilities]}
        if self.picture.note:
            entry['note'] = self.picture.note
        if self.true_name is not None:
            entry.update(label=self.true_name, correct=self.is_correct)
        return entry
