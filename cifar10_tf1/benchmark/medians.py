"""From the times of blocks to figures with intervals."""

import statistics
from typing import NamedTuple

MATMUL_SIZE = 2048
MATMUL_GFLOP = 2 * MATMUL_SIZE ** 3 / 1e9


class Figure(NamedTuple):
    """A median over blocks, with an interval of at least 95 % for it."""
    median: float
    low: float
    high: float

    def __str__(self):
        return (f'{_round(self.median)} ({_round(self.low)} to '
                f'{_round(self.high)})')


def summarize(values):
    """Figure of one value for each block.

    The interval is between order statistics: that many of the smallest and the
    largest values are left out as keep the probability that the median lies
    outside under 5 %, whatever the distribution.
    """
    values = sorted(values)
    num_left_out, outside = -1, 0.0
    probability = 0.5 ** len(values)  # of k values below the median
    for k in range(len(values) // 2):
        outside += 2.0 * probability
        if outside > 0.05:
            break
        num_left_out = k
        probability *= (len(values) - k) / (k + 1.0)
    cut = max(num_left_out, 0)
    return Figure(statistics.median(values), values[cut],
                  values[len(values) - 1 - cut])


def summarize_ratio(values, bases):
    """Figure of the ratio block by block: what slows both cancels out."""
    return summarize([value / base for value, base in zip(values, bases)])


def _round(value):
    return f'{value:.0f}' if value >= 100 else f'{value:.3g}'
