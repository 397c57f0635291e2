"""README's claim: whether the seeds of deep_cnn equal the documented count."""

import statistics

from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import words
from page_tables import table, wrap
from page_tables.runs import load_group

# Number of seeds by version, fixed on 2026-11-29 before the remaining ones were run.
PLANNED_SEEDS = {'1.15': 10, '2.21': 6}
# Seeds with which equivalence on 1.15 had been tested before that day; the latest four.
LOOKS = ((1, 2, 3, 4), (1, 2, 3, 4, 5, 6))
LATEST_SEEDS = (2, 4, 5, 6)  # by the time that they were started
SEEDS_SINCE = (7, 8, 9, 10)


@table
def build_claim():
    """Whether the mean is within the margin, a sentence a runtime."""
    return [line for version in PLANNED_SEEDS for line in wrap(
        f'- **TensorFlow {version}:** '
        f'{describe_claim(*load_group("deep_cnn", version), version)}', '  ')]


def describe_claim(group, measure, version):
    result, planned = group['equivalence'], PLANNED_SEEDS[version]
    done = sum(seed <= planned for seed in group['seeds'])
    margin, is_shown = f'within {result["margin"]} images', result['is_shown']
    text = (f'{done} of {planned} planned seeds are done. Their mean is '
            f'{measure.format(statistics.mean(group["means"]))}, {abs(result["difference"]):.1f} '
            f'images {"below" if result["difference"] < 0 else "above"} the documented '
            f'{measure.format(measure.documented)} (90 % interval {result["low"]:+.1f} to '
            f'{result["high"]:+.1f}): '
            + (margin if is_shown else f'not shown to be {margin}'))
    p = words.format_p(result['p'])
    text += (f' ({p}).' if done == planned
             else f' so far ({p}). We judge only when all {planned} are done.')
    if is_shown and version == '1.15':
        text += (f' We chose {planned} after looking at '
                 f'{" and ".join(str(len(seeds)) for seeds in LOOKS)}.')
    return text


@table
def build_looks():
    """The p values that the test gave before the number of seeds was fixed."""
    group, measure = load_group('deep_cnn')
    by_seed = dict(zip(group['seeds'], group['means']))

    def find_p(seeds):
        return words.format_p(statistics_of_runs.assess_equivalence(
            [by_seed[seed] for seed in seeds], measure.documented,
            group['equivalence']['margin'])['p'])

    looks = ' and '.join(f'{len(seeds)} seeds ({find_p(seeds)})' for seeds in LOOKS)
    latest, since = (', '.join(map(str, seeds)) for seeds in (LATEST_SEEDS, SEEDS_SINCE))
    return wrap(
        f'Until then, the test of equivalence on 1.15 was looked at with {looks}; the '
        f'latest four to start, seeds {latest}, give {find_p(LATEST_SEEDS)}. The four run '
        f'since then, seeds {since}, give {find_p(SEEDS_SINCE)} by themselves.')
