"""The report as one HTML file that needs no network and no other file.

The words are in page.html; this module supplies the rows and the charts.
"""

import base64
import io
import json
import os
import re

from cifar10_tf1 import data
from cifar10_tf1 import systems
from cifar10_tf1.common import extras
from cifar10_tf1.machine import description
from cifar10_tf1.predict.pictures import as_rgb
from cifar10_tf1.records import statistics_of_runs
from cifar10_tf1.report import charts
from cifar10_tf1.report import comparison
from cifar10_tf1.report import counting
from cifar10_tf1.report import curve_charts
from cifar10_tf1.report import findings as findings_module
from cifar10_tf1.report import gathering
from cifar10_tf1.report import quirks
from cifar10_tf1.report import text
from cifar10_tf1.report import words

# The first lines of a report; only files that begin with them are overwritten.
HEAD = '<!DOCTYPE html>\n<!-- cifar10_tf1.report -->\n'
NUM_MISTAKES = 24
_FOLDER = os.path.dirname(os.path.abspath(__file__))
_CAPTIONS = {  # by systems.Curve.figure
    'summed_loss': 'Sum over batches of the training loss: cross-entropy (nats) and '
    'weight decay, if any.',
    'loss': 'Mean cross-entropy, in nats, of the last mini-batch after its update.',
    'training_accuracy': 'Share of the last mini-batch classified correctly after '
    'its update.',
    'validation_accuracy': 'Share of the images held back from training that the '
    'network classifies correctly.'}


def build_single(record, report, findings, with_images):
    """The HTML report on one run.

    Args:
      record: run_record.RunRecord.
      report: comparison.Report.
      findings: findings.Findings.
      with_images: bool, whether to show images of the data set.
    Raises:
      UserError: an optional package is missing.
    """
    content, name = record.content, text.name_run(record)
    tests = counting.find_tests(record)
    entry = systems.find(content['system'])
    tested = findings.tested
    return _render(
        entry, content['data'].get('name'), is_several=False,
        title=f'{entry.name} on {content["data"].get("name")}, {name}',
        note=f'{text.count(gathering.count_epochs(record), "epoch")}, '
        f'{record.kind["kernels"]} kernels, {description.name_machine(record.kind)}',
        answer=text.build_answer(record, report), tests=tests,
        dots=len(tests.draws) > 1 and _encode(charts.draw_tests(
            [(name, tests.values)], tests.measure, report.has_documented_test)),
        curves=[_draw_curves(compared, name) for compared in report.curves],
        has_epochs=bool(record.epochs), test_rows=_list_tests(record, report, findings),
        other_rows=[_describe_test(test, record) for test in tests.others],
        findings=findings, with_images=with_images, has_draws=entry.num_test_seeds > 1,
        **(_describe_tested(findings, with_images) if tested else {}),
        filters=findings.filters is not None and _encode(
            charts.draw_filters(findings.filters)),
        settings=sorted((key, _format(value)) for key, value
                        in content['settings'].items())
        + _flatten(content['system_settings']),
        processes=[_describe_process(process) for process in content['processes']],
        content=content, hashes=_list_hashes(content))


def build_several(several, summary):
    """The HTML report on several runs.

    Args:
      several: gathering.Several, of runs of one system and data set.
      summary: dict, from summary.summarize.
    Raises:
      UserError: an optional package is missing.
    """
    entry, number = several.entry, len(several.runs)
    measure = counting.choose_measure(entry.documented)
    rows = [(text.name_run(run.record), run.values) for group in several.groups
            for run in group if run.values]
    kind = next(run for run in several.runs if run.record).kind
    curves = comparison.choose_curves(entry.documented, kind.train_files)
    return _render(
        entry, kind.data, is_several=True, note='',
        title=f'{entry.name} on {entry.documented.data}: {text.count(number, "run")}',
        answer=words.build_answer(summary),
        dots=rows and _encode(charts.draw_tests(rows, measure, any(
            group['is_comparable'] for group in summary['groups']))),
        curves=[(curve, _CAPTIONS.get(curve.figure, ''), [
            _draw_band(curve, group, part, summary['groups'])
            for group, part in zip(several.groups, summary['groups'])])
            for curve in curves],
        statistics=[(words.describe_group(group), words.list_findings(group, measure))
                    for group in summary['groups']],
        differences=[words.describe_difference(difference, measure)
                     for difference in summary['differences']],
        run_rows=[_describe_run(run, several, measure) for run in several.runs])


def _render(entry, data_name, **context):
    jinja2 = extras.load('jinja2', charts.PURPOSE)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    environment.filters['anchor'] = lambda title: re.sub(
        r'[^a-z0-9]+', '-', title.lower()).strip('-')
    environment.filters['thousands'] = lambda value: f'{value:,}'
    with open(os.path.join(_FOLDER, 'style.css'), encoding='utf-8') as file:
        style = file.read()
    return HEAD + environment.get_template('page.html').render(
        style=style, entry=entry, quirks=quirks.render(entry),
        is_generated=data.is_synthetic(data_name or ''), **context)


def _draw_curves(compared, name):
    """(compared, caption, curve, deviations or None, rows) of one figure."""
    has_parts = curve_charts.count_parts(compared.documented) > 1
    found = compared.comparison
    rows = [(f'{d.epoch}, part {d.part}' if has_parts else d.epoch, f'{d.value:.5f}',
             f'{d.reference:.5f}', f'{d.percent:+.2f} {compared.curve.unit}')
            for d in found.deviations] if found else []
    return (compared, _CAPTIONS.get(compared.curve.figure, ''),
            _encode(curve_charts.draw_curve(compared, name)),
            found and _encode(curve_charts.draw_deviations(compared, name)), rows)


def _draw_band(curve, runs, group, groups):
    """(name of the group, chart)."""
    documented, port = comparison.load_pair(runs[0].record.content['system'], curve)
    is_documented = any(one['figure'] == curve.figure for one in group['curves'])
    figures = [comparison.list_figures(run.record.epochs, curve.figure) for run in runs]
    return words.name_group(group, groups), _encode(curve_charts.draw_band(
        curve, figures, documented if is_documented else {},
        port if is_documented else {}, text.count(len(runs), 'run')))


def _describe_run(run, several, measure):
    """A row of the table of all runs."""
    if not run.record:
        return [run.name, run.state] + [''] * 6
    summary = statistics_of_runs.summarize(run.values) if run.values else None
    deviation = comparison.build_report(run.record).curves[0].comparison
    unit = several.entry.documented.curves[0].unit
    state = ('seed counted already' if run in several.repeated
             else run.state if run.is_trained else f'{run.state}: not counted')
    others = [f'{variant} {run.list_counts(variant)[0]:,}'
              for variant in several.entry.variants[1:] if run.list_counts(variant)]
    return [
        text.name_run(run.record), state, f'{run.kind.kernels}, '
        + description.name_machine(run.record.kind) + ', '
        + text.count(run.record.settings.inter_op_threads, 'thread'),
        f'{measure.format(float(summary.mean))} (n = {summary.n})' if summary else '',
        f'{summary.sd:.2f}' if summary and summary.n > 1 else '', ', '.join(others),
        f'{deviation.mean:+.2f} {unit}' if deviation else '',
        (run.record.content['weights'] or {}).get('sha256', 'unknown')[:12]]


def _list_tests(record, report, findings):
    """Rows of the tests that count, the documented one first."""
    tests, documented = counting.find_tests(record), report.documented
    rows = [_describe_test(test, record) for test in tests.draws]
    if report.has_documented_test and documented.num_correct is not None:
        rows.insert(0, _describe_share(
            f'documented, {documented.environment}', documented.num_correct,
            documented.num_examples, documented.step))
    tested = findings.tested
    return rows + ([_describe_share(
        f'for this report: {tested.crop}, seed {tested.seed}', tested.num_correct,
        len(tested.labels), tested.step)] if tested else [])


def _describe_test(test, record):
    machine = '' if test['kind'] == record.kind else (
        ', on another kind of machine' if test['kind']['wheel'] == record.kind['wheel']
        else '')
    return _describe_share(
        f'{test["crop"]}, seed {test["seed"]}, '
        + gathering.name_runtime(test['kind']['wheel']) + machine,
        test['num_correct'], test['num_examples'], test['step'])


def _describe_share(name, num_correct, num_examples, step):
    low, high = findings_module.compute_interval(num_correct, num_examples)
    return [name, f'{num_correct:,} of {num_examples:,}',
            f'{100 * num_correct / num_examples:.2f} %',
            f'{100 * low:.2f} to {100 * high:.2f} %', f'{step:,}']


def _describe_tested(findings, with_images):
    """Charts of the classes, and the surest mistakes."""
    tested, names = findings.tested, findings.class_names
    rows = findings_module.list_class_accuracies(findings)
    return {
        'num_tested': len(tested.labels),
        'confusion': _encode(charts.draw_confusion(tested.confusion, names)),
        'classes': _encode(charts.draw_class_accuracies(
            rows, tested.num_correct / len(tested.labels))),
        'class_words': '; '.join(f'{name} {100 * share:.1f} %'
                                 for name, share, unused_low, unused_high in rows),
        'mistakes': [{
            'image': _encode(_encode_png(as_rgb(tested.images[i]))), 'number': i,
            'predicted': names[best], 'true': names[tested.labels[i]],
            'percent': f'{100 * tested.probabilities[i, best]:.1f}'}
            for i in tested.find_surest_mistakes(NUM_MISTAKES if with_images else 0)
            for best in [int(tested.predictions[i])]]}


def _describe_process(process):
    """(from step, to step, rows) of one of a run's processes."""
    return process['from_step'], _or_unknown(process['to_step']), [
        ('command', process['command']), ('started', process['started']),
        ('end', _or_unknown(process['end'])),
        ('commit', description.format_commit(process['commit'],
                                             process['commit_is_clean']))
    ] + _flatten(process['kind']) + _flatten(process['versions'])


def _list_hashes(content):
    weights = content['weights'] or {'step': 'unknown', 'sha256': 'unknown'}
    return [(f'weights at step {weights["step"]}', weights['sha256']),
            *sorted(content['data'].get('sha256', {}).items()),
            *((f'predictions, step {test["step"]}, {test["crop"]}, seed '
               f'{test["seed"]}', test.get('predictions_sha256'))
              for test in content['tests'])]


def _flatten(settings, prefix=''):
    """[('schedule decay_rate', '0.1'), ...] of dicts in dicts."""
    rows = []
    for name, value in sorted(settings.items()):
        rows += (_flatten(value, f'{prefix}{name} ') if isinstance(value, dict)
                 else [(prefix + name, _format(value))])
    return rows


def _or_unknown(value):
    """None stands for a process that runs, or was killed."""
    return 'unknown' if value is None else value


def _format(value):
    if value is None:
        return 'none'
    return value if isinstance(value, str) else json.dumps(value)


def _encode_png(image):
    content = io.BytesIO()
    extras.load('PIL.Image', charts.PURPOSE).fromarray(image).save(content, 'PNG')
    return content.getvalue()


def _encode(content):
    return base64.b64encode(content).decode('ascii')
