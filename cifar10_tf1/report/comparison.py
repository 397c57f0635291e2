"""A run's epochs beside the documented ones: how far off, and the verdict.

A curve is a dict {(epoch, part): figure}. An epoch has several parts where its
system says its figures more than once an epoch; else its one part is 1.
"""

import csv
import os
import statistics
from typing import List, NamedTuple, Optional

from cifar10_tf1 import data
from cifar10_tf1 import systems

_SYSTEMS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(
    __file__))), 'systems')


class Deviation(NamedTuple):
    epoch: int
    part: int
    value: float
    reference: float
    is_share: bool = False

    @property
    def percent(self):
        """Of the reference; in percentage points where both are shares."""
        if self.is_share:
            return 100.0 * (self.value - self.reference)
        return 100.0 * (self.value / self.reference - 1.0)


class Comparison(NamedTuple):
    deviations: List[Deviation]

    @property
    def mean_absolute(self):
        return sum(abs(d.percent) for d in self.deviations) / len(
            self.deviations)

    @property
    def mean(self):
        return sum(d.percent for d in self.deviations) / len(self.deviations)

    @property
    def largest(self):
        """The Deviation that is farthest off."""
        return max(self.deviations, key=lambda d: abs(d.percent))

    def is_within(self, curve):
        """Whether the deviations are in the band of a systems.Curve."""
        return (self.mean_absolute <= curve.mean_absolute
                and abs(self.largest.percent) <= curve.largest)


def load_curve(system_name, name, figure):
    """A curve that is kept beside its system.

    Args:
      system_name: str, such as 'deep_cnn'.
      name: str, a systems.Curve's, such as 'documented'; or with 'plain_port'
        in that word's place: an unseeded run of the original program's port
        to TensorFlow 1.15.
      figure: str, such as 'summed_loss'.
    Returns:
      dict of (epoch, part) -> float; empty where none is kept.
    """
    path = os.path.join(_SYSTEMS, f'{system_name}_{name}_curve.csv')
    if not os.path.exists(path):
        return {}
    with open(path, newline='') as file:
        rows = list(csv.DictReader(file))
    # The documents call a part of an epoch, a file of the data, a batch.
    return {(int(row['epoch']), int(row.get('part') or row.get('batch') or 1)):
            float(row[figure]) for row in rows if figure in row}


def list_figures(epochs, figure):
    """A run's own curve.

    Args:
      epochs: list of dict, as in run.json.
      figure: str.
    Returns:
      dict of (epoch, part) -> float; without a sum of which a part is unknown,
      because that says nothing.
    """
    return {(entry['epoch'], entry.get('part', 1)): entry[figure]
            for entry in epochs if figure in entry
            and not (figure == 'summed_loss' and 'unknown_losses' in entry)}


def compare(figures, reference, first, is_share):
    """A run's curve against another.

    Args:
      figures, reference: dict of (epoch, part) -> float.
      first: (epoch, part), where the comparison begins.
      is_share: bool, as of systems.Curve.
    Returns:
      Comparison, or None where they share no place.
    """
    deviations = [Deviation(*place, value, reference[place], is_share)
                  for place, value in figures.items()
                  if place in reference and place >= first]
    return Comparison(deviations) if deviations else None


class ComparedCurve(NamedTuple):
    """One figure of a run beside the documented and the plain port's."""
    curve: systems.Curve
    figures: dict                     # (epoch, part) -> float, the run's
    documented: dict                  # the same; empty: nothing documented
    port: dict                        # the same
    comparison: Optional[Comparison]  # None: no place can be compared
    verdict: str
    summaries: List[str]              # of the deviations, a line each

    @property
    def within(self):
        """bool, or None where no place can be compared."""
        return self.comparison and self.comparison.is_within(self.curve)


class Report(NamedTuple):
    """What a record says beside the documented run."""
    documented: systems.Documented
    is_comparable: bool          # False: of other data
    curves: List[ComparedCurve]  # one at least
    tests: List[str]             # lines on the tests

    @property
    def within(self):
        """Whether all curves are; None where no place can be compared."""
        known = [curve.within for curve in self.curves
                 if curve.within is not None]
        return all(known) if known else None


def build_report(record):
    """Compares a record's epochs with the documented ones.

    Args:
      record: run_record.RunRecord.
    Returns:
      Report.
    Raises:
      UserError: where it is of a system that is not known.
    """
    entry = systems.find(record.content['system'])
    documented = entry.documented
    if data.is_synthetic(record.content['data'].get('name', '')):
        return Report(documented, False, [
            _compare_nothing(
                curve, record, f'The documented run is of {documented.data}, '
                'this one of generated data: nothing to compare.')
            for curve in _choose_curves(documented, None)], [])
    num_files = record.settings.train_files
    if num_files == data.SOURCES[entry.data].num_train_files:
        num_files = None
    curves = [_compare(entry.name, curve, record) for curve in _choose_curves(
        documented, num_files) if curve.num_files == num_files]
    if not curves:
        curves = [_compare_nothing(
            curve, record, 'The documents have no curve of a run on as much of '
            'the training data: nothing to compare.')
            for curve in _choose_curves(documented, num_files)]
    return Report(documented, True, curves, _describe_tests(record))


def _choose_curves(documented, num_files):
    """Of a run on so many files; of other runs, each figure once, where the
    documents have none of such a run."""
    chosen = [curve for curve in documented.curves
              if curve.num_files == num_files]
    return chosen or list({curve.figure: curve
                           for curve in documented.curves}.values())


def _compare_nothing(curve, record, verdict):
    figures = list_figures(record.epochs, curve.figure)
    return ComparedCurve(curve, figures, {}, {}, None, verdict, [])


def _compare(system_name, curve, record):
    documented, port = (
        load_curve(system_name, name, curve.figure) for name in (
            curve.name, curve.name.replace('documented', 'plain_port')))
    figures = list_figures(record.epochs, curve.figure)
    first = min(documented)
    comparison = compare(figures, documented, first, curve.is_share)
    if comparison is None:
        return ComparedCurve(
            curve, figures, documented, port, None, 'The documented curve '
            f'begins with epoch {first[0]}; this run has no epoch of it.', [])
    summaries = [_describe('Documented run', comparison, curve)]
    to_port = compare(figures, port, first, curve.is_share)
    if to_port:
        summaries.append(_describe('Plain port\'s run', to_port, curve))
    within, unit = comparison.is_within(curve), curve.unit
    return ComparedCurve(
        curve, figures, documented, port, comparison,
        f'Verdict: {"within" if within else "OUTSIDE"} the band (mean absolute '
        f'deviation at most {curve.mean_absolute} {unit}, none over '
        f'{curve.largest} {unit}, above or below)', summaries)


def _describe_tests(record):
    """A line on the tests by random crops at the last step, of one kind."""
    numbers = [test['num_correct'] for test in record.content['tests']
               if test['crop'] == 'random' and test['kind'] == record.kind
               and record.epochs and test['step'] == record.epochs[-1]['step']]
    if len(numbers) < 2:
        return []
    return [f'Random crops, {len(numbers)} test seeds: mean '
            f'{statistics.mean(numbers):,.1f}, standard deviation '
            f'{statistics.stdev(numbers):.1f}, {min(numbers):,} to '
            f'{max(numbers):,}']


def _describe(name, comparison, curve):
    largest, unit = comparison.largest, curve.unit
    return (f'{name}, epochs {comparison.deviations[0].epoch} to '
            f'{comparison.deviations[-1].epoch}: mean absolute deviation '
            f'{comparison.mean_absolute:.2f} {unit}, signed mean '
            f'{comparison.mean:+.2f} {unit}, largest {largest.percent:+.2f} {unit} '
            f'(epoch {largest.epoch})')
