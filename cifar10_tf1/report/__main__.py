"""Compares a run with the documented one, as text and as one HTML file.

    python -m cifar10_tf1.report model/run.json

The page has curves, confusion matrix, accuracy by class, mistakes, filters, settings and
hashes. For several runs of one system, such as runs/*/run.json, it shows their spread,
what that says about the documented figures, and a table of all runs. The exit status is 0
within the band or if a run is too short to tell, 4 outside the band.
"""

import contextlib
import os
import sys

from cifar10_tf1 import cli
from cifar10_tf1.common import files, packages
from cifar10_tf1.common.errors import explained, UserError
from cifar10_tf1.records import reference_run, run_record
from cifar10_tf1.report import (
    building, charts, comparison, details, document as documents, gathering, network,
    page)


def _report(options):
    records = [_load(name) for name in options.records or [_find_record(options)]]
    first, is_single = records[0], len(records) == 1
    if options.checkpoint and not is_single:
        raise UserError('--checkpoint belongs to one run, but there are several: omit '
                        'it, or name one record')
    runs = gathering.load_records(records)
    document = building.build(runs)
    if is_single:
        document.sections.extend(details.describe_run(first))
    path = options.output or os.path.join(first.folder if is_single else '', 'report.html')
    if not options.text:
        _check_output(path)
    print(documents.format_text(document, options.text), end='')
    if not options.text:
        if is_single:
            packages.require('matplotlib', charts.PURPOSE)
            document.sections.extend(network.describe(first, options))
        content = page.render(document, first.entry)
        with explained(f'write {path}', '--output'):
            files.write_atomically(path, content)
        print(f'Report: {path}')
    counted = runs if is_single else sum(gathering.gather(runs)[0], [])
    return 4 if False in [comparison.is_within(run.record) for run in counted] else 0


def _load(path):
    """Loads the RunRecord in a file, or in the run.json of a folder."""
    if os.path.isdir(path):
        path = os.path.join(path, run_record.FILE)
    return run_record.load(path)


def _find_record(options):
    """The record in the default folder, or the run of record."""
    # The report on the latter goes to ./report.html: the published one is beside the record.
    folder = cli.find_model_dir(options)
    path = os.path.join(folder, run_record.FILE)
    of_record = os.path.join(reference_run.RECORD, run_record.FILE)
    if os.path.exists(path) or not os.path.exists(of_record):
        return path
    print(f'No run in {folder}: this is the run of record, {reference_run.shorten(of_record)}')
    options.output = options.output or 'report.html'
    return of_record


def _check_output(path):
    """Refuses to replace anything but an earlier report."""
    if not os.path.lexists(path):
        return
    head = page.HEAD.encode()
    with contextlib.suppress(OSError), files.open_regular(path) as file:
        if file.read(len(head)) == head:
            return
    raise UserError(f'{path} exists and is not a report by this program; name another '
                    'file with --output')


def main(argv=None):
    parser = cli.Parser(__doc__)
    cli.add_path(parser, 'records', 'RUN.JSON',
                 'one or more records (default: run.json in $CIFAR10_MODEL_DIR or '
                 './model; if there is none, the run of record)', nargs='*')
    parser.add_argument('--text', action='store_true',
                        help='only print, including the tables (default: also write '
                        'the HTML file)')
    cli.add_path(parser, '--output', 'HTML',
                 'file to write; replaces an earlier report (default: report.html '
                 'beside the record; for several runs, ./report.html)')
    parser.add_argument('--without-images', action='store_true',
                        help='omit the images of the data set, which must not be '
                        'redistributed (default: show the surest mistakes)')
    cli.add_checkpoint_option(parser, 'the newest beside the record, or the checkpoint of record')
    cli.add_data_dir_option(parser)
    return cli.run_command(parser, argv, _report)


if __name__ == '__main__':
    sys.exit(main())
