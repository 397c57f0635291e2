"""Statistics over several runs as numbers: the content of statistics.json."""

import itertools
import statistics

from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import comparison, gathering, measures


def summarize(runs, entry):
    """Statistics of a system's runs (gathering.Run), as a dict for JSON.

    It also names the runs that don't count. A figure that needs more runs is None.
    """
    groups, repeated = gathering.gather(runs)
    documented, measure = entry.documented, measures.choose(entry.documented)
    return {
        'system': entry.name,
        'documented': {'num_correct': documented.num_correct,
                       'mean_over_batches': documented.mean_over_batches,
                       'num_examples': documented.num_examples,
                       'margin': documented.margin,
                       'level': statistics_of_runs.LEVEL},
        'measure': measure.key,
        'groups': [summarize_group(group, entry) for group in groups],
        'differences': list(filter(None, itertools.starmap(
            _compare, itertools.combinations(groups, 2)))),
        'repeated': [{'run': run.name, 'seed': run.seed} for run in repeated],
        'incomplete': [{'run': run.name, 'seed': run.seed, 'state': run.state}
                       for run in runs if not run.is_complete]}


def summarize_group(runs, entry):
    """Statistics of the runs in one group, which differ only in seed and processor."""
    kind, documented = runs[0].kind, entry.documented
    measure = measures.choose(documented)
    tested = [run for run in runs if run.values]
    numbers, tests = [run.number for run in tested], [run.values for run in tested]
    is_comparable = (not comparison.find_obstacle(runs[0].record)
                     and kind.train_files is None and kind.epochs == entry.num_epochs)
    counts = {variant: [statistics.mean(run.list_counts(variant)) for run in runs
                        if run.list_counts(variant)] for variant in entry.variants}
    return dict(
        kind._asdict(),
        num_machines=len({str(run.record.kind['cpu']) for run in runs}),
        num_trained=len(runs),
        seeds=[run.seed for run in tested],
        # In the document's measure; a mean over its test seeds is a run's number.
        means=numbers,
        single_tests=statistics_of_runs.summarize(sum(tests, [])) if tests else None,
        # Correct images, whatever the measure.
        tests={variant: statistics_of_runs.summarize(means)
               for variant, means in counts.items() if means},
        num_tests=[len(values) for values in tests],
        num_examples=next((test['num_examples'] for run in tested
                           for test in run.tests[entry.variants[0]]), None),
        variance=statistics_of_runs.split_variance(tests),
        is_comparable=is_comparable,
        equivalence=statistics_of_runs.assess_equivalence(
            numbers, measure.documented, documented.margin) if (
                is_comparable and documented.margin is not None) else None,
        # The documented figure is a single test, so it is compared with the first ones.
        documented_as_one_more=statistics_of_runs.compare_one(
            [values[0] for values in tests], measure.documented) if (
                is_comparable and measure.documented is not None) else None,
        curves=[_summarize_curve(compared) for compared in comparison.compare_runs(
            [run.record for run in runs]) if compared.documented])


def _compare(a, b):
    """Compares two groups on the same data; None with fewer than two runs each."""
    kinds = a[0].kind, b[0].kind
    if len({kind._replace(runtime='', kernels='', device='') for kind in kinds}) > 1:
        return None
    found = statistics_of_runs.compare_means(
        *([run.number for run in group if run.values] for group in (a, b)))
    return found and dict(found, groups=[[kind.runtime, kind.kernels] for kind in kinds])


def _summarize_curve(compared):
    """Compares the mean over seeds, and each seed, with the documented curve."""
    curve, documented = compared.curve, compared.documented
    places = sorted(set(documented).intersection(*compared.figures))
    if not places:
        return {'figure': curve.figure, 'title': curve.title, 'places': 0}
    values = {place: [figures[place] for figures in compared.figures] for place in places}
    mean = comparison.compare({place: statistics.mean(values[place])
                               for place in places}, documented, curve)
    by_seed = [one.mean for one in compared.comparisons]
    return {
        'figure': curve.figure, 'title': curve.title, 'unit': curve.unit,
        'places': len(places), 'num_in_band': sum(
            one.is_within for one in compared.comparisons),
        'mean_absolute': mean.mean_absolute, 'mean': mean.mean,
        'largest': mean.largest, 'largest_at': mean.largest_at,
        # Only this shows whether a run is high or low in all its epochs.
        'by_seed': by_seed, 'spread': statistics_of_runs.summarize(by_seed),
        'interval': statistics_of_runs.find_interval(by_seed, 0.95),
        # The documented run deviates from itself by 0.
        'documented_as_one_more': statistics_of_runs.compare_one(by_seed, 0.0),
        'num_over': sum(deviation > 0 for deviation in mean.deviations.values()),
        # Places where the documented run lies within the seeds' range.
        'num_within': sum(min(values[place]) <= documented[place] <= max(values[place])
                          for place in places)}
