"""Compares a run's figures by epoch with the documented ones.

A curve is a dict of (epoch, part) -> figure; part is 1 unless the system reports
figures several times an epoch.
"""

import csv
import os
import statistics
from typing import NamedTuple, Optional

from cifar10_tf1 import data, systems
from cifar10_tf1.report import gathering

_SYSTEMS = os.path.dirname(os.path.abspath(systems.__file__))


class Comparison(NamedTuple):
    """The deviations of one curve from another, in its unit: percent, or points."""
    curve: systems.Curve
    deviations: dict  # like a curve, where both have figures
    mean: float
    mean_absolute: float
    largest: float    # above or below
    largest_at: int   # epoch

    @property
    def is_within(self):
        """Whether the deviations are in the curve's band."""
        return (self.mean_absolute <= self.curve.mean_absolute
                and abs(self.largest) <= self.curve.largest)

    def describe(self):
        """The deviations behind the verdict, each with its limit."""
        unit = self.curve.unit
        return (f'mean absolute deviation {self.mean_absolute:.2f} {unit} (at most '
                f'{self.curve.mean_absolute}), mean {self.mean:+.2f} {unit}, largest '
                f'{self.largest:+.2f} {unit} in epoch {self.largest_at} (at most '
                f'{self.curve.largest}, above or below)')


class ComparedCurve(NamedTuple):
    """One figure of a run, with the documented run's and the plain port's."""
    curve: systems.Curve
    figures: dict                  # the run's curve
    verdict: str                   # a sentence without its subject
    documented: dict = {}          # empty: nothing documented
    port: dict = {}
    comparison: Optional[Comparison] = None  # None: nothing to compare

    @property
    def within(self):
        """bool, or None if there is nothing to compare."""
        return self.comparison and self.comparison.is_within


def load_curve(system_name, name, figure):
    """Loads a curve stored beside its system; empty if there is none.

    Args:
      name: str, a systems.Curve's, such as 'documented'; 'plain_port' instead of
        'documented' names an unseeded run of the original program's port to
        TensorFlow 1.15.
      figure: str, such as 'summed_loss'.
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
    """The curve of a record's epochs, without incomplete sums of losses."""
    return {(entry['epoch'], entry.get('part', 1)): entry[figure]
            for entry in epochs if figure in entry
            and not (figure == 'summed_loss' and 'unknown_losses' in entry)}


def compare(figures, reference, curve):
    """The Comparison of two curves; None if they have no place in common."""
    deviations = {place: 100.0 * (value - reference[place] if curve.is_share
                                  else value / reference[place] - 1.0)
                  for place, value in figures.items() if place in reference}
    if not deviations:
        return None
    largest = max(deviations, key=lambda place: abs(deviations[place]))
    return Comparison(
        curve, deviations, statistics.mean(deviations.values()),
        statistics.mean(map(abs, deviations.values())), deviations[largest], largest[0])


def find_obstacle(record):
    """Why a run can't be compared with the documented one, or ''."""
    documented = systems.find(record.content['system']).documented
    if data.is_synthetic(record.content['data'].get('name', '')):
        return (f'the documented run was trained on {documented.data}, this one on '
                'generated data')
    if record.is_from_scratch:
        return 'the documented run started from published weights, this one did not'
    return ('the documented run started from other weights' if record.has_other_weights
            else '')


def compare_run(record):
    """Compares a run_record.RunRecord with the documented run: list of ComparedCurve."""
    entry = systems.find(record.content['system'])
    num_files = gathering.count_files(record)
    curves, reason = entry.documented.curves, find_obstacle(record)
    if any(curve.num_files == num_files for curve in curves):
        curves = [curve for curve in curves if curve.num_files == num_files]
    else:  # one of each figure
        curves = {curve.figure: curve for curve in curves}.values()
        reason = reason or 'no curve is documented for this amount of training data'
    return [ComparedCurve(curve, list_figures(record.epochs, curve.figure),
                          f'nothing to compare: {reason}.') if reason
            else _compare(entry, curve, record) for curve in curves]


def is_within(record):
    """Whether all of a run's curves are in their bands; None: nothing to compare."""
    known = [compared.within for compared in compare_run(record)
             if compared.within is not None]
    return all(known) if known else None


def _compare(entry, curve, record):
    documented, port = (load_curve(entry.name, name, curve.figure) for name in (
        curve.name, curve.name.replace('documented', 'plain_port')))
    figures = list_figures(record.epochs, curve.figure)
    num_epochs = gathering.count_epochs(record)
    found = comparison = compare(figures, documented, curve)
    if comparison:
        place = 'within' if found.is_within else 'OUTSIDE'
        verdict = f'{place} the band: {found.describe()}.'
    else:
        verdict = (f'too short to compare: the documented curve begins with epoch '
                   f'{min(documented)[0]}.')
        found = compare(figures, port, curve)
        if found:
            verdict += f' Compared with a plain port of the original: {found.describe()}.'
    if num_epochs < entry.num_epochs:
        verdict += f' The run is at epoch {num_epochs} of {entry.num_epochs}' + (
            f'; its epochs so far are {"normal" if found.is_within else "NOT normal"}.'
            if found else '.')
    return ComparedCurve(curve, figures, verdict, documented, port, comparison)
