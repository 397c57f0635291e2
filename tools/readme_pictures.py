"""Draws the pages' pictures of the run of record into docs/.

    python tools/readme_pictures.py --data-dir DIR

No image of a data set is among them. Another command draws docs/predict.png, on the
generated data:

    python -m cifar10_tf1.predict --test 4 --seed 1 --synthetic \\
        --data-dir demo/data --model-dir demo/model --figure docs/predict.png
"""

import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from cifar10_tf1 import cli  # noqa: E402
from cifar10_tf1.records import reference_run, run_record  # noqa: E402
from cifar10_tf1.report import (  # noqa: E402
    building, charts, gathering, network)

# By the beginning of a figure's alternative text.
NAMES = {'Line': 'loss', 'Matrix': 'confusion', 'Small pictures': 'filters'}


def main():
    parser = cli.Parser(__doc__)
    cli.add_data_dir_option(parser)
    parser.set_defaults(checkpoint=reference_run.find_checkpoint(), without_images=True)
    return cli.run_command(parser, None, _write)


def _write(options):
    record = run_record.load_folder(reference_run.RECORD)
    document = building.build([gathering.build_run(record)])
    sections = document.sections + network.describe(record, options)
    for figure in (one for section in sections for one in section.figures):
        name = next(name for begins, name in NAMES.items()
                    if figure.alternative.startswith(begins))
        (ROOT / 'docs' / f'{name}.png').write_bytes(charts.draw(figure.content, 'png'))
    return 0


if __name__ == '__main__':
    sys.exit(main())
