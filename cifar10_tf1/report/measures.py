"""The measure in which tests are compared with the documented one.

Most documents count correct images. One averages the accuracies of mini-batches, the
last of them short; its system is judged by the same average.
"""

from typing import NamedTuple, Optional


class Measure(NamedTuple):
    key: str                     # in a record's test
    unit: str                    # of differences
    digits: int                  # decimals of a mean
    documented: Optional[float]  # images, or percent; None: not documented
    num_examples: int

    @property
    def is_count(self):
        return self.key == 'num_correct'

    def read(self, test):
        """The value of one of a record's tests."""
        return test[self.key] if self.is_count else 100 * test[self.key]

    def format(self, value):
        """'8,246', '8,239.6' or '67.34'."""
        return f'{value:,}' if isinstance(value, int) else f'{value:,.{self.digits}f}'

    def describe(self, value):
        """'8,246 of 10,000 (82.46 %)' or '67.34 %'."""
        if not self.is_count:
            return f'{value:.2f} %'
        return (f'{self.format(value)} of {self.num_examples:,} '
                f'({100 * value / self.num_examples:.2f} %)')


def choose(documented):
    """The Measure of a systems.Documented."""
    if documented.num_correct is None and documented.mean_over_batches:
        return Measure('mean_over_batches', 'points', 2,
                       100 * documented.mean_over_batches, documented.num_examples)
    return Measure('num_correct', 'images', 1, documented.num_correct, documented.num_examples)
