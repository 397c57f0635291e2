"""Several runs of one system: grouped by runtime, and what each group says.

Only whole runs count, those that have come to the documented run's last epoch;
the others are listed. The same run given twice counts once.
"""

from typing import List, NamedTuple

from cifar10_tf1.records import statistics_of_runs as statistics
from cifar10_tf1 import systems
from cifar10_tf1.common.errors import UserError
from cifar10_tf1.report import comparison
from cifar10_tf1.report import results
from cifar10_tf1.report.results import Answer
from cifar10_tf1.report.results import Verdict
from cifar10_tf1.records.run_record import RunRecord


class Run(NamedTuple):
    record: RunRecord
    report: comparison.Report
    tests: results.Tests
    is_whole: bool

    @property
    def name(self):
        return results.name_run(self.record)

    @property
    def mean(self):
        """Over this run's tests; it has one at least."""
        return self.tests.summary.mean


class Group(NamedTuple):
    """Whole runs on one runtime by one formulation of the layers."""
    name: str
    runs: List[Run]

    @property
    def tested(self):
        return [run for run in self.runs if run.tests.draws]

    @property
    def means(self):
        return [run.mean for run in self.tested]

    @property
    def values(self):
        """Of each test of each run."""
        return [value for run in self.tested for value in run.tests.values]

    @property
    def measure(self):
        """report.measure.Measure of these values."""
        return self.runs[0].tests.measure

    @property
    def has_draws(self):
        return any(len(run.tests.draws) > 1 for run in self.tested)

    def split_variance(self):
        """statistics_of_runs.Components, or None where there is no spread."""
        groups = [run.tests.values for run in self.tested]
        return statistics.split_variance(groups) if (
            self.has_draws and len(groups) > 1) else None


class Several(NamedTuple):
    entry: systems.Entry
    has_documented_test: bool  # as of comparison.Report
    runs: List[Run]        # all, by runtime and seed
    groups: List[Group]
    repeated: List[str]    # folders that hold a run once more

    @property
    def within(self):
        """Whether each whole run is in the band; None where none can be."""
        known = [run.report.within for group in self.groups
                 for run in group.runs if run.report.within is not None]
        return all(known) if known else None


def gather(records):
    """Sorts records into groups.

    Args:
      records: list of run_record.RunRecord, of which each has a process.
    Returns:
      Several.
    Raises:
      UserError: where they are of two systems, data sets or amounts of data.
    """
    first = records[0]
    for record in records:
        for name, what in (('system', _name_system), ('data', _name_data)):
            if what(record) != what(first):
                raise UserError(
                    f'{record.folder} holds a run of the {name} {what(record)}, '
                    f'{first.folder} one of {what(first)}: a report is of one; '
                    'name the records of one only')
    entry = systems.find(first.content['system'])
    runs, repeated, seen = [], [], set()
    for record in sorted(records, key=lambda record: (
            _find_kind(record), record.settings.seed)):
        weights = record.content['weights']
        key = weights and (record.kind['wheel'], weights['sha256'])
        if key and key in seen:
            repeated.append(record.folder)
            continue
        seen.add(key)
        runs.append(Run(record, comparison.build_report(record),
                        results.find_tests(record),
                        results.count_epochs(record) >= entry.num_epochs))
    groups = {}
    for run in runs:
        if run.is_whole:
            groups.setdefault(_find_kind(run.record), []).append(run)
    return Several(entry, runs[0].report.has_documented_test, runs, [
        Group(_name_group(kind, groups), members)
        for kind, members in groups.items()], repeated)


def _name_system(record):
    return record.content['system']


def _name_data(record):
    name = record.content['data']['name']
    num_files = comparison.count_files(record)
    if record.is_from_scratch:
        name += ' from seeded weights'
    if record.has_other_weights:
        name += ' from other weights than the documented'
    return name if num_files is None else f'{name}, {num_files} files'


def _find_kind(record):
    """What the runs of a group have in common."""
    kind = record.kind
    return (results.name_runtime(kind['wheel']), kind['kernels'],
            kind['device'])


def _name_group(kind, kinds):
    """As short as can be: the runtime, and what others of it have otherwise."""
    runtime, kernels, device = kind
    same = [other for other in kinds if other[0] == runtime]
    name = runtime
    if len({other[1] for other in same}) > 1:
        name += f', {kernels} kernels'
    if len({other[2] for other in same}) > 1:
        name += f', {device.upper()}'
    return name


def build_answer(several):
    """results.Answer: the groups beside the documented count."""
    documented = several.entry.documented
    verdicts = []
    counts = results.describe_documented(documented) if (
        several.has_documented_test) else []
    for group in several.groups:
        if group.tested:
            counts.append(_count(group))
            if (several.has_documented_test
                    and group.measure.documented is not None):
                verdicts += _judge(group, documented.margin)
    tested = [group for group in several.groups if len(group.tested) > 1]
    for other in tested[1:]:
        verdicts.append(_compare_groups(tested[0], other))
    for group in several.groups:
        verdicts += [verdict for number in range(len(group.runs[0].report.curves))
                     for verdict in _judge_curve(group, number)]
    if not counts:
        counts.append((f'{len(several.runs)} runs', 'none is whole and tested',
                       f'whole: {several.entry.num_epochs} epochs'))
    return Answer(counts, verdicts)


def _count(group):
    n, mean, sd, least, greatest = statistics.summarize(group.means)
    each = ', each the mean of its tests' if group.has_draws else ''
    spread = '' if sd is None else '; ' + results.describe_spread(
        group.measure, sd, least, greatest)
    return (group.name, group.measure.describe(float(mean)),
            f'mean of n = {n} run{"s" if n > 1 else ""}{each}{spread}')


def _judge(group, margin):
    """What the tests of a group say of the documented figure."""
    value, values, measure = group.measure.documented, group.values, group.measure
    if len(values) < 2:
        return [Verdict(None, f'Range, {group.name}:', 'one test of one run has '
                        'none.')]
    is_inside = min(values) <= value <= max(values)
    verdicts = [Verdict(
        is_inside or None, f'Range, {group.name}:',
        f'the documented {measure.format(value)} lies '
        f'{"within" if is_inside else "OUTSIDE"} the range of all {len(values)} '
        f'tests, {measure.format(min(values))} to '
        f'{measure.format(max(values))}.')]
    n = len(group.means)
    if n < 2:
        return verdicts + [Verdict(None, f'Seeds, {group.name}:', 'one run '
                                   'can\'t say how much seeds differ.')]
    if margin is not None:
        found = statistics.assess_equivalence(group.means, value, margin)
        verdicts.append(Verdict(
            found.is_shown or None, f'Equivalence, {group.name}:',
            f'{"shown" if found.is_shown else "NOT shown"}. The mean over seeds '
            f'is {found.difference:+.1f} from the documented '
            f'{measure.format(value)}, 90 % interval {found.low:+.1f} to '
            f'{found.high:+.1f}; margin ±{margin}, stated beforehand; two '
            f'one-sided t tests, p = {format_p(found.p)}. Were there no '
            f'difference, {n} runs of this spread would show it in '
            f'{100 * found.power:.0f} % of cases. The documented figure is one '
            'draw itself; here it counts as it is.'))
    firsts = [run.tests.values[0] for run in group.tested]
    if len(set(firsts)) > 1:
        one = statistics.compare_one(firsts, value)
        verdicts.append(Verdict(
            None if one.p > statistics.LEVEL else False, f'One more run, {group.name}:',
            'were the documented test one more, a single test of a single run, '
            f'it would be as far off as this or farther in '
            f'{100 * one.p:.0f} % of cases.'))
    return verdicts


def _compare_groups(group, other):
    if len(set(group.means)) == len(set(other.means)) == 1:
        return Verdict(None, 'Runtimes:', 'no spread: nothing to test.')
    found = statistics.compare_means(group.means, other.means)
    digits = 1 if group.measure.is_count else 2
    return Verdict(
        None if found.p > statistics.LEVEL else False, 'Runtimes:',
        f'{group.name} less {other.name}: {found.difference:+.{digits}f} '
        f'{group.measure.unit}, 95 % interval {found.low:+.{digits}f} to '
        f'{found.high:+.{digits}f}; Welch\'s t, p = '
        f'{format_p(found.p)}.')


def _judge_curve(group, number):
    """How the documented curve lies to those of the runs: a list of Verdict."""
    compared = [run.report.curves[number] for run in group.runs
                if run.report.curves[number].comparison]
    if not compared:
        return []
    curve, documented = compared[0].curve, compared[0].documented
    places = [key for key in documented
              if all(key in one.figures for one in compared)]
    num_inside = sum(
        min(one.figures[key] for one in compared) <= documented[key]
        <= max(one.figures[key] for one in compared) for key in places)
    leans = [one.comparison.mean for one in compared]
    num_within = sum(one.within for one in compared)
    text = (f'{num_within} of {len(compared)} runs within the band; the '
            'documented curve lies between their least and greatest in '
            f'{num_inside} of {len(places)} places'
            if len(compared) > 1 else
            f'the run lies {"within" if num_within else "OUTSIDE"} the band')
    text += (f'; signed mean deviation {sum(leans) / len(leans):+.2f} '
             f'{curve.unit}')
    if len(set(leans)) > 1:
        # The documented run, compared with itself, leans by 0.
        p = statistics.compare_one(leans, 0.0).p
        text += (f' (of single runs {min(leans):+.2f} to {max(leans):+.2f}); '
                 'were the documented run one more, its level would be as far '
                 f'off as this or farther in {100 * p:.0f} % of cases')
    return [Verdict(num_within == len(compared),
                    f'{curve.title}, {group.name}:', text + '.')]


def format_p(p):
    return f'{p:.3f}' if p >= 0.001 else 'below 0.001'
