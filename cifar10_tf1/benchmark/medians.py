"""Medians over blocks and their confidence intervals."""

import math
import statistics
from typing import NamedTuple

LEVEL = 0.95  # confidence level, given enough blocks


class Figure(NamedTuple):
    """A median over blocks and its confidence interval."""
    median: float
    low: float
    high: float
    level: float  # the interval's true level, for any distribution

    def __str__(self):
        """Formats the figure, with the level if it is lower than LEVEL."""
        if not self.level:
            return _round(self.median)
        level = '' if self.level >= LEVEL else f', {100 * self.level:.0f} %'
        return (f'{_round(self.median)} ({_round(self.low)} to '
                f'{_round(self.high)}{level})')


def summarize(values):
    """The Figure of one value per block; order statistics bound its interval.

    Fewer than six values can't reach LEVEL; their interval spans all of them.
    """
    values = sorted(values)
    cut = max([0] + [k for k in range(len(values) // 2)
                     if find_level(len(values), k) >= LEVEL])
    return Figure(statistics.median(values), values[cut], values[-1 - cut],
                  find_level(len(values), cut))


def find_level(num_values, num_left_out):
    """Probability that an interval covers the median, with some left out at each end."""
    ways, tail = 1, 0
    for k in range(num_left_out + 1):
        tail += ways  # of k values below the median
        ways = ways * (num_values - k) // (k + 1)
    return 1.0 - 2.0 * math.ldexp(tail, -num_values)


def summarize_ratio(values, bases):
    """Summarizes ratios block by block, so a disturbance of both cancels out."""
    return summarize([value / base for value, base in zip(values, bases)])


def _round(value):
    return f'{value:.0f}' if value >= 100 else f'{value:.3g}'
