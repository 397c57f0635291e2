"""The report as one HTML file: what the run, its checkpoint and its data give.

Each section says what is lacking where it can't be made.
"""

import io

from cifar10_tf1 import data
from cifar10_tf1 import extras
from cifar10_tf1.predict.pictures import as_rgb
from cifar10_tf1.report import appendix
from cifar10_tf1.report import charts
from cifar10_tf1.report.findings import compute_interval
from cifar10_tf1.report.findings import list_class_accuracies
from cifar10_tf1.report.page import Page, encode_base64, escape

NUM_MISTAKES = 24

_CAPTIONS = {  # by systems.Curve.figure
    'summed_loss':
        'The loss that is printed for each epoch: the sum over its batches of '
        'cross-entropy (nats) and weight decay.',
    'validation_accuracy':
        'The share of the images held back from training that the network has '
        'right after each epoch.'}


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
    page = Page()
    title = (f'{content["system"]} on {content["data"].get("name")}, seed '
             f'{record.settings.seed}: {len(record.epochs)} epochs')
    page.raw(f'<h1>{escape(title)}</h1>')
    if data.is_synthetic(content['data'].get('name', '')):
        title_of_data = report.documented.data
        page.paragraph(f'Generated data, not {title_of_data}: no figure here '
                       f'says anything about {title_of_data}.', 'lacking')
    _add_result(page, content, report, findings)
    for compared in report.curves:
        _add_curve(page, record, compared)
    _add_test(page, findings)
    _add_mistakes(page, findings, with_images)
    _add_filters(page, findings)
    appendix.add_statistics(page, findings)
    appendix.add_settings(page, content)
    appendix.add_environment(page, content)
    appendix.add_hashes(page, content, findings)
    appendix.add_quirks(page, content['system'])
    return page.finish(title)


def _add_result(page, content, report, findings):
    page.heading('Result')
    documented = report.documented
    rows = []
    if report.is_comparable:
        rows.append([f'documented, {documented.environment}'] + _format_share(
            documented.num_correct, documented.num_examples) + [
                documented.step, 'as documented, unseeded'])
    for test in content['tests']:
        rows.append([f'this run, {test["kind"]["wheel"]}'] + _format_share(
            test['num_correct'], test['num_examples']) + [
                test['step'], f'{test["crop"]}, seed {test["seed"]}'])
    tested = findings.tested
    if tested:
        rows.append(['tested for this report'] + _format_share(
            tested.num_correct, len(tested.labels)) + [
                tested.step, f'{tested.crop}, seed {tested.seed}'])
    if rows:
        page.table(['', 'right', 'accuracy', '95 % interval', 'step',
                    'variant'], rows, numeric=(1, 2, 3, 4), long=(0,))
    if not content['tests'] and not tested:
        page.paragraph('This run has not been tested: python test.py does.',
                       'lacking')
    for compared in report.curves:
        if len(report.curves) > 1:
            page.paragraph(f'{compared.curve.title}: {compared.verdict}')
        else:
            page.paragraph(compared.verdict)
        for line in compared.summaries:
            page.paragraph(line, 'note')
    for line in report.tests:
        page.paragraph(line, 'note')


def _format_share(num_correct, num_examples):
    low, high = compute_interval(num_correct, num_examples)
    return [f'{num_correct:,} of {num_examples:,}',
            f'{100 * num_correct / num_examples:.2f} %',
            f'{100 * low:.2f} to {100 * high:.2f} %']


def _add_curve(page, record, compared):
    curve = compared.curve
    title = curve.title.lower()
    page.heading(curve.title)
    if not record.epochs:
        page.paragraph('The record has no finished epoch.', 'lacking')
        return
    page.raw('<div class="charts">')
    page.figure(
        charts.draw_curve(compared, len(record.epochs)),
        f'Line chart: {title} by epoch of this run, the documented run and, '
        'where there is one, a plain port of the original.',
        _CAPTIONS.get(curve.figure, ''))
    if compared.comparison:
        page.figure(
            charts.draw_deviations(compared),
            f'Bar chart: deviation of each epoch\'s {title} from the '
            'documented one, between the limits of the band.',
            'This run against the documented one, epoch by epoch.')
    page.raw('</div>')
    if compared.comparison:
        page.raw('<details><summary>The numbers</summary>')
        page.table(['epoch', title, 'documented', 'deviation'],
                   [[d.epoch, f'{d.value:.5f}', f'{d.reference:.5f}',
                     f'{d.percent:+.2f} {curve.unit}']
                    for d in compared.comparison.deviations],
                   numeric=(0, 1, 2, 3))
        page.raw('</details>')


def _add_test(page, findings):
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
        '(column).')
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
        'cut off.')


def _encode_png(image):
    """PNG of uint8 [rows, columns, 3]."""
    Image = extras.load('PIL.Image', charts.PURPOSE)
    content = io.BytesIO()
    Image.fromarray(image).save(content, 'PNG')
    return content.getvalue()
