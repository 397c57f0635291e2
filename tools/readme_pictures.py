"""Draws README.md's pictures from a run into docs/.

    python tools/readme_pictures.py results/record/run.json --data-dir DIR

Curves need the record alone; the confusion matrix, the classes and the filters the
checkpoint (beside the record, or --checkpoint PREFIX) and the data. No image of a
data set is among them. Another command draws docs/predict.png, on the generated data:

    python -m cifar10_tf1.predict --test 4 --seed 1 --synthetic \\
        --data-dir demo/data --model-dir demo/model --figure docs/predict.png
"""

import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT)

from cifar10_tf1 import cli  # noqa: E402
from cifar10_tf1.machine import devices  # noqa: E402
from cifar10_tf1.report import comparison  # noqa: E402
from cifar10_tf1.records import run_record  # noqa: E402
from cifar10_tf1.machine import runtime  # noqa: E402
from cifar10_tf1.report import charts  # noqa: E402
from cifar10_tf1.report import curve_charts  # noqa: E402
from cifar10_tf1.report import findings  # noqa: E402
from cifar10_tf1.report import text  # noqa: E402

DOCS = os.path.join(ROOT, 'docs')


def draw_pictures(record, found):
    """{name: bytes of a PNG}."""
    (compared,) = comparison.build_report(record).curves
    name = text.name_run(record)
    pictures = {'loss': curve_charts.draw_curve(compared, name, 'png')}
    if compared.comparison:
        pictures['deviation'] = curve_charts.draw_deviations(compared, name,
                                                             'png')
    if found.filters is not None:
        pictures['filters'] = charts.draw_filters(found.filters, 'png')
    if found.tested:
        confusion = found.tested.confusion
        pictures['confusion'] = charts.draw_confusion(
            confusion, found.class_names, 'png')
        pictures['classes'] = charts.draw_class_accuracies(
            findings.list_class_accuracies(found),
            confusion.trace() / confusion.sum(), 'png')
    return pictures


def main():
    parser = cli.Parser(prog='tools/readme_pictures.py')
    parser.add_argument('record', metavar='RUN.JSON')
    parser.add_argument('--checkpoint', metavar='PREFIX')
    cli.add_data_dir_option(parser)
    return cli.run_command(parser, None, _write)


def _write(options):
    record = run_record.load(options.record)
    runtime.prepare_environment(findings.choose_kernels(record))
    devices.select('cpu')
    runtime.load_tensorflow()
    from cifar10_tf1 import systems
    found = findings.find(record, options, systems.load(systems.DEFAULT))
    os.makedirs(DOCS, exist_ok=True)
    for name, content in draw_pictures(record, found).items():
        path = os.path.join(DOCS, name + '.png')
        with open(path, 'wb') as file:
            file.write(content)
        print(os.path.relpath(path, ROOT), f'{len(content):,} bytes')
    return 0


if __name__ == '__main__':
    sys.exit(main())
