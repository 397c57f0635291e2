"""What a system's test is measured by: right images, or a mean over batches.

One document averages accuracies over mini-batches of which the last is short,
so that its figure is of no whole number of images: ours is taken the same way.
"""

from typing import NamedTuple, Optional


class Measure(NamedTuple):
    """How tests are compared with the documented one."""
    key: str                    # of a record's test
    documented: Optional[float]  # in images, or in percent; None: not said
    num_examples: int

    @property
    def is_count(self):
        return self.key == 'num_correct'

    @property
    def label(self):
        """Of an axis."""
        return ('right images' if self.is_count
                else 'accuracy, mean over mini-batches, %')

    @property
    def unit(self):
        """Of differences."""
        return 'images' if self.is_count else 'points'

    def read(self, test):
        """The value of an entry of a record's tests."""
        return test[self.key] if self.is_count else 100 * test[self.key]

    def format(self, value):
        """A value for people: '8,246', '8,239.6', '67.34'."""
        if not self.is_count:
            return f'{value:.2f}'
        return f'{value:,}' if isinstance(value, int) else f'{value:,.1f}'

    def describe(self, value):
        """'8,246 of 10,000 (82.46 %)', or '67.34 %'."""
        if not self.is_count:
            return f'{value:.2f} %'
        return (f'{self.format(value)} of {self.num_examples:,} '
                f'({100 * value / self.num_examples:.2f} %)')


def choose(documented):
    """The Measure of a systems.Documented."""
    if documented.num_correct is None and documented.mean_over_batches:
        return Measure('mean_over_batches', 100 * documented.mean_over_batches,
                       documented.num_examples)
    return Measure('num_correct', documented.num_correct,
                   documented.num_examples)
