"""The report as text."""

from cifar10_tf1.machine import description
from cifar10_tf1.report import results
from cifar10_tf1.report.several import build_answer


def format_report(record, report, with_numbers=True):
    """The report as text: the answer, the run, then the numbers.

    Args:
      record: run_record.RunRecord.
      report: comparison.Report.
      with_numbers: bool, whether each epoch and test is in it.
    Returns:
      str.
    """
    lines = format_answer(results.build_answer(record, report)) + ['']
    lines += _describe_run(record)
    for compared in report.curves:
        lines += compared.summaries
        if with_numbers and compared.comparison:
            lines += [''] + _format_curve(compared)
    if with_numbers:
        lines += _format_tests(results.find_tests(record))
    return '\n'.join(lines) + '\n'


def format_several(several):
    """Several runs as text: the answer, then a line for each run.

    Args:
      several: report.several.Several.
    Returns:
      str.
    """
    lines = format_answer(build_answer(several)) + ['']
    for run in several.runs:
        tests = 'not tested'
        if run.tests.draws:
            tests = (f'{run.tests.measure.format(run.mean)}, n = '
                     f'{len(run.tests.draws)}')
        lines.append(f'{run.name}: {results.count_epochs(run.record)} epochs, {tests}'
                     + ('' if run.is_whole else ', not whole: not counted'))
    lines += [f'{folder}: a run that is here already, counted once'
              for folder in several.repeated]
    return '\n'.join(lines) + '\n'


def format_answer(answer):
    """Lines of a results.Answer; the counts stand under each other."""
    width = max(len(label) for label, unused_number, unused in answer.counts)
    lines = [f'{label:{width}s}  {number}' + (f'; {note}' if note else '')
             for label, number, note in answer.counts]
    return lines + [f'{verdict.word} {verdict.text}'
                    for verdict in answer.verdicts]


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
    return [
        f'Run of {content["system"]} on {content["data"]["name"]}, seed '
        f'{record.settings.seed}, {results.count_epochs(record)} epochs in '
        f'{len(content["processes"])} process(es)',
        f'{kind["wheel"]}, {kind["kernels"]} kernels, {kind["device"]}, '
        f'{kind["intra_op_threads"]} threads within an op, '
        f'{kind["cpu"]["name"]}',
        'Commit ' + description.format_commit(process['commit'],
                                              process['commit_is_clean']),
        'Repeatable to the bit on this kind of machine: '
        + ('no: ' + '; '.join(content['not_bit_exact'])
           if content['not_bit_exact'] else 'yes'),
        f'Weights at step {weights["step"]}: SHA-256 {weights["sha256"]}']
