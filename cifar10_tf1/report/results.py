"""A run's tests, and its answer: the count beside the documented one."""

from typing import List, NamedTuple, Optional

from cifar10_tf1 import statistics_of_runs
from cifar10_tf1 import systems


class Tests(NamedTuple):
    """The tests of a record, apart by what they may be compared with."""
    draws: List[dict]   # as documented, at the newest step, where it trained
    others: List[dict]  # other steps and variants, other kinds of machine

    @property
    def counts(self):
        """Right images of each draw."""
        return [test['num_correct'] for test in self.draws]

    @property
    def step(self):
        return self.draws[0]['step']

    @property
    def num_examples(self):
        return self.draws[0]['num_examples']

    @property
    def summary(self) -> Optional[statistics_of_runs.Summary]:
        return statistics_of_runs.summarize(
            self.counts) if self.draws else None


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
    variant = systems.find(record.content['system']).variants[0]
    tests = sorted(record.content['tests'], key=lambda test: (
        test['step'], test['crop'] != variant, test['crop'], test['seed']))
    candidates = [test for test in tests if test['crop'] == variant
                  and test['kind'] == record.kind]
    draws = [test for test in candidates
             if test['step'] == candidates[-1]['step']]
    return Tests(draws, [test for test in tests if test not in draws])


def build_answer(record, report):
    """The Answer of a run_record.RunRecord and its comparison.Report."""
    tests, documented = find_tests(record), report.documented
    counts = []
    if report.is_comparable:
        counts.append(('documented', format_count(
            documented.num_correct, documented.num_examples),
            f'one test, unseeded; {documented.environment}'))
    counts.append((name_run(record),) + _describe_draws(tests))
    verdicts = [_place_documented(tests, documented)] if (
        report.is_comparable and len(tests.draws) > 1) else []
    if tests.draws and report.is_comparable and tests.step != documented.step:
        verdicts.append(Verdict(
            None, 'Not the documented step:', f'this test is of step '
            f'{tests.step:,}, the documented one of step {documented.step:,}.'))
    for compared in report.curves:
        verdicts.append(Verdict(compared.within, f'{compared.curve.title}:',
                                compared.verdict))
    return Answer(counts, verdicts)


def format_count(number, num_examples):
    return f'{number:,} of {num_examples:,} ({100 * number / num_examples:.2f} %)'


def _describe_draws(tests):
    """(number, note) of this run's tests."""
    if not tests.draws:
        return 'not tested', 'python test.py does that'
    n, mean, sd, least, greatest = tests.summary
    if n == 1:
        (test,) = tests.draws
        return format_count(test['num_correct'], tests.num_examples), (
            f'n = 1: {test["crop"]}, test seed {test["seed"]}')
    return (f'{mean:,.1f} of {tests.num_examples:,} '
            f'({100 * mean / tests.num_examples:.2f} %)',
            f'mean of n = {n} tests ({tests.draws[0]["crop"]}); sd {sd:.1f}; '
            f'{least:,} to {greatest:,}')


def _place_documented(tests, documented):
    """Whether the documented count is among the draws of this one run."""
    unused_n, mean, sd, least, greatest = tests.summary
    count = documented.num_correct
    is_inside = least <= count <= greatest
    distance = f', {abs(count - mean) / sd:.1f} sd ' + (
        'over' if count > mean else 'under') + ' their mean' if sd else ''
    return Verdict(
        is_inside or None, 'Test:', f'the documented {count:,} lies '
        f'{"within" if is_inside else "outside of"} the range of these tests'
        f'{distance}.' + ('' if is_inside else ' Other seeds of the training '
                          'differ too: one run can\'t say more.'))
