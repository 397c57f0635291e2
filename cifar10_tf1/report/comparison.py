"""A run's epochs against the documented ones: deviations and verdict.

A curve is a dict {(epoch, part): figure}. An epoch has several parts where the
system reports figures more than once an epoch, else part 1 alone.
"""

import csv
import os
from typing import List, NamedTuple, Optional, Tuple

from cifar10_tf1 import data
from cifar10_tf1 import systems
from cifar10_tf1.report import gathering

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
        """Relative to the reference; in percentage points for shares."""
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
    def num_above(self):
        """Places where the run's figure is higher."""
        return sum(d.value > d.reference for d in self.deviations)

    @property
    def largest(self):
        """The largest Deviation, above or below."""
        return max(self.deviations, key=lambda d: abs(d.percent))

    def is_within(self, curve):
        """Whether the deviations are in the band of a systems.Curve."""
        return (self.mean_absolute <= curve.mean_absolute
                and abs(self.largest.percent) <= curve.largest)


def load_curve(system_name, name, figure):
    """A curve stored beside its system.

    Args:
      system_name: str, one of systems.NAMES.
      name: str, a systems.Curve's, such as 'documented'; or the same with
        'plain_port' for 'documented': an unseeded run of the original program's
        port to TensorFlow 1.15.
      figure: str, such as 'summed_loss'.
    Returns:
      dict of (epoch, part) -> float; empty where there is no such curve.
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
      dict of (epoch, part) -> float, without sums that lack some losses.
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
    verdict: str                      # a sentence without its subject
    documented: dict = {}             # as figures; empty: nothing documented
    port: dict = {}                   # the same
    comparison: Optional[Comparison] = None       # None: nothing to compare
    port_comparison: Optional[Comparison] = None  # the port's, same places
    summaries: Tuple[str, ...] = ()   # of the deviations, a line each

    @property
    def within(self):
        """bool; None where nothing can be compared."""
        return self.comparison and self.comparison.is_within(self.curve)


class Report(NamedTuple):
    """A record compared with the documented run."""
    documented: systems.Documented
    has_documented_test: bool    # False for other data, or a part of the data
    curves: List[ComparedCurve]  # one or more

    @property
    def within(self):
        """Whether all curves are; None where nothing can be compared."""
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
      UserError: for a system that is not in the catalog.
    """
    entry = systems.find(record.content['system'])
    documented = entry.documented
    num_files = gathering.count_files(record)
    curves = choose_curves(documented, num_files)
    reason, has_documented_test = '', num_files is None
    if data.is_synthetic(record.content['data'].get('name', '')):
        reason = (f'the documented run is of {documented.data}, this one of '
                  'generated data: nothing to compare.')
    elif record.is_from_scratch:
        reason = ('the documented run began with published weights, this one with '
                  'seeded ones: nothing to compare.')
    elif record.has_other_weights:
        reason = ('the documented run began with other weights than this one: '
                  'nothing to compare.')
    has_documented_test = has_documented_test and not reason
    if not reason and curves[0].num_files != num_files:
        reason = ('the documents have no curve of a run on as much of the training '
                  'data: nothing to compare.')
    return Report(documented, has_documented_test, [
        ComparedCurve(curve, list_figures(record.epochs, curve.figure), reason)
        if reason else _compare(entry, curve, record) for curve in curves])


def choose_curves(documented, num_files):
    """The curves of a run on so many files; where none is documented, others.

    Of these each figure once: a report shows the run's own.
    """
    chosen = [curve for curve in documented.curves
              if curve.num_files == num_files]
    return chosen or list({curve.figure: curve
                           for curve in documented.curves}.values())


def load_pair(system_name, curve):
    """(documented, port) of a systems.Curve: as load_curve."""
    return tuple(load_curve(system_name, name, curve.figure) for name in (
        curve.name, curve.name.replace('documented', 'plain_port')))


def _compare(entry, curve, record):
    documented, port = load_pair(entry.name, curve)
    figures = list_figures(record.epochs, curve.figure)
    first = min(documented)
    comparison = compare(figures, documented, first, curve.is_share)
    to_port = compare(figures, port, min(port, default=first), curve.is_share)
    num_epochs = gathering.count_epochs(record)
    if comparison is None:
        return ComparedCurve(
            curve, figures, _describe_early(curve, first, num_epochs, to_port),
            documented, port)
    # Over the same places, or the two would not be comparable.
    port_comparison = compare(
        {(d.epoch, d.part): port[d.epoch, d.part] for d in comparison.deviations
         if (d.epoch, d.part) in port}, documented, first, curve.is_share)
    summaries = [_describe('Documented run', comparison, curve)]
    to_port = compare(figures, port, first, curve.is_share)
    if to_port:
        summaries.append(_describe('Plain port\'s run', to_port, curve))
    summaries.append(_describe_lean(comparison, port_comparison, curve))
    return ComparedCurve(
        curve, figures, _judge(curve, comparison, num_epochs, entry.num_epochs),
        documented, port, comparison, port_comparison, tuple(summaries))


def _judge(curve, comparison, num_epochs, last_epoch):
    """The verdict; it says where the run has not come to its end."""
    largest, unit = comparison.largest, curve.unit
    is_within = comparison.is_within(curve)
    text = ('within' if is_within else 'OUTSIDE') + (
        f' the band: mean absolute deviation {comparison.mean_absolute:.2f} '
        f'{unit} (at most {curve.mean_absolute}), largest '
        f'{largest.percent:+.2f} {unit} in epoch {largest.epoch} (at most '
        f'{curve.largest}, above or below).')
    if num_epochs < last_epoch:
        text += (f' The run is at epoch {num_epochs} of {last_epoch}; its epochs so '
                 f'far are {"normal" if is_within else "NOT normal"}.')
    return text


def _describe_early(curve, first, num_epochs, to_port):
    """The verdict on a run that has no epoch of the documented curve yet."""
    text = (f'too short to compare: the documented curve begins with epoch '
            f'{first[0]}, and this run has come to epoch {num_epochs}.')
    if to_port is None:
        return text
    is_within = to_port.is_within(curve)
    return text + (
        f' Against a plain port of the original its epochs so far are '
        f'{"normal" if is_within else "NOT normal"}: mean absolute deviation '
        f'{to_port.mean_absolute:.2f} {curve.unit} (at most {curve.mean_absolute}), '
        f'largest {to_port.largest.percent:+.2f} {curve.unit} (at most '
        f'{curve.largest}).')


def _describe_lean(comparison, port_comparison, curve):
    """Whether a run is more often above the documented one, and what that means."""
    def count(one):
        return (f'in {one.num_above} of {len(one.deviations)} places, '
                f'{one.mean:+.2f} {curve.unit} on average')

    text = f'Higher than the documented run {count(comparison)}'
    if port_comparison:
        text += f'; a plain port of the original {count(port_comparison)}'
    return text + ('. Two runs of one program differ in their level too: only '
                   'several seeds can tell whether a lean is more than that.')


def _describe(name, comparison, curve):
    largest, unit = comparison.largest, curve.unit
    return (f'{name}, epochs {comparison.deviations[0].epoch} to '
            f'{comparison.deviations[-1].epoch}: mean absolute deviation '
            f'{comparison.mean_absolute:.2f} {unit}, signed mean '
            f'{comparison.mean:+.2f} {unit}, largest {largest.percent:+.2f} {unit} '
            f'(epoch {largest.epoch})')
