"""inception_v3: a short run, and what its commands take."""

import os
import statistics

import page_tables
from cifar10_tf1.machine import description
from cifar10_tf1.records import reference_run
from cifar10_tf1.records import run_record
from page_tables import results

FOLDER = os.path.join(reference_run.RUNS, 'inception_v3', '30-steps')


def load_rows(name):
    return results.load_rows('runs', 'inception_v3', '30-steps', name)


@page_tables.table
def build_inception_steps():
    """The losses of a short run, and seconds a step beside the documented ones."""
    rows = load_rows('steps.csv')
    record = run_record.load_folder(FOLDER)
    seconds = [float(row['seconds']) for row in rows]
    shown = [rows[number - 1] for number in (1, 2, 5, 10, 20, len(rows))]
    cores = record.settings.inter_op_threads
    return [
        '| step | ' + ' | '.join(row['step'] for row in shown) + ' |',
        '|---' * (len(shown) + 1) + '|',
        '| loss | ' + ' | '.join(f'{float(row["loss"]):.4f}' for row in shown)
        + ' |', '',
        f'{statistics.median(seconds):.1f} s a step in the median '
        f'({min(seconds):.1f} to {max(seconds):.1f}), {cores} cores of '
        f'{description.name_machine(record.kind)}; documented: 50.8 s.']


@page_tables.table
def build_inception_commands():
    rows = load_rows('commands.csv')
    return ['| command | seconds | peak memory, GB |', '|---|---|---|'] + [
        f'| `{row["command"]}` | {float(row["seconds"]):.0f} | '
        f'{float(row["peak_memory_kb"]) / 1e6:.1f} |' for row in rows]
