"""What several runs say together, as numbers: the content of statistics.json."""

import itertools
import math
import statistics

from cifar10_tf1 import data
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import comparison
from cifar10_tf1.report import counting


def summarize(several):
    """Statistics of a gathering.Several, as a dict for JSON.

    Runs that don't count are named. A figure that needs more runs is None.
    """
    entry = several.entry
    documented, measure = entry.documented, counting.choose_measure(entry.documented)
    return {
        'system': entry.name,
        'documented': {'num_correct': documented.num_correct,
                       'mean_over_batches': documented.mean_over_batches,
                       'num_examples': documented.num_examples,
                       'margin': documented.margin,
                       'level': statistics_of_runs.LEVEL},
        'measure': measure.key,
        'groups': [_summarize_group(group, entry, measure)
                   for group in several.groups],
        'differences': [
            difference for a, b in itertools.combinations(several.groups, 2)
            for difference in [_compare(a, b)] if difference],
        'repeated': [{'run': run.name, 'seed': run.seed}
                     for run in several.repeated],
        'incomplete': [{'run': run.name, 'seed': run.seed, 'state': run.state}
                       for run in several.runs if not run.is_complete]}


def _summarize_group(runs, entry, measure):
    kind, documented = runs[0].kind, entry.documented
    tested = [run for run in runs if run.values]
    numbers, tests = [run.number for run in tested], [run.values for run in tested]
    is_real = not (data.is_synthetic(kind.data) or kind.is_from_scratch
                   or kind.has_other_weights)
    is_comparable = (is_real and kind.train_files is None
                     and kind.epochs == entry.num_epochs)
    return dict(_to_dict(kind), **{
        'num_machines': len({str(run.record.kind['cpu']) for run in runs}),
        'num_trained': len(runs),
        'seeds': [run.seed for run in tested],
        # In the document's measure; a mean over its test seeds is a run's number.
        'means': numbers,
        'single_tests': _summarize(itertools.chain(*tests)),
        # Right images, whatever the measure.
        'tests': {variant: summary for variant in entry.variants
                  for summary in [_summarize(
                      statistics.mean(run.list_counts(variant)) for run in runs
                      if run.list_counts(variant))] if summary},
        'num_tests': [len(values) for values in tests],
        'num_examples': next((test['num_examples'] for run in tested
                              for test in run.tests[entry.variants[0]]), None),
        'variance': _split(tests),
        'is_comparable': is_comparable,
        'equivalence': (_assess(numbers, measure, documented)
                        if is_comparable else None),
        'documented_as_one_more': (_place_documented(tests, measure)
                                   if is_comparable else None),
        'curves': [_summarize_curve(runs, entry, curve)
                   for curve in documented.curves
                   if is_real and curve.num_files == kind.train_files]})


def _assess(numbers, measure, documented):
    """Two one-sided t tests; None where no margin is stated."""
    if len(numbers) < 2 or documented.margin is None:
        return None
    result = statistics_of_runs.assess_equivalence(
        numbers, measure.documented, documented.margin)
    sd = statistics.stdev(numbers)
    return dict(_to_dict(result), is_shown=result.is_shown, num_runs_for_power=(
        statistics_of_runs.find_num_runs(sd, documented.margin) if sd else 2))


def _place_documented(tests, measure):
    """The documented figure, a single test, compared with each run's first test."""
    firsts = [values[0] for values in tests]
    if measure.documented is None or len(set(firsts)) < 2:
        return None
    return _to_dict(statistics_of_runs.compare_one(firsts, measure.documented))


def _split(tests):
    """The standard deviation of one test, split into its draws' and its run's."""
    if len(tests) < 2 or max(map(len, tests)) < 2:
        return None
    components = statistics_of_runs.split_variance(tests)
    return {'sd_within': math.sqrt(components.within),
            'sd_between': math.sqrt(components.between),
            'share_between': (components.between / components.total
                              if components.total else None)}


def _compare(a, b):
    """Compares two groups on the same data; None with fewer than two runs each."""
    kinds = a[0].kind, b[0].kind
    if len({kind._replace(runtime='', kernels='', device='')
            for kind in kinds}) > 1:
        return None
    numbers = [[run.number for run in group if run.values] for group in (a, b)]
    if min(map(len, numbers)) < 2 or all(len(set(one)) == 1 for one in numbers):
        return None
    return dict(_to_dict(statistics_of_runs.compare_means(*numbers)),
                groups=[[kind.runtime, kind.kernels] for kind in kinds])


def _summarize_curve(runs, entry, curve):
    """Compares the mean over seeds, and each seed, with the documented curve."""
    documented = comparison.load_curve(entry.name, curve.name, curve.figure)
    figures = [comparison.list_figures(run.record.epochs, curve.figure)
               for run in runs]
    places = sorted(set(documented).intersection(*figures))
    if not places:
        return {'figure': curve.figure, 'title': curve.title, 'places': 0}

    def compare(one):
        return comparison.compare(one, documented, curve.is_share)

    mean = {place: statistics.mean(one[place] for one in figures)
            for place in places}
    compared = [compare(one) for one in figures]
    by_seed = [one.mean for one in compared]
    spread = statistics_of_runs.summarize(by_seed)
    return {
        'figure': curve.figure, 'title': curve.title, 'unit': curve.unit,
        'places': len(places),
        'num_in_band': sum(one.is_within(curve) for one in compared),
        'mean_absolute': compare(mean).mean_absolute, 'mean': compare(mean).mean,
        'largest': compare(mean).largest.percent,
        'largest_at': compare(mean).largest.epoch,
        # Only here does it show if a run is high or low in all its epochs.
        'by_seed': by_seed, 'spread': _to_dict(spread),
        'interval': statistics_of_runs.find_mean_interval(spread),
        # The documented run deviates from itself by 0.
        'documented_as_one_more': (
            _to_dict(statistics_of_runs.compare_one(by_seed, 0.0))
            if len(set(by_seed)) > 1 else None),
        'num_over': sum(mean[place] > documented[place] for place in places),
        # Places where the documented run lies within the seeds' range.
        'num_within': sum(
            min(one[place] for one in figures) <= documented[place]
            <= max(one[place] for one in figures) for place in places)}


def _summarize(numbers):
    numbers = list(numbers)
    return _to_dict(statistics_of_runs.summarize(numbers)) if numbers else None


def _to_dict(figures):
    """A NamedTuple for JSON."""
    return dict(figures._asdict())
