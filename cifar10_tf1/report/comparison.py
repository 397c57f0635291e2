"""A run's epochs beside the documented ones: how far off, and the verdict.

A curve is a dict {(epoch, part): figure}. An epoch has several parts where its
system says its figures more than once an epoch; else its one part is 1.
"""

import csv
import os
from typing import List, NamedTuple, Optional, Tuple

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
    def num_above(self):
        """Places where the run's figure is the higher one."""
        return sum(d.value > d.reference for d in self.deviations)

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
      system_name: str, one of systems.NAMES.
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
    verdict: str                      # a sentence without its subject
    documented: dict = {}             # as figures; empty: nothing documented
    port: dict = {}                   # the same
    comparison: Optional[Comparison] = None       # None: no place can be
    port_comparison: Optional[Comparison] = None  # the port's own, so far
    summaries: Tuple[str, ...] = ()   # of the deviations, a line each

    @property
    def within(self):
        """bool, or None where no place can be compared."""
        return self.comparison and self.comparison.is_within(self.curve)


class Report(NamedTuple):
    """What a record says beside the documented run."""
    documented: systems.Documented
    has_documented_test: bool    # else of other data, or of a part of it
    curves: List[ComparedCurve]  # one at least

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
    reason = _find_reason(record, documented)
    is_comparable = not reason
    num_files = count_files(record)
    curves = choose_curves(documented, num_files)
    if is_comparable and curves[0].num_files != num_files:
        reason = ('the documents have no curve of a run on as much of the '
                  'training data: nothing to compare.')
    elif is_comparable:
        return Report(documented, num_files is None, [
            _compare(entry.name, curve, record) for curve in curves])
    return Report(documented, is_comparable and num_files is None, [
        ComparedCurve(curve, list_figures(record.epochs, curve.figure), reason)
        for curve in curves])


def _find_reason(record, documented):
    """Why a run is none like the documented one; empty where it is."""
    if data.is_synthetic(record.content['data'].get('name', '')):
        return (f'the documented run is of {documented.data}, this one of '
                'generated data: nothing to compare.')
    if record.is_from_scratch:
        return ('the documented run began with published weights, this one with '
                'seeded ones: nothing to compare.')
    if record.has_other_weights:
        return ('the documented run began with other weights than this one: '
                'nothing to compare.')
    return ''


def count_files(record):
    """Files of the training data that a run had; None: all."""
    number = record.settings.train_files
    source = data.SOURCES[systems.find(record.content['system']).data]
    return None if number == source.num_train_files else number


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


def _compare(system_name, curve, record):
    documented, port = load_pair(system_name, curve)
    figures = list_figures(record.epochs, curve.figure)
    first = min(documented)
    comparison = compare(figures, documented, first, curve.is_share)
    if comparison is None:
        last = max(figures, default=(0, 1))[0]
        return ComparedCurve(
            curve, figures, 'too short to compare: the documented curve begins '
            f'with epoch {first[0]}, and this run has come to epoch {last}.',
            documented, port)
    # Over the same places, or the two would not be comparable.
    port_comparison = compare(
        {(d.epoch, d.part): port[d.epoch, d.part] for d in comparison.deviations
         if (d.epoch, d.part) in port}, documented, first, curve.is_share)
    summaries = [_describe('Documented run', comparison, curve)]
    to_port = compare(figures, port, first, curve.is_share)
    if to_port:
        summaries.append(_describe('Plain port\'s run', to_port, curve))
    summaries.append(describe_lean(comparison, port_comparison, curve))
    largest, unit = comparison.largest, curve.unit
    return ComparedCurve(
        curve, figures, ('within' if comparison.is_within(curve) else 'OUTSIDE')
        + f' the band: mean absolute deviation {comparison.mean_absolute:.2f} '
        f'{unit} (at most {curve.mean_absolute}), largest '
        f'{largest.percent:+.2f} {unit} in epoch {largest.epoch} (at most '
        f'{curve.largest}, above or below).',
        documented, port, comparison, port_comparison, tuple(summaries))


def describe_lean(comparison, port_comparison, curve):
    """Whether a run is more often above the documented one, and what of it."""
    def count(one):
        return (f'in {one.num_above} of {len(one.deviations)} places, '
                f'{one.mean:+.2f} {curve.unit} in the mean')

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
