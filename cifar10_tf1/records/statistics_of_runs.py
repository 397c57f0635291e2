"""What several runs say together: spread, equivalence, where the spread is from.

Pure functions of numbers, such as the right images of a run's test. Student's t
distribution and the power are computed here, because Python's standard library
has neither; the tests hold them against SciPy's.
"""

import math
import statistics
from typing import List, NamedTuple, Optional

# Of 10,000 images: how far the mean over seeds may be off the documented count
# and still be called equal. Stated before the runs that it is applied to.
MARGIN = 30
LEVEL = 0.05  # of each test

_NUM_INTERVALS = 2000  # of Simpson's rule
_REACH = 3  # places to each side, over which a variance is averaged
_TINY = 1e-300


class Summary(NamedTuple):
    n: int
    mean: float
    sd: Optional[float]  # of a sample, n - 1; None: of one number there is none
    least: float
    greatest: float


class Equivalence(NamedTuple):
    """Two one-sided t tests: does the mean lie within a margin of a reference?

    Both hypotheses, a mean that is too low and one that is too high by the
    margin or more, are rejected where `p` is at most LEVEL; the interval then
    lies within the margin.
    """
    difference: float  # of the mean from the reference
    margin: float
    p: float           # the greater one of the two tests
    low: float         # 90 % interval of the difference
    high: float
    power: float       # to find equality, were there no difference at all

    @property
    def is_shown(self):
        return self.p <= LEVEL


class Difference(NamedTuple):
    """Welch's t test of two means: a's less b's."""
    difference: float
    t: float
    degrees: float  # of freedom
    p: float        # of two sides
    low: float      # 95 % interval of the difference
    high: float


class OneMore(NamedTuple):
    """A t test of whether one number is from where the others are."""
    difference: float  # of the number from their mean
    t: float
    p: float           # of two sides: of one more that is as far off


class Components(NamedTuple):
    """The variance of one test of one run, split."""
    within: float   # of tests of the same run: by crops
    between: float  # of runs: by seeds; 0 where it is estimated below

    @property
    def total(self):
        return self.within + self.between


def summarize(numbers):
    """Summary of one number or more."""
    numbers = list(numbers)
    return Summary(len(numbers), statistics.mean(numbers),
                   statistics.stdev(numbers) if len(numbers) > 1 else None,
                   min(numbers), max(numbers))


def assess_equivalence(numbers, reference, margin=MARGIN):
    """Whether runs are equal to a reference but for the margin.

    The reference counts as it is: that it is itself one draw is not in the
    test.

    Args:
      numbers: two or more, one a run.
      reference: float, such as the documented count.
      margin: float, in the numbers' unit.
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
    nearer = (margin - abs(difference)) / error  # to its end of the margin
    half = error * find_student_quantile(1 - LEVEL, n - 1)
    return Equivalence(difference, margin,
                       1 - compute_student_cdf(nearer, n - 1),
                       difference - half, difference + half,
                       compute_power(n, sd, margin))


def compute_power(n, sd, margin=MARGIN, difference=0.0):
    """How probable it is that n runs show the equivalence.

    Args:
      n: int, 2 or more.
      sd: float, of a run; above 0.
      margin, difference: float, the true mean less the reference.
    Returns:
      float, exact but for the numerical integration over the sample's sd.
    """
    degrees = n - 1
    quantile = find_student_quantile(1 - LEVEL, degrees)
    error = sd / math.sqrt(n)

    def find_density(ratio):
        """Of a sample's sd over the true one, times the power at that."""
        half = margin / error - quantile * ratio
        inside = (_compute_normal_cdf(half - difference / error)
                  - _compute_normal_cdf(-half - difference / error))
        if ratio == 0:
            return inside * (math.sqrt(2 / math.pi) if degrees == 1 else 0.0)
        return inside * math.exp(
            math.log(2) + degrees / 2 * math.log(degrees / 2)
            - math.lgamma(degrees / 2) + (degrees - 1) * math.log(ratio)
            - degrees * ratio * ratio / 2)

    # Beyond the first end no test succeeds; beyond the second one hardly any sd is.
    end = min(margin / (error * quantile), 1 + 12 / math.sqrt(degrees))
    return _integrate(find_density, end)


def compare_means(a, b):
    """Whether two groups differ in their mean; their spreads may differ.

    Args:
      a, b: numbers, two or more each, not all equal in both.
    Returns:
      Difference.
    """
    a, b = summarize(a), summarize(b)
    shares = [group.sd ** 2 / group.n for group in (a, b)]
    error = math.sqrt(sum(shares))
    degrees = sum(shares) ** 2 / sum(
        share ** 2 / (group.n - 1) for share, group in zip(shares, (a, b)))
    difference = a.mean - b.mean
    t = difference / error
    half = error * find_student_quantile(0.975, degrees)
    return Difference(difference, t, degrees,
                      2 * (1 - compute_student_cdf(abs(t), degrees)),
                      difference - half, difference + half)


def compare_one(numbers, value):
    """Whether a value, such as a documented one, could be one more run's.

    Args:
      numbers: two or more, not all equal, one a run.
      value: float.
    Returns:
      OneMore.
    """
    n, mean, sd, *unused = summarize(numbers)
    t = (value - mean) / (sd * math.sqrt(1 + 1 / n))
    return OneMore(value - mean, t,
                   2 * (1 - compute_student_cdf(abs(t), n - 1)))


def find_prediction_interval(numbers, probability):
    """Where one more run lies so probably, if all are alike.

    Args:
      numbers: two or more, one a run.
      probability: float, of two sides.
    Returns:
      (low, high): floats.
    """
    n, mean, sd, *unused = summarize(numbers)
    half = find_student_quantile((1 + probability) / 2, n - 1) * sd * math.sqrt(
        1 + 1 / n)
    return mean - half, mean + half


def find_limit(numbers):
    """What one more run is under with a probability of 97.5 %, if all are alike."""
    return find_prediction_interval(numbers, 0.95)[1]


def find_expected(curves: List[List[float]]):
    """Where one more run's curve is to be expected, place by place.

    Few runs say little about the spread at one place, so the variance is the mean
    over this place and its neighbours.

    Args:
      curves: of at least two runs, equally long.
    Returns:
      list of (mean, sd): the sd of one more run's distance to that mean.
    """
    places = list(zip(*curves))
    variances = [statistics.variance(values) for values in places]
    expected = []
    for i, values in enumerate(places):
        variance = statistics.mean(variances[max(0, i - _REACH):i + _REACH + 1])
        expected.append((statistics.mean(values),
                         math.sqrt(variance * (1 + 1 / len(values)))))
    return expected


def split_variance(groups: List[List[float]]):
    """One-way random effects, by the analysis of variance.

    Args:
      groups: a list for each run, of its tests; two runs or more, one of two
        tests or more.
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
    # Tests a run; a little under the mean where runs have unequally many.
    size = (number - sum(size ** 2 for size in sizes) / number) / (
        len(groups) - 1)
    return Components(within, max(0.0, (between - within) / size))


def compute_student_cdf(t, degrees):
    """Student's t: how probable a value of t or less is.

    Args:
      t: float.
      degrees: float, of freedom; above 0, not only whole ones.
    """
    tail = _compute_beta(degrees / (degrees + t * t), degrees / 2, 0.5) / 2
    return 1 - tail if t > 0 else tail


def find_student_quantile(probability, degrees):
    """The t of a probability of at least one half, by bisection."""
    low, high = 0.0, 1.0
    while compute_student_cdf(high, degrees) < probability:
        high *= 2
    while low < (low + high) / 2 < high:
        middle = (low + high) / 2
        if compute_student_cdf(middle, degrees) < probability:
            low = middle
        else:
            high = middle
    return low


def _compute_normal_cdf(z):
    return math.erfc(-z / math.sqrt(2)) / 2


def _compute_beta(x, a, b):
    """The regularized incomplete beta function, by its continued fraction."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    if x > (a + 1) / (a + b + 2):  # there the other side converges fast
        return 1 - _compute_beta(1 - x, b, a)
    front = math.exp(math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
                     + a * math.log(x) + b * math.log1p(-x)) / a
    # Lentz's method: the numerators in turn, until a factor is 1.
    fraction, above, below, m = 1.0, 1.0, 0.0, 0
    while True:
        for numerator in (
                m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)) if m else 1.0,
                -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))):
            below = 1 / (1 + numerator * below or _TINY)
            above = 1 + numerator / above or _TINY
            factor = above * below
            fraction *= factor
        m += 1
        if abs(factor - 1) < 1e-15 or m > 1000:
            return front * (fraction - 1)


def _integrate(function, end):
    """Simpson's rule from 0."""
    width = end / _NUM_INTERVALS
    return width / 3 * sum(
        (1 if i in (0, _NUM_INTERVALS) else 4 if i % 2 else 2)
        * function(i * width) for i in range(_NUM_INTERVALS + 1))
