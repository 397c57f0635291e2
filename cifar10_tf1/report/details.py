"""The sections on a single run: its description, and what it has learned."""

import json

from cifar10_tf1.common import png
from cifar10_tf1.machine import description
from cifar10_tf1.predict.pictures import as_rgb
from cifar10_tf1.report import charts, gathering
from cifar10_tf1.report.document import count, Figure, Section, Sentence, Table
from cifar10_tf1.report.findings import compute_interval

NUM_MISTAKES = 24


def describe_run(record):
    """The Sections on a run that need only its RunRecord."""
    content, process = record.content, record.content['processes'][-1]
    kind, weights = process['kind'], content['weights'] or {}
    differences = content['not_bit_exact']
    return [Section('Run', [
        Sentence('Training:', f'{count(gathering.count_epochs(record), "epoch")} in '
                 f'{count(len(content["processes"]), "process")}, {kind["wheel"]}, '
                 f'{kind["kernels"]} kernels, {kind["device"]}, '
                 f'{description.name_machine(kind)}.'),
        Sentence('Commit:', description.format_commit(
            process['commit'], process['commit_is_clean'])),
        Sentence('Repeatable to the bit on this kind of machine:',
                 'no: ' + '; '.join(differences) if differences else 'yes',
                 False if differences else None),
        Sentence(f'Weights at step {weights.get("step", "unknown")}:',
                 f'SHA-256 {weights.get("sha256", "unknown")}')]),
        Section('Tests', tables=[Table(
            ['test', 'correct', 'accuracy', '95 % interval', 'step'],
            [_describe_test(test) for test in sorted(
                content['tests'],
                key=lambda test: (-test['step'], test['crop'], test['seed']))],
            'The numbers')])]


def _describe_test(test):
    """A row of the table of tests."""
    correct, examples = test['num_correct'], test['num_examples']
    low, high = compute_interval(correct, examples)
    runtime = gathering.name_runtime(test['kind']['wheel'])
    return (f'{test["crop"]}, seed {test["seed"]}, {runtime}',
            f'{correct:,} of {examples:,}', f'{100 * correct / examples:.2f} %',
            f'{100 * low:.2f} to {100 * high:.2f} %', f'{test["step"]:,}')


def describe_findings(record, findings, with_images):
    """The Sections on a findings.Findings, with images of the data set or without."""
    tested, filters = findings.tested, findings.filters
    sections = [Section(
        'Classes', [Sentence('Checkpoint:', text) for text in findings.sentences],
        _draw_classes(tested) if tested else [])]
    if tested:
        sections.append(Section('Surest mistakes', [Sentence(
            '', 'Wrong predictions with the highest probability.' if with_images
            else 'Left out by --without-images: the data set\'s images must not be '
            'redistributed.')], _list_mistakes(tested) if with_images else []))
    if filters is not None:
        sections.append(Section('Filters of the first layer', figures=[Figure(
            lambda figure: charts.plot_filters(figure, filters),
            'Small pictures, one for each filter of the first layer.',
            'The filters used in testing; weights on one common scale, zero is grey; '
            'the largest 0.5 % are clipped.', is_picture=True)]))
    settings = {name: part for name, part in record.content.items() if name != 'epochs'}
    sections.append(Section('Settings, machine and hashes',
                            code=json.dumps(settings, indent=2, ensure_ascii=False)))
    return sections


def _draw_classes(tested):
    return [
        Figure(lambda figure: charts.plot_confusion(figure, tested),
               'Matrix: number of test images by true and predicted class.',
               'Test images by true class (row) and predicted class (column), coloured '
               'by the square root of their share of the row.'),
        Figure(lambda figure: charts.plot_class_accuracies(figure, tested),
               'Dot chart: accuracy of each class with its interval. ' + '; '.join(
                   f'{name} {100 * accuracy:.1f} %' for name, accuracy, *unused_interval
                   in tested.list_class_accuracies()),
               'Accuracy by class. The interval covers the sampling of test images '
               'alone.')]


def _list_mistakes(tested):
    """A Figure for each of the surest mistakes."""
    names = tested.class_names
    return [Figure(png.encode(as_rgb(tested.images[i])), '', (
        f'{names[tested.predictions[i]]} {100 * tested.probabilities[i]:.1f} %, is '
        f'{names[tested.labels[i]]} (image {i})'), is_picture=True)
        for i in tested.find_surest_mistakes(NUM_MISTAKES)]
