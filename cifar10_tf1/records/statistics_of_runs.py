"""What several runs say together: spread, equivalence, where the spread is from.

Pure functions of numbers, one a run or one a test. Student's t and the power come
from SciPy, an optional package that is imported by the functions that need it.
"""

import math
import statistics
from typing import NamedTuple, Optional

from cifar10_tf1.common import extras

LEVEL = 0.05  # of each test

_POWER = 0.9   # wanted, where the number of runs for it is told
_MAX_RUNS = 200
_REACH = 3     # neighbours on each side, over which a variance is averaged


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
    power: float       # to show equality if there were no difference

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
    """A t test of one number against a sample that it may belong to."""
    difference: float  # from the sample's mean
    t: float
    p: float           # two-sided


class Components(NamedTuple):
    """The variance of one test of one run, split."""
    within: float   # between tests of one run
    between: float  # between runs; 0 where the estimate is negative

    @property
    def total(self):
        return self.within + self.between


def summarize(numbers):
    """Summary of one number or more."""
    numbers = list(numbers)
    return Summary(len(numbers), statistics.mean(numbers),
                   statistics.stdev(numbers) if len(numbers) > 1 else None,
                   min(numbers), max(numbers))


def assess_equivalence(numbers, reference, margin):
    """Tests whether the mean of the runs equals a reference, up to a margin.

    The reference counts as exact, although it is one draw itself.

    Args:
      numbers: two or more, one a run.
      reference: float, such as the documented count.
      margin: float, in the same unit.
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


def compute_power(n, sd, margin, difference=0.0):
    """Probability that n runs show the equivalence.

    Args:
      n: int, 2 or more.
      sd: float, of one run; above 0.
      margin: float.
      difference: float, the true mean less the reference.
    Returns:
      float: the integral over the sample's sd, relative to the true one.
    """
    stats = _load_scipy_stats()
    integrate = extras.load('scipy.integrate', 'the statistics of several runs')
    quantile = _find_quantile(1 - LEVEL, n - 1)
    error = sd / math.sqrt(n)
    ratios = stats.chi(n - 1, scale=1 / math.sqrt(n - 1))

    def find_density(ratio):
        half = margin / error - quantile * ratio
        shown = (stats.norm.cdf(half - difference / error)
                 - stats.norm.cdf(-half - difference / error))
        return shown * ratios.pdf(ratio)

    # Above margin / (error * quantile) no test succeeds.
    end = min(margin / (error * quantile), ratios.isf(1e-14))
    return float(integrate.quad(find_density, 0, end, epsabs=1e-10, limit=200)[0])


def find_num_runs(sd, margin):
    """Runs that show the equivalence with a power of 0.9; None above 200."""
    return next((n for n in range(2, _MAX_RUNS + 1)
                 if compute_power(n, sd, margin) >= _POWER), None)


def compare_means(a, b):
    """Welch's test of whether two groups of runs differ in their mean.

    Args:
      a, b: numbers, two or more each, not all equal in both.
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
      numbers: two or more, not all equal, one a run.
      value: float.
    Returns:
      OneMore.
    """
    n, mean, sd, *unused = summarize(numbers)
    t = (value - mean) / (sd * math.sqrt(1 + 1 / n))
    return OneMore(value - mean, t,
                   float(2 * _load_scipy_stats().t.sf(abs(t), n - 1)))


def find_mean_interval(summary):
    """95 % interval of a mean: [low, high]; None for a single number.

    Args:
      summary: Summary.
    """
    if not summary.sd:
        return None
    half = _find_quantile(0.975, summary.n - 1) * summary.sd / math.sqrt(summary.n)
    return [summary.mean - half, summary.mean + half]


def find_prediction_interval(numbers, probability):
    """Where one more run lies with this probability, if all are alike.

    Args:
      numbers: two or more, one a run.
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
    """Where one more run's curve is expected, place by place.

    A few runs say little about the spread at one place, so the variance is the
    mean over this place and its neighbours.

    Args:
      curves: list of equally long lists of float; two runs or more.
    Returns:
      list of (mean, sd): the sd of one more run's distance from that mean.
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
    """One-way random effects, by the analysis of variance.

    Args:
      groups: for each run the list of its tests; two runs or more, one of them
        with two tests or more.
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
    # Tests a run; slightly below the mean where runs have unequally many.
    size = (number - sum(size ** 2 for size in sizes) / number) / (
        len(groups) - 1)
    return Components(within, max(0.0, (between - within) / size))


def _find_quantile(probability, degrees):
    """Student's t."""
    return float(_load_scipy_stats().t.ppf(probability, degrees))


def _load_scipy_stats():
    return extras.load('scipy.stats', 'the statistics of several runs')
