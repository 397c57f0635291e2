"""Medians over blocks and their confidence intervals."""

import statistics
from typing import NamedTuple

import numpy as np

LEVEL = 0.95  # confidence level, given enough blocks


class Figure(NamedTuple):
    """A median over blocks and its confidence interval."""
    median: float
    low: float
    high: float
    level: float  # the interval's true level, for any distribution

    def __str__(self):
        """The figure, with the level if it is lower than LEVEL."""
        if not self.level:
            return _round(self.median)
        level = '' if self.level >= LEVEL else f', {100 * self.level:.0f} %'
        return f'{_round(self.median)} ({_round(self.low)} to {_round(self.high)}{level})'


def summarize(values):
    """The Figure of one value per block; order statistics bound its interval.

    Fewer than six values can't reach LEVEL; their interval spans all of them.
    """
    # Chances that 0, 1, 2, ... of the values are below the median.
    chances = (np.poly1d([0.5, 0.5]) ** len(values)).coeffs
    # Levels of the intervals that leave 0, 1, 2, ... values out at each end.
    levels = 1.0 - 2.0 * np.cumsum(chances)
    cut = max(0, np.count_nonzero(levels >= LEVEL) - 1)
    values = sorted(values)
    return Figure(statistics.median(values), values[cut], values[-1 - cut], levels[cut])


def summarize_ratio(values, bases):
    """Summarizes ratios block by block, so a disturbance of both cancels out."""
    return summarize([value / base for value, base in zip(values, bases)])


def _round(value):
    return f'{value:.0f}' if value >= 100 else f'{value:.3g}'
