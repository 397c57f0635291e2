"""Statistics over several runs: spread, its sources, equivalence, differences.

Pure functions of numbers, one per run or test. They return dicts for JSON, or None if
the numbers are too few or all equal. SciPy is an optional package, loaded where it is
needed.
"""

import math
import statistics

from cifar10_tf1.common import packages

LEVEL = 0.05  # of each test


def summarize(numbers):
    """n, mean, sample standard deviation or None, least and greatest: dict."""
    return {'n': len(numbers), 'mean': statistics.mean(numbers),
            'sd': statistics.stdev(numbers) if len(numbers) > 1 else None,
            'least': min(numbers), 'greatest': max(numbers)}


def assess_equivalence(numbers, reference, margin):
    """Two one-sided t tests: does the mean of two or more runs equal a reference?

    The reference is taken as exact, although it is one draw itself. low and high are
    the 90 % interval of the difference; power is the probability of showing the
    equivalence if there is no difference, and num_runs_for_power the number of runs for
    a power of 0.9, None above 200.
    """
    if not _has_spread(numbers):
        return None
    n, mean, sd, *unused = summarize(numbers).values()
    difference, error = mean - reference, sd / math.sqrt(n)
    p = float(_load('stats').t.sf((margin - abs(difference)) / error, n - 1))
    half = error * _find_quantile(1 - LEVEL, n - 1)
    sizes = range(2, 201)
    num_runs = next((size for size in sizes if compute_power(size, sd, margin) >= 0.9), None)
    return {'difference': difference, 'margin': margin, 'p': p, 'is_shown': p <= LEVEL,
            'low': difference - half, 'high': difference + half,
            'power': compute_power(n, sd, margin), 'num_runs_for_power': num_runs}


def compute_power(n, sd, margin):
    """Probability that n >= 2 runs show the equivalence if there is no difference.

    Integrates over the ratio of the sample's standard deviation to the true one, sd.
    """
    stats = _load('stats')
    quantile, error = _find_quantile(1 - LEVEL, n - 1), sd / math.sqrt(n)
    ratios = stats.chi(n - 1, scale=1 / math.sqrt(n - 1))

    def find_density(ratio):
        half = margin / error - quantile * ratio
        return (stats.norm.cdf(half) - stats.norm.cdf(-half)) * ratios.pdf(ratio)

    # With a larger ratio than margin / (error * quantile), no test succeeds.
    end = min(margin / (error * quantile), ratios.isf(1e-14))
    return float(_load('integrate').quad(find_density, 0, end, epsabs=1e-10, limit=200)[0])


def compare_means(a, b):
    """Welch's t test: the mean of a less that of b, with its 95 % interval."""
    if min(len(a), len(b)) < 2 or not (_has_spread(a) or _has_spread(b)):
        return None
    t, p = _load('stats').ttest_ind(a, b, equal_var=False)
    shares = [statistics.variance(group) / len(group) for group in (a, b)]
    degrees = sum(shares) ** 2 / sum(
        share ** 2 / (len(group) - 1) for share, group in zip(shares, (a, b)))
    difference = statistics.mean(a) - statistics.mean(b)
    half = math.sqrt(sum(shares)) * _find_quantile(0.975, degrees)
    return {'difference': difference, 't': float(t), 'degrees': degrees, 'p': float(p),
            'low': difference - half, 'high': difference + half}


def compare_one(numbers, value):
    """Two-sided t test of whether a value could be one more of these numbers."""
    if not _has_spread(numbers):
        return None
    n, mean, sd, *unused = summarize(numbers).values()
    t = (value - mean) / (sd * math.sqrt(1 + 1 / n))
    return {'difference': value - mean, 't': t, 'p': float(2 * _load('stats').t.sf(abs(t), n - 1))}


def find_interval(numbers, probability, of_one_more=False):
    """Two-sided interval of the mean, or of one more number: [low, high]."""
    if not _has_spread(numbers):
        return None
    n, mean, sd, *unused = summarize(numbers).values()
    half = _find_quantile((1 + probability) / 2, n - 1) * sd * math.sqrt(1 / n + of_one_more)
    return [mean - half, mean + half]


def split_variance(groups):
    """Splits the variance of lists of tests, one a run, by one-way random effects.

    Returns:
      dict: sd_within (between tests of one run), sd_between (between runs; 0 if the
      estimate is negative), share_between (None without any variance).
    """
    if len(groups) < 2 or max(map(len, groups)) < 2:
        return None
    number = sum(map(len, groups))
    means = [statistics.mean(group) for group in groups]
    whole = sum(map(sum, groups)) / number
    within = sum((value - mean) ** 2 for group, mean in zip(groups, means)
                 for value in group) / (number - len(groups))
    between = sum(len(group) * (mean - whole) ** 2
                  for group, mean in zip(groups, means)) / (len(groups) - 1)
    # Tests per run; slightly below the mean if their number varies.
    size = (number - sum(len(group) ** 2 for group in groups) / number) / (len(groups) - 1)
    between = max(0.0, (between - within) / size)
    total = within + between
    return {'sd_within': math.sqrt(within), 'sd_between': math.sqrt(between),
            'share_between': between / total if total else None}


def _has_spread(numbers):
    return len(set(numbers)) > 1


def _find_quantile(probability, degrees):
    """Student's t."""
    return float(_load('stats').t.ppf(probability, degrees))


def _load(module):
    return packages.load(f'scipy.{module}', 'the statistics of several runs')
