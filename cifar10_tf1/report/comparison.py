"""Compares the figures by epoch of one or more runs with the documented ones.

A curve is a dict of (epoch, part) -> figure; part is 1 unless the system reports
figures several times an epoch.
"""

import csv
import os
import statistics
from typing import List, NamedTuple

from cifar10_tf1 import systems
from cifar10_tf1.report import gathering
from cifar10_tf1.report.document import Sentence

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
    """One figure of one or more runs, with the documented run's and the plain port's."""
    curve: systems.Curve
    figures: List[dict]  # the curve of each run
    documented: dict     # empty: nothing to compare
    port: dict = {}

    @property
    def comparisons(self):
        """list: the Comparison of each run; None if there is nothing to compare."""
        return [compare(figures, self.documented, self.curve) for figures in self.figures]


def load_curve(system_name, name, figure):
    """Loads a figure's curve stored beside its system; empty if there is none.

    The name is a systems.Curve's; 'plain_port' instead of 'documented' names an unseeded run
    of the original program's port to TensorFlow 1.15.
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
    if record.is_synthetic:
        return (f'the documented run was trained on {record.entry.source.title}, this one on '
                'generated data')
    if record.is_from_scratch:
        return 'the documented run started from published weights, this one did not'
    return 'the documented run started from other weights' if record.has_other_weights else ''


def compare_runs(records):
    """Compares runs of one kind (RunRecords) with the documented one: ComparedCurves.

    If there is nothing to compare, these have the runs' figures alone.
    """
    entry = records[0].entry
    curves, num_files = entry.documented.curves, gathering.count_files(records[0])
    fitting = [curve for curve in curves if curve.num_files == num_files]
    is_comparable, compared = fitting and not find_obstacle(records[0]), []
    # Without fitting curves, one of each figure.
    for curve in fitting or {curve.figure: curve for curve in curves}.values():
        documented, port = (
            load_curve(entry.name, name, curve.figure) if is_comparable else {}
            for name in (curve.name, curve.name.replace('documented', 'plain_port')))
        compared.append(ComparedCurve(
            curve, [list_figures(record.epochs, curve.figure) for record in records],
            documented, port))
    return compared


def describe_run(record):
    """list of Sentence: for each of a run's curves, whether it is in its band."""
    num_epochs, sentences = gathering.count_epochs(record), []
    for compared in compare_runs([record]):
        found, = compared.comparisons
        if not compared.documented:
            reason = (find_obstacle(record)
                      or 'no curve is documented for this amount of training data')
            text = f'nothing to compare: {reason}.'
        elif not found:
            text = ('too short to compare: the documented curve begins with epoch '
                    f'{min(compared.documented)[0]}.')
            found = compare(compared.figures[0], compared.port, compared.curve)
            if found:
                place = 'normal' if found.is_within else 'NOT normal'
                text += (f' Beside a plain port of the original, its epochs so far are '
                         f'{place}: {found.describe()}.')
        else:
            place = 'within' if found.is_within else 'OUTSIDE'
            text = f'{place} the band: {found.describe()}.'
        if compared.documented and num_epochs < record.entry.num_epochs:
            text += f' The run is at epoch {num_epochs} of {record.entry.num_epochs}.'
        sentences.append(Sentence(f'{compared.curve.title}:', text, found and found.is_within))
    return sentences


def is_within(record):
    """Whether all of a run's curves are in their bands; None: nothing to compare."""
    known = [found.is_within for compared in compare_runs([record])
             for found in compared.comparisons if found]
    return all(known) if known else None
