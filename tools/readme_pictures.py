"""Draws the pages' pictures of the run of record, and inception_v3's losses, into docs/.

    python tools/readme_pictures.py --data-dir DIR

No image of a data set is among them. Another command draws docs/predict.png, on the
generated data:

    python -m cifar10_tf1.predict --test 4 --seed 1 --synthetic \\
        --data-dir demo/data --model-dir demo/model --figure docs/predict.png
"""

import pathlib
import sys

import numpy as np

import page_tables

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cifar10_tf1 import cli  # noqa: E402
from cifar10_tf1.common import drawing  # noqa: E402
from cifar10_tf1.records import reference_run, run_record  # noqa: E402
from cifar10_tf1.report import (  # noqa: E402
    building, charts, gathering, network)

# By the beginning of a figure's alternative text.
NAMES = {'Line': 'loss', 'Matrix': 'confusion', 'Small pictures': 'filters'}
INCEPTION = ROOT / 'results' / 'runs' / 'inception_v3'
SMOOTHED = 25  # steps in a mean


def main():
    parser = cli.Parser(__doc__)
    cli.add_data_dir_option(parser)
    parser.set_defaults(checkpoint=reference_run.find_checkpoint(), without_images=True)
    return cli.run_command(parser, None, _write)


def _write(options):
    record = run_record.load_folder(reference_run.RECORD)
    document = building.build([gathering.build_run(record)])
    sections = document.sections + network.describe(record, options)
    figures = [figure for section in sections for figure in section.figures]
    for begins, name in NAMES.items():
        figure = next(one for one in figures if one.alternative.startswith(begins))
        (ROOT / 'docs' / f'{name}.png').write_bytes(charts.draw(figure.content, 'png'))
    (ROOT / 'docs' / 'inception_v3.png').write_bytes(charts.draw(_plot_steps, 'png'))
    return 0


def _plot_steps(figure):
    """inception_v3's losses, step by step and as moving means, beside the documented ones."""
    axes = figure.subplots()
    for name, label, color, width in (
            ('documented.csv', 'documented run', drawing.ORANGE, 3.0),
            ('other-weights/2.21-seed-01/steps.csv', 'ours, from other weights',
             drawing.BLUE, 1.4)):
        losses = [float(row['loss']) for row in page_tables.load_rows(INCEPTION / name)]
        means = np.convolve(losses, np.full(SMOOTHED, 1 / SMOOTHED), 'valid')
        axes.plot(range(1, len(losses) + 1), losses, color=color, alpha=0.25, linewidth=0.5)
        axes.plot(range(SMOOTHED, len(losses) + 1), means, color=color, linewidth=width,
                  label=label, alpha=0.85)
    axes.set_xlabel('step')
    axes.set_ylabel(f'loss of a mini-batch; thick: mean of {SMOOTHED} steps')
    axes.set_ylim(0.4, 3.2)
    axes.grid(axis='y', linewidth=0.8)
    axes.legend(loc='upper right')


if __name__ == '__main__':
    sys.exit(main())
