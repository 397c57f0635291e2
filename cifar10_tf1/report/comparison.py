"""A run's epochs against the documented ones: deviations and verdict.

A curve is a dict {(epoch, part): figure}. An epoch has several parts where the
system reports figures several times an epoch, and otherwise part 1 alone.
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
    percent: float  # of the reference; percentage points for shares


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
      name: str, a systems.Curve's, such as 'documented'; 'plain_port' instead of
        'documented' names an unseeded run of the original program's port to
        TensorFlow 1.15.
      figure: str, such as 'summed_loss'.
    Returns:
      dict of (epoch, part) -> float; empty if there is no such curve.
    """
    path = os.path.join(_SYSTEMS, f'{system_name}_{name}_curve.csv')
    if not os.path.exists(path):
        return {}
    with open(path, newline='') as file:
        rows = list(csv.DictReader(file))
    # The documents call a part of an epoch, a file of the data, a batch.
    return {(int(row['epoch']), int(row.get('part') or row.get('batch') or 1)):
            float(row[figure]) for row in rows if figure in row}


def load_pair(system_name, curve):
    """(documented, port) curves of a systems.Curve."""
    return tuple(load_curve(system_name, name, curve.figure) for name in (
        curve.name, curve.name.replace('documented', 'plain_port')))


def list_figures(epochs, figure):
    """The curve of a run, without sums that lack some losses.

    Args:
      epochs: list of dict, as in run.json.
      figure: str.
    """
    return {(entry['epoch'], entry.get('part', 1)): entry[figure]
            for entry in epochs if figure in entry
            and not (figure == 'summed_loss' and 'unknown_losses' in entry)}


def compare(figures, reference, is_share):
    """Compares two curves where both have figures.

    Args:
      figures, reference: dict of (epoch, part) -> float.
      is_share: bool, as of systems.Curve.
    Returns:
      Comparison, or None if they have no place in common.
    """
    deviations = []
    for place, value in figures.items():
        if place in reference:
            expected = reference[place]
            deviations.append(Deviation(*place, value, expected, 100.0 * (
                value - expected if is_share else value / expected - 1.0)))
    return Comparison(deviations) if deviations else None


class ComparedCurve(NamedTuple):
    """One figure of a run, with the documented run's and the plain port's."""
    curve: systems.Curve
    figures: dict                     # (epoch, part) -> float, the run's
    verdict: str                      # a sentence without its subject
    documented: dict = {}             # like figures; empty: nothing documented
    port: dict = {}
    comparison: Optional[Comparison] = None       # None: nothing to compare
    port_comparison: Optional[Comparison] = None  # the port's, same places
    summaries: Tuple[str, ...] = ()   # of the deviations, a line each

    @property
    def within(self):
        """bool, or None if there is nothing to compare."""
        return self.comparison and self.comparison.is_within(self.curve)


class Report(NamedTuple):
    """A record compared with the documented run."""
    documented: systems.Documented
    has_documented_test: bool    # False for other data, or a part of the data
    curves: List[ComparedCurve]  # one or more

    @property
    def within(self):
        """Whether all curves are, or None if there is nothing to compare."""
        known = [curve.within for curve in self.curves
                 if curve.within is not None]
        return all(known) if known else None


def build_report(record):
    """Compares a run_record.RunRecord with the documented run: a Report."""
    entry = systems.find(record.content['system'])
    documented = entry.documented
    num_files = gathering.count_files(record)
    curves = choose_curves(documented, num_files)
    reason = ''
    if data.is_synthetic(record.content['data'].get('name', '')):
        reason = (f'the documented run was trained on {documented.data}, this one on '
                  'generated data')
    elif record.is_from_scratch:
        reason = 'the documented run began with published weights, this one without'
    elif record.has_other_weights:
        reason = 'the documented run began with other weights'
    has_documented_test = not reason and num_files is None
    if not reason and not any(curve.num_files == num_files for curve in curves):
        reason = 'no curve is documented for this amount of training data'
    if reason:
        verdict = f'nothing to compare: {reason}.'
        return Report(documented, has_documented_test, [
            ComparedCurve(curve, list_figures(record.epochs, curve.figure), verdict)
            for curve in curves])
    return Report(documented, has_documented_test,
                  [_compare(entry, curve, record) for curve in curves])


def choose_curves(documented, num_files):
    """The curves documented for so many files, else one of each figure."""
    chosen = [curve for curve in documented.curves
              if curve.num_files == num_files]
    return chosen or list({curve.figure: curve
                           for curve in documented.curves}.values())


def _compare(entry, curve, record):
    documented, port = load_pair(entry.name, curve)
    figures = list_figures(record.epochs, curve.figure)
    num_epochs, first = gathering.count_epochs(record), min(documented)
    comparison = compare(figures, documented, curve.is_share)
    if comparison is None:
        verdict = (f'too short to compare: the documented curve begins with epoch '
                   f'{first[0]}, and this run has come to epoch {num_epochs}.')
        to_port = compare(figures, port, curve.is_share)
        if to_port:
            verdict += (' Compared with a plain port of the original, '
                        f'{_judge_epochs(to_port, curve)}: '
                        f'{_describe_limits(to_port, curve)}.')
        return ComparedCurve(curve, figures, verdict, documented, port)
    verdict = ('within' if comparison.is_within(curve) else 'OUTSIDE') + (
        f' the band: {_describe_limits(comparison, curve)}.')
    if num_epochs < entry.num_epochs:
        verdict += (f' The run is at epoch {num_epochs} of {entry.num_epochs}; '
                    f'{_judge_epochs(comparison, curve)}.')
    # The port's deviations at the same places, so that the two are comparable.
    port_comparison = compare({place: port[place] for place in figures
                               if place in port}, documented, curve.is_share)
    summaries = [_describe('Documented run', comparison, curve)]
    to_port = compare(figures, {place: value for place, value in port.items()
                                if place >= first}, curve.is_share)
    if to_port:
        summaries.append(_describe('Plain port\'s run', to_port, curve))
    summaries.append(_describe_lean(comparison, port_comparison, curve))
    return ComparedCurve(curve, figures, verdict, documented, port, comparison,
                         port_comparison, tuple(summaries))


def _judge_epochs(comparison, curve):
    return 'its epochs so far are ' + (
        'normal' if comparison.is_within(curve) else 'NOT normal')


def _describe_limits(comparison, curve):
    """The deviations that make the verdict, each with its limit."""
    largest, unit = comparison.largest, curve.unit
    return (f'mean absolute deviation {comparison.mean_absolute:.2f} {unit} (at most '
            f'{curve.mean_absolute}), largest {largest.percent:+.2f} {unit} in epoch '
            f'{largest.epoch} (at most {curve.largest}, above or below)')


def _describe_lean(comparison, port_comparison, curve):
    """How often a run is above the documented one, and what that means."""
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
