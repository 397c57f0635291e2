"""A run's tests, and its answer: the count beside the documented one."""

from typing import List, NamedTuple, Optional

from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1 import systems
from cifar10_tf1.report import measure


class Tests(NamedTuple):
    """The tests of a record, apart by what they may be compared with."""
    measure: measure.Measure
    draws: List[dict]   # as documented, at the newest step, where it trained
    others: List[dict]  # other steps and variants, other kinds of machine

    @property
    def values(self):
        """Of each draw, by the measure."""
        return [self.measure.read(test) for test in self.draws]

    @property
    def step(self):
        return self.draws[0]['step']

    @property
    def summary(self) -> Optional[statistics_of_runs.Summary]:
        return statistics_of_runs.summarize(
            self.values) if self.draws else None


class Verdict(NamedTuple):
    """One finding: a word that leads, and the sentence."""
    is_good: Optional[bool]  # None: nothing can be said
    word: str
    text: str


class Answer(NamedTuple):
    """What a report opens with."""
    counts: List[tuple]  # (of what, number, note)
    verdicts: List[Verdict]


def name_runtime(wheel):
    """'TensorFlow 1.15.0' of 'tensorflow-gpu 1.15.0'."""
    name, unused_space, version = wheel.partition(' ')
    return f'TensorFlow {version}' if name.startswith('tensorflow') else wheel


def name_run(record):
    """What a run is called in charts and tables."""
    return (f'seed {record.settings.seed}, '
            + name_runtime(record.kind['wheel']))


def count_epochs(record):
    """The last epoch that is recorded; an epoch may have several entries."""
    return max((entry['epoch'] for entry in record.epochs), default=0)


def find_tests(record):
    """Tests of a run_record.RunRecord; draws by test seed, others by step."""
    entry = systems.find(record.content['system'])
    measured, variant = measure.choose(entry.documented), entry.variants[0]
    tests = sorted(record.content['tests'], key=lambda test: (
        test['step'], test['crop'] != variant, test['crop'], test['seed']))
    candidates = [test for test in tests if test['crop'] == variant
                  and test['kind'] == record.kind
                  and test.get(measured.key) is not None]
    draws = [test for test in candidates
             if test['step'] == candidates[-1]['step']]
    return Tests(measured, draws, [test for test in tests if test not in draws])


def build_answer(record, report):
    """The Answer of a run_record.RunRecord and its comparison.Report."""
    tests, documented = find_tests(record), report.documented
    counts = describe_documented(documented) if (
        report.has_documented_test) else []
    counts.append((name_run(record),) + _describe_draws(tests))
    verdicts = []
    if tests.draws and report.has_documented_test:
        if tests.step != documented.step:
            verdicts.append(Verdict(
                None, 'Not the documented step:', 'this test is of step '
                f'{tests.step:,}, the documented one of step '
                f'{documented.step:,}.'))
        elif len(tests.draws) > 1 and tests.measure.documented is not None:
            verdicts.append(_place_documented(tests))
    for compared in report.curves:
        verdicts.append(Verdict(compared.within, f'{compared.curve.title}:',
                                compared.verdict))
    return Answer(counts, verdicts)


def describe_documented(documented):
    """A list of the documented count, empty where there is none."""
    measured = measure.choose(documented)
    if measured.documented is None:
        return []
    return [('documented', measured.describe(measured.documented),
             f'one test, unseeded; {documented.environment}'
             + ('' if measured.is_count else '; mean over mini-batches'))]


def _describe_draws(tests):
    """(number, note) of this run's tests."""
    if not tests.draws:
        return 'not tested', 'python test.py does that'
    n, mean, sd, least, greatest = tests.summary
    test, measured = tests.draws[0], tests.measure
    if n == 1:
        return measured.describe(least), (
            f'n = 1: {test["crop"]}, test seed {test["seed"]}')
    return measured.describe(float(mean)), (
        f'mean of n = {n} tests ({test["crop"]}); '
        f'{describe_spread(measured, sd, least, greatest)}')


def describe_spread(measured, sd, least, greatest):
    digits = 1 if measured.is_count else 2
    return (f'sd {sd:.{digits}f}; {measured.format(least)} to '
            f'{measured.format(greatest)}')


def _place_documented(tests):
    """Whether the documented figure is among the draws of this one run."""
    unused_n, mean, sd, least, greatest = tests.summary
    value = tests.measure.documented
    is_inside = least <= value <= greatest
    distance = f', {abs(value - mean) / sd:.1f} sd ' + (
        'over' if value > mean else 'under') + ' their mean' if sd else ''
    return Verdict(
        is_inside or None, 'Test:', f'the documented '
        f'{tests.measure.format(value)} lies '
        f'{"within" if is_inside else "outside of"} the range of these tests'
        f'{distance}.' + ('' if is_inside else ' Other seeds of the training '
                          'differ too: one run can\'t say more.'))
