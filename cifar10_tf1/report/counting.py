"""A run's tests: which of them count, and in which measure.

Most documents count right images. One averages the accuracies of mini-batches, the
last of them short, which gives no whole number of images; so do we for that system.
"""

from typing import List, NamedTuple, Optional

from cifar10_tf1 import systems
from cifar10_tf1.records import statistics_of_runs


class Measure(NamedTuple):
    """The measure in which tests are compared with the documented one."""
    key: str                     # in a record's test
    documented: Optional[float]  # images, or percent; None: not documented
    num_examples: int

    @property
    def is_count(self):
        return self.key == 'num_correct'

    @property
    def label(self):
        """For an axis."""
        return ('right images' if self.is_count
                else 'accuracy, mean over mini-batches, %')

    @property
    def unit(self):
        """For differences."""
        return 'images' if self.is_count else 'points'

    @property
    def digits(self):
        """Decimals of a mean."""
        return 1 if self.is_count else 2

    def read(self, test):
        """The value of one of a record's tests."""
        return test[self.key] if self.is_count else 100 * test[self.key]

    def format(self, value):
        """'8,246', '8,239.6' or '67.34'."""
        return f'{value:,}' if isinstance(value, int) else f'{value:,.{self.digits}f}'

    def describe(self, value):
        """'8,246 of 10,000 (82.46 %)' or '67.34 %'."""
        if not self.is_count:
            return f'{value:.2f} %'
        return (f'{self.format(value)} of {self.num_examples:,} '
                f'({100 * value / self.num_examples:.2f} %)')


def choose_measure(documented):
    """The Measure of a systems.Documented."""
    if documented.num_correct is None and documented.mean_over_batches:
        return Measure('mean_over_batches', 100 * documented.mean_over_batches,
                       documented.num_examples)
    return Measure('num_correct', documented.num_correct, documented.num_examples)


def list_wanted(entry):
    """[(variant, seed)]: all test seeds of the first variant, the others once."""
    first, *others = entry.variants
    return ([(first, seed) for seed in range(1, entry.num_test_seeds + 1)]
            + [(variant, 1) for variant in others])


def list_missing(record):
    """The tests of list_wanted that a RunRecord lacks."""
    return [(variant, seed) for variant, seed
            in list_wanted(systems.find(record.content['system']))
            if seed not in find_counted(record, variant)]


def find_counted(record, variant, step=None):
    """A variant's tests that count: those made with the training's wheel.

    Another machine may have made them. If a seed was tested twice, the test on the
    training's kind of machine counts, else the later one.

    Args:
      record: run_record.RunRecord.
      variant: str.
      step: int; None: the run's last one.
    Returns:
      dict of test seed -> the record's test, by seed.
    """
    if step is None:
        step = record.epochs[-1]['step'] if record.epochs else None
    counted = {}
    # The training's kind comes last and replaces the other.
    for test in sorted(record.content['tests'],
                       key=lambda test: test['kind'] == record.kind):
        if (test['crop'] == variant and test['step'] == step
                and test.get('data', record.content['data']['name'])
                == record.content['data']['name']
                and test['kind']['wheel'] == record.kind['wheel']):
            counted[test['seed']] = test
    return dict(sorted(counted.items()))


class Tests(NamedTuple):
    """A record's tests: those that count, and the others."""
    measure: Measure
    draws: List[dict]   # the documented test at the newest tested step, by seed
    others: List[dict]  # other steps, variants and wheels

    @property
    def values(self):
        return [self.measure.read(test) for test in self.draws]

    @property
    def step(self):
        return self.draws[0]['step']

    @property
    def summary(self) -> Optional[statistics_of_runs.Summary]:
        return statistics_of_runs.summarize(self.values) if self.draws else None


def find_tests(record):
    """The Tests of a RunRecord; the others by step, variant and seed."""
    entry = systems.find(record.content['system'])
    measure, variant = choose_measure(entry.documented), entry.variants[0]
    draws = []
    for step in sorted({test['step'] for test in record.content['tests']}):
        draws = [test for test in find_counted(record, variant, step).values()
                 if test.get(measure.key) is not None] or draws
    if draws:  # generated data has fewer images
        measure = measure._replace(num_examples=draws[0]['num_examples'])
    others = sorted((test for test in record.content['tests'] if test not in draws),
                    key=lambda test: (test['step'], test['crop'], test['seed']))
    return Tests(measure, draws, others)
