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
from cifar10_tf1.records import run_record  # noqa: E402
from cifar10_tf1.report import (  # noqa: E402
    building, charts, details, findings, gathering)

# By the beginning of a figure's alternative text.
NAMES = {'Line': 'loss', 'Matrix': 'confusion', 'Dot chart: accuracy': 'classes',
         'Small pictures': 'filters'}


def main():
    parser = cli.Parser(prog='tools/readme_pictures.py')
    parser.add_argument('record', metavar='RUN.JSON')
    parser.add_argument('--checkpoint', metavar='PREFIX')
    cli.add_data_dir_option(parser)
    return cli.run_command(parser, None, _write)


def _write(options):
    record = run_record.load(options.record)
    document = building.build([gathering.build_run(record)])
    sections = document.sections + details.describe_findings(
        record, findings.find(record, options), with_images=False)
    for figure in (one for section in sections for one in section.figures):
        name = next(name for begins, name in NAMES.items()
                    if figure.alternative.startswith(begins))
        path = os.path.join(ROOT, 'docs', name + '.png')
        content = charts.draw(figure.content, 'png')
        with open(path, 'wb') as file:
            file.write(content)
        print(os.path.relpath(path, ROOT), f'{len(content):,} bytes')
    return 0


if __name__ == '__main__':
    sys.exit(main())
