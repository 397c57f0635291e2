"""Statistics over several runs: spread, its sources, equivalence, differences.

Pure functions of numbers, one per run or test. SciPy is an optional package: the
functions that need it import it.
"""

import math
import statistics
from typing import NamedTuple, Optional

from cifar10_tf1.common import extras

LEVEL = 0.05  # of each test

_POWER = 0.9   # that find_num_runs asks for
_MAX_RUNS = 200
_REACH = 3     # places on each side over which a variance is averaged


class Summary(NamedTuple):
    n: int
    mean: float
    sd: Optional[float]  # of the sample (n - 1); None for a single number
    least: float
    greatest: float


class Equivalence(NamedTuple):
    """Two one-sided t tests: does the mean lie within a margin of a reference?"""
    difference: float  # mean less reference
    margin: float
    p: float           # the larger of the two
    low: float         # 90 % interval of the difference
    high: float
    power: float       # probability of showing it if there is no difference

    @property
    def is_shown(self):
        return self.p <= LEVEL


class Difference(NamedTuple):
    """Welch's t test of two means: a's less b's."""
    difference: float
    t: float
    degrees: float  # of freedom
    p: float        # two-sided
    low: float      # 95 % interval of the difference
    high: float


class OneMore(NamedTuple):
    """A t test of whether a number belongs to a sample's population."""
    difference: float  # from the sample's mean
    t: float
    p: float           # two-sided


class Components(NamedTuple):
    """The variance of a single test, split."""
    within: float   # between tests of one run
    between: float  # between runs; 0 if the estimate is negative

    @property
    def total(self):
        return self.within + self.between


def summarize(numbers):
    numbers = list(numbers)
    return Summary(len(numbers), statistics.mean(numbers),
                   statistics.stdev(numbers) if len(numbers) > 1 else None,
                   min(numbers), max(numbers))


def assess_equivalence(numbers, reference, margin):
    """Tests whether the mean of two or more runs equals a reference within a margin.

    The reference is taken as exact, although it is one draw itself.

    Args:
      numbers: one per run.
      reference, margin: float, in the same unit.
    Returns:
      Equivalence.
    """
    n, mean, sd, *unused = summarize(numbers)
    difference = mean - reference
    if sd == 0:
        inside = abs(difference) < margin
        return Equivalence(difference, margin, 0.0 if inside else 1.0,
                           difference, difference, 1.0)
    error = sd / math.sqrt(n)
    p = _load_scipy_stats().t.sf((margin - abs(difference)) / error, n - 1)
    half = error * _find_quantile(1 - LEVEL, n - 1)
    return Equivalence(difference, margin, float(p), difference - half,
                       difference + half, compute_power(n, sd, margin))


def compute_power(n, sd, margin):
    """Probability that n runs show the equivalence if there is no difference.

    The integral runs over the ratio of the sample's sd to the true one.

    Args:
      n: int, 2 or more.
      sd: float, of one run; above 0.
      margin: float.
    """
    stats = _load_scipy_stats()
    integrate = extras.load('scipy.integrate', 'the statistics of several runs')
    quantile = _find_quantile(1 - LEVEL, n - 1)
    error = sd / math.sqrt(n)
    ratios = stats.chi(n - 1, scale=1 / math.sqrt(n - 1))

    def find_density(ratio):
        half = margin / error - quantile * ratio
        return (stats.norm.cdf(half) - stats.norm.cdf(-half)) * ratios.pdf(ratio)

    # With a larger ratio than margin / (error * quantile), no test succeeds.
    end = min(margin / (error * quantile), ratios.isf(1e-14))
    return float(integrate.quad(find_density, 0, end, epsabs=1e-10, limit=200)[0])


def find_num_runs(sd, margin):
    """Number of runs that gives a power of 0.9, or None above 200."""
    return next((n for n in range(2, _MAX_RUNS + 1)
                 if compute_power(n, sd, margin) >= _POWER), None)


def compare_means(a, b):
    """Welch's test of the means of two groups of runs.

    Args:
      a, b: two or more numbers each, not all equal in both.
    Returns:
      Difference.
    """
    stats = _load_scipy_stats()
    t, p = stats.ttest_ind(a, b, equal_var=False)
    a, b = summarize(a), summarize(b)
    shares = [group.sd ** 2 / group.n for group in (a, b)]
    degrees = sum(shares) ** 2 / sum(
        share ** 2 / (group.n - 1) for share, group in zip(shares, (a, b)))
    difference = a.mean - b.mean
    half = math.sqrt(sum(shares)) * _find_quantile(0.975, degrees)
    return Difference(difference, float(t), degrees, float(p),
                      difference - half, difference + half)


def compare_one(numbers, value):
    """Tests whether a value, such as a documented one, could be one more run's.

    Args:
      numbers: two or more, not all equal, one per run.
      value: float.
    Returns:
      OneMore.
    """
    n, mean, sd, *unused = summarize(numbers)
    t = (value - mean) / (sd * math.sqrt(1 + 1 / n))
    return OneMore(value - mean, t,
                   float(2 * _load_scipy_stats().t.sf(abs(t), n - 1)))


def find_mean_interval(summary):
    """95 % interval of a Summary's mean: [low, high]; None for a single number."""
    if not summary.sd:
        return None
    half = _find_quantile(0.975, summary.n - 1) * summary.sd / math.sqrt(summary.n)
    return [summary.mean - half, summary.mean + half]


def find_prediction_interval(numbers, probability):
    """Prediction interval for one more run.

    Args:
      numbers: two or more, one per run.
      probability: float, two-sided.
    Returns:
      (low, high): floats.
    """
    n, mean, sd, *unused = summarize(numbers)
    half = _find_quantile((1 + probability) / 2, n - 1) * sd * math.sqrt(1 + 1 / n)
    return mean - half, mean + half


def find_limit(numbers):
    """Upper 97.5 % prediction limit for one more run."""
    return find_prediction_interval(numbers, 0.95)[1]


def find_expected(curves):
    """Predicts one more run's curve, place by place.

    A few runs say little about the spread at one place, so the variance is
    averaged over neighbouring places.

    Args:
      curves: list of equally long lists of float; two runs or more.
    Returns:
      list of (mean, sd): sd is that of one more run's distance from the mean.
    """
    places = list(zip(*curves))
    variances = [statistics.variance(values) for values in places]
    expected = []
    for i, values in enumerate(places):
        variance = statistics.mean(variances[max(0, i - _REACH):i + _REACH + 1])
        expected.append((statistics.mean(values),
                         math.sqrt(variance * (1 + 1 / len(values)))))
    return expected


def split_variance(groups):
    """One-way random effects, by analysis of variance.

    Args:
      groups: a list of tests for each of two or more runs; at least one run has
        two or more tests.
    Returns:
      Components.
    """
    sizes = [len(group) for group in groups]
    number = sum(sizes)
    means = [statistics.mean(group) for group in groups]
    whole = sum(map(sum, groups)) / number
    within = sum((value - mean) ** 2 for group, mean in zip(groups, means)
                 for value in group) / (number - len(groups))
    between = sum(size * (mean - whole) ** 2
                  for size, mean in zip(sizes, means)) / (len(groups) - 1)
    # Tests per run; slightly below the mean if their number varies.
    size = (number - sum(size ** 2 for size in sizes) / number) / (
        len(groups) - 1)
    return Components(within, max(0.0, (between - within) / size))


def _find_quantile(probability, degrees):
    """Student's t."""
    return float(_load_scipy_stats().t.ppf(probability, degrees))


def _load_scipy_stats():
    return extras.load('scipy.stats', 'the statistics of several runs')
