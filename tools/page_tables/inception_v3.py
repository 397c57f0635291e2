"""inception_v3: a short run, and what its commands take."""

import os
import statistics

import page_tables
from cifar10_tf1.machine import description
from cifar10_tf1.records import reference_run, run_record
from page_tables import results

FOLDER = ('runs', 'inception_v3', '30-steps')


@page_tables.table
def build_inception_steps():
    """The losses of a short run, and seconds a step beside the documented ones."""
    rows = results.load_rows(*FOLDER, 'steps.csv')
    record = run_record.load_folder(os.path.join(reference_run.RESULTS, *FOLDER))
    seconds = [float(row['seconds']) for row in rows]
    shown = [rows[number - 1] for number in (1, 2, 5, 10, 20, len(rows))]
    return results.format_table(
        ['step', *(row['step'] for row in shown)],
        [['loss', *(f'{float(row["loss"]):.4f}' for row in shown)]]) + [
        '', *page_tables.wrap(
            f'{statistics.median(seconds):.1f} s a step in the median '
            f'({min(seconds):.1f} to {max(seconds):.1f}), '
            f'{record.settings.inter_op_threads} cores of '
            f'{description.name_machine(record.kind)}; documented: 50.8 s. 1,500 such '
            f'steps take {1500 * statistics.median(seconds) / 3600:.1f} hours.')]


@page_tables.table
def build_inception_commands():
    return results.format_table(['command', 'seconds', 'peak memory, GB'], [
        [f'`{row["command"]}`', f'{float(row["seconds"]):.0f}',
         f'{float(row["peak_memory_kb"]) / 1e6:.1f}']
        for row in results.load_rows(*FOLDER, 'commands.csv')])
