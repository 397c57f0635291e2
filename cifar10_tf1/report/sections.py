"""The report as one HTML file: what the run, its checkpoint and its data give.

Each section says what is lacking where it can't be made.
"""

import io

from cifar10_tf1 import data
from cifar10_tf1.common import extras
from cifar10_tf1.predict.pictures import as_rgb
from cifar10_tf1.report import appendix
from cifar10_tf1.report import charts
from cifar10_tf1.report import curve_charts
from cifar10_tf1.report import dots
from cifar10_tf1.report import quirks
from cifar10_tf1.report import results
from cifar10_tf1.report.findings import compute_interval
from cifar10_tf1.report.findings import list_class_accuracies
from cifar10_tf1.report.page import encode_base64
from cifar10_tf1.report.page import escape
from cifar10_tf1.report.page import Page

NUM_MISTAKES = 24

CAPTIONS = {  # by systems.Curve.figure
    'summed_loss':
        'The sum over batches of what is minimised: cross-entropy (nats) and '
        'weight decay, where there is some.',
    'loss':
        'Mean cross-entropy, in nats, of the last mini-batch after its update.',
    'training_accuracy':
        'The share of the last mini-batch that the network has right after its '
        'update.',
    'validation_accuracy':
        'The share of the images held back from training that the network has '
        'right.'}


def build(record, report, findings, with_images):
    """The whole file.

    Args:
      record: run_record.RunRecord.
      report: comparison.Report.
      findings: findings.Findings.
      with_images: bool, whether images of the data set may be in it.
    Returns:
      str.
    Raises:
      UserError: where matplotlib is not installed.
    """
    extras.require('matplotlib', charts.PURPOSE)
    content = record.content
    name, data_name = results.name_run(record), content['data'].get('name')
    page = Page()
    title = f'{content["system"]} on {data_name}, {name}'
    page.raw(f'<h1>{escape(title)}</h1>')
    page.paragraph(f'{results.count_epochs(record)} epochs, {record.kind["kernels"]} '
                   f'kernels, {record.kind["cpu"]["name"]}', 'note')
    if data.is_synthetic(data_name or ''):
        title_of_data = report.documented.data
        page.paragraph(f'Generated data, not {title_of_data}: no figure here '
                       f'says anything about {title_of_data}.', 'lacking')
    _add_answer(page, record, report)
    page.contents()
    for compared in report.curves:
        _add_curve(page, record, compared, name)
    _add_tests(page, record, report, findings)
    _add_classes(page, findings)
    _add_mistakes(page, findings, with_images)
    _add_filters(page, findings)
    appendix.add_statistics(page, findings)
    appendix.add_settings(page, content)
    appendix.add_environment(page, content)
    appendix.add_hashes(page, content, findings)
    quirks.add(page, content['system'])
    return page.finish(title)


def _add_answer(page, record, report):
    """The counts, what they mean, the draws."""
    answer = results.build_answer(record, report)
    page.counts(answer.counts)
    for verdict in answer.verdicts:
        page.verdict(*verdict)
    tests = results.find_tests(record)
    if len(tests.draws) > 1:
        page.figure(
            dots.draw_tests([(results.name_run(record), tests.values)],
                            tests.measure, report.has_documented_test),
            f'Dot chart: {tests.measure.label} of each test of this run, and '
            'the documented test as a line.',
            f'Each dot is a test of the same weights, '
            f'{tests.draws[0]["crop"]}; the line is the documented test.')


def _add_curve(page, record, compared, name):
    curve = compared.curve
    title = curve.title.lower()
    page.heading(curve.title)
    if not record.epochs:
        page.paragraph('The record has no finished epoch.', 'lacking')
        return
    page.raw('<div class="charts">')
    page.figure(
        curve_charts.draw_curve(compared, name),
        f'Line chart: {title} by epoch of this run, the documented run and, '
        'where there is one, a plain port of the original.',
        CAPTIONS.get(curve.figure, ''))
    if compared.comparison:
        page.figure(
            curve_charts.draw_deviations(compared, name),
            f'Bar chart: deviation of each epoch\'s {title} from the '
            'documented one, between the limits of the band.',
            compared.summaries[-1])
    page.raw('</div>')
    if compared.comparison:
        page.raw('<details><summary>The numbers</summary>')
        for line in compared.summaries[:-1]:
            page.paragraph(line, 'note')
        page.table(['epoch', title, 'documented', 'deviation'],
                   [[_name_place(d, compared), f'{d.value:.5f}',
                     f'{d.reference:.5f}', f'{d.percent:+.2f} {curve.unit}']
                    for d in compared.comparison.deviations],
                   numeric=(0, 1, 2, 3))
        page.raw('</details>')


def _name_place(deviation, compared):
    has_parts = curve_charts.count_parts(compared.documented) > 1
    return f'{deviation.epoch}, part {deviation.part}' if has_parts else (
        deviation.epoch)


def _add_tests(page, record, report, findings):
    """Every test, as numbers; those that answer something else, apart."""
    tests, documented = results.find_tests(record), report.documented
    page.heading('Tests')
    if not record.content['tests'] and not findings.tested:
        page.paragraph('This run has not been tested: python test.py does.',
                       'lacking')
        return
    rows = [_describe_test(test) for test in tests.draws]
    if report.has_documented_test and documented.num_correct is not None:
        rows.insert(0, _describe_share(
            f'documented, {documented.environment}', documented.num_correct,
            documented.num_examples, documented.step))
    tested = findings.tested
    if tested:
        rows.append(_describe_share(
            f'for this report: {tested.crop}, seed {tested.seed}',
            tested.num_correct, len(tested.labels), tested.step))
    header = ['test', 'right', 'accuracy', '95 % interval', 'step']
    page.raw(f'<details{"" if len(rows) > 4 else " open"}><summary>The '
             'numbers</summary>')
    page.table(header, rows, numeric=(1, 2, 3, 4), long=(0,))
    page.raw('</details>')
    if tests.others:
        page.paragraph('Tests of other steps, variants or kinds of machine:',
                       'note')
        page.table(header, [_describe_test(test) for test in tests.others],
                   numeric=(1, 2, 3, 4), long=(0,))


def _describe_test(test):
    return _describe_share(
        f'{test["crop"]}, seed {test["seed"]}, '
        + results.name_runtime(test['kind']['wheel']),
        test['num_correct'], test['num_examples'], test['step'])


def _describe_share(name, num_correct, num_examples, step):
    low, high = compute_interval(num_correct, num_examples)
    return [name, f'{num_correct:,} of {num_examples:,}',
            f'{100 * num_correct / num_examples:.2f} %',
            f'{100 * low:.2f} to {100 * high:.2f} %', f'{step:,}']


def _add_classes(page, findings):
    page.heading('Classes')
    tested = findings.tested
    if tested is None:
        page.paragraph(findings.why_not_tested, 'lacking')
        return
    confusion = tested.confusion
    num_correct, num_examples = tested.num_correct, len(tested.labels)
    page.paragraph(
        f'{findings.checkpoint}, tested for this report with the {tested.crop} '
        f'crop of test seed {tested.seed}: {num_correct:,} of '
        f'{num_examples:,} right.')
    rows = list_class_accuracies(findings)
    page.raw('<div class="charts">')
    page.figure(
        charts.draw_confusion(confusion, findings.class_names),
        'Matrix: number of test images by true and predicted class.',
        'Number of test images by true class (row) and predicted class '
        '(column), coloured by their share of the row, on a scale of square '
        'roots: so mistakes of a few percent can be seen.')
    page.figure(
        charts.draw_class_accuracies(rows, num_correct / num_examples),
        'Dot chart: accuracy of each class with its interval. '
        + '; '.join(f'{name} {100 * share:.1f} %'
                    for name, share, unused_low, unused_high in rows),
        'Accuracy by class. The interval is of the sampling of test images '
        'alone.')
    page.raw('</div>')


def _add_mistakes(page, findings, with_images):
    page.heading('Surest mistakes')
    tested = findings.tested
    if not with_images:
        page.paragraph('Left out (--without-images): the images of the data '
                       'set may not be passed on here.', 'note')
        return
    if tested is None:
        page.paragraph(findings.why_not_tested, 'lacking')
        return
    page.paragraph('Wrong predictions of the highest probability.', 'note')
    page.raw('<div class="mistakes">')
    names = findings.class_names
    for i in tested.find_surest_mistakes(NUM_MISTAKES):
        best = int(tested.predictions[i])
        page.raw(
            '<figure><img alt="" src="data:image/png;base64,'
            f'{encode_base64(_encode_png(as_rgb(tested.images[i])))}"><figcaption>'
            f'<b>{escape(names[best])}</b> '
            f'{100 * tested.probabilities[i, best]:.1f}&nbsp;%<br>is: '
            f'{escape(names[tested.labels[i]])}<br>image {i}'
            '</figcaption></figure>')
    page.raw('</div>')


def _add_filters(page, findings):
    page.heading('Filters of the first layer')
    if findings.filters is None:
        page.paragraph(findings.checkpoint, 'lacking')
        return
    rows, columns, channels, number = findings.filters.shape
    page.figure(
        charts.draw_filters(findings.filters),
        f'{number} small pictures, one for each filter of the first layer.',
        f'The {number} filters as they are tested, {rows} x {columns} pixels '
        'each; ' + ('red, green and blue ' if channels == 3 else '')
        + 'weights on one scale for all, zero is grey; the greatest 0.5 % are '
        'cut off.', 'picture')


def _encode_png(image):
    """PNG of uint8 [rows, columns, 3]."""
    Image = extras.load('PIL.Image', charts.PURPOSE)
    content = io.BytesIO()
    Image.fromarray(image).save(content, 'PNG')
    return content.getvalue()
