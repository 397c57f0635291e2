"""The report as text."""

from cifar10_tf1 import machine


def format_report(record, report):
    """The report as text.

    Args:
      record: run_record.RunRecord.
      report: comparison.Report.
    Returns:
      str.
    """
    lines = _describe_run(record) + ['']
    for compared in report.curves:
        lines += _format_curve(compared)
    lines += report.tests
    for test in record.content['tests']:
        lines.append(
            f'Test at step {test["step"]}, {test["crop"]}, seed '
            f'{test["seed"]}: {test["num_correct"]} of {test["num_examples"]} '
            f'({test["kind"]["wheel"]})')
    return '\n'.join(lines) + '\n'


def _format_curve(compared):
    lines, curve = [], compared.curve
    if compared.comparison:
        lines.append(f'Epoch {curve.title:>13s}   Documented   Deviation')
        lines += [f'{d.epoch:5d} {d.value:{max(13, len(curve.title))}.5f} '
                  f'{d.reference:12.5f} {d.percent:+9.2f} '
                  + curve.unit for d in compared.comparison.deviations]
        lines.append('')
    return lines + compared.summaries + [compared.verdict]


def _describe_run(record):
    content = record.content
    process = content['processes'][-1]
    kind = process['kind']
    weights = content['weights'] or {'step': 'unknown', 'sha256': 'unknown'}
    return [
        f'Run of {content["system"]} on {content["data"]["name"]}, seed '
        f'{record.settings.seed}, {len(record.epochs)} epochs in '
        f'{len(content["processes"])} process(es)',
        f'{kind["wheel"]}, {kind["kernels"]} kernels, {kind["device"]}, '
        f'{kind["intra_op_threads"]} threads within an op, '
        f'{kind["cpu"]["name"]}',
        'Commit ' + machine.format_commit(process['commit'],
                                          process['commit_is_clean']),
        'Bit-exact: ' + ('; '.join(content['not_bit_exact'])
                         and 'no: ' + '; '.join(content['not_bit_exact'])
                         or 'yes'),
        f'Weights at step {weights["step"]}: SHA-256 {weights["sha256"]}']
