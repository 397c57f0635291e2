"""What the runs of a system say together: counts, equivalence, curves."""

import collections
import itertools
import math
import statistics

from cifar10_tf1 import data
from cifar10_tf1 import report
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import comparison

POWER = 0.9  # that a further number of runs is told for
_MAX_RUNS = 200


def summarize(runs, entry):
    """Statistics of the complete runs; those that are not are named.

    Args:
      runs: list of runs.Run.
      entry: systems.Entry.
    Returns:
      dict for JSON; a figure that too few runs give is None.
    """
    groups = collections.OrderedDict()
    repeated, incomplete = [], []
    for run in runs:
        if not run.is_complete:
            incomplete.append({'run': run.name, 'seed': run.seed,
                               'state': run.state})
            continue
        others = groups.setdefault(run.group, [])
        # The same seed on another machine is no run that stands for itself.
        (repeated if run.seed in [other.seed for other in others]
         else others).append(run)
    documented = entry.documented
    return {
        'system': entry.name,
        'documented': {'num_correct': documented.num_correct,
                       'mean_over_batches': documented.mean_over_batches,
                       'num_examples': documented.num_examples,
                       'margin': documented.margin,
                       'level': statistics_of_runs.LEVEL},
        'groups': [summarize_group(group, entry) for group in groups.values()],
        'differences': [
            difference for a, b in itertools.combinations(groups.values(), 2)
            for difference in [_compare(a, b, entry.variants[0])] if difference],
        'repeated': [{'run': run.name, 'seed': run.seed} for run in repeated],
        'incomplete': incomplete,
    }


def summarize_group(runs, entry):
    """Of the runs of one runtime and formulation.

    Args:
      runs: list of runs.Run, all complete, one a seed.
      entry: systems.Entry.
    """
    group = runs[0].group
    variant = entry.variants[0]
    tests = [run.counts[variant] for run in runs]
    means = [statistics.mean(numbers) for numbers in tests]
    is_real = not (data.is_synthetic(group.data) or group.is_from_scratch)
    is_comparable = (is_real and group.train_files is None
                     and group.epochs == entry.num_epochs)
    documented = entry.documented
    return dict(_to_dict(group), **{
        'num_machines': len({str(run.record.kind['cpu']) for run in runs}),
        'seeds': [run.seed for run in runs],
        # Of the first variant: a mean over its test seeds is one run's number.
        'means': means,
        'tests': {each: _to_dict(statistics_of_runs.summarize(
            statistics.mean(run.counts[each]) for run in runs))
            for each in entry.variants},
        'num_tests': [len(numbers) for numbers in tests],
        'variance': _split(tests),
        'equivalence': (_assess(means, documented) if is_comparable else None),
        'documented_as_one_more': (
            _place_documented(tests, documented) if is_comparable else None),
        'curves': [_summarize_curve(runs, entry, curve)
                   for curve in documented.curves
                   if is_real and curve.num_files == group.train_files],
    })


def find_num_runs(sd, margin, power=POWER):
    """How many runs show the equivalence so surely, were there no difference.

    Returns:
      int; None where it takes more than 200.
    """
    return next((n for n in range(2, _MAX_RUNS + 1)
                 if statistics_of_runs.compute_power(n, sd, margin) >= power),
                None)


def _assess(means, documented):
    """Two one-sided tests, where a margin was stated; None: nothing is claimed."""
    if len(means) < 2 or documented.margin is None:
        return None
    result = statistics_of_runs.assess_equivalence(
        means, documented.num_correct, documented.margin)
    sd = statistics.stdev(means)
    return dict(_to_dict(result), is_shown=result.is_shown,
                num_runs_for_power=(
                    find_num_runs(sd, documented.margin) if sd else 2))


def _place_documented(tests, documented):
    """The documented count among those of one test of each run, as it is one."""
    numbers = [each[0] for each in tests]
    if documented.num_correct is None or len(set(numbers)) < 2:
        return None
    return _to_dict(statistics_of_runs.compare_one(numbers,
                                                   documented.num_correct))


def _split(tests):
    """Standard deviations of one test, by its own draws and by the run."""
    if len(tests) < 2 or max(map(len, tests)) < 2:
        return None
    components = statistics_of_runs.split_variance(tests)
    return {'sd_within': math.sqrt(components.within),
            'sd_between': math.sqrt(components.between),
            'share_between': (components.between / components.total
                              if components.total else None)}


def _compare(a, b, variant):
    """Two groups' means, on the same data; None where too few runs are there."""
    groups = a[0].group, b[0].group
    # Of all but the runtime and the kernels.
    if len({group._replace(runtime='', kernels='') for group in groups}) > 1:
        return None
    means = [[statistics.mean(run.counts[variant]) for run in group]
             for group in (a, b)]
    if min(map(len, means)) < 2 or all(len(set(group)) == 1 for group in means):
        return None
    return dict(_to_dict(statistics_of_runs.compare_means(*means)),
                groups=[[group.runtime, group.kernels] for group in groups])


def _summarize_curve(runs, entry, curve):
    """The mean over seeds beside the documented curve, and each seed's distance.

    Returns:
      dict: deviations in percent, or in points of shares.
    """
    documented = report.load_curve(entry.name, curve.name, curve.figure)
    figures = [comparison.list_figures(run.record.epochs, curve.figure)
               for run in runs]
    places = sorted(set(documented).intersection(*figures))
    if not places:
        return {'figure': curve.figure, 'places': 0}
    first = min(documented)
    mean = {place: statistics.mean(each[place] for each in figures)
            for place in places}
    of_mean = report.compare(mean, documented, first, curve.is_share)
    by_seed = [report.compare(each, documented, first, curve.is_share).mean
               for each in figures]
    spread = statistics_of_runs.summarize(by_seed)
    return {
        'figure': curve.figure, 'unit': curve.unit, 'places': len(places),
        'mean_absolute': of_mean.mean_absolute, 'mean': of_mean.mean,
        'largest': of_mean.largest.percent,
        'largest_at': of_mean.largest.epoch,
        # A level that all of a run's epochs share shows here, and only here.
        'by_seed': by_seed, 'spread': _to_dict(spread),
        'interval': _find_interval(spread),
        'num_over': sum(mean[place] > documented[place] for place in places),
        # Where the documented run lies among the seeds, from least to greatest.
        'num_within': sum(
            min(each[place] for each in figures) <= documented[place]
            <= max(each[place] for each in figures) for place in places)}


def _find_interval(summary):
    """The 95 % interval of a mean by Student's t; None of one number."""
    if not summary.sd:
        return None
    half = statistics_of_runs.find_student_quantile(
        0.975, summary.n - 1) * summary.sd / math.sqrt(summary.n)
    return [summary.mean - half, summary.mean + half]


def _to_dict(figures):
    """A NamedTuple for JSON."""
    return dict(figures._asdict())
