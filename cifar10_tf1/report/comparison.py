"""A run's losses beside the documented ones: how far off, and the verdict."""

import csv
import os
import statistics
from typing import List, NamedTuple, Optional

_SYSTEMS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(
    __file__))), 'systems')


class Band(NamedTuple):
    """How far a curve may be from the documented one, above or below.

    Two unseeded runs of a plain port were off by 0.4 and 0.9 % in the mean and
    by 2.2 % at most. A loss that is too low is a bug as well.
    """
    mean_absolute: float = 1.8  # %
    largest: float = 3.5        # %


class Deviation(NamedTuple):
    epoch: int
    loss: float
    reference: float

    @property
    def percent(self):
        return 100.0 * (self.loss / self.reference - 1.0)


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

    def is_within(self, band):
        return (self.mean_absolute <= band.mean_absolute
                and abs(self.largest.percent) <= band.largest)


def load_curve(system_name, which):
    """{epoch: summed loss} of a curve that is kept beside its system.

    Args:
      system_name: str, such as 'deep_cnn'.
      which: 'documented', or 'plain_port': an unseeded run of the original
        program's port to TensorFlow 1.15.
    """
    path = os.path.join(_SYSTEMS, f'{system_name}_{which}_curve.csv')
    with open(path, newline='') as file:
        return {int(row['epoch']): float(row['summed_loss'])
                for row in csv.DictReader(file)}


def compare(epochs, curve, first_epoch):
    """A run's epochs against a curve.

    Args:
      epochs: list of dict with epoch and summed_loss, as in run.json.
      curve: dict of epoch -> summed loss.
      first_epoch: int, where the comparison begins.
    Returns:
      Comparison, or None where they share no epoch.
    """
    deviations = [Deviation(e['epoch'], e['summed_loss'], curve[e['epoch']])
                  for e in epochs if e['epoch'] in curve
                  and e['epoch'] >= first_epoch and 'unknown_losses' not in e]
    return Comparison(deviations) if deviations else None


class DocumentedResult(NamedTuple):
    """TensorFlow-GPU 1.4.0 on a GTX 1080 Ti: one unseeded test."""
    step: int = 55000
    num_correct: int = 8246
    num_examples: int = 10000


class Report(NamedTuple):
    """What a record says beside the documented run."""
    documented: dict                  # epoch -> summed loss; empty: of other
    port: dict                        # data, nothing to show beside the run
    band: Band
    comparison: Optional[Comparison]  # None: no epoch can be compared
    verdict: str
    summaries: List[str]              # of the deviations, a line each
    documented_result: DocumentedResult = DocumentedResult()

    @property
    def within(self):
        """bool, or None where no epoch can be compared."""
        return self.comparison and self.comparison.is_within(self.band)


def build_report(record, band=Band()):
    """Compares a record's epochs with the documented ones.

    Args:
      record: run_record.RunRecord.
      band: Band.
    Returns:
      Report.
    """
    if record.content['data'].get('name') == 'synthetic':
        return Report({}, {}, band, None, 'The documented run is of CIFAR-10, '
                      'this one of generated data: nothing to compare.', [])
    system_name = record.content['system']
    documented = load_curve(system_name, 'documented')
    port = load_curve(system_name, 'plain_port')
    first_epoch = min(documented)
    comparison = compare(record.epochs, documented, first_epoch)
    if comparison is None:
        return Report(documented, port, band, None, 'The documented curve '
                      f'begins with epoch {first_epoch}; this run has no epoch '
                      'of it.', [])
    summaries = [_describe('Documented run', comparison)]
    to_port = compare(record.epochs, port, first_epoch)
    if to_port:
        summaries.append(_describe('Plain port\'s run', to_port))
    summaries += _describe_tests(record)
    within = comparison.is_within(band)
    return Report(
        documented, port, band, comparison,
        f'Verdict: {"within" if within else "OUTSIDE"} the band (mean absolute '
        f'deviation at most {band.mean_absolute} %, none over {band.largest} '
        '%, above or below)', summaries)


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


def _describe(name, comparison):
    largest = comparison.largest
    return (f'{name}, epochs {comparison.deviations[0].epoch} to '
            f'{comparison.deviations[-1].epoch}: mean absolute deviation '
            f'{comparison.mean_absolute:.2f} %, signed mean '
            f'{comparison.mean:+.2f} %, largest {largest.percent:+.2f} % '
            f'(epoch {largest.epoch})')
