"""What stands at a report's end: data, settings, machine, hashes."""

import json
from cifar10_tf1.machine import description
from cifar10_tf1.report.page import escape


def add_statistics(page, findings):
    page.heading('Data set')
    if findings.statistics is None:
        page.paragraph(findings.data, 'lacking')
        return
    names = findings.class_names
    files = findings.statistics
    page.paragraph('Samples of each class in each file; the least and the '
                   'greatest byte of its images.', 'note')
    page.table(
        ['file', 'samples', 'values'] + list(names),
        [[file.name, f'{file.num_examples:,}',
          f'{file.minimum} to {file.maximum}'] + file.label_counts
         for file in files], numeric=range(1, 3 + len(names)))
    page.table(['file', 'first 20 labels'],
               [[file.name, ' '.join(map(str, file.first_labels))]
                for file in files], long=(1,))
    shown = [image for file in files for image in file.images]
    if not shown:
        return
    page.table(
        ['image', 'label', 'values'],
        [[f'{image.file}, image {image.index}',
          f'{image.label} ({names[image.label]})',
          f'{image.minimum} to {image.maximum}'] for image in shown],
        numeric=(2,), long=(0, 1))


def add_settings(page, content):
    page.heading('Settings')
    rows = [[name, _format_value(value)]
            for name, value in sorted(content['settings'].items())]
    rows += [[name, _format_value(value)] for name, value in _flatten(
        content['system_settings'])]
    page.table(['setting', 'value'], rows, long=(1,))


def add_environment(page, content):
    page.heading('Environment')
    if content['not_bit_exact']:
        page.paragraph('Not bit-exact: ' + '; '.join(
            map(str, content['not_bit_exact'])), 'lacking')
    for number, process in enumerate(content['processes'], 1):
        page.raw(f'<details{" open" if number == 1 else ""}><summary>Process '
                 f'{number} of {len(content["processes"])}: steps '
                 f'{escape(process["from_step"])} to '
                 f'{escape(_or_unknown(process["to_step"]))}</summary>')
        page.table([], [
            ['command', process['command']], ['started', process['started']],
            ['end', _or_unknown(process['end'])],
            ['commit', description.format_commit(process['commit'],
                                                 process['commit_is_clean'])]]
            + [[name, _format_value(value)] for name, value in
               _flatten(process['kind']) + _flatten(process['versions'])],
            long=(1,))
        page.raw('</details>')


def add_hashes(page, content, findings):
    page.heading('Hashes (SHA-256)')
    weights = content['weights'] or {'step': 'unknown', 'sha256': 'unknown'}
    rows = [[f'weights at step {weights["step"]}', weights['sha256']]]
    rows += sorted(content['data'].get('sha256', {}).items())
    rows += [[f'predictions, step {test["step"]}, {test["crop"]} crop, seed '
              f'{test["seed"]}', test.get('predictions_sha256')]
             for test in content['tests']]
    page.table(['of', 'SHA-256'], rows, long=(0, 1))
    page.paragraph(f'Checkpoint: {findings.checkpoint}', 'note')


def _flatten(settings, prefix=''):
    """[['schedule decay_rate', 0.1], ...] of dicts in dicts."""
    rows = []
    for name, value in sorted(settings.items()):
        if isinstance(value, dict):
            rows += _flatten(value, f'{prefix}{name} ')
        else:
            rows.append([prefix + name, value])
    return rows


def _or_unknown(value):
    """What is noted of a process at its end: not yet, or never."""
    return 'unknown' if value is None else value


def _format_value(value):
    if value is None:
        return 'none'
    return value if isinstance(value, str) else json.dumps(value)
