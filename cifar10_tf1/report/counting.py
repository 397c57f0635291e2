"""Selects the tests of a run that count, and the measure to compare them in.

Most documents count correct images. One averages the accuracies of mini-batches, the
last of them short; its system is judged by the same average.
"""

from typing import NamedTuple, Optional


class Measure(NamedTuple):
    """The measure in which tests are compared with the documented one."""
    key: str                     # in a record's test
    documented: Optional[float]  # images, or percent; None: not documented
    num_examples: int

    @property
    def is_count(self):
        return self.key == 'num_correct'

    @property
    def unit(self):
        """For differences."""
        return 'images' if self.is_count else 'points'

    @property
    def digits(self):
        """Decimals of a mean."""
        return 1 if self.is_count else 2

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


def choose_measure(documented):
    """The Measure of a systems.Documented."""
    if documented.num_correct is None and documented.mean_over_batches:
        return Measure('mean_over_batches', 100 * documented.mean_over_batches,
                       documented.num_examples)
    return Measure('num_correct', documented.num_correct, documented.num_examples)


def find_counted(record, variant, step):
    """A variant's tests at a step that count, by seed: those with the training's wheel.

    Another machine may have made them. If a seed was tested twice, the test on the
    training's kind of machine counts, else the later one.
    """
    counted = {}
    # The training's kind comes last and replaces the other.
    for test in sorted(record.content['tests'],
                       key=lambda test: test['kind'] == record.kind):
        if (test['crop'] == variant and test['step'] == step
                and test.get('data', record.content['data']['name'])
                == record.content['data']['name']
                and test['kind']['wheel'] == record.kind['wheel']):
            counted[test['seed']] = test
    return dict(sorted(counted.items()))
