"""A run's epochs beside the documented ones: how far off, and the verdict."""

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

    def is_within(self, documented):
        """Whether the deviations are in the band of a systems.Documented."""
        return (self.mean_absolute <= documented.mean_absolute
                and abs(self.largest.percent) <= documented.largest)


def load_curve(system_name, which):
    """{epoch: figure} of a curve that is kept beside its system; or empty.

    Args:
      system_name: str, such as 'deep_cnn'.
      which: 'documented', or 'plain_port': an unseeded run of the original
        program's port to TensorFlow 1.15.
    """
    path = os.path.join(_SYSTEMS, f'{system_name}_{which}_curve.csv')
    if not os.path.exists(path):
        return {}
    figure = systems.find(system_name).documented.figure
    with open(path, newline='') as file:
        return {int(row['epoch']): float(row[figure])
                for row in csv.DictReader(file)}


def compare(epochs, curve, first_epoch, documented):
    """A run's epochs against a curve.

    Args:
      epochs: list of dict, as in run.json.
      curve: dict of epoch -> figure.
      first_epoch: int, where the comparison begins.
      documented: systems.Documented, of which figure.
    Returns:
      Comparison, or None where they share no epoch.
    """
    deviations = [Deviation(e['epoch'], e[documented.figure], curve[e['epoch']],
                            documented.is_share)
                  for e in epochs if e['epoch'] in curve
                  and e['epoch'] >= first_epoch
                  and documented.figure in list_known(e)]
    return Comparison(deviations) if deviations else None


def list_known(epoch):
    """The figures of an entry that are whole: a part of a sum says nothing."""
    return [name for name in epoch
            if name != 'summed_loss' or 'unknown_losses' not in epoch]


class Report(NamedTuple):
    """What a record says beside the documented run."""
    curve: dict                       # epoch -> figure, documented; empty: of
    port: dict                        # other data, nothing to show beside it
    comparison: Optional[Comparison]  # None: no epoch can be compared
    verdict: str
    summaries: List[str]              # of the deviations, a line each
    documented: systems.Documented

    @property
    def within(self):
        """bool, or None where no epoch can be compared."""
        return self.comparison and self.comparison.is_within(self.documented)


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
        return Report({}, {}, None, f'The documented run is of {documented.data}, '
                      'this one of generated data: nothing to compare.', [],
                      documented)
    curve = load_curve(entry.name, 'documented')
    port = load_curve(entry.name, 'plain_port')
    first_epoch = min(curve)
    comparison = compare(record.epochs, curve, first_epoch, documented)
    if comparison is None:
        return Report(curve, port, None, 'The documented curve begins with '
                      f'epoch {first_epoch}; this run has no epoch of it.', [],
                      documented)
    summaries = [_describe('Documented run', comparison, documented)]
    to_port = compare(record.epochs, port, first_epoch, documented)
    if to_port:
        summaries.append(_describe('Plain port\'s run', to_port, documented))
    summaries += _describe_tests(record)
    within, unit = comparison.is_within(documented), documented.unit
    return Report(
        curve, port, comparison,
        f'Verdict: {"within" if within else "OUTSIDE"} the band (mean absolute '
        f'deviation at most {documented.mean_absolute} {unit}, none over '
        f'{documented.largest} {unit}, above or below)', summaries, documented)


def _describe_tests(record):
    """A line on the tests by random crops at the last step, of one kind."""
    numbers = [test['num_correct'] for test in record.content['tests']
               if test['crop'] == 'random' and test['kind'] == record.kind
               and test['step'] == record.epochs[-1]['step']]
    if len(numbers) < 2:
        return []
    return [f'Random crops, {len(numbers)} test seeds: mean '
            f'{statistics.mean(numbers):,.1f}, standard deviation '
            f'{statistics.stdev(numbers):.1f}, {min(numbers):,} to '
            f'{max(numbers):,}']


def _describe(name, comparison, documented):
    largest, unit = comparison.largest, documented.unit
    return (f'{name}, epochs {comparison.deviations[0].epoch} to '
            f'{comparison.deviations[-1].epoch}: mean absolute deviation '
            f'{comparison.mean_absolute:.2f} {unit}, signed mean '
            f'{comparison.mean:+.2f} {unit}, largest {largest.percent:+.2f} {unit} '
            f'(epoch {largest.epoch})')
