"""The report on one run in words: the answer, the run, the numbers."""

from typing import List, NamedTuple, Optional

from cifar10_tf1.machine import description
from cifar10_tf1.report import counting
from cifar10_tf1.report import gathering


class Finding(NamedTuple):
    is_good: Optional[bool]  # None: nothing can be said, or neither
    word: str                # bold on the page
    text: str                # the rest of the sentence


class Answer(NamedTuple):
    """The opening of a report."""
    counts: List[tuple]      # (label, number, note)
    findings: List[Finding]


def name_run(record):
    """The name of a run in charts and tables."""
    return (f'seed {record.settings.seed}, '
            + gathering.name_runtime(record.kind['wheel']))


def format_report(record, report, with_numbers=True):
    """The report of a RunRecord and its comparison.Report as text.

    with_numbers adds each epoch and test.
    """
    lines = format_answer(build_answer(record, report)) + ['']
    lines += _describe_run(record)
    for compared in report.curves:
        lines += compared.summaries
        if with_numbers and compared.comparison:
            lines += [''] + _format_curve(compared)
    if with_numbers:
        lines += _format_tests(counting.find_tests(record))
    return '\n'.join(lines) + '\n'


def format_answer(answer):
    """The lines of an Answer, its counts aligned."""
    width = max(len(label) for label, unused_number, unused in answer.counts)
    lines = [f'{label:{width}s}  {number}' + (f'; {note}' if note else '')
             for label, number, note in answer.counts]
    return lines + [f'{finding.word} {finding.text}' for finding in answer.findings]


def build_answer(record, report):
    """The Answer of a RunRecord and its comparison.Report."""
    tests, documented = counting.find_tests(record), report.documented
    counts = describe_documented(documented) if report.has_documented_test else []
    counts.append((name_run(record),) + _describe_draws(tests))
    findings = []
    if tests.draws and report.has_documented_test:
        if tests.step != documented.step:
            findings.append(Finding(
                None, 'Not the documented step:', f'this test was made at step '
                f'{tests.step:,}, the documented one at step {documented.step:,}.'))
        elif len(tests.draws) > 1 and tests.measure.documented is not None:
            findings.append(_place_documented(tests))
    findings += [Finding(compared.within, f'{compared.curve.title}:',
                         compared.verdict) for compared in report.curves]
    return Answer(counts, findings)


def describe_documented(documented):
    """The count of the documented figure, in a list; empty if there is none."""
    measure = counting.choose_measure(documented)
    if measure.documented is None:
        return []
    return [('documented', measure.describe(measure.documented),
             f'one test, unseeded; {documented.environment}'
             + ('' if measure.is_count else '; mean over mini-batches'))]


def describe_spread(measure, sd, least, greatest):
    return (f'sd {sd:.{measure.digits}f}; {measure.format(least)} to '
            f'{measure.format(greatest)}')


def _describe_draws(tests):
    """(number, note) of a run's tests."""
    if not tests.draws:
        return 'not tested', 'run python test.py'
    n, mean, sd, least, greatest = tests.summary
    test, measure = tests.draws[0], tests.measure
    if n == 1:
        return measure.describe(least), (
            f'n = 1: {test["crop"]}, test seed {test["seed"]}')
    return measure.describe(float(mean)), (
        f'mean of n = {n} tests ({test["crop"]}); '
        f'{describe_spread(measure, sd, least, greatest)}')


def _place_documented(tests):
    """The Finding on whether the documented figure lies among a run's tests."""
    unused_n, mean, sd, least, greatest = tests.summary
    value = tests.measure.documented
    is_inside = least <= value <= greatest
    distance = f', {abs(value - mean) / sd:.1f} sd ' + (
        'above' if value > mean else 'below') + ' their mean' if sd else ''
    return Finding(
        is_inside or None, 'Test:', f'the documented {tests.measure.format(value)} '
        f'lies {"within" if is_inside else "outside"} the range of these tests'
        f'{distance}.' + ('' if is_inside else ' Training seeds differ '
                          'too: one run can\'t say more.'))


def _format_curve(compared):
    curve = compared.curve
    deviations = compared.comparison.deviations
    has_parts = any(d.part > 1 for d in deviations)
    lines = [f'Epoch{"  Part" if has_parts else ""} {curve.title:>13s}   '
             'Documented   Deviation']
    return lines + [
        f'{d.epoch:5d}' + (f'{d.part:6d}' if has_parts else '')
        + f' {d.value:{max(13, len(curve.title))}.5f} {d.reference:12.5f} '
        f'{d.percent:+9.2f} {curve.unit}' for d in deviations]


def _format_tests(tests):
    lines = []
    for title, some in (('Tests:', tests.draws), ('Other tests:', tests.others)):
        if some:
            lines += ['', title]
        lines += [
            f'Test at step {test["step"]}, {test["crop"]}, seed '
            f'{test["seed"]}: {test["num_correct"]} of {test["num_examples"]} '
            f'({test["kind"]["wheel"]})' for test in some]
    return lines


def _describe_run(record):
    content = record.content
    process = content['processes'][-1]
    kind = process['kind']
    weights = content['weights'] or {'step': 'unknown', 'sha256': 'unknown'}
    number = len(content['processes'])
    return [
        f'Run of {content["system"]} on {content["data"]["name"]}, seed '
        f'{record.settings.seed}, {count(gathering.count_epochs(record), "epoch")} in '
        + count(number, 'process'),
        f'{kind["wheel"]}, {kind["kernels"]} kernels, {kind["device"]}, '
        f'{count(kind["intra_op_threads"], "thread")} within an op, '
        f'{description.name_machine(kind)}',
        'Commit ' + description.format_commit(process['commit'],
                                              process['commit_is_clean']),
        'Repeatable to the bit on this kind of machine: '
        + ('no: ' + '; '.join(content['not_bit_exact'])
           if content['not_bit_exact'] else 'yes'),
        f'Weights at step {weights["step"]}: SHA-256 {weights["sha256"]}']


def count(number, what):
    """'1 epoch', '3 epochs', '2 processes'."""
    plural = what + ('es' if what.endswith('s') else 's')
    return f'{number} {what if number == 1 else plural}'
